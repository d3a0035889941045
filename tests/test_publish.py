"""The figures that README, the model's card and table.md tell are those of the evaluation that was kept."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from vc.errors import EvaluationError
from vc.evaluation.result import Figure, Measure, Result, System

sys.path.insert(0, str(Path(__file__).parent.parent / "recipes" / "default"))  # as when the script runs

import publish  # noqa: E402


@pytest.mark.parametrize("path", publish.targets(), ids=lambda path: path.name)
def test_what_is_told_is_what_was_measured(path):
    summary = publish.load_summary(publish.SUMMARY)
    assert path.read_text(encoding="utf-8") == publish.filled_in(path, summary), "run recipes/default/publish.py"
    assert summary.figure("model", "cosine_to_target").n > 100


@pytest.fixture
def result():
    return Result({"fingerprint": "abc", "step": 3}, [Measure("wer", "WER", "%", "lower", "Weak.")],
                  [System("model", "converted", "model")], [], [],
                  [Figure("model", group, "wer", 12.0, 10.0, 14.0, 7) for group in ("all", "man to man")],
                  notes=["Read."])


def test_a_summary_comes_back_without_the_single_conversions(result, tmp_path):
    full = replace(result, listening={"best": [1]}, pairs=[])
    publish.save_summary(tmp_path / "figures.json", full)
    assert publish.load_summary(tmp_path / "figures.json") == result


def test_figures_go_between_the_markers(result, tmp_path):
    for name in "README.md", "table.md":
        (tmp_path / name).write_text(f"before\n{publish.BEGIN}old\n{publish.END}after\n")
    filled = publish.filled_in(tmp_path / "README.md", result)
    assert filled.startswith("before\n<!--") and filled.endswith(f"{publish.END}after\n") and "old" not in filled
    assert "| converted | 12.0 [10.0, 14.0] |" in filled and "Man to man" not in filled
    whole = publish.filled_in(tmp_path / "table.md", result)
    assert "## Man to man: 7 pairs" in whole and "- WER: Weak." in whole and "- Read." in whole


def test_a_file_without_markers_is_refused(result, tmp_path):
    (tmp_path / "README.md").write_text("no figures here\n")
    with pytest.raises(EvaluationError, match="README.md: lacks the line"):
        publish.filled_in(tmp_path / "README.md", result)
