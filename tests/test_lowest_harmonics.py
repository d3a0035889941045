"""The lowest harmonics of a high voice: they go down a little, what lies between and below them comes up."""

import math

import pytest
import torch

from vc.config import MelConfig
from vc.lowest_harmonics import (BELOW_NEPERS, BETWEEN_NEPERS, HARMONICS_NEPERS, HIGH_FROM_HZ, HIGH_HZ, NOT_FROM_HZ,
                                 LowestHarmonics, gains)

MEL = MelConfig()
RATE_HZ, HOP = MEL.sample_rate_hz, MEL.hop_samples
FRAMES = 81
LOWEST_HARMONICS = LowestHarmonics(MEL)


def tone(hertz):
    return 0.1 * torch.sin(2 * math.pi * hertz / RATE_HZ * torch.arange((FRAMES - 1) * HOP))


def level(wave):
    """In nepers, of the inner half."""
    return wave[len(wave) // 4:-len(wave) // 4].square().mean().log() / 2


@pytest.mark.parametrize("hertz, nepers", [
    (50, BELOW_NEPERS), (200, HARMONICS_NEPERS), (300, BETWEEN_NEPERS), (400, HARMONICS_NEPERS),
    (500, BETWEEN_NEPERS), (900, 0.0), (3000, 0.0)])
def test_a_tone_is_moved_by_where_it_lies(hertz, nepers):
    heard = tone(hertz)
    moved = level(LOWEST_HARMONICS(heard, torch.full((FRAMES,), 200.0))) - level(heard)
    assert moved == pytest.approx(nepers, abs=0.1)  # a frame's spectrum shows a tone over a few bins


@pytest.mark.parametrize("f0", [0.0, 90.0, HIGH_FROM_HZ])
def test_no_other_voice_is_changed(f0):
    heard = tone(200) + tone(300)
    assert torch.equal(LOWEST_HARMONICS(heard, torch.full((FRAMES,), f0)), heard)


def test_a_voice_half_high_is_changed_half():
    middle, high = (gains(torch.tensor([f0]), MEL.bins, RATE_HZ) for f0 in ((HIGH_FROM_HZ + HIGH_HZ) / 2, HIGH_HZ))
    hertz = torch.linspace(0, RATE_HZ / 2, MEL.bins)
    assert torch.allclose(middle[0], high[0] / 2)
    assert (high[hertz >= NOT_FROM_HZ] == 0).all()


@pytest.mark.parametrize("hertz, share", [(120.0, 1.0), (700.0, 0.5)])  # above half of F0; half-way out
def test_a_gain_by_hand(hertz, share):
    f0 = 200.0
    between = math.sin(math.pi * hertz / f0) ** 2
    wanted = share * (HARMONICS_NEPERS + (BETWEEN_NEPERS - HARMONICS_NEPERS) * between)
    at = round(hertz * MEL.fft_samples / RATE_HZ)
    assert gains(torch.tensor([f0]), MEL.bins, RATE_HZ)[at].item() == pytest.approx(wanted, abs=1e-4)


def test_where_there_is_no_pitch_nothing_changes():
    f0 = torch.full((FRAMES,), 220.0)
    f0[:FRAMES // 2] = 0
    heard = tone(220) + tone(330)
    changed = LOWEST_HARMONICS(heard, f0) - heard
    untouched = (FRAMES // 2) * HOP - MEL.fft_samples // 2
    assert (changed[:untouched] == 0).all()
    assert changed[untouched + MEL.fft_samples:].abs().max() > 0.01


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_next_to_nothing(frames):
    heard = torch.full(((frames - 1) * HOP,), 0.1)
    assert LOWEST_HARMONICS(heard, torch.full((frames,), 200.0)).shape == heard.shape
