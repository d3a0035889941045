"""The speaker classifier that attacks the content half: if it can tell who speaks, the encoder is told to hide it.

Two forms of one game. Reversal (Ganin and Lempitsky 2015, arXiv 1409.7495): one pass, in which the classifier learns
while the encoder receives its gradient with the sign flipped. Alternating (Chou et al. 2018, arXiv 1804.02812): the
classifier takes steps of its own, then stands still while the encoder is trained to leave it undecided.

An adversary owns its classifier and its optimiser. Its own accuracy during training proves little; judge the content
half by a freshly trained probe (vc.probing).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import torch
from torch import nn
from torch.nn import functional as F

from vc.config import AdversaryConfig


@dataclass(frozen=True)
class Attack:
    """loss: scalar for the encoder's optimiser; weight: what it counts there. cross_entropy: of the classifier, in
    nats. accuracy: in [0, 1]."""

    loss: torch.Tensor
    weight: float
    cross_entropy: torch.Tensor
    accuracy: torch.Tensor


class SpeakerClassifier(nn.Module):
    """content (B, C, T') -> logits over the training speakers (B, speakers)."""

    def __init__(self, content_dims, width, speakers):
        super().__init__()
        self.frames = nn.Sequential(nn.Conv1d(content_dims, width, 5, padding=2), nn.GELU(),
                                    nn.Conv1d(width, width, 5, padding=2), nn.GELU())
        self.logits = nn.Linear(2 * width, speakers)

    def forward(self, content):
        h = self.frames(content).float()
        return self.logits(torch.cat([h.mean(2), h.std(2, correction=0)], dim=1))


class SpeakerAdversary(nn.Module, ABC):
    """Base of the two forms. Call `attack` before the encoder's backward pass and `step` after it."""

    def __init__(self, settings: AdversaryConfig, content_dims, speakers, device="cpu"):
        super().__init__()
        self.weight, self.ramp_steps, self.own_steps = settings.weight, settings.ramp_steps, settings.own_steps
        self.classifier = SpeakerClassifier(content_dims, settings.width, speakers).to(device)
        self.optimiser = torch.optim.Adam(self.classifier.parameters(), lr=settings.learning_rate)

    def weight_at(self, step):
        """The weight rises linearly from 0, so that the content half first learns to carry content."""
        return self.weight * min(1.0, step / self.ramp_steps)

    @abstractmethod
    def attack(self, contents, speaker_ids, step) -> Attack:
        """contents: one or several (B, C, T') of the same speakers, which may differ in T'. speaker_ids: (B,)."""

    @abstractmethod
    def step(self):
        """After the encoder's backward pass."""

    def logits(self, contents):
        """Of all contents, one after the other."""
        return torch.cat([self.classifier(content) for content in contents])


@final
class Reversal(SpeakerAdversary):
    """Gradient reversal. The loss counts wholly, since the classifier learns by it too; the weight is in what is
    reversed."""

    def attack(self, contents, speaker_ids, step):
        speaker_ids = speaker_ids.repeat(len(contents))
        logits = self.logits([_Reverse.apply(content, self.weight_at(step)) for content in contents])
        cross_entropy = F.cross_entropy(logits, speaker_ids)
        return Attack(cross_entropy, 1.0, cross_entropy.detach(), _accuracy(logits, speaker_ids))

    def step(self):
        self.optimiser.step()
        self.optimiser.zero_grad()


@final
class Alternating(SpeakerAdversary):
    """Two optimisers in turn. The encoder is pulled towards an undecided classifier (cross-entropy to the uniform
    distribution), which unlike a negated cross-entropy has a lower bound. The classifier may take several steps on a
    batch: one that lags behind the encoder attacks what is no longer there."""

    def attack(self, contents, speaker_ids, step):
        speaker_ids = speaker_ids.repeat(len(contents))
        for _ in range(self.own_steps):
            logits = self.logits([content.detach() for content in contents])
            cross_entropy = F.cross_entropy(logits, speaker_ids)
            self.optimiser.zero_grad()
            cross_entropy.backward()
            self.optimiser.step()
            torch.clear_autocast_cache()  # which would go on with the weights of before the step
        indecision = -F.log_softmax(self.logits(contents), dim=1).mean()
        return Attack(indecision, self.weight_at(step), cross_entropy.detach(), _accuracy(logits, speaker_ids))

    def step(self):
        self.optimiser.zero_grad()  # what the encoder's pass left behind is not the classifier's to learn from


ADVERSARIES = {"reversal": Reversal, "alternating": Alternating}


class _Reverse(torch.autograd.Function):
    """Identity forward; backward the gradient times -weight."""

    @staticmethod
    def forward(ctx, x, weight):
        ctx.weight = weight
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.weight * gradient, None


def _accuracy(logits, labels):
    return (logits.argmax(1) == labels).float().mean()
