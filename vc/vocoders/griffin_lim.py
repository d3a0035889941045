"""The vocoder that needs no training: invert the mel without negative magnitudes, then find phases that agree.

Fast Griffin-Lim (Perraudin et al. 2013) from random phases. A long recording is worked on in blocks; each block starts
from the sound the last one ended with, whose phases it keeps, so that the joints fit.
"""

from typing import final

import torch

from vc.vocoders.base import Vocoder
from vc.vocoders.inverse import MelInverse
from vc.vocoders.phases import direction
from vc.vocoders.short_time import ShortTime, by_frame
from vc.windows import sliding_windows

NNLS_STEPS = 50
ITERATIONS = 60
MOMENTUM = 0.99
BLOCK_FRAMES = 800
OVERLAP_FRAMES = 32  # a block repeats so many frames of the last one, and looks ahead at so many of the next


@final
class GriffinLim(Vocoder):
    """Deterministic: the random phases come from a fixed seed."""

    def __init__(self, mel, device="cpu", iterations=ITERATIONS):
        super().__init__(mel, device)
        self.iterations = iterations
        self.fingerprint = f"griffin-lim {iterations}"
        self._short_time = ShortTime(mel.fft_samples, mel.hop_samples).to(self.device)
        self._inverse = MelInverse(mel, NNLS_STEPS).to(self.device)

    @torch.no_grad()
    def stream(self, chunks, recorded=False):
        repeated = OVERLAP_FRAMES * self.mel.hop_samples
        joint = self.mel.fft_samples // 2
        fade_in = torch.linspace(0, 1, joint, device=self.device)
        generator = torch.Generator().manual_seed(0)
        past = None
        # The last frame of a block only ends it, hence the 1.
        step = BLOCK_FRAMES - 1 - 2 * OVERLAP_FRAMES
        for log_mel, is_last in sliding_windows((log_mel for log_mel, *_ in chunks), BLOCK_FRAMES, step):
            known = None if past is None else self._short_time.inside(past[None])[0]
            wave = self._agree(self.linear_magnitude(log_mel.to(self.device)), known, generator)
            if past is not None:
                wave = wave[repeated - joint:]
                wave[:joint] = past[-joint:] * (1 - fade_in) + wave[:joint] * fade_in
            if is_last:
                yield wave.cpu()
                return
            wave = wave[:len(wave) - repeated]
            yield wave[:-joint].cpu()
            past = wave[-(repeated + joint):]

    def linear_magnitude(self, log_mel):
        """Log-mel (M, T) -> magnitude (F, T)."""
        return self._inverse(log_mel)

    def _agree(self, magnitude, known, generator):
        """magnitude (F, T) -> waveform ((T - 1) * hop_samples,) whose spectrum comes close to it.

        known: complex (F, K), the first K frames as they are, or None.
        """
        if magnitude.shape[1] == 1:
            return torch.zeros(0, device=self.device)
        phase = 2 * torch.pi * torch.rand(magnitude.shape, generator=generator)
        magnitude = by_frame(magnitude[None])
        spectrum = by_frame(torch.polar(magnitude, phase[None].to(self.device)))
        last_rebuilt = torch.zeros_like(spectrum)
        for iteration in range(self.iterations + 1):
            if known is not None:
                spectrum[0, :, :known.shape[1]] = known
            wave = self._short_time.wave(spectrum)
            if iteration == self.iterations:
                return wave[0]
            rebuilt = self._short_time.spectrum(wave)
            wanted = torch.add(rebuilt, last_rebuilt, alpha=-MOMENTUM / (1 + MOMENTUM))
            spectrum, last_rebuilt = direction(wanted, magnitude), rebuilt
