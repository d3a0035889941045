"""How much do two things tell about each other? A critic scores pairs of them, true or exchanged; the better it tells
them apart, the higher a lower bound. The probe of what a code knows measures by these, code losses train by them.

K is a number of candidates: scores (..., K, K) have a row for each of K things and a column for each of K others, the
true pairs on the diagonal. Both bounds give the contribution of each row in nats, (..., K); their mean is the bound.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


def info_nce(scores):
    """log K minus the cross-entropy of choosing the true one among K: a lower bound on the mutual information, at most
    log K (van den Oord et al. 2018, arXiv 1807.03748)."""
    return math.log(scores.shape[-1]) + scores.log_softmax(-1).diagonal(dim1=-2, dim2=-1)


def divergence(scores):
    """log 2 minus the cross-entropy of telling true pairs from exchanged ones, as many of each: a lower bound on their
    Jensen-Shannon divergence, at most log 2 (Goodfellow et al. 2014; Hjelm et al. 2019, arXiv 1808.06670). Of a single
    pair, with which none can be exchanged, 0."""
    true = scores.diagonal(dim1=-2, dim2=-1)
    if scores.shape[-1] == 1:
        return 0 * true
    exchanged = (F.softplus(scores).sum(-1) - F.softplus(true)) / (scores.shape[-1] - 1)
    return math.log(2) - (F.softplus(-true) + exchanged) / 2


BOUNDS = {"information": info_nce, "divergence": divergence}


class PairCritic(nn.Module):
    """Two sorts of things, (..., K, D) and (..., K, C) -> scores (..., K, K) of each with each, all zero at first."""

    def __init__(self, first_dims, second_dims, width):
        super().__init__()
        self.first_tower, self.second_tower = (
            nn.Sequential(nn.Linear(dims, width), nn.GELU(), nn.Linear(width, width), nn.GELU(),
                          nn.Linear(width, width)) for dims in (first_dims, second_dims))
        self.scale, self.offset = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(()))

    def forward(self, first, second):
        scores = self.first_tower(first) @ self.second_tower(second).mT
        return self.scale * scores.float() + self.offset
