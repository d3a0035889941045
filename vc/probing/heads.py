"""The networks that probes train, and the two questions most of them ask: which class, and how much."""

import torch
from torch import nn
from torch.nn import functional as F

from vc.probing.fitting import fit, lengths_of, padded, seeded, standardised

PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0)  # of the linear probes, on standardised features
DROPOUT = 0.1
TIE_BREAK = 1e-3


class Frames(nn.Module):
    """x (B, C, T'), mask (B, 1, T') -> (B, outputs, T'). dilations: one convolution of five frames for each."""

    def __init__(self, dims, width, outputs, dilations=()):
        super().__init__()
        sizes = [dims, *[width] * len(dilations)]
        self.convolutions = nn.ModuleList(nn.Conv1d(before, width, 5, padding=2 * dilation, dilation=dilation)
                                          for before, dilation in zip(sizes, dilations, strict=False))
        self.drop = nn.Dropout(DROPOUT)
        self.out = nn.Conv1d(sizes[-1], outputs, 1)

    def forward(self, x, mask):
        for convolution in self.convolutions:
            x = self.drop(F.gelu(convolution(x))) * mask
        return self.out(x)


class Pooled(nn.Module):
    """x (B, C, T'), mask (B, 1, T') -> (B, outputs): linear in mean and deviation over time of two convolutions. A
    vector is a sequence of one frame, for which the convolutions are a perceptron's layers."""

    def __init__(self, dims, width, outputs):
        super().__init__()
        self.frames = Frames(dims, width, width, (1,))
        self.out = nn.Linear(2 * width, outputs)

    def forward(self, x, mask):
        x = F.gelu(self.frames(x, mask))
        frames = mask.sum(2)
        mean = (x * mask).sum(2) / frames
        variance = ((x - mean[:, :, None]).square() * mask).sum(2) / frames
        return self.out(torch.cat([mean, (variance + 1e-5).sqrt()], dim=1))


def classify(sequences, labels, parts, effort, balanced=False):
    """What a probe takes the test part's items for: (n,). sequences: list of (C, T'). labels: (items,), from 0 on.

    balanced: rare classes weigh as much as frequent ones in its training.
    """
    classes = int(labels.max()) + 1
    weight = None
    if balanced:
        counts = torch.bincount(labels[parts.training], minlength=classes).float()
        weight = counts.sum() / (classes * counts.clamp(min=1))
    logits = _strongest(sequences, F.one_hot(labels, classes).double(), parts, effort,
                        lambda outputs, indices: F.cross_entropy(outputs, labels[indices], weight),
                        lambda outputs, indices: _error_rate(outputs, labels[indices], weight))
    return logits.argmax(1)


def regress(sequences, targets, parts, effort):
    """What a probe says of the test part's items: (n,). sequences: list of (C, T'). targets: (items,)."""
    mean, std = _scale(targets[parts.training])
    scaled = (targets - mean) / std
    outputs = _strongest(sequences, scaled[:, None].double(), parts, effort,
                         lambda outputs, indices: F.mse_loss(outputs[:, 0], scaled[indices]))
    return outputs[:, 0] * std + mean


def regress_frames(sequences, targets, valid, parts, effort):
    """What a probe says of the valid frames of the test part: (frames,). targets, valid (bool): lists of (T',)."""
    mean, std = _scale(torch.cat([targets[i][valid[i]] for i in parts.training.tolist()]))
    scaled = [((target - mean) / std)[None] for target in targets]
    counts = [known[None].float() for known in valid]

    def loss(outputs, indices):
        error = (outputs - padded(scaled, indices)[0]).square() * padded(counts, indices)[0]
        return error.sum() / padded(counts, indices)[0].sum().clamp(min=1)

    return _of_frames(sequences, valid, parts, effort, loss) * std + mean


def classify_frames(sequences, labels, parts, effort):
    """Whether a probe says yes to the test part's frames: (frames,), bool. labels: list of (T',), bool."""
    counts = torch.bincount(torch.cat([labels[i] for i in parts.training.tolist()]).long(), minlength=2)
    weight = counts[0] / counts[1].clamp(min=1)  # yes and no weigh the same
    wanted = [label[None].float() for label in labels]

    def loss(outputs, indices):
        target, mask = padded(wanted, indices)
        error = F.binary_cross_entropy_with_logits(outputs, target, mask, pos_weight=weight, reduction="sum")
        return error / mask.sum()

    return _of_frames(sequences, [torch.ones_like(label) for label in labels], parts, effort, loss) > 0


def _error_rate(logits, labels, weight):
    """Share of wrong answers, each class weighing what it weighs in the loss.

    When to stop is decided by it and not by the cross-entropy, which rises with a probe's confidence in its errors
    while it goes on learning to be right more often. Between equals the cross-entropy decides.
    """
    wrong = (logits.argmax(1) != labels).float()
    rate = wrong.mean() if weight is None else (wrong * weight[labels]).mean()
    return rate + TIE_BREAK * F.cross_entropy(logits, labels, weight)


def _strongest(sequences, wanted, parts, effort, loss, error=None):
    """Outputs on the test part (n, outputs) of the probe with the lowest error on the validation part, of the linear
    ones and one with convolutions. wanted: (items, outputs). loss, error: of outputs and indices."""
    error = error or loss
    candidates = [(error(outputs[parts.validation], parts.validation).item(), outputs[parts.test])
                  for outputs in _ridge(sequences, wanted, parts)]
    sequences = standardised(sequences, parts.training)
    with seeded(effort):
        probe = Pooled(sequences[0].shape[0], effort.width, wanted.shape[1])
        held_out = fit(probe, lambda indices: loss(probe(*padded(sequences, indices)), indices), parts, effort,
                       error=lambda indices: error(probe(*padded(sequences, indices)), indices),
                       lengths=lengths_of(sequences))
    with torch.no_grad():
        outputs = torch.cat([probe(*padded(sequences, indices)) for indices in parts.test.split(effort.batch)])
    return min([*candidates, (held_out, outputs)], key=lambda candidate: candidate[0])[1]


def _ridge(sequences, wanted, parts):
    """Least squares on mean and deviation over time, for each of PENALTIES: list of (items, outputs).

    In closed form: a half lies where its encoder put it, and what it knows may lie in directions of little variance, to
    which gradient descent takes longer than any probe is given.
    """
    features = torch.stack([torch.cat([x.mean(1), x.std(1, correction=0)]) for x in sequences]).double()
    known = features[parts.training]
    features = (features - known.mean(0)) / known.std(0, correction=0).clamp(min=1e-4)
    known, mean = features[parts.training], wanted[parts.training].mean(0)
    gram, moments = known.T @ known, known.T @ (wanted[parts.training] - mean)
    return [(features @ torch.linalg.solve(gram + penalty * torch.eye(len(gram)), moments) + mean).float()
            for penalty in PENALTIES]


def _of_frames(sequences, valid, parts, effort, loss):
    """Outputs on the valid frames of the test part, item after item."""
    sequences = standardised(sequences, parts.training)
    with seeded(effort):
        probe = Frames(sequences[0].shape[0], effort.width, 1, (1, 2))
        fit(probe, lambda indices: loss(probe(*padded(sequences, indices)), indices), parts, effort,
            lengths=lengths_of(sequences))
    with torch.no_grad():
        return torch.cat([probe(sequences[i][None], torch.ones(1, 1, sequences[i].shape[1]))[0, 0][valid[i]]
                          for i in parts.test.tolist()])


def _scale(values):
    return values.mean(), values.std(correction=0).clamp(min=1e-4)
