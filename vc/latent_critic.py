"""The adversary of the adversarial auto-encoder: it tells codes from draws of a prior, and the encoder learns to be
taken for the prior (Makhzani et al. 2016, arXiv 1511.05644).

Their two phases in each step: the critic learns on the step's codes and on fresh draws, with an optimiser of its own
(regularisation phase, first half); then the auto-encoder takes one step on the sum of its reconstruction and what the
critic, standing still, holds against its codes (reconstruction phase and the second half). One step for both, so that
`weight` says how much the prior counts against the reconstruction; taken apart, Adam would make the two equally large.

The critic sees single frames: frames that follow each other belong together, as a prior of independent draws does not
say. Instance normalisation gives each dimension of a plain code mean 0 and variance 1 over an utterance, as the priors
here have: what the critic adds is the shape of the distribution, and that dimensions do not depend on each other. The
code of a vae goes through a layer of its own after that, so that its mean and variance are the critic's to ask for too.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from vc.config import Config
from vc.errors import ConfigError

SLOPE = 0.2
BLUR = 0.1
BOTTLENECKS = ("plain", "vae")  # codes of any other have a shape already, that no prior here could have


def gaussian(like):
    return torch.randn_like(like)


def uniform(like):
    """Within -sqrt(3) and sqrt(3)."""
    return (2 * torch.rand_like(like) - 1) * math.sqrt(3)


def binary(like):
    """-1 or 1, a little blurred, since from two points no code would be near enough to learn where they are."""
    signs = torch.randint_like(like, 2) * 2 - 1
    return (signs + BLUR * torch.randn_like(like)) / math.sqrt(1 + BLUR**2)


PRIORS = {"gaussian": gaussian, "uniform": uniform, "binary": binary}
"""Each draws a tensor like the one given, every element independent, of mean 0 and variance 1."""


@dataclass(frozen=True)
class Verdict:
    """loss: scalar for the encoder's optimiser. cross_entropy: of the critic, in nats; log 2 where it cannot tell.
    accuracy: in [0, 1]; 0.5 where it cannot tell."""

    loss: torch.Tensor
    cross_entropy: torch.Tensor
    accuracy: torch.Tensor


class LatentCritic(nn.Module):
    """Owns the critic and its optimiser. Call `judge` once a step, before the encoder's backward pass.

    Raises ConfigError for a prior that is none, and for a bottleneck whose codes no prior here could describe.
    """

    def __init__(self, config: Config, device="cpu"):
        super().__init__()
        settings, sizes = config.critic, config.model
        if settings.prior not in PRIORS:
            raise ConfigError(f"critic.prior: got {settings.prior!r}, expected one of {', '.join(PRIORS)}")
        if sizes.bottleneck not in BOTTLENECKS:
            raise ConfigError(f"critic.weight={settings.weight:g} has no meaning for the codes of model.bottleneck="
                              f"{sizes.bottleneck}; expected {' or '.join(BOTTLENECKS)}")
        self.from_step, self.draw = settings.from_step, PRIORS[settings.prior]
        self.network = nn.Sequential(
            nn.Conv1d(sizes.content_dims, settings.width, 1), nn.LeakyReLU(SLOPE),
            nn.Conv1d(settings.width, settings.width, 1), nn.LeakyReLU(SLOPE),
            nn.Conv1d(settings.width, 1, 1)).to(device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=settings.learning_rate, betas=(0.5, 0.9))

    def judge(self, content) -> Verdict:
        """content: (B, C, T')."""
        codes = content.detach()
        drawn = self.network(self.draw(codes)).float()
        coded = self.network(codes).float()
        cross_entropy = (F.softplus(-drawn).mean() + F.softplus(coded).mean()) / 2
        self.optimiser.zero_grad()
        cross_entropy.backward()
        self.optimiser.step()
        self.network.requires_grad_(False)
        deception = F.softplus(-self.network(content).float()).mean()
        self.network.requires_grad_(True)
        accuracy = ((drawn > 0).float().mean() + (coded < 0).float().mean()) / 2
        return Verdict(deception, cross_entropy.detach(), accuracy)
