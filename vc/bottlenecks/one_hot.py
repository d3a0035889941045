"""A code of choices: each group takes one of its categories."""

from typing import final

import torch
from torch import nn
from torch.nn import functional as F

from vc.bottlenecks.base import Bottleneck, Squeezed, count_uses, perplexity, straight_through
from vc.registry import expect_within


@final
class OneHot(Bottleneck):
    """Gumbel-softmax (Jang et al. 2017, arXiv 1611.01144; Maddison et al. 2017, arXiv 1611.00712): in training a choice
    is drawn by its probability and stands as a softmax; otherwise the likeliest is taken.

    groups: choices a frame. categories: of each. hard: in training, too, one category is taken wholly, and the gradient
    is the softmax's. temperature_from, temperature_to: fallen exponentially over anneal_steps. The temperature makes
    the softmax ever harder and never moves its peak: soft choices get nearer to one category, of hard ones it shapes
    the gradient alone. What is drawn becomes what is taken only as the logits grow apart.

    Metrics: `perplexity` of the likeliest, mean over groups; `confidence`, the mean probability of the likeliest;
    `likeliest_drawn`, the share of draws that took the likeliest; `temperature`.
    """

    def __init__(self, dims, *, groups=8, categories=16, hard=True, temperature_from=2.0, temperature_to=0.5,
                 anneal_steps=1000):
        super().__init__()
        expect_within("groups", groups, 1, 65536)
        expect_within("categories", categories, 2)
        expect_within("temperature_from", temperature_from, 0.01, 100)
        expect_within("temperature_to", temperature_to, 0.01, 100)
        expect_within("anneal_steps", anneal_steps, 1)
        self.hard, self.temperature_from, self.temperature_to = hard, temperature_from, temperature_to
        self.anneal_steps = anneal_steps
        self.cardinalities = (categories,) * groups
        self.to_logits = nn.Conv1d(dims, groups * categories, 1)
        self.meaning = nn.Parameter(torch.randn(groups, categories, dims) / groups**0.5)

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):
            groups, categories, _ = self.meaning.shape
            logits = self.to_logits(x.float()).unflatten(1, (groups, categories))  # (B, K, V, T')
            codes = logits.argmax(2)
            if not self.training:
                return Squeezed(self.look_up(codes), codes=codes)
            gumbel = -torch.rand_like(logits).clamp(min=1e-20).log().neg().log()
            temperature = self.temperature()
            share = ((logits + gumbel) / temperature).softmax(2)
            drawn = share.argmax(2)
            if self.hard:
                share = straight_through(F.one_hot(drawn, categories).transpose(2, 3).float(), share)
            z = torch.einsum("bkvt,kvc->bct", share, self.meaning)
            metrics = {"likeliest_drawn": (drawn == codes).float().mean(), "temperature": temperature}
            return Squeezed(z, metrics=self._measure(codes, logits) | metrics, codes=codes)

    def temperature(self):
        """At the present step, a scalar."""
        course = (self.step / self.anneal_steps).clamp(max=1)
        return self.temperature_from * (self.temperature_to / self.temperature_from) ** course

    def look_up(self, codes):
        return sum(F.embedding(own, meaning)
                   for own, meaning in zip(codes.unbind(1), self.meaning, strict=True)).transpose(1, 2)

    def _measure(self, codes, logits):
        uses = [count_uses(own, cardinality)
                for own, cardinality in zip(codes.unbind(1), self.cardinalities, strict=True)]
        return {"perplexity": torch.stack([perplexity(own) for own in uses]).mean(),
                "confidence": logits.detach().softmax(2).amax(2).mean()}
