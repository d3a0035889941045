"""What a corruption is: it spoils what the encoder hears; the target of the decoder stays clean."""

from abc import ABC


class Corruption(ABC):
    """Base of all corruptions. Each overrides one of the two methods; a generator decides everything.

    mel, the mel settings, and the device come first in the constructor; keyword-only parameters are its settings. The
    constructor raises ConfigError for what is out of range.
    """

    def __init__(self, mel, device="cpu"):
        self.mel, self.device = mel, device

    def wave(self, wave, generator):
        """(B, N) in [-1, 1] -> (B, N)."""
        return wave

    def log_mel(self, log_mel, generator):
        """(B, M, T) -> (B, M, T)."""
        return log_mel


def power(wave):
    """Mean square of each item, (B, N) -> (B, 1)."""
    return wave.square().mean(1, keepdim=True)


def band_means(log_mel):
    """What tells nothing of a frame: each band's mean over the item, (B, M, T) -> (B, M, 1).

    The floor would be no gap but a silence, which is a statement too.
    """
    return log_mel.mean(2, keepdim=True)
