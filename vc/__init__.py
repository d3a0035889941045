"""vc: voice conversion by feature disentanglement.

    import vc
    voice = vc.load()                                  # the model that ships with the package
    audio = voice.convert("source.wav", target=["a.wav", "b.wav"])
    vc.save_audio("out.wav", audio, voice.sample_rate, label=voice.label)

Importing does nothing but this: what needs torch or an audio library is imported when first used.
"""

import importlib

__version__ = "0.1.0"

_LAZY = {
    "load": "vc.conversion",
    "Converter": "vc.conversion",
    "audio_label": "vc.audio",
    "load_audio": "vc.audio",
    "save_audio": "vc.audio",
    "Index": "vc.search",
    "Voice": "vc.voices",
    "VoiceLibrary": "vc.voices",
    "VcError": "vc.errors",
}
__all__ = list(_LAZY)


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module 'vc' has no attribute {name!r}; it has {', '.join(_LAZY)}")
    return getattr(importlib.import_module(_LAZY[name]), name)
