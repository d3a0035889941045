"""What is no speech: which clips develop and which test, what class each belongs to, and music from nothing."""

import hashlib
from pathlib import Path

import numpy as np

from vc.data.layouts import list_audio
from vc.errors import DataError

# Folder of a clip: its class. What stands in none is a class of its own.
CLASSES = {
    "animals": ("dog_bark", "rooster"),
    "people, no words": ("baby_cry", "person_sneeze", "dude_miaowing"),
    "silence": ("room_tone",),
    "noise": ("chainsaw", "clock_tick", "doing_the_dishes", "exercise_bike", "fire_crackling", "helicopter",
              "pink_noise", "rain", "running_tap", "sea_waves", "white_noise"),
}
HALVES = ("all", "development", "test")
RATE_HZ = 16000


def clips(folder, half="all"):
    """{path: class} of the audio files below `folder`, one folder a kind; all of them or one half.

    ESC's names are FOLD-RECORDING-TAKE: takes of one recording go to the same half. Raises DataError where there is
    none.
    """
    found = {Path(folder) / file: _class(Path(file).parent.name) for file in list_audio(folder)
             if half == "all" or half == _half("-".join(Path(file).stem.split("-")[:2]))}
    if not found:
        raise DataError(f"{folder}: no audio file ({half}), expected a folder for each kind of sound; give another "
                        f"folder or --half")
    return found


def _half(name):
    return "development" if hashlib.sha256(name.encode()).digest()[0] < 128 else "test"


def _class(kind):
    return next((name for name, kinds in CLASSES.items() if kind in kinds), kind)


def melody(seed, seconds=8.0):
    """Music made by rule, float32 (N,) at RATE_HZ: a tune, chords, or both over a beat, plucked or on an organ."""
    rng = np.random.default_rng(seed)
    tone, form = (pluck, organ)[seed % 2], seed // 2 % 3
    root, beat_s = rng.integers(45, 58), rng.uniform(0.25, 0.6)
    sound = np.zeros(round((seconds + 2) * RATE_HZ))
    for start in range(0, round(seconds * RATE_HZ), round(beat_s * RATE_HZ)):
        notes = [] if form == 1 else [root + 12 + rng.choice([0, 2, 4, 5, 7, 9, 11, 12, 14, 16])]
        if form:
            notes += [root + rng.choice([0, 5, 7]) + step for step in (0, 4, 7)]
        for note in notes:
            played = tone(rng, 440 * 2 ** ((note - 69) / 12), round(beat_s * RATE_HZ * rng.choice([1, 2])))
            sound[start:start + len(played)] += played[:len(sound) - start]
        if form == 2:
            hit = 2 * rng.standard_normal(1600) * np.exp(-np.arange(1600) / 400)
            sound[start:start + 1600] += hit
    sound = sound[:round(seconds * RATE_HZ)]
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def pluck(rng, hertz, samples):
    """A plucked string (Karplus and Strong 1983): (samples,)."""
    period, sound = rng.uniform(-1, 1, round(RATE_HZ / hertz)), np.empty(samples)
    for start in range(0, samples, len(period)):
        sound[start:start + len(period)] = period[:samples - start]
        period = 0.998 * (period + np.roll(period, 1)) / 2
    return sound


def organ(rng, hertz, samples):
    """Ten steady harmonics: (samples,)."""
    times_s = np.arange(samples) / RATE_HZ
    edges = np.minimum(1, times_s / 0.02) * np.minimum(1, (times_s[-1] - times_s) / 0.05)
    return edges * sum(rng.uniform(0.2, 1) / k * np.sin(2 * np.pi * k * hertz * times_s + rng.uniform(0, 6))
                       for k in range(1, 11) if k * hertz < 0.48 * RATE_HZ)
