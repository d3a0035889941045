"""Corruptions of what the encoder hears, for denoising auto-encoders. To add one: subclass `Corruption` in a file of
its own and name it in CORRUPTIONS. A config asks for one by `corruptions.NAME` with its settings.
"""

from vc.data.corruptions.base import Corruption
from vc.data.corruptions.gaussian import Gaussian
from vc.registry import make

__all__ = ["CORRUPTIONS", "Corruption", "Corruptions"]

CORRUPTIONS = {"gaussian": Gaussian}


class Corruptions:
    """The corruptions that `wanted`, {name: {setting: value}}, names, one after the other. Raises ConfigError."""

    def __init__(self, wanted, mel, device="cpu"):
        self._chain = [make("corruption", CORRUPTIONS, name, settings, mel, device)
                       for name, settings in wanted.items()]

    def wave(self, wave, generator):
        """(B, N) in [-1, 1] -> (B, N), the very tensor given when nothing corrupts waveforms."""
        for corruption in self._chain:
            wave = corruption.wave(wave, generator)
        return wave

    def log_mel(self, log_mel, generator):
        """(B, M, T) -> (B, M, T)."""
        for corruption in self._chain:
            log_mel = corruption.log_mel(log_mel, generator)
        return log_mel
