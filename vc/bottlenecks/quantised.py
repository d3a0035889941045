"""Codes from codebooks: vector quantisation, plain, residual or in groups."""

from typing import final

import torch
from torch.nn import functional as F

from vc.bottlenecks.base import Bottleneck, Squeezed, count_uses, perplexity, straight_through
from vc.errors import ConfigError
from vc.registry import expect_within

FORMS = ("residual", "grouped")


@final
class Quantised(Bottleneck):
    """VQ (van den Oord et al. 2017, arXiv 1711.00937): each frame becomes the nearest entry of a codebook. The gradient
    passes straight through; entries follow the mean of the frames that chose them (their appendix A).

    codes: entries of a codebook. codebooks: how many; one is plain VQ. form: "residual", each codebook describes what
    the ones before leave over (Zeghidour et al. 2021, arXiv 2107.03312), or "grouped", each describes its share of the
    dimensions (Baevski et al. 2020, arXiv 1910.05453).
    commitment: weight of the mean squared distance between what comes in and what comes out. What comes in has its
    scale already, so little is needed, and much draws the frames together into a few heaps.
    decay: of the running means. revive_below: an entry used so much less than its fair share, in running mean, is put
    where a random frame lies (Dhariwal et al. 2020, arXiv 2005.00341); it then counts as fairly used, so that an entry
    that nobody chooses moves every log(revive_below) / log(decay) steps. The first entries are random frames as well.

    Metrics: the batch's perplexity for each codebook; `unused`, the share of entries that no frame of the batch chose;
    `revived`, the share that the last step revived.
    """

    def __init__(self, dims, *, codes=256, codebooks=1, form="residual", commitment=0.05, decay=0.97,
                 revive_below=0.1):
        super().__init__()
        expect_within("codes", codes, 2)
        expect_within("codebooks", codebooks, 1, 65536)
        expect_within("commitment", commitment, 0)
        expect_within("decay", decay, 0, 0.9999)
        expect_within("revive_below", revive_below, 0, 0.5)
        if form not in FORMS:
            raise ConfigError(f"setting form: got {form!r}, expected one of {', '.join(FORMS)}")
        if form == "grouped" and dims % codebooks:
            raise ConfigError(f"setting codebooks: got {codebooks} groups for {dims} dimensions of the content half, "
                              f"expected a divisor; change it or model.content_dims")
        self.grouped, self.commitment = form == "grouped", commitment
        self.decay, self.revive_below = decay, revive_below
        self.cardinalities = (codes,) * codebooks
        self.register_buffer("codebooks", torch.randn(codebooks, codes, dims // codebooks if self.grouped else dims))
        self.register_buffer("uses", torch.zeros(codebooks, codes))
        self.register_buffer("revived", torch.zeros(()))

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):  # nearest is not nearest in half precision
            x = x.float()
            codes = self._encode(x)
            z = self.look_up(codes)
            if not self.training:
                return Squeezed(z, codes=codes)
            return Squeezed(straight_through(z, x), F.mse_loss(x, z), self._measure(codes), codes, self.commitment)

    def look_up(self, codes):
        chosen = [F.embedding(own, book) for own, book in zip(codes.unbind(1), self.codebooks, strict=True)]
        return (torch.cat(chosen, dim=2) if self.grouped else sum(chosen)).transpose(1, 2)

    @torch.no_grad()
    def learn(self, x, squeezed):
        with torch.autocast(x.device.type, enabled=False):
            left, books, uses, revived = x.float().transpose(1, 2).flatten(0, 1), [], [], []
            for number in range(len(self.codebooks)):
                part = self._part(left, number)
                book, used, dead = self._follow(self.codebooks[number], self.uses[number], part)
                if not self.grouped:
                    left = left - F.embedding(nearest(left, book), book)
                for values, value in zip((books, uses, revived), (book, used, dead), strict=True):
                    values.append(value)
            # New tensors: the backward pass that is still to come may need the old ones.
            self.codebooks, self.uses = torch.stack(books), torch.stack(uses)
            self.revived = torch.stack(revived).float().mean()

    def _encode(self, x):
        left, codes = x.transpose(1, 2), []
        for number, book in enumerate(self.codebooks):
            codes.append(nearest(self._part(left, number), book))
            if not self.grouped:
                left = left - F.embedding(codes[-1], book)
        return torch.stack(codes, dim=1)

    def _part(self, left, number):
        """What codebook `number` describes of (..., C)."""
        return left.chunk(len(self.codebooks), dim=-1)[number] if self.grouped else left

    def _follow(self, book, uses, frames):
        """One codebook (V, D) and its running uses (V,) after a batch of frames (N, D), and which entries were dead."""
        codes = nearest(frames, book)
        now = count_uses(codes, len(book))
        new_uses = torch.lerp(now, uses, self.decay)
        pull = torch.zeros_like(book).index_add(0, codes, frames) - now[:, None] * book
        moved = book + pull * ((1 - self.decay) / new_uses.clamp(min=1e-9))[:, None]
        fair = len(frames) / len(book)
        dead = (new_uses < self.revive_below * fair) | (uses.sum() == 0)  # none was used yet: all begin at a frame
        drawn = frames[torch.randint(len(frames), (len(book),), device=frames.device)]
        return (torch.where(dead[:, None], drawn, moved),
                torch.where(dead, torch.full_like(new_uses, fair), new_uses), dead)

    def _measure(self, codes):
        uses = [count_uses(own, cardinality)
                for own, cardinality in zip(codes.unbind(1), self.cardinalities, strict=True)]
        metrics = {f"perplexity_{number}": perplexity(own) for number, own in enumerate(uses, 1)}
        return metrics | {"unused": (torch.stack(uses) == 0).float().mean(), "revived": self.revived}


def nearest(frames, book):
    """Number of the entry of book (V, D) nearest to each of frames (..., D), in Euclidean distance."""
    return (book.square().sum(1) - 2 * frames @ book.T).argmin(-1)
