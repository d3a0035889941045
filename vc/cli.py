"""The command line: `vc prepare | train | convert | voice | info | example`.

Results go to stdout, progress and errors to stderr. Exit 0 when everything succeeded, 1 when anything failed, 2 for a
wrong call. Nothing heavy is imported before a command needs it, so that --help answers at once.
"""

import argparse
import gc
import logging
import os
import sys
import time
from pathlib import Path

import vc
from vc.data.layouts import LAYOUTS
from vc.device import DEVICES
from vc.errors import VcError


def entry_point():
    """What the `vc` script and `python -m vc` call."""
    # A file name may hold what the terminal's encoding cannot say; that is no reason to fail after the work is done.
    sys.stdout.reconfigure(errors="backslashreplace")
    # Read by OpenMP when torch is loaded. Threads that wait for each other would otherwise spin, and beside a program
    # that keeps one core busy that makes conversion five times slower; asleep they cost next to nothing.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    code = main(sys.argv[1:])
    gc.freeze()  # on its way out Python would look for garbage among all that torch holds, for a third of a second
    sys.exit(code)


def main(arguments):
    """Run one command; returns the exit code. Raises SystemExit for a wrong call and after --help."""
    options = _parse(arguments)
    _show_warnings()
    try:
        return options.run(options)
    except (VcError, OSError) as error:  # OSError: a disk or folder that refuses where no lower layer expects it
        if options.debug:
            raise
        _complain(error)
        return 1
    except KeyboardInterrupt:
        _complain("stopped by Ctrl-C")
        return 130


def _complain(error):
    print(f"vc: error: {' '.join(str(error).split())}", file=sys.stderr)


def _show_warnings():
    """Warnings go to stderr, each once: a source is read twice, and its damage would be told twice."""
    shown = set()

    def is_new(record):
        new = record.getMessage() not in shown
        shown.add(record.getMessage())
        return new

    handler = logging.StreamHandler()
    handler.addFilter(is_new)
    logging.addLevelName(logging.WARNING, "warning")
    logging.basicConfig(level=logging.WARNING, format="vc: %(levelname)s: %(message)s", handlers=[handler])


