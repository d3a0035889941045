"""The sound of a conversion, with less of the noise that lies behind the voice.

Noise comes from everywhere: what is left of the source's, the target's, whose recordings have their room in the
long-term spectrum that a conversion is moved onto, and the vocoder's. Whatever it is, the pauses around have it alone,
and each bin of a frame is turned down as far as it holds no more than they do, by a Wiener filter. How much speech
there is in a bin is told less by the frame itself than by what was let through of the one before (Ephraim and Malah
1984, "Speech enhancement using a minimum mean-square error short-time spectral amplitude estimator"; with this filter
Scalart and Filho 1996, "Speech enhancement based on a priori signal to noise estimation"), so what is left of the noise
does not ring. EXPERIMENTS.md in recipes/default has the figures that chose it.
"""

import math

import numpy as np
import torch

from vc.config import MelConfig
from vc.spectrum import frame_levels_db, is_speech
from vc.vocoders.short_time import ShortTime
from vc.windows import windows_with_margins

AROUND_FRAMES = 320  # so far before and after a frame pauses are looked for
ANEW_FRAMES = 20  # how often
QUIETEST = 0.1  # which share of the frames there tells of the noise, unless they are speech
AT_MOST_DB = 20.0  # so much is anything turned down
BEFORE_SHARE = 0.97  # how far the frame before tells what is speech
SILENT_DBFS = -81.0  # a frame below that was silenced, and tells of no noise
SETTLED_FRAMES = 40  # after which it no longer matters what a gain began with
TINY = 1e-20


class NoiseSuppressor:
    """For sound of one mel definition, at the nominal level."""

    def __init__(self, mel: MelConfig):
        self._hop, self._short_time = mel.hop_samples, ShortTime(mel.fft_samples, mel.hop_samples)
        frames = AROUND_FRAMES + ANEW_FRAMES + SETTLED_FRAMES + self._short_time.reach_frames
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
    # Thousands of steps on a few hundred numbers each, which numpy begins sooner than torch.
    power, noise = power.T.numpy(), noise.T.numpy()
    own = np.maximum(power - noise, 0)
    gain, let_through = np.empty_like(power), own[0]
    for frame, row in enumerate(gain):
        speech = BEFORE_SHARE * let_through + (1 - BEFORE_SHARE) * own[frame]
        np.divide(speech + TINY, speech + noise[frame] + TINY, out=row)
        let_through = row**2 * power[frame]
    return torch.from_numpy(gain.T).clamp(min=10 ** (-AT_MOST_DB / 20))
