"""The commands of `vc`, in the order of its help. To add one: a file here with `add(commands)`, and a line below."""

from vc.commands import (
    check,
    codec,
    compare,
    convert,
    demo,
    evaluate,
    export,
    finetune,
    info,
    prepare,
    probe,
    search,
    train,
    voice,
)

COMMANDS = (convert, voice, codec, search, check, demo, prepare, train, finetune, evaluate, probe, compare, info,
            export)
