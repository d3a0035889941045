"""recipes/default/distil.py: a model learns the mean of what models say."""

import sys
from pathlib import Path

import pytest
import torch
from helpers import QUICK_COURSE, log_lines, parts_changed, save_untrained, speaker_halves_moved

from vc.checkpoint import load_model
from vc.config import load_config
from vc.distributed import Crew
from vc.errors import CheckpointError, ConfigError

sys.path.insert(0, str(Path(__file__).parent.parent / "recipes" / "default"))  # as when the script runs

import distil  # noqa: E402


@pytest.fixture
def models(repository, tiny_model, tmp_path):
    """Two models that say something different."""
    model, _ = load_model(tiny_model)
    other = save_untrained(tmp_path / "other.safetensors", repository, "model.content_dims=8")
    return str(tiny_model), str(other)


def test_both_halves_learn_and_the_scale_of_the_bands_stays(corpus, models, tmp_path):
    distil.main([*models, "-o", str(tmp_path / "run"), f"data.path={corpus}", *QUICK_COURSE])
    before, after = load_model(models[0])[0], load_model(tmp_path / "run" / "last.safetensors")[0]
    assert parts_changed(before, after) == {"encoder", "decoder"}


def test_it_moves_towards_what_they_say_together(corpus, models, tmp_path):
    """The distance of its conversions to the committee's falls."""
    distil.main([*models, "-o", str(tmp_path / "run"), f"data.path={corpus}", *QUICK_COURSE, "train.steps=60",
                 "train.learning_rate=0.01", "train.log_every=10"])
    lines = log_lines(tmp_path / "run")
    distances = [line["loss/distillation"] for line in lines if "loss/distillation" in line]
    assert distances[-1] < 0.9 * distances[0]


def test_the_speaker_halves_stay_what_they_were(corpus, models, tmp_path, monkeypatch):
    """A high learning rate moves them far, and the anchor holds them."""
    def moved_by(run, anchored):
        if not anchored:
            monkeypatch.setattr(distil.losses, "speaker_consistency", lambda *halves: torch.zeros(()))
        distil.main([*models, "-o", str(tmp_path / run), f"data.path={corpus}", *QUICK_COURSE, "train.steps=40",
                     "train.learning_rate=0.01"])
        return speaker_halves_moved(*(load_model(path)[0] for path in (models[0], tmp_path / run / "last.safetensors")))

    assert moved_by("held", True) < 0.3 * moved_by("free", False)


def test_a_discrete_code_stays_near_its_codebook(corpus, models, repository, tmp_path):
    """A learner whose bottleneck has a penalty pays it, and its codebook follows."""
    discrete = save_untrained(tmp_path / "vq.safetensors", repository, "model.bottleneck=vq")
    distil.main([str(discrete), models[1], "-o", str(tmp_path / "run"), f"data.path={corpus}", *QUICK_COURSE])
    lines = log_lines(tmp_path / "run")
    assert all(line["loss/bottleneck"] > 0 for line in lines if "loss/distillation" in line)
    before, after = (load_model(path)[0].encoder.bottleneck.state_dict()
                     for path in (discrete, tmp_path / "run" / "last.safetensors"))
    assert any(not torch.equal(before[name], after[name]) for name in before if name != "step")


def test_another_mel_is_refused(corpus, models, repository, tmp_path):
    other = save_untrained(tmp_path / "bands.safetensors", repository, "mel.bands=80")
    with pytest.raises(CheckpointError, match="got a mel with bands=80, expected bands=128"):
        distil.main([models[0], str(other), "-o", str(tmp_path / "run"), f"data.path={corpus}", *QUICK_COURSE])


def test_several_processes_are_refused(models, repository, tmp_path):
    config = load_config(repository / "configs" / "tiny.yaml", [f"train.start_from={models[0]}"])
    with pytest.raises(ConfigError, match="distil.py: got 2 processes; run it with one"):
        distil.Distillation(config, 2, crew=Crew(0, 2), others=[models[1]])
