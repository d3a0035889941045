"""The commands of `vc`, in the order of its help. To add one: a file here with `add(commands)`, and a line below."""

from vc.commands import convert, demo, info, prepare, train, voice

COMMANDS = (convert, voice, demo, prepare, train, info)
