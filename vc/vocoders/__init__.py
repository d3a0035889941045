"""Log-mel back to waveform. To add a vocoder: subclass `Vocoder` in a file of its own and name it in VOCODERS."""

from pathlib import Path

from vc.config import MelConfig
from vc.errors import ConfigError
from vc.vocoders.base import Vocoder
from vc.vocoders.griffin_lim import GriffinLim
from vc.vocoders.neural import Neural

__all__ = ["VOCODERS", "Vocoder", "make_vocoder"]

VOCODERS = {"neural": Neural, "griffin-lim": GriffinLim}


def default_vocoder(mel):
    """Name of the vocoder for these mel settings when none is asked for: the one in the package knows one mel only."""
    return "neural" if mel == MelConfig() else "griffin-lim"


def make_vocoder(name, mel, device="cpu") -> Vocoder:
    """The vocoder called `name` for these mel settings, or the neural one in the file of that name; None: the default.

    Raises ConfigError that lists the names, and CheckpointError for a file that does not fit.
    """
    name = default_vocoder(mel) if name is None else str(name)
    if name in VOCODERS:
        return VOCODERS[name](mel, device)
    if Path(name).suffix == ".safetensors":
        return Neural(mel, device, name)
    raise ConfigError(f"unknown vocoder {name!r}; choose one of {', '.join(VOCODERS)}, or a .safetensors file that "
                      f"`vc train` wrote")
