"""Who is heard in which batch: the split into training and validation, and the draw of segments.

A batch is a pure function of (seed, step). Nothing has to be remembered to resume a run, and a batch can be made
ahead of time in another thread without changing what is trained on.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch

from vc.config import DataConfig
from vc.errors import DataError


@dataclass(frozen=True)
class Split:
    """Utterances for training, held-out utterances of the same speakers, and utterances of held-out speakers."""

    train: list
    held_out_utterances: list
    held_out_speakers: list


def split_utterances(utterances, settings: DataConfig, fewest=2) -> Split:
    """Decide by a hash of the names, so that adding recordings moves none that were there.

    A speaker with fewer than five utterances gives none to validation. Raises DataError when fewer than `fewest`
    speakers are left to train on.
    """
    by_speaker = group_by_speaker(utterances)
    train, held_utterances, held_speakers = [], [], []
    for speaker, spoken in by_speaker.items():
        if is_held_out(speaker, settings):
            held_speakers += spoken
            continue
        for utterance in spoken:
            held = len(spoken) >= 5 and _uniform_hash(utterance.path) < settings.held_out_utterances
            (held_utterances if held else train).append(utterance)
    speakers = len({utterance.speaker for utterance in train})
    if speakers < fewest:
        raise DataError(f"{speakers} speaker(s) to train on, expected at least {fewest}; prepare recordings of more "
                        f"speakers, lower data.held_out_speakers, or tune a model to one speaker with `vc finetune`")
    return Split(train, held_utterances, held_speakers)


def is_held_out(speaker, settings: DataConfig):
    """Whether a model with these settings was not trained on this speaker."""
    return _uniform_hash(speaker) < settings.held_out_speakers


def group_by_speaker(utterances):
    """{speaker: [utterance, ...]}, speakers sorted by name."""
    grouped = {}
    for utterance in sorted(utterances, key=lambda utterance: (utterance.speaker, utterance.path)):
        grouped.setdefault(utterance.speaker, []).append(utterance)
    return grouped


@dataclass(frozen=True)
class Stretches:
    """What each item of a batch hears of the store, one stretch after the other: where each begins and how many samples
    are heard of it, both (B, K), whole numbers; behind an item's last stretch stand zeros."""

    begins: np.ndarray
    samples: np.ndarray

    @property
    def length(self):
        """How many samples each item hears in all."""
        return int(self.samples[0].sum())

    def places(self, positions):
        """Where in the store the items' samples at these positions lie: (n,) -> (B, n), on the positions' device."""
        begins, samples = (torch.from_numpy(values).to(positions.device) for values in (self.begins, self.samples))
        ends = samples.cumsum(1)
        stretch = torch.searchsorted(ends, positions.expand(len(ends), -1).contiguous(), right=True)
        return positions + (begins - ends + samples).gather(1, stretch)


@dataclass(frozen=True)
class Draw:
    """source and reference: Stretches of the same B speakers. speaker_ids: (B,)."""

    source: Stretches
    reference: Stretches
    speaker_ids: np.ndarray


class SegmentSampler:
    """Draws batches from a list of utterances.

    source and reference come from different utterances of one speaker, or from the two ends of the only one. A
    segment longer than what is left of its utterance goes on in another utterance of the speaker, so every item is
    full and nothing has to be padded.
    """

    def __init__(self, utterances, source_samples, reference_samples, balance, seed):
        by_speaker = group_by_speaker(utterances)
        self.speakers = list(by_speaker)
        self._spoken = [np.array([(u.offset_samples, u.samples) for u in spoken]) for spoken in by_speaker.values()]
        self._source_samples, self._reference_samples = source_samples, reference_samples
        weight = np.array([spoken[:, 1].sum() for spoken in self._spoken], dtype=float) ** balance
        self._probability = weight / weight.sum()
        self._seed = seed

    def draw(self, step, batch) -> Draw:
        """The batch of this step: B distinct speakers while there are enough."""
        rng = np.random.default_rng([self._seed, step])
        speakers = len(self.speakers)
        ids = rng.choice(speakers, batch, replace=batch > speakers, p=self._probability)
        sources, references = zip(*(self._pair(self._spoken[i], rng) for i in ids))
        return Draw(_stretches(sources), _stretches(references), ids.astype(np.int64))

    def _pair(self, spoken, rng):
        if len(spoken) == 1:
            offset, samples = spoken[0]
            half = samples // 2
            ends = np.array([[offset, half], [offset + half, samples - half]])
            a, b = (0, 1) if rng.random() < 0.5 else (1, 0)
            return (_segment(ends[a:a + 1], self._source_samples, rng),
                    _segment(ends[b:b + 1], self._reference_samples, rng))
        # One random cut through the speaker's utterances, so that source and reference share none.
        order = rng.permutation(len(spoken))
        cut = rng.integers(1, len(spoken))
        return (_segment(spoken[order[:cut]], self._source_samples, rng),
                _segment(spoken[order[cut:]], self._reference_samples, rng))


def _segment(spans, samples, rng):
    """[(begin, samples), ...], so many in all: from a random start in the first span on through the spans, round and
    round."""
    offset, length = spans[0]
    start = rng.integers(0, max(1, length - samples + 1))
    parts, missing, i = [], samples, 0
    while missing > 0:
        take = min(missing, length - start)
        parts.append((offset + start, take))
        missing -= take
        i += 1
        (offset, length), start = spans[i % len(spans)], 0
    return parts


def _stretches(items):
    """Of each item's [(begin, samples), ...]."""
    padded = np.zeros((2, len(items), max(map(len, items))), dtype=np.int64)
    for number, parts in enumerate(items):
        padded[:, number, :len(parts)] = np.transpose(parts)
    return Stretches(*padded)


def _uniform_hash(text):
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64
