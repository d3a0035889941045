"""Which pairs are worth hearing, and their sounds as small files beside the report."""

from pathlib import Path

from vc.audio import load_audio, save_audio
from vc.evaluation.pairs import evenly
from vc.evaluation.systems import MODEL

SAMPLES, EXTREMES = 6, 3
FOLDER = "audio"
RATE_HZ = 16000
HEARD = ("source", "target", MODEL)


def score(cosine_to_target, wer):
    """One number for how well a conversion went, higher is better: cosine_to_target - wer / 200.

    wer in percent. Between a source unchanged and a recording of the target the cosine rises by about a third, between
    a recording and nothing understood the word error rate by about 60 points; so 2 points weigh as much as 0.01.
    """
    return cosine_to_target - wer / 200


def choose(items):
    """{"sample", "best", "worst": numbers of pairs}, by the score of the model's items; the sample lies evenly in the
    list."""
    own = [item for item in items if item.system == MODEL and item.values.get("cosine_to_target") is not None]
    ranked = sorted(own, key=lambda item: -score(item.values["cosine_to_target"], item.values.get("wer") or 0.0))
    return {"sample": [item.pair for item in evenly(own, SAMPLES)], "best": [item.pair for item in ranked[:EXTREMES]],
            "worst": [item.pair for item in ranked[-EXTREMES:][::-1]]}


def keep(folder, items, sounds, listening):
    """Copy the sounds of the chosen pairs below `folder`; returns {(pair, system): path relative to it}.

    sounds: {(pair, system): path}.
    """
    chosen = {number for numbers in listening.values() for number in numbers}
    kept = {}
    for item in items:
        if item.pair in chosen and item.system in HEARD:
            relative = Path(FOLDER) / f"{item.pair:04d}-{item.system}.flac"
            sound = load_audio(sounds[item.pair, item.system], RATE_HZ)
            save_audio(Path(folder) / relative, sound, RATE_HZ, force=True)
            kept[item.pair, item.system] = relative.as_posix()
    return kept
