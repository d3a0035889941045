"""The picture of the harmonics against the mel of real pulses."""

import pytest
import torch

from vc.config import MelConfig
from vc.features import LogMel
from vc.harmonics import HarmonicComb

MEL = MelConfig()


@pytest.mark.parametrize("f0_hz", [80.0, 131.7, 180.0, 333.3, 500.0])
def test_it_looks_like_the_mel_of_pulses(f0_hz):
    time_s = torch.arange(16000) / 16000
    pulses = sum(torch.cos(2 * torch.pi * f0_hz * k * time_s) for k in range(1, int(8000 / f0_hz)))
    heard = LogMel(MEL)(pulses[None])[0, :, 40]
    drawn = HarmonicComb(MEL)(torch.tensor([[f0_hz]]))[0, :MEL.bands, 0]
    assert torch.corrcoef(torch.stack([heard, drawn]))[0, 1] > 0.85


def test_what_is_unvoiced_is_empty():
    comb = HarmonicComb(MEL)(torch.tensor([[0.0, 150.0, 0.0]]))
    assert comb.shape == (1, MEL.bands + 1, 3)
    assert not comb[:, :, [0, 2]].any()
    assert comb[0, -1].tolist() == [0, 1, 0]
    assert comb[0, :-1, 1].mean().abs() < 1e-5


def test_between_two_rows_of_the_table_it_glides():
    comb = HarmonicComb(MEL)
    f0 = torch.linspace(150, 152, 200)[None]
    assert comb(f0).diff(dim=2).abs().max() < 0.1


def test_any_pitch_has_a_picture():
    assert HarmonicComb(MEL)(torch.tensor([[1.0, 60.0, 550.0, 4000.0]])).isfinite().all()
