"""Instance normalisation and the blocks, against plain loops and under padding."""

import pytest
import torch

from vc.cores import make_core
from vc.layers import AdaptiveBlock, frame_mask, instance_norm


def test_instance_norm_equals_a_plain_loop():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 11) * 4 + 2
    result = instance_norm(x)
    for b in range(2):
        for c in range(3):
            row = x[b, c].tolist()
            mean = sum(row) / len(row)
            std = (sum((value - mean) ** 2 for value in row) / len(row) + 1e-5) ** 0.5
            assert float(result.mean[b, c]) == pytest.approx(mean, abs=1e-5)
            assert float(result.std[b, c]) == pytest.approx(std, abs=1e-5)
            expected = [(value - mean) / std for value in row]
            assert result.x[b, c].tolist() == pytest.approx(expected, abs=1e-5)


def test_instance_norm_takes_gain_and_offset_out():
    x = torch.randn(1, 4, 50)
    torch.testing.assert_close(instance_norm(x * 3 + 7).x, instance_norm(x).x, atol=1e-4, rtol=1e-4)


def test_a_constant_channel_becomes_zero_without_nan():
    assert torch.equal(instance_norm(torch.full((1, 2, 5), 3.0)).x, torch.zeros(1, 2, 5))


def test_masked_norm_sees_only_the_valid_frames():
    x = torch.randn(2, 3, 20)
    mask = frame_mask(torch.tensor([20, 13]), 20)
    masked = instance_norm(x, mask)
    torch.testing.assert_close(masked.x[1, :, :13], instance_norm(x[1:, :, :13]).x[0], atol=1e-5, rtol=1e-5)
    assert (masked.x[1, :, 13:] == 0).all()


@pytest.mark.parametrize("frames", [1, 2, 3, 17])
@pytest.mark.parametrize("block", [make_core("convolution", 6, 5), AdaptiveBlock(make_core("convolution", 6, 5), 6, 4)])
def test_blocks_keep_the_length(block, frames):
    speaker = (torch.randn(2, 4),) if isinstance(block, AdaptiveBlock) else ()
    assert block(torch.randn(2, 6, frames), *speaker).shape == (2, 6, frames)


def test_the_speaker_sets_the_adaptive_block():
    block, x = AdaptiveBlock(make_core("convolution", 6, 3), 6, 4), torch.randn(1, 6, 9)
    assert not torch.allclose(block(x, torch.ones(1, 4)), block(x, -torch.ones(1, 4)), atol=1e-3)


def test_frame_mask_by_hand():
    assert frame_mask(torch.tensor([1, 3]), 3).tolist() == [[[1, 0, 0]], [[1, 1, 1]]]
