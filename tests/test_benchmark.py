"""The benchmark's arithmetic, by hand. No test here takes a time."""

import sys
from pathlib import Path

import numpy as np
import pytest

from vc.config import MelConfig

sys.path.insert(0, str(Path(__file__).parent.parent / "recipes" / "benchmark"))  # as when its script runs

import converting  # noqa: E402
import seams  # noqa: E402
from figures import Figure, markdown_table, run_child  # noqa: E402

RATE_HZ = 16000


def test_a_missed_aim_is_marked():
    table = markdown_table([Figure("a", "fast", 0.1, "s", aim=0.3), Figure("a", "slow", 0.3, "s", aim=0.3, note="why"),
                            Figure("b", "large", 1234.5, "MiB")]).splitlines()
    assert table[2:] == ["| a | fast | 0.1 s | < 0.3 |  |", "| a | slow | 0.3 s | < 0.3 **missed** | why |",
                         "| b | large | 1,234 MiB |  |  |"]


def test_a_stage_within_another_does_not_count_for_the_outer_one(monkeypatch):
    clock, now = converting.StageClock(), [0.0]
    monkeypatch.setattr(converting.time, "process_time", lambda: now[0])

    def work(seconds):
        now[0] += seconds

    def numbers():
        for number in range(2):
            clock.timed("inner", work)(1.0)
            work(10.0)
            yield number

    assert list(clock.each("outer", numbers())) == [0, 1]
    work(100.0)  # outside of all stages
    assert clock.seconds == {"inner": 2.0, "outer": 20.0}


def test_a_child_that_fails_is_no_figure():
    assert run_child(["-c", "print(1)"]).output == "1\n"
    with pytest.raises(RuntimeError, match="exit code 3"):
        run_child(["-c", "raise SystemExit(3)"])


def test_clicks_at_the_borders_are_seen_and_elsewhere_are_not():
    rng = np.random.default_rng(0)
    smooth = rng.standard_normal(60 * RATE_HZ).astype(np.float32)
    places_s = np.arange(5.0, 55.0, 5.0)
    clicked = smooth.copy()
    for place_s in places_s:
        clicked[round(place_s * RATE_HZ):][:80] *= 8
    flux, reference = (seams.roughness(audio, RATE_HZ) for audio in (clicked, smooth))
    assert seams.seam_ratio(flux, reference, places_s) > 1.2
    assert seams.seam_ratio(flux, reference, places_s + 1) == 1
    assert seams.seam_ratio(reference, reference, places_s) == 1


def test_borders_lie_where_windows_and_blocks_meet():
    places = seams.border_places(45.0, MelConfig())
    assert places["window borders"].tolist() == [20, 24, 40, 44]
    # 735 frames of 12.5 ms a block, and 32 frames less half a fade of 25 ms until the joint.
    assert places["Griffin-Lim joints"] == pytest.approx([9.1875 * i + 0.3875 for i in range(1, 5)])
