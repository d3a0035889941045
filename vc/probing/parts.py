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
    """Deal whole groups to the parts, so that each stratum is in all three. A group in several strata, such as a
    speaker at two microphones, is in the same part in all of them.

    groups, strata: a label for each item. Raises DataError for a stratum of too few groups.
    """
    rng = np.random.default_rng(seed)
    held = {}
    for group, stratum in zip(groups, strata, strict=True):
        held.setdefault(stratum, set()).add(group)
    shuffled = {stratum: rng.permutation(sorted(held[stratum])).tolist() for stratum in sorted(held)}
    part_of = {}
    for stratum in sorted(held, key=lambda stratum: len(held[stratum])):  # those with the least choice first
        _deal(shuffled[stratum], part_of)
    parts = np.array([part_of[group] for group in groups])
    test, validation, training = (torch.from_numpy(np.flatnonzero(parts == part)) for part in range(3))
    return Parts(training, validation, test)


def _deal(names, part_of):
    """Give each of a stratum's groups that has none yet a part: 0 to judge, 1 to stop, 2 to train."""
    free = [name for name in names if name not in part_of]
    dealt = [part_of[name] for name in names if name in part_of]
    wanted = [max(1, round(share * len(names))) for share in (TEST_SHARE, VALIDATION_SHARE)]
    due = [part for part, count in enumerate(wanted) for _ in range(count - dealt.count(part))]
    part_of |= zip(free, due + [2] * len(free))
    if len({part_of[name] for name in names}) < FEWEST_GROUPS:
        raise DataError(f"{len(names)} speaker(s) or recording(s), some of them dealt already, where a probe needs "
                        f"{FEWEST_GROUPS}: to train it, to stop it and to judge it; give more")


def split_by_speaker(speakers, seed) -> Parts:
    """No speaker is in two parts. Raises DataError for fewer than three speakers."""
    if len(set(speakers)) < FEWEST_GROUPS:
        raise DataError(f"{len(set(speakers))} speaker(s), expected at least {FEWEST_GROUPS}: to train a probe, to "
                        f"stop it and to judge it; give recordings of more speakers")
    return split(speakers, [""] * len(speakers), seed)
