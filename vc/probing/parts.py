"""The split of what was heard: one part trains a probe, one says when to stop, one judges."""

from dataclasses import dataclass

import numpy as np
import torch

from vc.errors import DataError

TEST_SHARE, VALIDATION_SHARE = 0.25, 0.15
FEWEST_GROUPS = 3  # one for each part


@dataclass(frozen=True)
class Parts:
    """Indices of items (n,)."""

    training: torch.Tensor
    validation: torch.Tensor
    test: torch.Tensor


def split(groups, strata, seed) -> Parts:
    """Deal whole groups to the parts, those of each stratum on their own, so that each stratum is in all three.

    groups, strata: a label for each item. Raises DataError for a stratum of fewer than three groups.
    """
    rng = np.random.default_rng(seed)
    held = {}
    for group, stratum in zip(groups, strata, strict=True):
        held.setdefault(stratum, {})[group] = None
    part_of = {}
    for stratum in sorted(held):
        if len(held[stratum]) < FEWEST_GROUPS:
            raise DataError(f"{len(held[stratum])} speaker(s) or recording(s) where a probe needs {FEWEST_GROUPS}: to "
                            f"train it, to stop it and to judge it; give more")
        names = sorted(held[stratum])
        tests, validations = (max(1, round(share * len(names))) for share in (TEST_SHARE, VALIDATION_SHARE))
        for place, number in enumerate(rng.permutation(len(names))):
            part_of[stratum, names[number]] = 0 if place < tests else 1 if place < tests + validations else 2
    parts = np.array([part_of[stratum, group] for group, stratum in zip(groups, strata, strict=True)])
    test, validation, training = (torch.from_numpy(np.flatnonzero(parts == part)) for part in range(3))
    return Parts(training, validation, test)


def split_by_speaker(speakers, seed) -> Parts:
    """No speaker is in two parts. Raises DataError for fewer than three speakers."""
    if len(set(speakers)) < FEWEST_GROUPS:
        raise DataError(f"{len(set(speakers))} speaker(s), expected at least {FEWEST_GROUPS}: to train a probe, to "
                        f"stop it and to judge it; give recordings of more speakers")
    return split(speakers, [""] * len(speakers), seed)
