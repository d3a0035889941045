"""Speech of each speaker in a prepared corpus."""

import numpy as np

from vc.data.sampling import group_by_speaker


def speech_by_speaker(store, seconds, shortest_s):
    """{speaker: float32 (N,)}: the first `seconds` of what each one says, utterance after utterance. Speakers with less
    than `shortest_s` in all are left out."""
    wanted, rate_hz, found = round(seconds * store.sample_rate_hz), store.sample_rate_hz, {}
    for speaker, spoken in group_by_speaker(store.utterances).items():
        audio = np.concatenate([store.audio(utterance) for utterance in _until(spoken, wanted)])[:wanted]
        if len(audio) >= shortest_s * rate_hz:
            found[speaker] = audio.astype(np.float32) / 32768
    return found


def _until(spoken, samples):
    """Utterances from the first on, until they hold so many samples."""
    for utterance in spoken:
        yield utterance
        samples -= utterance.samples
        if samples <= 0:
            return
