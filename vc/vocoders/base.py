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
        """Iterator over chunks of one recording, log-mel (M, t) and F0 (t,), any t -> iterator over waveforms (n,).

        F0 is in Hz, 0 where unvoiced or not known. recorded: whether the mel is a recording's own and can be trusted in
        all its detail, or was made by a model, at that F0.

        Memory stays bounded however many chunks come; the joints cannot be heard. For T frames in all, the waveforms
        add up to (T - 1) * hop_samples samples.
        """

    def __call__(self, log_mel, f0=None, recorded=False):
        """log_mel: (M, T), f0: (T,), where it is known -> waveform ((T - 1) * hop_samples,), float32 on the CPU."""
        f0 = log_mel.new_zeros(log_mel.shape[1]) if f0 is None else f0
        return torch.cat([torch.zeros(0), *self.stream(iter([(log_mel, f0)]), recorded)])
