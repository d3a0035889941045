"""The sound of a conversion, with less of the noise that lies behind the voice.

Noise comes from everywhere: what is left of the source's, the target's, whose recordings have their room in the
long-term spectrum that a conversion is moved onto, and the vocoder's. Whatever it is, the pauses around have it alone,
and each bin of a frame is turned down as far as it holds no more than they do. That is spectral subtraction (Boll 1979,
"Suppression of acoustic noise in speech using spectral subtraction"), its gain taken from neighbouring bins and frames
together and held above a floor, so that what is left does not ring (Berouti, Schwartz and Makhoul 1979, "Enhancement of
speech corrupted by acoustic noise"). EXPERIMENTS.md in recipes/default has the figures that chose it.
"""

import math

import torch
from torch.nn import functional as F

from vc.config import MelConfig
from vc.spectrum import frame_levels_db, is_speech
from vc.vocoders.short_time import ShortTime
from vc.windows import windows_with_margins

AROUND_FRAMES = 320  # so far before and after a frame pauses are looked for
ANEW_FRAMES = 20  # how often
QUIETEST = 0.1  # which share of the frames there tells of the noise, unless they are speech
AT_MOST_DB = 12.0  # so much is anything turned down
SILENT_DBFS = -81.0  # a frame below that was silenced, and tells of no noise
SMOOTHED_BINS, SMOOTHED_FRAMES = 3, 5  # over which a spectrum's power is averaged
TINY = 1e-20


class NoiseSuppressor:
    """For sound of one mel definition, at the nominal level."""

    def __init__(self, mel: MelConfig):
        self._hop, self._short_time = mel.hop_samples, ShortTime(mel.fft_samples, mel.hop_samples)
        frames = AROUND_FRAMES + ANEW_FRAMES + SMOOTHED_FRAMES + self._short_time.reach_frames
        # Windows begin where noise is looked for anew, so that it does not matter how a recording is cut.
        self._reach = math.ceil(frames / ANEW_FRAMES) * ANEW_FRAMES * self._hop

    def stream(self, waves):
        """Blocks of a wave, float32 (n,) -> blocks of as many samples in all, a multiple of the hop."""
        for wave, begin, end in windows_with_margins(waves, 4 * self._reach, self._reach, self._reach):
            yield self(wave)[begin:end]

    def __call__(self, wave):
        """float32 (N,), N a multiple of the hop -> float32 (N,)."""
        spectrum = self._short_time.spectrum(wave[None])[0]
        power = spectrum.abs().square()
        return self._short_time.wave((spectrum * gains(power, self._noise(power, wave)))[None])[0]

    def _noise(self, power, wave):
        """What of a wave's spectrum (F, T) is noise, 0 where no frame is quiet: (F, T)."""
        level_db = frame_levels_db(wave, self._hop)
        level_db = torch.where(level_db > SILENT_DBFS, level_db, math.nan)
        frames = torch.arange(len(level_db))
        near = (frames - frames[::ANEW_FRAMES, None]).abs() <= AROUND_FRAMES
        bound = torch.where(near, level_db, math.nan).nanquantile(QUIETEST, dim=1, keepdim=True)
        quiet = (near & (level_db <= bound) & ~is_speech(level_db)).float()
        noise = power @ (quiet / quiet.sum(1, keepdim=True).clamp(min=1)).T
        return noise.repeat_interleave(ANEW_FRAMES, dim=1)[:, :len(frames)]


def gains(power, noise):
    """Of the bins of a spectrum, from its power and that of the noise: all (F, T)."""
    over = (SMOOTHED_BINS, SMOOTHED_FRAMES)
    smooth = F.avg_pool2d(power[None], over, 1, [size // 2 for size in over], count_include_pad=False)[0]
    return (1 - noise / smooth.clamp(min=TINY)).clamp(min=10 ** (-AT_MOST_DB / 20))
