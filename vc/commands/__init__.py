"""The commands of `vc`, in the order of its help. To add one: a file here with `add(commands)`, and a line below."""

from vc.commands import codec, compare, convert, demo, evaluate, export, info, prepare, probe, train, voice

COMMANDS = (convert, voice, codec, demo, prepare, train, evaluate, probe, compare, info, export)
