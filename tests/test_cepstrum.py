"""The spread of a voice's cepstrum, against plain arithmetic."""

import pytest
import torch

from vc.cepstrum import (LEAST_VARIANCE, MAX_FINE_STRETCH, OWN_TRUST_FRAMES, TARGET_TRUST_FRAMES, Spread, spread_of,
                         with_bands_stretched, with_spread)
from vc.source_filter import cosine_basis, envelope_size

BANDS, FRAMES = 32, 20_000
ENVELOPE = envelope_size(BANDS)
PLENTY = 1e9  # of frames


def frames_with(covariance, fine, seed=0):
    """Frames (BANDS, FRAMES) whose envelope coefficients have this covariance, the others this deviation; mean 0."""
    noise = torch.randn(BANDS, FRAMES, generator=torch.Generator().manual_seed(seed))
    coefficients = torch.cat([torch.linalg.cholesky(covariance) @ noise[:ENVELOPE], fine * noise[ENVELOPE:]])
    return cosine_basis(BANDS).T @ (coefficients - coefficients.mean(1, keepdim=True))


def some_covariance(seed):
    mixing = torch.randn(ENVELOPE, ENVELOPE, generator=torch.Generator().manual_seed(seed))
    return mixing @ mixing.T + torch.eye(ENVELOPE)


def test_the_spread_of_frames():
    frames = frames_with(some_covariance(1), 0.3) + 5
    found = spread_of(frames)
    coefficients = cosine_basis(BANDS) @ frames
    torch.testing.assert_close(found.envelope, torch.cov(coefficients[:ENVELOPE], correction=0), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(found.fine, coefficients[ENVELOPE:].std(1, correction=0))


def test_frames_take_the_targets_spread():
    frames, target = frames_with(some_covariance(1), 0.3), Spread(some_covariance(2), torch.full((28,), 0.4))
    moved = spread_of(with_spread(frames, spread_of(frames), target, PLENTY, PLENTY, trust=1.0))
    torch.testing.assert_close(moved.envelope, target.envelope, atol=0.03, rtol=0.03)
    torch.testing.assert_close(moved.fine, target.fine, atol=1e-3, rtol=0)


def test_the_move_is_the_shortest():
    """Another map to the same spread takes the frames further from where they were."""
    frames, target = frames_with(some_covariance(1), 0.3), Spread(some_covariance(2), torch.full((28,), 0.3))
    moved = with_spread(frames, spread_of(frames), target, PLENTY, PLENTY, trust=1.0)
    basis = cosine_basis(BANDS)[:ENVELOPE]
    root = torch.linalg.cholesky(target.envelope) @ torch.linalg.inv(torch.linalg.cholesky(spread_of(frames).envelope))
    other = frames + basis.T @ (root - torch.eye(ENVELOPE)) @ basis @ frames
    torch.testing.assert_close(spread_of(other).envelope, target.envelope, atol=0.05, rtol=0.05)
    assert (moved - frames).square().mean() < (other - frames).square().mean()


def test_the_same_spread_moves_nothing():
    frames = frames_with(some_covariance(3), 0.5)
    own = spread_of(frames)
    torch.testing.assert_close(with_spread(frames, own, own, PLENTY, PLENTY, trust=1.0), frames, atol=1e-3, rtol=0)


def test_the_spread_of_frames_whose_bands_are_stretched():
    frames, stretch = frames_with(some_covariance(3), 0.5), torch.linspace(0.8, 1.3, BANDS)
    moved, expected = with_bands_stretched(spread_of(frames), stretch), spread_of(stretch[:, None] * frames)
    torch.testing.assert_close(moved.envelope, expected.envelope, atol=0.03, rtol=0.03)
    torch.testing.assert_close(moved.fine, expected.fine, atol=0.02, rtol=0.02)


def test_without_trust_nothing_moves():
    frames = frames_with(some_covariance(3), 0.5)
    target = Spread(some_covariance(4), torch.full((28,), 0.9))
    moved = with_spread(frames, spread_of(frames), target, PLENTY, PLENTY, trust=0.0)
    torch.testing.assert_close(moved, frames, atol=1e-4, rtol=0)


@pytest.mark.parametrize("own_frames, target_frames, share", [
    (PLENTY, 0, 0.0), (PLENTY, TARGET_TRUST_FRAMES, 0.5), (0, PLENTY, 0.0), (OWN_TRUST_FRAMES, PLENTY, 0.5),
    (OWN_TRUST_FRAMES, TARGET_TRUST_FRAMES, 0.25), (PLENTY, PLENTY, 1.0)])
def test_few_frames_tell_variances_but_not_correlations(own_frames, target_frames, share):
    own, target = torch.eye(ENVELOPE), torch.full((ENVELOPE, ENVELOPE), 0.8) + 0.2 * torch.eye(ENVELOPE)
    frames = frames_with(own, 0.3)
    moved = spread_of(with_spread(frames, spread_of(frames), Spread(4 * target, torch.full((28,), 0.3)), own_frames,
                                  target_frames, trust=1.0)).envelope
    torch.testing.assert_close(moved.diagonal(), torch.full((ENVELOPE,), 4.0), atol=0.1, rtol=0)
    assert moved[0, 1].item() == pytest.approx(3.2 * share, abs=0.1)


def test_a_direction_is_not_stretched_for_its_noise():
    """What hardly varies in either voice is noise in both, whatever the ratio of the two."""
    own, target = 1e-4, 1e-2
    frames = frames_with(own * torch.eye(ENVELOPE), 0.3)
    wanted = Spread(target * torch.eye(ENVELOPE), torch.full((28,), 0.3))
    moved = spread_of(with_spread(frames, spread_of(frames), wanted, PLENTY, PLENTY, trust=1.0)).envelope.diagonal()
    expected = own * (target + LEAST_VARIANCE) / (own + LEAST_VARIANCE)
    torch.testing.assert_close(moved, torch.full((ENVELOPE,), expected), atol=0, rtol=0.05)
    assert expected < 2 * own


@pytest.mark.parametrize("deviation, stretch", [(9.0, MAX_FINE_STRETCH), (0.01, 1 / MAX_FINE_STRETCH)])
def test_fine_structure_is_stretched_within_bounds(deviation, stretch):
    frames = frames_with(torch.eye(ENVELOPE), 0.3)
    target = Spread(torch.eye(ENVELOPE), torch.full((28,), deviation))
    moved = spread_of(with_spread(frames, spread_of(frames), target, PLENTY, PLENTY, trust=1.0))
    torch.testing.assert_close(moved.fine, spread_of(frames).fine * stretch, atol=1e-3, rtol=0)


def test_a_single_frame_has_a_spread_and_can_be_moved():
    frame = torch.zeros(BANDS, 1)
    target = Spread(some_covariance(2), torch.full((28,), 0.4))
    assert with_spread(frame, spread_of(frame), target, 1, 300, trust=0.01).isfinite().all()
