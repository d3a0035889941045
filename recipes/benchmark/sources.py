"""Long recordings to measure with: a clip over and over, one speaker's utterances in a row, a vowel without end."""

import numpy as np

from vc.audio import AudioWriter, load_audio


def write_repeated(path, clip, seconds, sample_rate_hz):
    """Write the recording `clip` again and again until `seconds` are full; returns the seconds of one round.

    The joints, at multiples of that, are in the source: they are nobody's seams.
    """
    audio = load_audio(clip, sample_rate_hz)
    missing = round(seconds * sample_rate_hz)
    with AudioWriter(path, sample_rate_hz) as writer:
        while missing > 0:
            writer.write(audio[:missing])
            missing -= len(audio)
    return len(audio) / sample_rate_hz


def write_utterances(path, store, seconds):
    """Write utterances of the store's most recorded speaker, one after the other, and return where they join, in s."""
    spoken = {}
    for utterance in store.utterances:
        spoken.setdefault(utterance.speaker, []).append(utterance)
    chosen = max(spoken.values(), key=lambda utterances: sum(utterance.samples for utterance in utterances))
    joints, samples = [], 0
    with AudioWriter(path, store.sample_rate_hz) as writer:
        for utterance in chosen:
            writer.write(store.audio(utterance).astype(np.float32) / 32768)
            samples += utterance.samples
            joints.append(samples / store.sample_rate_hz)
            if joints[-1] >= seconds:
                break
    return joints


def write_vowel(path, seconds, sample_rate_hz, pitch_hz=120.0):
    """Write a sung `a` that goes on: harmonics under three formants, with a vibrato of 3 % and 5.5 Hz.

    Without the vibrato the content half would have nothing to say: what does not change is taken for the voice.
    """
    times_s = np.arange(round(seconds * sample_rate_hz)) / sample_rate_hz
    vibrato = -0.03 / (2 * np.pi * 5.5) * np.cos(2 * np.pi * 5.5 * times_s)
    vowel = np.zeros(len(times_s))
    for harmonic_hz in np.arange(pitch_hz, 0.45 * sample_rate_hz, pitch_hz):
        formants = sum(1 / (1 + ((harmonic_hz - centre_hz) / width_hz) ** 2)
                       for centre_hz, width_hz in ((700, 80), (1100, 90), (2500, 120)))
        # The phases keep the harmonics from all peaking at once.
        vowel += (formants + 0.01) * np.sin(2 * np.pi * harmonic_hz * (times_s + vibrato) + harmonic_hz**2 / 1e4)
    with AudioWriter(path, sample_rate_hz) as writer:
        writer.write((0.3 * vowel / np.abs(vowel).max()).astype(np.float32))
