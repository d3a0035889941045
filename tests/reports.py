"""Reports for tests: realistic figures from a seed, sounds from the bundled recordings."""

import shutil

import numpy as np

from vc.evaluation.result import EVERYTHING, Figure, Item, Measure, Pair, Point, Result, System, save_result

MEASURES = [
    Measure("cosine_to_target", "cosine to target", "", "higher", "Trustworthy: tells recorded voices apart."),
    Measure("cosine_to_source", "cosine to source", "", "lower", "Trustworthy like the cosine to the target."),
    Measure("wer", "word error rate", "%", "lower", "Weak: read it against the anchors.",
            weight="words"),
    Measure("pitch_median", "median pitch", "Hz", "", "Only describes."),
]
SYSTEMS = [System("source", "source unchanged", "anchor"), System("target", "target's own recording", "anchor"),
           System("converted", "converted", "model")]
GROUPS = ["woman to man", "man to woman"]
TYPICAL = {"source": (0.56, 1.0, 41.0, 200.0), "target": (0.9, 0.54, 44.0, 120.0),
           "converted": (0.69, 0.565, 62.0, 150.0)}
PROBES = {
    "speaker_from_content": {"half": "content", "title": "who speaks", "value": 9.5, "low": 2.7, "high": 22.6,
                             "chance": 7.1, "unit": "%", "n": 42},
    "pitch_from_speaker": {"half": "speaker", "title": "mean pitch", "value": 0.81, "low": 0.72, "high": 0.88,
                           "chance": 0.0, "unit": "r", "n": 42},
}


def make_result(pairs=8, seed=0, name="default", shift=0.0):
    """A Result of `pairs` pairs. shift: added to every value of the model."""
    random = np.random.default_rng(seed)
    asked = [Pair(f"talk{number} to anna", f"talk{number}.flac", f"ls{number}", "anna", ["anna/1.flac", "anna/2.flac"],
                  "WHAT IS SAID") for number in range(pairs)]
    items = [Item(number, system.name, [GROUPS[number % 2]], _values(system, random, shift))
             for number in range(pairs) for system in SYSTEMS]
    points = [Point(half, f"speaker{number % 10}", *random.normal(size=2)) for half in ("speaker", "content")
              for number in range(30)]
    return Result(model={"name": name, "fingerprint": "c5ed319a" * 8, "step": 7500}, measures=list(MEASURES),
                  systems=list(SYSTEMS), pairs=asked, items=items, figures=_figures(items), points=points,
                  probes=dict(PROBES), notes=["Read with care."])


def with_sounds(result, folder, recordings):
    """Save a Result whose first pair can be listened to; recordings: {system: file}. Returns the folder."""
    (folder / "audio").mkdir(parents=True)
    sounds = {system: f"audio/0_{system}.flac" for system in recordings}
    for system, recording in recordings.items():
        shutil.copy(recording, folder / sounds[system])
    items = [Item(item.pair, item.system, item.groups, item.values, sounds.get(item.system, ""))
             if item.pair == 0 else item for item in result.items]
    save_result(folder, Result(**{**vars(result), "items": items, "listening": {"sample": [0], "best": [0]}}))
    return folder


def _values(system, random, shift):
    spread = (0.04, 0.0 if system.name == "source" else 0.04, 12.0, 20.0)
    values = np.array(TYPICAL[system.name]) + spread * random.normal(size=4)
    own = {measure.name: float(value) + shift * (system.kind == "model") for measure, value in zip(MEASURES, values)}
    return own | {"words": float(random.integers(5, 15))}


def _figures(items):
    figures = []
    for group in (EVERYTHING, *GROUPS):
        for system in SYSTEMS:
            for measure in MEASURES:
                values = np.array([item.values[measure.name] for item in items if item.system == system.name
                                   and (group == EVERYTHING or group in item.groups)])
                if len(values):
                    width = 2 * values.std() / np.sqrt(len(values))
                    figures.append(Figure(system.name, group, measure.name, float(values.mean()),
                                          float(values.mean() - width), float(values.mean() + width), len(values)))
    return figures
