"""Training a probe: the same loop for all, stopped when speech that it is not trained on no longer gains."""

import contextlib
import copy
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from vc.probing.parts import Parts


BUCKET_BATCHES = 8


@dataclass(frozen=True)
class Effort:
    """How hard the probes try, and the seed that makes them repeat.

    steps: of training, after which no further pass over the training part begins. patience: steps without a gain on the
    validation part before a probe stops, likewise. resamples: of the bootstrap. candidates: of the bound on the
    information.
    """

    steps: int = 1500
    patience: int = 200
    batch: int = 32
    width: int = 96
    resamples: int = 1000
    candidates: int = 512
    seed: int = 0


QUICK = Effort(steps=20, patience=10, width=16, resamples=100, candidates=32)  # to see it work, not to be believed


@contextlib.contextmanager
def seeded(effort):
    """Draws within begin at the effort's seed, so that no probe depends on those before it; gradients are on."""
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(effort.seed)
        yield


def fit(probe, loss, parts: Parts, effort, error=None, lengths=None, batch=None, learning_rate=2e-3):
    """Train `probe`, leave in it the weights with the lowest validation error, and return that error.

    loss: indices of items (n,) -> mean loss, a scalar. error: the like, what is wanted to be low, where that is not the
    loss. lengths: of the items (items,), where batches of items of about one length spare padding. The validation part
    is asked after each pass over the training part. The weights that a probe begins with count too: one that finds
    nothing says what it said before.
    """
    error, batch = error or loss, batch or effort.batch
    if lengths is None:
        lengths = torch.zeros(1 + int(torch.cat([parts.training, parts.validation]).max()))
    validation = parts.validation[lengths[parts.validation].argsort(stable=True)]
    optimiser = torch.optim.AdamW(probe.parameters(), lr=learning_rate, weight_decay=0.01)
    best, best_weights = _mean(probe, error, validation, batch), copy.deepcopy(probe.state_dict())
    step = best_step = 0
    while step < effort.steps and step - best_step < effort.patience:
        probe.train()
        for indices in _batches(parts.training, lengths, batch):
            optimiser.zero_grad()
            loss(indices).backward()
            nn.utils.clip_grad_norm_(probe.parameters(), 5.0)
            optimiser.step()
            step += 1
        found = _mean(probe, error, validation, batch)
        if found < best:
            best, best_weights, best_step = found, copy.deepcopy(probe.state_dict()), step
    probe.load_state_dict(best_weights)
    probe.eval()
    return best


def _batches(indices, lengths, batch):
    """The items in random batches, each of items that are neighbours by length within BUCKET_BATCHES random batches."""
    batches = []
    for bucket in indices[torch.randperm(len(indices))].split(BUCKET_BATCHES * batch):
        batches += bucket[lengths[bucket].argsort(stable=True)].split(batch)
    return [batches[i] for i in torch.randperm(len(batches)).tolist()]


@torch.no_grad()
def _mean(probe, error, indices, batch):
    probe.eval()
    return sum(error(chunk).item() * len(chunk) for chunk in indices.split(batch)) / len(indices)


def lengths_of(sequences):
    """Frames of each (C, T'): (items,)."""
    return torch.tensor([sequence.shape[1] for sequence in sequences])


def standardised(sequences, training):
    """Each channel with mean 0 and deviation 1 over the training part. sequences: list of (C, T')."""
    heard = torch.cat([sequences[i] for i in training.tolist()], dim=1)
    mean, std = heard.mean(1, keepdim=True), heard.std(1, keepdim=True, correction=0).clamp(min=1e-4)
    return [(sequence - mean) / std for sequence in sequences]


def padded(sequences, indices):
    """Those items as one batch (B, C, T') with zeros behind them, and its mask (B, 1, T')."""
    chosen = [sequences[i] for i in indices.tolist()]
    frames = max(sequence.shape[1] for sequence in chosen)
    batch = torch.stack([F.pad(sequence, (0, frames - sequence.shape[1])) for sequence in chosen])
    lengths = torch.tensor([sequence.shape[1] for sequence in chosen])
    return batch, (torch.arange(frames) < lengths[:, None])[:, None].float()
