"""Log-mel back to waveform. To add a vocoder: subclass `Vocoder` in a file of its own and name it in VOCODERS."""

from vc.errors import ConfigError
from vc.vocoders.base import Vocoder
from vc.vocoders.griffin_lim import GriffinLim

__all__ = ["VOCODERS", "Vocoder", "make_vocoder"]

VOCODERS = {"griffin-lim": GriffinLim}


def make_vocoder(name, mel, device="cpu") -> Vocoder:
    """The vocoder called `name` for these mel settings. Raises ConfigError that lists the names."""
    if name not in VOCODERS:
        raise ConfigError(f"unknown vocoder {name!r}; choose one of {', '.join(VOCODERS)}")
    return VOCODERS[name](mel, device)
