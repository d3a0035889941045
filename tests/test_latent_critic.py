"""The critic of the adversarial auto-encoder: what it learns, what reaches the encoder, what its priors are."""

import math

import pytest
import torch
from torch import nn

from vc.config import Config
from vc.errors import ConfigError
from vc.latent_critic import PRIORS, LatentCritic


def critic(bottleneck="plain", dims=4, **settings):
    torch.manual_seed(0)
    settings = dict(weight=1.0, width=32, learning_rate=2e-3) | settings
    return LatentCritic(Config(model=dict(bottleneck=bottleneck, content_dims=dims), critic=settings))


@pytest.mark.parametrize("prior", PRIORS)
def test_draws_have_mean_0_and_variance_1_and_do_not_depend_on_each_other(prior):
    torch.manual_seed(0)
    draws = PRIORS[prior](torch.empty(1, 3, 40000))
    torch.testing.assert_close(torch.cov(draws[0]), torch.eye(3), atol=0.03, rtol=0)
    torch.testing.assert_close(draws.mean(2), torch.zeros(1, 3), atol=0.03, rtol=0)


def test_priors_have_the_shape_that_they_are_named_for():
    """Their kurtosis by hand: 3 of a normal distribution, 9/5 of a uniform, 1 of two points (blurred a little)."""
    torch.manual_seed(0)
    kurtosis = {name: draw(torch.empty(200000)).pow(4).mean().item() for name, draw in PRIORS.items()}
    assert kurtosis["gaussian"] == pytest.approx(3, abs=0.1) and kurtosis["uniform"] == pytest.approx(1.8, abs=0.02)
    assert kurtosis["binary"] == pytest.approx(1.04, abs=0.01)
    assert PRIORS["uniform"](torch.empty(200000)).abs().max().item() == pytest.approx(math.sqrt(3), abs=1e-3)


@pytest.mark.parametrize("prior", PRIORS)
def test_it_tells_another_shape_of_the_same_mean_and_variance(prior):
    """Two-point codes from draws of the others and so on; and nothing from draws of the prior itself."""
    other = "uniform" if prior == "binary" else "binary"
    for name in (other, prior):
        judge = critic(prior=prior, learning_rate=1e-2)
        for _ in range(100):
            verdict = judge.judge(PRIORS[name](torch.empty(4, 4, 100)))
        if name == other:
            assert verdict.accuracy > 0.75 and verdict.cross_entropy < 0.57
        else:
            assert verdict.accuracy < 0.6 and verdict.cross_entropy > 0.9 * math.log(2)


def test_codes_are_pulled_to_the_prior():
    """Free codes, all of one sign at first, end as a normal distribution by kurtosis and dependence."""
    judge = critic()
    codes = nn.Parameter(torch.randn(1, 1, 400).repeat(4, 4, 1).sign() + 0.1 * torch.randn(4, 4, 400))
    optimiser = torch.optim.Adam([codes], lr=2e-2, betas=(0.5, 0.9))
    for _ in range(250):
        optimiser.zero_grad()
        judge.judge(codes).loss.backward()
        optimiser.step()
    flat = codes.detach().transpose(0, 1).flatten(1)
    correlation = torch.corrcoef(flat)
    print(correlation, (flat / flat.std(1, keepdim=True)).pow(4).mean())
    assert (correlation - torch.eye(4)).abs().max() < 0.3
    assert 2 < (flat / flat.std(1, keepdim=True)).pow(4).mean() < 4


def test_the_verdict_trains_the_codes_and_not_the_critic():
    judge = critic(weight=0.5)
    codes = torch.randn(2, 4, 10, requires_grad=True)
    before = [parameter.clone() for parameter in judge.parameters()]
    verdict = judge.judge(codes)
    assert any(not torch.equal(*pair) for pair in zip(before, judge.parameters(), strict=True))
    assert codes.grad is None  # what the critic learns by is not the encoder's to learn from
    judge.optimiser.zero_grad()
    verdict.loss.backward()
    assert codes.grad.abs().max() > 0
    assert all(parameter.grad is None and parameter.requires_grad for parameter in judge.parameters())


def test_losses_by_hand():
    """An undecided critic: log 2 each, whatever its weight. Then one that knows: sigmoid(2 * first dim)."""
    judge = critic(weight=0.25, learning_rate=1e-12)
    nn.init.zeros_(judge.network[-1].weight), nn.init.zeros_(judge.network[-1].bias)
    verdict = judge.judge(torch.randn(2, 4, 10))
    assert verdict.cross_entropy.item() == pytest.approx(math.log(2), rel=1e-5)
    assert verdict.loss.item() == pytest.approx(math.log(2), rel=1e-5)
    judge.network = nn.Conv1d(4, 1, 1, bias=False)
    judge.network.weight.data.copy_(torch.tensor([2.0, 0, 0, 0]).view(1, 4, 1))
    judge.draw = lambda like: torch.ones_like(like)
    verdict = judge.judge(-torch.ones(2, 4, 10))
    assert verdict.cross_entropy.item() == pytest.approx(math.log(1 + math.exp(-2)), rel=1e-5)
    assert verdict.loss.item() == pytest.approx(math.log(1 + math.exp(2)), rel=1e-5)
    assert verdict.accuracy == 1


def test_wrong_settings_are_refused():
    with pytest.raises(ConfigError, match="critic.prior: got 'cauchy', expected one of gaussian, uniform, binary"):
        critic(prior="cauchy")
    for bottleneck in ("sigmoid", "vq"):
        with pytest.raises(ConfigError, match="critic.weight=1 has no meaning for the codes of model.bottleneck="
                                              f"{bottleneck}; expected plain or vae"):
            critic(bottleneck=bottleneck)
