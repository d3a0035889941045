"""The adversary against over-smoothing: a discriminator that tells recorded mels from the decoder's.

A mean absolute error is smallest at the median of all mels that fit, which is smoother than any of them; only a judge
that looks for what is missing brings the detail back. Least-squares form (Mao et al. 2017, arXiv 1611.04076) with
feature matching (Larsen et al. 2016, arXiv 1512.09300).
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from vc.config import RealismConfig

SLOPE = 0.2


@dataclass(frozen=True)
class Judgement:
    """loss: scalar for the decoder's optimiser. discrimination: the discriminator's own loss, 0.5 where it cannot tell
    and 0 where it always can."""

    loss: torch.Tensor
    discrimination: torch.Tensor


class MelDiscriminator(nn.Module):
    """Standardised log-mel (B, M, T) -> what each layer sees; the last has one opinion a patch of bands and frames."""

    def __init__(self, width):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Conv2d(1, width, (5, 3), stride=(2, 1), padding=(2, 1)),
            nn.Conv2d(width, 2 * width, (5, 3), stride=(2, 2), padding=(2, 1)),
            nn.Conv2d(2 * width, 2 * width, (5, 3), stride=(2, 2), padding=(2, 1)),
            nn.Conv2d(2 * width, 2 * width, (5, 3), stride=(2, 1), padding=(2, 1)),
            nn.Conv2d(2 * width, 1, 3, padding=1),
        ])

    def forward(self, log_mel):
        h, seen = log_mel.unsqueeze(1), []
        for layer in self.layers[:-1]:
            h = F.leaky_relu(layer(h), SLOPE)
            seen.append(h)
        return [*seen, self.layers[-1](h)]


class Realism(nn.Module):
    """Owns the discriminator and its optimiser. Call `judge` once a step, before the decoder's backward pass."""

    def __init__(self, settings: RealismConfig, device="cpu"):
        super().__init__()
        self.feature_weight, self.from_step = settings.feature_weight, settings.from_step
        self.discriminator = MelDiscriminator(settings.width).to(device)
        self.optimiser = torch.optim.Adam(self.discriminator.parameters(), lr=settings.learning_rate, betas=(0.5, 0.9))

    def judge(self, recorded, rebuilt, converted) -> Judgement:
        """Train the discriminator on a step's mels, then have it judge them. All standardised, (B, M, T).

        rebuilt: the same utterances as recorded, so that features can be matched. converted: (B', M, T).
        """
        made = torch.cat([rebuilt, converted])
        real, fake = self.discriminator(recorded)[-1].float(), self.discriminator(made.detach())[-1].float()
        discrimination = (real - 1).square().mean() + fake.square().mean()
        self.optimiser.zero_grad()
        discrimination.backward()
        self.optimiser.step()
        self.discriminator.requires_grad_(False)
        seen, wanted = self.discriminator(made), self.discriminator(recorded)
        self.discriminator.requires_grad_(True)
        deception = (seen[-1].float() - 1).square().mean()
        matching = sum((here[:len(recorded)] - there).abs().float().mean() for here, there in
                       zip(seen[:-1], wanted[:-1], strict=True)) / len(wanted[:-1])
        return Judgement(deception + self.feature_weight * matching, discrimination.detach())
