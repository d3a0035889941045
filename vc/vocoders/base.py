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
        """Iterator over chunks of one recording, log-mel (M, t), F0 (t,) and unvoiced (F, t), any t -> iterator over
        waveforms (n,).

        F0 is in Hz, 0 where unvoiced or not known. unvoiced: complex, the spectrum of what was recorded in frames
        without pitch, 0 where nothing is known; a vocoder may let its phases turn as they did there. recorded: whether
        the mel is a recording's own and can be trusted in all its detail, or was made by a model, at that F0.

        Memory stays bounded however many chunks come; the joints cannot be heard. For T frames in all, the waveforms
        add up to (T - 1) * hop_samples samples.
        """

    def __call__(self, log_mel, f0=None, recorded=False, unvoiced=None):
        """log_mel: (M, T), f0: (T,) and unvoiced: (F, T), where they are known -> waveform ((T - 1) * hop_samples,),
        float32 on the CPU."""
        f0 = log_mel.new_zeros(log_mel.shape[1]) if f0 is None else f0
        unvoiced = nothing_known(log_mel, self.mel) if unvoiced is None else unvoiced
        return torch.cat([torch.zeros(0), *self.stream(iter([(log_mel, f0, unvoiced)]), recorded)])


def nothing_known(log_mel, mel: MelConfig):
    """What stands for `unvoiced` beside a log-mel (M, T) of which there is no recording: complex zeros (F, T)."""
    return log_mel.new_zeros(mel.bins, log_mel.shape[1], dtype=torch.complex64)
