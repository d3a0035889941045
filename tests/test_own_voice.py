"""What the vocoder's second stage hears: in the own voice, aligned, every second one by way of another's voice."""

import pytest
import torch

from vc.audio import load_audio
from vc.checkpoint import load_model
from vc.conversion import Converter
from vc.data.batches import Batch
from vc.features import LogMel
from vc.own_voice import OwnVoice
from vc.pitch import track_pitch


@pytest.fixture
def model(tiny_model):
    return load_model(tiny_model)[0]


@pytest.fixture
def batch(clips):
    """Two recordings of a woman, whose references are the other one, then one in which nobody speaks."""
    one, other = (torch.from_numpy(load_audio(clips / "kerstin" / name, 16000)[:16000])
                  for name in ("burg.flac", "amboise.flac"))
    source = torch.stack([one, other, one])
    f0 = torch.stack([torch.from_numpy(track_pitch(wave.numpy(), 16000, 200)) for wave in source])
    f0 = torch.nn.functional.pad(f0, (0, 81 - f0.shape[1])).float()
    return Batch(source, torch.stack([other, one, torch.zeros_like(one)]), torch.arange(3), f0, f0)


def test_as_long_as_the_recording_and_not_the_recording(model, batch):
    said, recorded = OwnVoice(model)(batch), LogMel(model.config.mel)(batch.source)
    assert said.shape == recorded.shape and said.isfinite().all()
    assert all((said - recorded).abs().mean((1, 2))[:2] > 0.05)


def test_without_a_voice_the_recording_is_heard(model, batch):
    assert torch.equal(OwnVoice(model)(batch)[2], LogMel(model.config.mel)(batch.source)[2])


def test_every_second_one_takes_a_detour(model, batch, monkeypatch):
    """Each is said once in its own voice; the second one before that in the first one's."""
    spoken, say = [], Converter.say

    def listening(self, content, voice, own_range):
        spoken.append((voice.seconds, own_range.mean.item(), voice.pitch.mean.item()))
        return say(self, content, voice, own_range)

    monkeypatch.setattr(Converter, "say", listening)
    OwnVoice(model)(batch)
    (_, first_from, first_to), (_, there_from, there_to), (_, back_from, back_to) = spoken
    assert first_from == first_to == there_to == back_from != back_to == there_from
