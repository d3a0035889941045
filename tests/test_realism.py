"""The discriminator against over-smoothing."""

import pytest
import torch

from vc.config import RealismConfig
from vc.realism import MelDiscriminator, Realism


@pytest.mark.parametrize(("bands", "frames"), [(128, 1), (128, 7), (80, 33)])
def test_every_layer_sees_something_at_odd_lengths(bands, frames):
    seen = MelDiscriminator(4)(torch.randn(2, bands, frames))
    assert len(seen) == 5 and all(layer.numel() > 0 for layer in seen) and seen[-1].shape[:2] == (2, 1)


def test_it_learns_to_tell_smooth_from_sharp():
    torch.manual_seed(0)
    realism = Realism(RealismConfig(weight=1.0, width=8, learning_rate=2e-3))
    readings = []
    for _ in range(80):
        sharp = torch.randn(4, 32, 16)
        smooth = torch.nn.functional.avg_pool1d(torch.randn(4, 32, 16), 5, 1, 2)
        readings.append(realism.judge(sharp, smooth, smooth[:1]).discrimination.item())
    assert readings[0] > 0.4 and readings[-1] < 0.15


def test_the_judgement_trains_what_made_the_mel_and_not_the_judge():
    realism = Realism(RealismConfig(weight=0.5, width=4))
    made = torch.randn(2, 32, 16, requires_grad=True)
    before = [parameter.clone() for parameter in realism.discriminator.parameters()]
    judgement = realism.judge(torch.randn(2, 32, 16), made, made[:1])
    learnt = [parameter.clone() for parameter in realism.discriminator.parameters()]
    assert any(not torch.equal(*pair) for pair in zip(before, learnt, strict=True))
    realism.optimiser.zero_grad()
    judgement.loss.backward()
    assert made.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in realism.discriminator.parameters())


def test_a_perfect_copy_costs_only_the_doubt():
    """Where the features agree, only the opinion is left."""
    torch.manual_seed(0)
    mel = torch.randn(2, 32, 16)
    one, two = (Realism(RealismConfig(weight=1.0, feature_weight=weight, width=4)) for weight in (1.0, 100.0))
    two.load_state_dict(one.state_dict())
    losses = [realism.judge(mel, mel.clone(), mel[:1]).loss.item() for realism in (one, two)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert losses[0] < 2.0
