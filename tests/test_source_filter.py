"""Envelope and fine structure."""

import math

import pytest
import torch

from vc.config import MelConfig
from vc.features import LogMel, band_centres_hz
from vc.source_filter import SourceFilter, cosine_basis

MEL = MelConfig()
PARTS = SourceFilter(MEL)


def peak_hz(log_mel):
    return band_centres_hz(MEL)[log_mel.argmax(0)]


def test_the_two_parts_add_up_and_have_nothing_in_common():
    torch.testing.assert_close(PARTS.envelope + PARTS.fine, torch.eye(MEL.bands))
    torch.testing.assert_close(PARTS.envelope @ PARTS.fine, torch.zeros(MEL.bands, MEL.bands), atol=1e-5, rtol=0)


def test_a_slow_curve_is_envelope_and_a_ripple_is_fine():
    basis = cosine_basis(MEL.bands)
    for curve, part in ((basis[3], PARTS.envelope), (basis[40], PARTS.fine)):
        torch.testing.assert_close(part @ curve, curve, atol=1e-5, rtol=0)


def test_frames_are_stretched_each_by_its_own_ratio():
    t = torch.arange(MEL.sample_rate_hz) / MEL.sample_rate_hz
    tone = LogMel(MEL)(torch.sin(2 * math.pi * 400 * t)[None])[0][:, 10:14]
    ratio = torch.tensor([1.0, 2.0, 0.5, 1.3])
    moved = PARTS.stretched(tone, ratio)
    torch.testing.assert_close(moved[:, 0], tone[:, 0])
    assert peak_hz(moved).tolist() == pytest.approx([400, 800, 200, 520], abs=30)
    for frame, matrix in enumerate(PARTS.stretch(ratio)):
        torch.testing.assert_close(matrix @ tone[:, frame], moved[:, frame], atol=1e-4, rtol=1e-4)
