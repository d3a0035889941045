"""What does each half know of the speaker? Fresh classifiers on frozen halves of speech the model never saw.

The adversary's own accuracy proves nothing about the content half: the encoder has learnt to fool that one classifier.
A probe starts from nothing, trains on the frozen halves of some of the speech and is judged on the rest.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from vc.adversaries import SpeakerClassifier

PROBE_STEPS = 300
PROBE_BATCH = 64
PROBE_WIDTH = 128
CROP_FRAMES = 60


@dataclass(frozen=True)
class SpeakerProbe:
    """Accuracies in [0, 1] on speech that neither the model nor the probe was trained on. chance: of always naming the
    most frequent speaker."""

    content_accuracy: float
    speaker_accuracy: float
    chance: float


def probe_speaker(model, log_mels, labels, seed=0) -> SpeakerProbe:
    """Train both probes and judge them.

    model: AutoEncoder. log_mels: list of (M, T), at least two a speaker; labels: who speaks in each. The first half of
    a speaker's trains, the second half judges: let them be of different recordings, or what is found is the recording.
    """
    with torch.no_grad():
        embeddings = [model.encode(log_mel.unsqueeze(0)) for log_mel in log_mels]
    names = sorted(set(labels))
    labels = torch.tensor([names.index(label) for label in labels])
    training = _first_half(labels)
    contents = [_at_least(embedding.content[0].float().cpu(), CROP_FRAMES) for embedding in embeddings]
    speakers = torch.cat([embedding.speaker for embedding in embeddings]).float().cpu()
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        content_accuracy = _probe_content(contents, labels, training, len(names))
        speaker_accuracy = _probe_vectors(speakers, labels, training, len(names))
    chance = float(labels[~training].bincount().max() / (~training).sum())
    return SpeakerProbe(content_accuracy, speaker_accuracy, chance)


def _probe_content(contents, labels, training, classes):
    probe = SpeakerClassifier(contents[0].shape[0], PROBE_WIDTH, classes)
    chosen = training.nonzero().flatten()

    def batch():
        picks = chosen[torch.randint(len(chosen), (PROBE_BATCH,))]
        crops = []
        for i in picks:
            start = torch.randint(contents[i].shape[1] - CROP_FRAMES + 1, ()).item()
            crops.append(contents[i][:, start:start + CROP_FRAMES])
        return torch.stack(crops), labels[picks]

    _fit(probe, batch)
    with torch.no_grad():
        guesses = torch.cat([probe(contents[i].unsqueeze(0)).argmax(1) for i in (~training).nonzero().flatten()])
    return float((guesses == labels[~training]).float().mean())


def _probe_vectors(vectors, labels, training, classes):
    mean, std = vectors[training].mean(0), vectors[training].std(0) + 1e-6
    vectors = (vectors - mean) / std
    probe = nn.Linear(vectors.shape[1], classes)
    _fit(probe, lambda: (vectors[training], labels[training]))
    with torch.no_grad():
        return float((probe(vectors[~training]).argmax(1) == labels[~training]).float().mean())


def _fit(probe, batch):
    optimiser = torch.optim.AdamW(probe.parameters(), lr=2e-3, weight_decay=0.01)
    for _ in range(PROBE_STEPS):
        inputs, labels = batch()
        loss = F.cross_entropy(probe(inputs), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def _first_half(labels):
    """(U,) bool: the first half of each label's places."""
    first = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        places = (labels == label).nonzero().flatten()
        first[places[:len(places) // 2]] = True
    return first


def _at_least(content, frames):
    """Repeat a short content half until it is long enough for one crop."""
    return content.repeat(1, -(-frames // content.shape[1]))
