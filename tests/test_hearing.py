"""recipes/default/hearing.py: an encoder learns to hear at once what it hears in five voices."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import QUICK_COURSE, log_lines, parts_changed, speaker_halves_moved

from vc.audio import save_audio
from vc.checkpoint import load_model
from vc.config import change_config, load_config
from vc.source_filter import SourceFilter

sys.path.insert(0, str(Path(__file__).parent.parent / "recipes" / "default"))  # as when the script runs

import hearing  # noqa: E402


@pytest.fixture
def course(corpus, tiny_model, tmp_path):
    """Holds one and returns the model before and after and the lines of its log."""
    def hold(run, *settings):
        hearing.main([str(tiny_model), "-o", str(tmp_path / run), f"data.path={corpus}", *QUICK_COURSE, *settings])
        models = (load_model(path)[0] for path in (tiny_model, tmp_path / run / "last.safetensors"))
        return *models, log_lines(tmp_path / run)

    return hold


def test_the_encoder_learns_and_the_decoder_stands_still(course):
    before, after, _ = course("run")
    assert parts_changed(before, after) == {"encoder"}


def test_noise_is_heard_where_the_model_names_a_folder_of_it(repository, tiny_model, tmp_path):
    save_audio(tmp_path / "hiss.wav", 0.1 * np.random.default_rng(0).uniform(-1, 1, 8000), 16000)
    wave = 0.1 * torch.randn(200, 800)

    def spoilt(corruptions):
        """Which share of the items is not heard as it is."""
        config = change_config(load_config(repository / "configs" / "tiny.yaml"),
                               {"train": {"start_from": str(tiny_model)}, "corruptions": corruptions})
        heard = hearing.Hearing(config, 4).corruptions.wave(wave, torch.Generator().manual_seed(0))
        return float((heard != wave).any(1).float().mean())

    assert 0.3 < spoilt({}) < 0.5
    assert 0.54 < spoilt({"noise": {"path": str(tmp_path), "share": 0.1}}) < 0.74


def test_it_moves_towards_what_it_heard_in_five_voices(course):
    *_, lines = course("run", "train.steps=60", "train.learning_rate=0.01", "train.log_every=10")
    for name in ("content", "content_of_reference"):
        distances = [line[f"loss/{name}"] for line in lines if f"loss/{name}" in line]
        assert distances[-1] < 0.95 * distances[0]


def test_the_speaker_halves_stay_what_they_were(course, monkeypatch):
    """A high learning rate moves them far, and the anchor holds them."""
    def moved_by(run):
        before, after, _ = course(run, "train.steps=40", "train.learning_rate=0.01")
        return speaker_halves_moved(before, after)

    held = moved_by("held")
    monkeypatch.setattr(hearing.losses, "speaker_consistency", lambda *halves: torch.zeros(()))
    assert held < 0.3 * moved_by("free")


def test_what_is_taught_is_the_mean_of_five_voices_and_the_speaker_of_the_own(repository, tiny_model):
    config = change_config(load_config(repository / "configs" / "tiny.yaml"), {
        "train": {"start_from": str(tiny_model)}, "perturb": {"formant_ratio": 1.3, "pitch_semitones": 6.0}})
    model, log_mel = load_model(tiny_model)[0], torch.randn(2, 128, 60, generator=torch.Generator().manual_seed(0)) - 3
    parts, moved = SourceFilter(config.mel), [log_mel]
    for formant in (1.3 ** hearing.MOVED, 1.3 ** -hearing.MOVED):
        for semitones in (6 * hearing.MOVED, -6 * hearing.MOVED):
            in_this = (parts.stretch(torch.tensor([formant])) @ parts.envelope @ log_mel
                       + parts.stretch(torch.tensor([2 ** (semitones / 12)])) @ parts.fine @ log_mel)
            moved.append(in_this.clamp(min=math.log(config.mel.floor)))
    with torch.no_grad():
        content, speaker = hearing.Hearing(config, 4)._taught(log_mel)
        each = [model.encode(one) for one in moved]
    torch.testing.assert_close(content, torch.stack([one.unsqueezed for one in each]).mean(0), atol=1e-5, rtol=0)
    assert (content - each[0].unsqueezed).abs().max() > 1e-3
    torch.testing.assert_close(speaker, each[0].speaker)
