"""Hearing a recording in several voices."""

import math

import pytest
import torch

from vc.config import change_config, load_config
from vc.hearing import MOVED, Hearing
from vc.model import AutoEncoder
from vc.source_filter import SourceFilter


@pytest.fixture(scope="module")
def log_mel():
    return torch.randn(128, 60, generator=torch.Generator().manual_seed(0)) - 3


def hearing_of(repository, settings):
    """An untrained model and its Hearing."""
    config = change_config(load_config(repository / "configs" / "tiny.yaml"), settings)
    torch.manual_seed(0)
    model = AutoEncoder(config).eval().requires_grad_(False)
    return model, Hearing(model, SourceFilter(config.mel))


def test_the_content_is_the_mean_of_what_five_voices_say(repository, log_mel):
    perturb = {"formant_ratio": 1.3, "pitch_semitones": 6.0}
    model, hearing = hearing_of(repository, {"model": {"bottleneck": "plain"}, "perturb": perturb})
    parts, contents = SourceFilter(model.config.mel), [model.encode(log_mel[None]).content]
    for formant in (1.3 ** MOVED, 1.3 ** -MOVED):
        for semitones in (6 * MOVED, -6 * MOVED):
            moved = (parts.stretch(torch.tensor([formant])) @ parts.envelope @ log_mel
                     + parts.stretch(torch.tensor([2 ** (semitones / 12)])) @ parts.fine @ log_mel)
            contents.append(model.encode(moved.clamp(min=math.log(model.config.mel.floor))).content)
    heard = hearing(log_mel)
    torch.testing.assert_close(heard.content, torch.stack(contents).mean(0), atol=1e-5, rtol=0)
    assert (heard.content - contents[0]).abs().max() > 1e-3
    torch.testing.assert_close(heard.speaker, model.encode(log_mel[None]).speaker)


def test_a_discrete_code_stays_one(repository, log_mel):
    model, hearing = hearing_of(repository, {"model": {"bottleneck": "vq"}})
    heard = hearing(log_mel)
    torch.testing.assert_close(model.encoder.bottleneck.look_up(heard.squeezed.codes), heard.content)


def test_a_model_trained_on_voices_as_they_are_hears_them_so(repository, log_mel):
    model, hearing = hearing_of(repository, {"perturb": {"formant_ratio": 1.0, "pitch_semitones": 0.0}})
    assert torch.equal(hearing(log_mel).content, model.encode(log_mel[None]).content)
