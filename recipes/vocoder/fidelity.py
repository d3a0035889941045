"""How near a copy comes to its recording, and what machines hear in it. Each reading is (numerator, denominator), so
that figures over recordings are ratios of sums; a reading that does not exist is (0, 0)."""

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluate"))

from recognition import Recogniser, edit_distance, split_words  # noqa: E402
from similarity import SpeakerEmbedder  # noqa: E402

from vc.config import MelConfig
from vc.vocoder_losses import WaveformLosses

SAMPLE_RATE_HZ = 16000
FRAME_PERIOD_MS = 5.0


class Measures:
    """texts: all texts of the test, from which the recogniser takes its words."""

    def __init__(self, texts):
        self.mel = MelConfig()
        self._losses = WaveformLosses(self.mel)
        self._recogniser, self._embedder = Recogniser(texts), SpeakerEmbedder()

    def compare(self, wave, made, text):
        """Two waveforms float32 (N,) at 16 kHz -> {measure: (numerator, denominator)}."""
        import pystoi
        from pesq import pesq
        from speechmos import dnsmos

        with torch.no_grad():
            spectrum = self._losses(torch.from_numpy(made)[None], torch.from_numpy(wave)[None])["spectrum"].item()
        words, heard = split_words(text), split_words(self._recogniser.transcribe(made, text))
        peak = max(1.0, float(np.abs(made).max()))
        return {"pesq": (pesq(SAMPLE_RATE_HZ, wave, made, "wb"), 1),
                "stoi": (pystoi.stoi(wave, made, SAMPLE_RATE_HZ), 1),
                "dnsmos": (dnsmos.run(made / peak, sr=SAMPLE_RATE_HZ)["ovrl_mos"], 1),
                "spectrum": (spectrum, 1), **compare_pitch(wave, made),
                "wer": (100 * edit_distance(words, heard), len(words)),
                "cosine": (float(self._embedder.embed(wave) @ self._embedder.embed(made)), 1)}


def compare_pitch(wave, made):
    """Of two waveforms (N,): correlation of log-F0 and its mean absolute error in cents where both are voiced, and the
    share of frames, in percent, where one is voiced and the other is not."""
    one, other = _f0_hz(wave), _f0_hz(made)
    frames = min(len(one), len(other))
    one, other = one[:frames], other[:frames]
    both = (one > 0) & (other > 0)
    voicing = (100 * int(((one > 0) != (other > 0)).sum()), frames)
    if both.sum() < 10:
        return {"f0_correlation": (0, 0), "f0_cents": (0, 0), "voicing_error": voicing}
    one, other = np.log2(one[both]), np.log2(other[both])
    return {"f0_correlation": (float(np.corrcoef(one, other)[0, 1]), 1),
            "f0_cents": (1200 * float(np.abs(one - other).sum()), int(both.sum())), "voicing_error": voicing}


def _f0_hz(wave):
    """(frames,), 0 where unvoiced."""
    import pyworld

    x = wave.astype(np.float64)
    f0, time_s = pyworld.dio(x, SAMPLE_RATE_HZ, frame_period=FRAME_PERIOD_MS)
    return pyworld.stonemask(x, f0, time_s, SAMPLE_RATE_HZ)


def silence_dbfs(system):
    """Level of what a system makes of three seconds of silence; -200 for zeros."""
    made = np.asarray(system(np.zeros(3 * SAMPLE_RATE_HZ, np.float32)), float)
    return 10 * np.log10(np.mean(made**2) + 1e-20)
