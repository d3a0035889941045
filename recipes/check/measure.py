"""How well `vc check` tells speech from other sounds: recall, precision, F1 and ROC, by class, as Markdown.

    python recipes/check/measure.py MODEL SPEECH NONSPEECH --half test

The threshold comes from the calibration beside the model (or --calibration), so SPEECH and this half of NONSPEECH
should have had no part in it.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from calibrate import add_sources, speech
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score
from sounds import RATE_HZ, clips, melody
from vc.audio import save_audio
from vc.calibration import CostTable, calibration_beside, load_calibration
from vc.conversion import load
from vc.errors import AudioError, VcError
from vc.familiarity import glance, strangeness

SPEECH = "speech"
MELODIES_FROM = 1000  # the choice of the score heard the first ones
TABLES = (CostTable(), CostTable(miss=5), CostTable(false_alarm=5), CostTable(share=0.1))
SCORES = {"error": lambda found: found.error, "relative error": lambda found: found.relative,
          "their geometric mean": lambda found: found.score}


def main(arguments):
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_sources(parser)
    parser.add_argument("--calibration", metavar="JSON", help="default: MODEL.check.json")
    parser.add_argument("--melodies", type=int, default=40, metavar="N", help="pieces of music made by rule to add")
    parser.add_argument("--glance", action="store_true", help="hear only what `vc convert` hears for its warning")
    options = parser.parse_args(arguments)
    try:
        converter = load(options.model)
        calibration = load_calibration(options.calibration or calibration_beside(options.model), converter)
        found = measure(converter, options)
    except (VcError, OSError) as error:
        print(f"measure: error: {error}", file=sys.stderr)
        return 1
    print(scores_table(found), cost_table(found, calibration), class_table(found, calibration), sep="\n")
    return 0


def measure(converter, options):
    """{class: list of Strangeness}; what is silent or too short is told and left out."""
    hear = glance if options.glance else strangeness
    found = {}

    def take(kind, path):
        try:
            strange = hear(converter, path)
        except AudioError as error:
            print(f"measure: left out: {error}", file=sys.stderr)
        else:
            if strange is None:
                print(f"measure: {path}: silent", file=sys.stderr)
            else:
                found.setdefault(kind, []).append(strange)

    for path in speech(converter, options):
        take(SPEECH, path)
    for path, kind in clips(options.nonspeech, options.half).items():
        take(kind, path)
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.melodies):
            path = Path(folder) / f"{seed}.wav"
            save_audio(path, melody(MELODIES_FROM + seed), RATE_HZ)
            take("music made by rule", path)
    return found


def scores_table(found):
    """Area under the ROC curve of each score, all sounds that are no speech against speech."""
    truth = np.concatenate([np.full(len(members), kind != SPEECH) for kind, members in found.items()])
    lines = ["| score | ROC AUC |", "|---|---|"]
    for name, score in SCORES.items():
        values = [score(one) for members in found.values() for one in members]
        lines.append(f"| {name} | {roc_auc_score(truth, values):.3f} |")
    return "\n".join(lines) + "\n"


def cost_table(found, calibration):
    """What the threshold of each cost table does."""
    truth, score = _everything(found)
    lines = ["| cost of a miss | of a false alarm | share | threshold | recall, % | precision, % | F1, % | "
             "speech called strange, % |", "|---|---|---|---|---|---|---|---|"]
    for costs in TABLES:
        threshold = calibration.threshold(costs)
        told = score >= threshold
        precision, recall, f1, _ = precision_recall_fscore_support(truth, told, average="binary")
        lines.append(f"| {costs.miss:g} | {costs.false_alarm:g} | {costs.share:g} | {threshold:.3f} | "
                     f"{100 * recall:.1f} | {100 * precision:.1f} | {100 * f1:.1f} | {100 * told[~truth].mean():.1f} |")
    return "\n".join(lines) + "\n"


def class_table(found, calibration):
    """Each class against all the speech, at the threshold of equal costs."""
    threshold = calibration.threshold(TABLES[0])
    lines = ["| | files | median score | called strange, % | F1 against speech, % | ROC AUC against speech |",
             "|---|---|---|---|---|---|"]
    for kind, members in sorted(found.items(), key=lambda one: (one[0] != SPEECH, one[0])):
        own = np.array([one.score for one in members])
        against = ["-", "-"]
        if kind != SPEECH:
            truth, score = _everything({SPEECH: found[SPEECH], kind: members})
            f1 = precision_recall_fscore_support(truth, score >= threshold, average="binary")[2]
            against = [f"{100 * f1:.1f}", f"{roc_auc_score(truth, score):.3f}"]
        lines.append(f"| {kind} | {len(own)} | {np.median(own):.2f} | {100 * (own >= threshold).mean():.1f} | "
                     f"{against[0]} | {against[1]} |")
    return "\n".join(lines) + "\n"


def _everything(found):
    """Whether each is strange, bool (F,), and its score (F,)."""
    truth = np.concatenate([np.full(len(members), kind != SPEECH) for kind, members in found.items()])
    return truth, np.array([one.score for members in found.values() for one in members])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
