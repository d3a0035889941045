"""From a score to a verdict: how strange known speech and other sounds seemed to one model, and what errors cost.

A calibration is a small file beside the model, MODEL.check.json for MODEL.safetensors; recipes/check writes it. It
holds for that one model only.
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from vc.errors import CheckError
from vc.files import write_atomically

FORMAT = "vc-check"
VERSION = 1
QUANTILES = 201
FEWEST_SCORES = 10  # of each sort; a threshold between a few is where chance put them


@dataclass(frozen=True)
class CostTable:
    """What it costs to take a strange recording for speech (miss) and speech for strange (false_alarm), a right answer
    costing nothing; and the share of strange ones among the recordings to come. Raises CheckError, also where an error
    costs nothing: the verdict would be always the same, whatever is heard."""

    miss: float = 1.0
    false_alarm: float = 1.0
    share: float = 0.5

    def __post_init__(self):
        for name, cost in (("miss", self.miss), ("false alarm", self.false_alarm)):
            if not (cost > 0 and math.isfinite(cost)):
                raise CheckError(f"the cost of a {name} is {cost:g}, expected a number above 0; where one costs "
                                 f"nothing, every recording gets the same verdict")
        if not 0 < self.share < 1:
            raise CheckError(f"the share of strange recordings is {self.share:g}, expected one between 0 and 1")


@dataclass(frozen=True)
class Calibration:
    """model: the model's fingerprint. familiar, strange: ascending scores of speech that the model was not trained on
    and of other sounds, all or QUANTILES of them. about: what they were taken from, as plain JSON."""

    model: str
    familiar: tuple
    strange: tuple
    about: dict

    def threshold(self, costs: CostTable):
        """The score from which on a recording counts as strange: the least expected cost over the scores kept.

        Candidates lie in the middle between neighbouring scores and beyond all; of several that cost the same, the
        middle one.
        """
        familiar, strange = np.array(self.familiar), np.array(self.strange)
        scores = np.unique(np.concatenate([familiar, strange]))
        candidates = np.concatenate([[-math.inf], (scores[1:] + scores[:-1]) / 2, [math.inf]])
        missed = np.searchsorted(strange, candidates) / len(strange)
        alarms = 1 - np.searchsorted(familiar, candidates) / len(familiar)
        expected = costs.share * costs.miss * missed + (1 - costs.share) * costs.false_alarm * alarms
        best = np.flatnonzero(np.isclose(expected, expected.min(), rtol=0, atol=1e-12))
        return float(candidates[best[len(best) // 2]])


def calibrate(converter, familiar, strange, about) -> Calibration:
    """A Calibration from two lists of scores. Raises CheckError for fewer than FEWEST_SCORES in one."""
    if min(len(familiar), len(strange)) < FEWEST_SCORES:
        raise CheckError(f"{len(familiar)} recordings of speech and {len(strange)} others have a score, expected at "
                         f"least {FEWEST_SCORES} of each; give more")
    return Calibration(converter.fingerprint, _kept(familiar), _kept(strange), about)


def save_calibration(path, calibration):
    """Write a Calibration as JSON, atomically. Raises OSError."""
    content = {"format": FORMAT, "version": VERSION, **asdict(calibration)}
    write_atomically(Path(path), json.dumps(content, indent=1) + "\n")


def load_calibration(path, converter) -> Calibration:
    """The Calibration in a file. Raises CheckError for a file that is missing, none, damaged or another model's."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if (content.pop("format"), content.pop("version")) != (FORMAT, VERSION):
            raise ValueError
        if not (isinstance(content["model"], str) and isinstance(content["about"], dict)):
            raise ValueError
        calibration = Calibration(content["model"], _scores(content["familiar"]), _scores(content["strange"]),
                                  content["about"])
    except FileNotFoundError:
        raise CheckError(f"{path}: no such calibration; recipes/check/calibrate.py makes one") from None
    except OSError as error:
        raise CheckError(f"{path}: cannot be read: {error.strerror}; give a file that recipes/check wrote") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise CheckError(f"{path}: not a calibration that this program reads; make it anew with "
                         f"recipes/check/calibrate.py") from None
    if calibration.model != converter.fingerprint:
        raise CheckError(f"{path}: made for the model {calibration.model[:12]}, this one is "
                         f"{converter.fingerprint[:12]}; make one for it with recipes/check/calibrate.py")
    return calibration


def calibration_beside(model_path):
    """Where the calibration of a model file lies."""
    return Path(model_path).with_suffix(".check.json")


def _kept(scores):
    """At most QUANTILES ascending scores with the same distribution."""
    scores = np.sort(scores)
    if len(scores) > QUANTILES:
        scores = np.quantile(scores, np.linspace(0, 1, QUANTILES))
    return tuple(round(float(score), 5) for score in scores)


def _scores(values):
    """A tuple of finite floats, ascending. Raises ValueError for anything else."""
    scores = tuple(float(value) for value in values)
    if not scores or not np.isfinite(scores).all() or list(scores) != sorted(scores):
        raise ValueError
    return scores
