"""Corruptions of what the encoder hears, for denoising auto-encoders. To add one: subclass `Corruption` in a file of
its own and name it in CORRUPTIONS. A config asks for one by `corruptions.NAME` with its settings, the constructor's
keyword-only parameters; beside them may stand `share`, the share of items that it spoils, by default all.
"""

import torch

from vc.data.corruptions.base import Corruption
from vc.data.corruptions.gaussian import Gaussian
from vc.data.corruptions.masks import Masks
from vc.data.corruptions.noise import Noise
from vc.data.corruptions.room import Room
from vc.data.corruptions.zeros import Zeros
from vc.errors import ConfigError
from vc.registry import fits, make

__all__ = ["CORRUPTIONS", "Corruption", "Corruptions"]

CORRUPTIONS = {"gaussian": Gaussian, "zeros": Zeros, "masks": Masks, "noise": Noise, "room": Room}


class Corruptions:
    """The corruptions that `wanted`, {name: {"share": ..., setting: value}}, names, one after the other.

    Raises ConfigError, and what the corruptions themselves raise.
    """

    def __init__(self, wanted, mel, device="cpu"):
        self._chain = []
        for name, settings in wanted.items():
            settings = dict(settings)
            share = settings.pop("share", 1.0)
            if not fits(share, 1.0) or not 0 < share <= 1:
                raise ConfigError(f"corruptions.{name}.share: got {share!r}, expected a share above 0, at most 1")
            self._chain.append((make("corruption", CORRUPTIONS, name, settings, mel, device), share))

    def wave(self, wave, generator):
        """(B, N) in [-1, 1] -> (B, N), the very tensor given when nothing corrupts waveforms."""
        for corruption, share in self._chain:
            wave = _some(share, wave, corruption.wave(wave, generator), generator)
        return wave

    def log_mel(self, log_mel, generator):
        """(B, M, T) -> (B, M, T)."""
        for corruption, share in self._chain:
            log_mel = _some(share, log_mel, corruption.log_mel(log_mel, generator), generator)
        return log_mel


def _some(share, clean, spoilt, generator):
    """Each item spoilt with probability `share`."""
    if spoilt is clean or share == 1:
        return spoilt
    chosen = torch.rand(len(clean), generator=generator) < share
    return torch.where(chosen.to(clean.device).view(-1, *[1] * (clean.ndim - 1)), spoilt, clean)
