"""What the commands have in common: their parsers' options, the converter they ask for, the way they complain."""

import argparse
import os
import sys
from pathlib import Path

from vc.commands.references import heard_references
from vc.device import DEVICES
from vc.errors import VoiceError


def add_command(commands, name, run, tail=None, **texts):
    """A parser for one command. run: what carries it out. tail: its positional that takes any number."""
    parser = commands.add_parser(name, **texts)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.set_defaults(run=run, tail=tail)
    return parser


def add_model_options(parser):
    """--model, --vocoder and --device."""
    add_model(parser)
    add_vocoder(parser)
    add_device(parser)


def add_model(parser):
    """--model."""
    parser.add_argument("--model", type=nonempty, metavar="FILE",
                        help="a model that `vc train` wrote (default: the one in the package)")


def add_vocoder(parser):
    """--vocoder."""
    parser.add_argument("--vocoder", type=nonempty, metavar="NAME",
                        help="neural, griffin-lim, or a file that `vc train` wrote (default: neural; griffin-lim where "
                             "a model has another mel than the one in the package)")


def add_device(parser):
    """--device."""
    parser.add_argument("--device", default="auto", choices=DEVICES, help="default: %(default)s")


def add_run_options(parser, named_after):
    """Settings over those of the run, -o, --resume and --device. named_after: whose name the run takes by default."""
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="for instance train.steps=1000")
    parser.add_argument("-o", "--output", type=nonempty, metavar="RUN",
                        help=f"folder of the run (default: runs/ and {named_after})")
    parser.add_argument("--resume", action="store_true", help="continue the run in this folder")
    add_device(parser)


def run_folder(options, origin):
    """The folder that the run options name, by default after the file or folder `origin`; a folder's name has no
    suffix."""
    origin = Path(origin)
    return Path(options.output or Path("runs") / (origin.name if origin.is_dir() else origin.stem))


def nonempty(text):
    """A name, of a file for instance, as an option's type. An empty path would mean the folder one is in."""
    if not text:
        raise argparse.ArgumentTypeError("got the empty text; is a variable of the shell unset?")
    return text


def positive(text):
    """A whole number above 0, as an option's type."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


def load_converter(options):
    """The Converter that the model options ask for. Raises CheckpointError, ConfigError."""
    from vc.conversion import load

    return load(options.model, options.device, options.vocoder)


def packaged(name):
    """The file of a model or vocoder: None and "default" mean the model in the package, "neural" its vocoder."""
    from vc.conversion import model_path
    from vc.vocoders.neural import DEFAULT_FILE

    return DEFAULT_FILE if name == "neural" else model_path(name)


def checked_output(name, force, refusal, read=()):
    """The Path of a file to be written, None for None. To be called before any work: raises `refusal`, one of our
    errors, for a folder and where the file exists and may not be replaced; those that this call reads never may. read:
    their paths, see vc.jobs.refuse_overwriting."""
    if name is None:
        return None
    from vc.jobs import refuse_overwriting

    output = Path(name)
    if output.is_dir():
        raise refusal(f"{output}: is a folder, expected the name of a file to write")
    refuse_overwriting([output], read, refusal)
    if output.exists() and not (force and output.is_file()):
        raise refusal(f"{output}: exists already; give --force to replace a file, or another name")
    return output


def resolve_target(target, converter, threshold=None):
    """The Voice of recordings, a list of paths, or that of an enrolled voice, the list of its name where no such file
    exists. threshold: see vc.commands.references. Raises AudioError, DataError, VoiceError."""
    from vc.voices import VoiceLibrary, composed, is_voice_name

    library = VoiceLibrary()
    enrolled = library.names()
    voices = [name for name in target if composed(name) in enrolled and not os.path.isfile(name)]
    if voices and len(target) > 1:
        raise VoiceError(f"{voices[0]}: is an enrolled voice, which stands alone; give only it, or only recordings")
    if voices or (len(target) == 1 and is_voice_name(target[0]) and not os.path.exists(target[0])):
        return library.get(target[0], converter)
    return converter.voice_in(heard_references(target, converter, threshold))


def complain(error):
    """One line on stderr."""
    print(f"vc: error: {' '.join(str(error).split())}", file=sys.stderr)
