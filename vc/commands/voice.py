"""`vc voice`: enrol voices, invent voices, list and remove them."""

import argparse
import math
import random
import sys
from dataclasses import replace

from vc.commands.references import heard_references
from vc.commands.shared import add_command, add_model_options, complain, load_converter, nonempty, resolve_target
from vc.commands.strangers import strange_from
from vc.errors import VcError

SEEDS = 2**32  # so many different voices can be asked for


def add(commands):
    """The parsers of `vc voice`."""
    parser = commands.add_parser("voice", help="enrol voices, invent voices, list and remove them")
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    adding = add_command(actions, "add", _voice_add, tail="references",
                         help="enrol a voice: keep what conversion needs of it, not the recordings")
    adding.add_argument("name", metavar="NAME")
    adding.add_argument("references", nargs="+", type=nonempty, metavar="REF",
                        help="recordings of one person, files or folders, with their consent")
    adding.add_argument("--force", action="store_true", help="replace a voice of this name")
    add_model_options(adding)
    _add_invent(actions)
    add_command(actions, "list", _voice_list, help="list the enrolled voices: name, seconds of speech (- where nobody "
                "spoke it), model")
    removing = add_command(actions, "remove", _voice_remove, help="forget an enrolled voice")
    removing.add_argument("name", metavar="NAME")


def _add_invent(actions):
    parser = add_command(
        actions, "invent", _voice_invent, help="enrol a voice that nobody has",
        description="Draw a voice at random and enrol it as NAME. --like and --between take the way to voices that "
                    "there are, --pitch moves what came of it. VOICE is an enrolled voice or a recording.")
    parser.add_argument("name", metavar="NAME")
    origin = parser.add_mutually_exclusive_group()
    origin.add_argument("--seed", type=_seed, metavar="N", help="the same number draws the same voice (default: a new "
                        "one, which is told)")
    origin.add_argument("--between", nargs=2, type=nonempty, metavar=("A", "B"),
                        help="draw nothing, take a voice between these two")
    parser.add_argument("--like", type=nonempty, metavar="VOICE",
                        help="nearer to this voice, with that person's consent")
    parser.add_argument("--share", type=_share, metavar="X", help="how far to go to VOICE, or from A to B: 0 to 1 "
                        "(default: 0.5)")
    parser.add_argument("--pitch", type=_semitones, metavar="SEMITONES", help="higher, or lower where negative, and "
                        "all else of the voice as fits")
    parser.add_argument("--prior", type=nonempty, metavar="FILE",
                        help="what to draw from (default: the one in the package, for the model in the package)")
    parser.add_argument("--force", action="store_true", help="replace a voice of this name")
    add_model_options(parser)
    parser.set_defaults(refuse=parser.error)


def _voice_add(options):
    from vc.voices import VoiceLibrary

    converter = load_converter(options)
    heard = heard_references(options.references, converter, strange_from(options.model, converter))
    voice = converter.voice_in(heard, options.name)
    path = VoiceLibrary().add(voice, converter, options.force)
    print(f"{path}: {voice.name}, from {voice.seconds:.1f} s of speech")
    return 0


def _voice_invent(options):
    from vc.voices import VoiceLibrary

    if options.between and options.like:
        options.refuse("argument --like: not allowed with argument --between")
    if options.share is not None and not (options.between or options.like):
        options.refuse("argument --share: needs --like or --between")
    converter = load_converter(options)
    voice, origin = _invented(options, converter)
    # Nobody spoke it, also where it comes of voices that somebody did.
    path = VoiceLibrary().add(replace(voice, name=options.name, seconds=0.0), converter, options.force)
    pitch_hz = voice.pitch.mean.exp().item()
    speaks = "without a pitch" if math.isnan(pitch_hz) else f"speaks at {pitch_hz:.0f} Hz"
    print(f"{path}: {options.name}, {origin}, {speaks}")
    return 0


def _invented(options, converter):
    """The Voice that the options ask for, and where it comes from in words."""
    from vc.voice_prior import load_prior
    from vc.voices import blend

    share = 0.5 if options.share is None else options.share
    prior = None
    if options.between:
        first, second = (resolve_target([name], converter) for name in options.between)
        voice, origin = blend(first, second, share), f"{share:g} of the way from {' to '.join(options.between)}"
    else:
        seed = random.randrange(SEEDS) if options.seed is None else options.seed
        prior = load_prior(converter, options.prior)
        voice, origin = prior.invent(seed), f"seed {seed}"
    if options.like:
        voice = blend(voice, resolve_target([options.like], converter), share)
        origin += f", {share:g} of the way to {options.like}"
    if options.pitch:
        voice = (prior or load_prior(converter, options.prior)).higher(voice, options.pitch)
        origin += f", {options.pitch:+g} semitones"
    return voice, origin


def _seed(text):
    return _number(text, int, 0, SEEDS - 1, "a whole number")


def _share(text):
    return _number(text, float, 0, 1, "a number")


def _semitones(text):
    return _number(text, float, -48, 48, "a number")


def _number(text, kind, lowest, highest, what):
    """The text as a number from lowest to highest; in argparse's words where it is not."""
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not lowest <= value <= highest:
        raise argparse.ArgumentTypeError(f"{text}: expected {what} from {lowest} to {highest}")
    return value


def _voice_list(options):
    from vc.voices import VoiceLibrary

    library, damaged = VoiceLibrary(), 0
    for name in library.names():
        try:
            voice = library.read(name).extra
        except VcError as error:
            complain(error)
            damaged += 1
        else:
            spoken = f"{voice['seconds']:.1f} s" if voice["seconds"] else "-"
            print(f"{name}\t{spoken}\tmodel {voice['model'][:12]}")
    if not library.names():
        print(f"no voice is enrolled in {library.folder}", file=sys.stderr)
    return 1 if damaged else 0


def _voice_remove(options):
    from vc.voices import VoiceLibrary

    VoiceLibrary().remove(options.name)
    print(f"{options.name}: removed")
    return 0
