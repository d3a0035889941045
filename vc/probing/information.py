"""How well does a code represent the input? A discriminator sees pairs of input and code, true or exchanged; the better
it tells them apart, the more the code knows. Split by speaker.

The input is a tenth of a second of log-mel, the code what a half says of that moment: the content half's frame, or the
speaker half of the recording. Both figures are lower bounds: of the code, by as much as the discriminator could find.
That may be less than nothing, where what it learnt does not hold for new speakers; it is shown as it is. What they are
bounds of: vc.bounds.

- divergence: the discriminator is asked whether a pair is true.
- information: it is asked which of K codes belongs to the input.

How high they can get is told beside them. Moments that share a code, as all of a recording share its speaker half,
cannot be told apart by it, so that the ceiling of a half that is the same throughout a recording is lower.
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
import torch

from vc.bounds import BOUNDS, PairCritic
from vc.errors import DataError
from vc.probing.base import HALVES, Probe
from vc.probing.findings import judge
from vc.probing.fitting import fit, seeded
from vc.probing.parts import split_by_speaker

INPUT_S = 0.1
MOMENTS_PER_PIECE = 20
FEWEST_CANDIDATES = 8
DEALS = 4  # the judged moments are dealt so often into sets of candidates
WIDTH_FACTOR = 2  # of the effort's width
TITLES = {"information": ("information about {seconds:g} s of input, at least (InfoNCE among {candidates}, up to "
                          "{most:.2f})"),
          "divergence": "Jensen-Shannon divergence of true and exchanged pairs, at least (up to {most:.2f})"}


@final
class Information(Probe):
    """Both bounds for both halves, and the same with exchanged pairs throughout, which must come out at zero."""

    def measure(self, heard, listener, effort):
        moments = _draw(heard, listener, effort)
        speakers = [heard[piece].speaker_name for piece in moments.pieces]
        parts = split_by_speaker(speakers, effort.seed)
        clusters = [speakers[i] for i in parts.test.tolist()]
        candidates = min(effort.candidates, *(len(part) for part in (parts.validation, parts.test)))
        if candidates < FEWEST_CANDIDATES:
            raise DataError(f"{candidates} moments of speech to judge, expected at least {FEWEST_CANDIDATES}; give "
                            f"more recordings")
        findings = {}
        for half in HALVES:
            codes = moments.content if half == "content" else moments.speaker
            for name, bound in BOUNDS.items():
                for control in (False, True):
                    paired = codes[_deal(parts, effort)] if control else codes
                    values = lower_bound(moments.inputs, paired, parts, effort, bound, candidates)
                    most = CEILINGS[name](codes[parts.test], candidates)
                    title = TITLES[name].format(seconds=INPUT_S, candidates=candidates, most=most)
                    findings[f"{name}_from_{half}" + "_exchanged" * control] = judge(
                        half, title + ", pairs exchanged: must be 0" * control, "nats", 0.0,
                        lambda i: float(values[i].mean()), clusters, effort)
        return findings


def lower_bound(inputs, codes, parts, effort, bound, candidates):
    """Contribution of each item of the test part in nats: (n,); their mean is the bound.

    inputs: (items, D). codes: (items, C). bound: scores (K, K) -> (K,), a row an input, the true codes on the diagonal.
    """
    inputs, codes = _standardised(inputs, parts.training), _standardised(codes, parts.training)
    with seeded(effort):
        critic = PairCritic(inputs.shape[1], codes.shape[1], WIDTH_FACTOR * effort.width)
        fit(critic, lambda indices: -bound(critic(inputs[indices], codes[indices])).mean(), parts, effort,
            batch=candidates, learning_rate=1e-3)
        totals, counts = torch.zeros(len(parts.test)), torch.zeros(len(parts.test))
        with torch.no_grad():
            for _ in range(DEALS):
                for places in torch.randperm(len(parts.test)).split(candidates):
                    if len(places) == candidates:
                        indices = parts.test[places]
                        totals[places] += bound(critic(inputs[indices], codes[indices]))
                        counts[places] += 1
    mean = totals.sum() / counts.sum()
    return torch.where(counts > 0, totals / counts.clamp(min=1), mean)  # the few that were never dealt change nothing


def most_information(codes, candidates):
    """The most that InfoNCE can find on average among so many candidates drawn of codes (n, C), in nats: log K for K
    different ones, and less by the log of how many of them are as good as the true one."""
    n, most = len(codes), math.log(candidates)
    for count, share in _shared(codes):
        draws = math.comb(n - 1, candidates - 1)
        most -= share * sum(math.log(1 + others) * (
            math.comb(count - 1, others) * math.comb(n - count, candidates - 1 - others) / draws)
            for others in range(1, min(count, candidates)))
    return most


def most_divergence(codes, candidates):
    """The most that the divergence can be of codes (n, C), in nats: log 2 where no exchanged code is the true one."""
    most = math.log(2)
    for count, share in _shared(codes):
        alike = (count - 1) / (len(codes) - 1)  # share of the exchanged ones; the best score is -log(alike)
        most -= share * (math.log1p(alike) + alike * math.log1p(1 / alike)) / 2 if alike else 0.0
    return most


CEILINGS = {"information": most_information, "divergence": most_divergence}


def _shared(codes):
    """Of codes (n, C): [(how many are the same, share of the codes of which that is so), ...]."""
    counts, times = codes.unique(dim=0, return_counts=True)[1].unique(return_counts=True)
    return [(count, count * time / len(codes)) for count, time in zip(counts.tolist(), times.tolist(), strict=True)]


@dataclass(frozen=True)
class Moments:
    """Random moments of speech. inputs: (n, M * frames). content: (n, C). speaker: (n, S). pieces: place of each in the
    list of pieces."""

    inputs: torch.Tensor
    content: torch.Tensor
    speaker: torch.Tensor
    pieces: list


def _draw(heard, listener, effort) -> Moments:
    frames, stride = round(INPUT_S * listener.mel.sample_rate_hz / listener.mel.hop_samples), listener.stride
    rng, drawn = np.random.default_rng(effort.seed), []
    for number, piece in enumerate(heard):
        windows = piece.log_mel.unfold(1, frames, 1)  # (M, T - frames + 1, frames), views
        first = -(-(frames // 2) // stride)  # content frame t lies at mel frame t * stride, the middle of its window
        last = (windows.shape[1] - 1 + frames // 2) // stride
        times = rng.permutation(np.arange(first, last + 1))[:MOMENTS_PER_PIECE]
        drawn += [(windows[:, time * stride - frames // 2].flatten(), piece.content[:, time], piece.speaker, number)
                  for time in times.tolist()]
    inputs, content, speaker, pieces = zip(*drawn, strict=True)
    return Moments(torch.stack(inputs).float(), torch.stack(content), torch.stack(speaker), list(pieces))


def _deal(parts, effort):
    """For each item one of its part, dealt at random, each once."""
    generator = torch.Generator().manual_seed(effort.seed)
    dealt = torch.zeros(sum(len(part) for part in (parts.training, parts.validation, parts.test)), dtype=torch.long)
    for part in (parts.training, parts.validation, parts.test):
        dealt[part] = part[torch.randperm(len(part), generator=generator)]
    return dealt


def _standardised(values, training):
    """(n, D) with mean 0 and deviation 1 in each dimension over the training part."""
    heard = values[training]
    return (values - heard.mean(0)) / heard.std(0, correction=0).clamp(min=1e-4)
