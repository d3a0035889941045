"""What is known of a whole source before it is converted, heard window by window."""

import math

import numpy as np
import pytest
import soundfile
import torch

from vc import survey
from vc.config import MelConfig
from vc.survey import OVERLAP_S, WINDOW_S, survey_source

RATE_HZ, HOP = MelConfig().sample_rate_hz, MelConfig().hop_samples
RAMP = np.linspace(0.1, 0.9, round(2.3 * WINDOW_S * RATE_HZ), dtype=np.float32)


@pytest.fixture
def surveyed(tmp_path, monkeypatch):
    """F0 (T,) of a ramp in place of which `tracker` says something of each frame; and how long what it heard was."""
    def run(tracker):
        soundfile.write(tmp_path / "ramp.wav", RAMP, RATE_HZ, "FLOAT")
        heard = []

        def tracked(window, sample_rate_hz, hop_samples):
            heard.append(len(window))
            return tracker(np.append(window, window[-1])[::hop_samples][:len(window) // hop_samples + 1])

        monkeypatch.setattr(survey, "track_pitch", tracked)
        return survey_source(tmp_path / "ramp.wav", RATE_HZ, HOP).f0.numpy(), heard

    return run


def test_every_frame_is_heard_once_and_in_order(surveyed):
    f0, heard = surveyed(lambda frames: frames)
    assert len(f0) == len(RAMP) // HOP + 1
    assert f0[:-1] == pytest.approx(RAMP[::HOP][:len(f0) - 1], abs=1e-6)
    assert len(heard) > 1 and max(heard) <= WINDOW_S * RATE_HZ


def test_no_frame_is_heard_at_the_edge_of_a_window(surveyed):
    """Half of the overlap before and after it is known."""
    frames_a_second = RATE_HZ / HOP
    away, _ = surveyed(lambda frames: np.minimum(np.arange(len(frames)), np.arange(len(frames))[::-1]))
    inner = away[round(frames_a_second):-round(frames_a_second)]
    assert inner.min() >= OVERLAP_S / 2 * frames_a_second - 1


@pytest.mark.parametrize("loudest", [0.0, 1e-6])
def test_what_is_next_to_silence_has_no_level(tmp_path, caplog, loudest):
    noise = loudest * np.random.default_rng(0).uniform(-1, 1, RATE_HZ)
    soundfile.write(tmp_path / "silent.wav", noise, RATE_HZ, "FLOAT")
    found = survey_source(tmp_path / "silent.wav", RATE_HZ, HOP)
    assert found.level_db == -math.inf and found.samples == RATE_HZ
    assert torch.equal(found.f0, torch.zeros(RATE_HZ // HOP + 1))
    assert "silent.wav: is silent, so is the result" in caplog.text
