"""The commands of `vc`, in the order of its help. To add one: a file here with `add(commands)`, and a line below."""

from vc.commands import compare, convert, demo, evaluate, export, info, prepare, probe, train, voice

COMMANDS = (convert, voice, demo, prepare, train, evaluate, probe, compare, info, export)
