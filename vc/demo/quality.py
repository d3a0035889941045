"""What could be better about a recording that somebody wants to be known by. Hints, not refusals."""

import numpy as np

from vc.audio import audio_info, load_audio
from vc.level import clipped_share, frame_samples, speech_level_db, trim_silence

ENOUGH_S = 5.0
NOISY_DB = 18.0  # speech above what is heard in the pauses; quiet rooms have 30 and more
CLIPPED_SHARE = 1e-4
HIGHEST_RATE_HZ = 48000


def hints(path):
    """Sentences about one recording, [] for a good one. Raises AudioError for one that cannot be read."""
    # As it is, since resampling rounds off what was clipped; but of recordings at rates for nobody's ears not all.
    rate_hz = min(audio_info(path).sample_rate_hz, HIGHEST_RATE_HZ)
    audio = load_audio(path, rate_hz)
    speech_s = len(trim_silence(audio, rate_hz)) / rate_hz
    found = []
    if speech_s < ENOUGH_S:
        found.append(f"Short: {speech_s:.1f} s of speech. {ENOUGH_S:g} s or more make a better voice.")
    if speech_level_db(audio, rate_hz) - pause_level_db(audio, rate_hz) < NOISY_DB:
        found.append("Noisy: what is heard in the pauses becomes part of the voice. Try a quieter place.")
    if clipped_share(audio) > CLIPPED_SHARE:
        found.append("Clipped: the loudest moments are cut off. Speak softer or farther from the microphone.")
    return found


def pause_level_db(audio, rate_hz):
    """Level in dBFS that the quietest twentieth of the 20 ms frames stays below, for floats (N,)."""
    size = frame_samples(rate_hz)
    frames = audio[:len(audio) // size * size].reshape(-1, size)
    if not len(frames):
        return -np.inf
    return 10 * np.log10(np.percentile(frames.var(axis=1), 5) + 1e-12)
