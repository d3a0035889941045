"""What every vocoder offers."""

from abc import ABC, abstractmethod

import torch

from vc.config import MelConfig


class Vocoder(ABC):
    """Turns log-mel frames of one mel definition into sound. fingerprint: names all that decides how, besides the
    mel."""

    fingerprint: str

    def __init__(self, mel: MelConfig, device="cpu"):
        self.mel, self.device = mel, torch.device(device)

    @abstractmethod
    def stream(self, chunks, recorded=False):
        """Iterator over log-mel chunks (M, t) of one recording, any t -> iterator over waveforms (n,).

        recorded: whether the mel is a recording's own and can be trusted in all its detail, or was made by a model.

        Memory stays bounded however many chunks come; the joints cannot be heard. For T frames in all, the waveforms
        add up to (T - 1) * hop_samples samples.
        """

    def __call__(self, log_mel, recorded=False):
        """log_mel: (M, T) -> waveform ((T - 1) * hop_samples,), float32 on the CPU."""
        return torch.cat([torch.zeros(0), *self.stream(iter([log_mel]), recorded)])