def _parse(arguments):
    """argparse closes a list of positionals at the first option (`train CONFIG -o RUN key=value`); this one goes on."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and (options.tail is None or any(text.startswith("-") for text in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        getattr(options, options.tail).extend(rest)
    return options


def _parser():
    parser = argparse.ArgumentParser(prog="vc", description="Voice conversion: the same sentence in another voice.")
    parser.add_argument("--version", action="version", version=f"vc {vc.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (_add_convert, _add_example, _add_voice, _add_prepare, _add_train, _add_info):
        add(commands)
    return parser


def _command(commands, name, run, tail=None, **texts):
    """A parser for one command. run: what carries it out. tail: its positional that takes any number."""
    parser = commands.add_parser(name, **texts)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.set_defaults(run=run, tail=tail)
    return parser


def _add_model_options(parser):
    parser.add_argument("--model", metavar="FILE",
                        help="a model that `vc train` wrote (default: the one in the package)")
    parser.add_argument("--vocoder", default="griffin-lim", metavar="NAME", help="default: %(default)s")
    _add_device(parser)


def _add_device(parser):
    parser.add_argument("--device", default="auto", choices=DEVICES, help="default: %(default)s")


def _converter(options):
    from vc.conversion import load

    return load(options.model, options.device, options.vocoder)


# convert, example


def _add_convert(commands):
    parser = _command(commands, "convert", _convert, tail="sources", help="say recordings in another voice",
                      description="Say each SOURCE, a file or a folder of files, in the voice of the target.")
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="an audio file, or a folder that is mirrored")
    parser.add_argument("--target", nargs="+", required=True, metavar="REF",
                        help="one or several recordings of the target speaker, or the name of an enrolled voice")
    parser.add_argument("-o", "--output", metavar="OUT", help="a file for one source, a folder for several; its suffix "
                        "says the format (default: SOURCE-as-TARGET.wav in this folder)")
    parser.add_argument("--force", action="store_true", help="replace files that exist")
    _add_model_options(parser)


def _convert(options):
    from vc.jobs import plan_jobs

    jobs = plan_jobs(options.sources, options.target, options.output)
    converter = _converter(options)
    voice = _resolve_target(options.target, converter)
    failed = 0
    for job in jobs:
        try:
            _convert_one(converter, job.source, voice, job.output, options.force)
        except VcError as error:
            if options.debug:
                raise
            _complain(error)
            failed += 1
    if failed and len(jobs) > 1:
        _complain(f"{failed} of {len(jobs)} files failed" + ", the others are converted" * (failed < len(jobs)))
    return 1 if failed else 0


def _convert_one(converter, source, voice, output, force):
    start = time.perf_counter()
    duration_s = converter.convert_file(source, voice, output, force)
    took_s = time.perf_counter() - start
    print(f"{output}: {duration_s:.2f} s of audio in {took_s:.2f} s (real-time factor {took_s / duration_s:.2f})",
          flush=True)


def _resolve_target(target, converter):
    """Recordings, or the name of an enrolled voice where no such file exists."""
    from vc.voices import VoiceLibrary, is_voice_name

    if len(target) == 1 and is_voice_name(target[0]) and not os.path.isfile(target[0]):
        return VoiceLibrary().get(target[0], converter)
    return converter.voice_of(target)


def _add_example(commands):
    parser = _command(commands, "example", _example, help="convert a bundled recording into a bundled voice")
    parser.add_argument("-o", "--output", metavar="OUT", default="example.wav", help="default: %(default)s")
    parser.add_argument("--force", action="store_true", help="replace the file if it exists")
    _add_model_options(parser)


def _example(options):
    clips = Path(__file__).parent / "assets" / "clips"
    converter = _converter(options)
    print(f"source: {clips / 'source.flac'}\ntarget: {clips / 'target.flac'}")
    _convert_one(converter, clips / "source.flac", converter.voice_of(clips / "target.flac"), options.output,
                 options.force)
    return 0


# voice


def _add_voice(commands):
    parser = commands.add_parser("voice", help="enrol voices and list them")
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    add = _command(actions, "add", _voice_add, tail="references",
                   help="enrol a voice: keep its speaker half, not the recordings")
    add.add_argument("name", metavar="NAME")
    add.add_argument("references", nargs="+", metavar="REF", help="recordings of one person, with their consent")
    add.add_argument("--force", action="store_true", help="replace a voice of this name")
    _add_model_options(add)
    _command(actions, "list", _voice_list, help="list the enrolled voices")


def _voice_add(options):
    from vc.voices import VoiceLibrary

    converter = _converter(options)
    voice = converter.voice_of(options.references, options.name)
    path = VoiceLibrary().add(voice, converter, options.force)
    print(f"{path}: {voice.name}, from {voice.seconds:.1f} s of speech")
    return 0


def _voice_list(options):
    from vc.voices import VoiceLibrary

    library, damaged = VoiceLibrary(), 0
    for name in library.names():
        try:
            voice = library.read(name).extra
        except VcError as error:
            _complain(error)
            damaged += 1
        else:
            print(f"{name}\t{voice['seconds']:.1f} s\tmodel {voice['model'][:12]}")
    if not library.names():
        print(f"no voice is enrolled in {library.folder}", file=sys.stderr)
    return 1 if damaged else 0


# prepare, train


def _add_prepare(commands):
    parser = _command(commands, "prepare", _prepare, help="make recordings ready for training")
    parser.add_argument("source", metavar="DIR", help="a folder a speaker, a table (path, speaker, text), or a corpus")
    parser.add_argument("-o", "--output", required=True, metavar="DATA", help="folder for the prepared corpus")
    parser.add_argument("--layout", default="auto", choices=LAYOUTS, metavar="NAME",
                        help=f"{', '.join(LAYOUTS)} (default: %(default)s)")
    parser.add_argument("--sample-rate", type=int, default=16000, metavar="HZ", help="default: %(default)s")
    parser.add_argument("--min-seconds", type=float, default=0.5, metavar="S",
                        help="leave out what is shorter after trimming (default: %(default)s)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one a processor)")


def _prepare(options):
    from vc.data.preparation import format_report, prepare

    report = prepare(options.source, options.output, sample_rate_hz=options.sample_rate, layout=options.layout,
                     workers=options.workers, min_s=options.min_seconds)
    print(format_report(report))
    return 0


def _add_train(commands):
    parser = _command(commands, "train", _train, tail="overrides", help="train a model on prepared recordings")
    parser.add_argument("config", metavar="CONFIG", help="a file of configs/, or your own")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="for instance train.steps=1000")
    parser.add_argument("-o", "--output", metavar="RUN",
                        help="folder of the run (default: runs/ and the config's name)")
    parser.add_argument("--resume", action="store_true", help="continue the run in this folder")
    _add_device(parser)


def _train(options):
    from vc.config import load_config
    from vc.device import choose_device

    config = load_config(options.config, options.overrides)
    folder = Path(options.output) if options.output else Path("runs") / Path(options.config).stem
    from vc.training import train

    print(train(config, folder, resume=options.resume, device=choose_device(options.device)))
    return 0


# info


def _add_info(commands):
    parser = _command(commands, "info", _info, help="what a model file holds")
    parser.add_argument("model", nargs="?", metavar="MODEL", help="default: the model in the package")


def _info(options):
    from vc.checkpoint import load_model
    from vc.conversion import DEFAULT_MODEL

    path = options.model or DEFAULT_MODEL
    model, checkpoint = load_model(path)
    sizes = {name: sum(parameter.numel() for parameter in part.parameters())
             for name, part in (("encoder", model.encoder), ("decoder", model.decoder))}
    config = checkpoint.config
    print(f"file         {path} ({Path(path).stat().st_size / 1e6:.1f} MB, {checkpoint.kind})")
    print(f"fingerprint  {checkpoint.fingerprint[:12]}")
    print(f"steps        {checkpoint.step}")
    print("parameters   " + ", ".join(f"{name} {size / 1e6:.2f} M" for name, size in sizes.items()))
    print(f"content half {config.model.content_dims} dims, {config.model.bottleneck}, "
          f"{config.mel.sample_rate_hz / config.mel.hop_samples / config.model.stride:g} frames a second")
    print(f"speaker half {config.model.speaker_dims} dims")
    print(f"mel          {', '.join(f'{name} {value:g}' for name, value in config.mel.model_dump().items())}")
    return 0
