"""`vc voice`: enrol voices and list them."""

import sys

from vc.commands.shared import add_command, add_model_options, complain, load_converter
from vc.errors import VcError


def add(commands):
    """The parsers of `vc voice`."""
    parser = commands.add_parser("voice", help="enrol voices and list them")
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    adding = add_command(actions, "add", _voice_add, tail="references",
                         help="enrol a voice: keep its speaker half, not the recordings")
    adding.add_argument("name", metavar="NAME")
    adding.add_argument("references", nargs="+", metavar="REF", help="recordings of one person, with their consent")
    adding.add_argument("--force", action="store_true", help="replace a voice of this name")
    add_model_options(adding)
    add_command(actions, "list", _voice_list, help="list the enrolled voices")


def _voice_add(options):
    from vc.voices import VoiceLibrary

    converter = load_converter(options)
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
            complain(error)
            damaged += 1
        else:
            print(f"{name}\t{voice['seconds']:.1f} s\tmodel {voice['model'][:12]}")
    if not library.names():
        print(f"no voice is enrolled in {library.folder}", file=sys.stderr)
    return 1 if damaged else 0
