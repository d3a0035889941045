"""The adversary does what it should, judged by fresh probes: with it the code forgets the speaker, without it not."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vc.adversaries import ADVERSARIES
from vc.config import AdversaryConfig
from vc.probing import probe_speaker, quick

SPEAKERS, FRAMES = 4, 80


class Mixture:
    """Sequences in which a speaker's mark, an oscillation of his own frequency, is mixed into the content (B, 8, T).

    Instance normalisation cannot take it out, and the content can be rebuilt without it.
    """

    def __init__(self):
        self.generator = torch.Generator().manual_seed(0)
        self.mix = torch.linalg.qr(torch.randn(8, 8, generator=self.generator)).Q

    def draw(self, labels):
        B = len(labels)
        content = F.avg_pool1d(torch.randn(B, 6, FRAMES + 4, generator=self.generator), 5, 1) * 2
        time = torch.arange(FRAMES) * (0.2 + 0.8 * labels)[:, None, None]
        mark = 1.5 * torch.sin(time + 6.3 * torch.rand(B, 2, 1, generator=self.generator))
        return content, torch.einsum("ij,bjt->bit", self.mix, torch.cat([content, mark], dim=1))


def train_encoder(form):
    """A linear encoder to eight dimensions and a linear decoder of the content, with the adversary or without."""
    torch.manual_seed(0)
    encoder, decoder, mixture = nn.Conv1d(8, 8, 1), nn.Conv1d(8, 6, 1), Mixture()
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=5e-3)
    settings = AdversaryConfig(weight=2.0, ramp_steps=50, width=32, learning_rate=3e-3)
    game = ADVERSARIES[form](settings, 8, SPEAKERS) if form else None
    for step in range(400):
        labels = torch.arange(32) % SPEAKERS
        content, mixed = mixture.draw(labels)
        code = encoder(mixed)
        loss = F.mse_loss(decoder(code), content)
        if game:
            attack = game.attack([code], labels, step)
            loss = loss + attack.weight * attack.loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if game:
            game.step()
    return encoder, F.mse_loss(decoder(encoder(mixed)), content).item(), mixture


def probe(encoder, mixture):
    """A fresh classifier on the frozen code; the speaker half names the speaker outright."""
    labels = torch.arange(120) % SPEAKERS
    _, mixed = mixture.draw(labels)
    halves = iter(F.one_hot(labels).float())
    model = SimpleNamespace(encode=lambda x: SimpleNamespace(content=encoder(x), speaker=next(halves)[None]))
    return probe_speaker(model, list(mixed), labels.tolist())


@pytest.fixture(autouse=True)
def quick_probes(monkeypatch):
    monkeypatch.setattr(quick, "PROBE_STEPS", 200)
    monkeypatch.setattr(quick, "PROBE_BATCH", 32)
    monkeypatch.setattr(quick, "PROBE_WIDTH", 64)


def test_without_an_adversary_the_code_tells_the_speaker():
    encoder, _, mixture = train_encoder(None)
    found = probe(encoder, mixture)
    assert found.content_accuracy > 0.9
    assert found.speaker_accuracy == 1
    assert found.chance == 1 / SPEAKERS


@pytest.mark.parametrize("form", ADVERSARIES)
def test_with_it_a_fresh_probe_is_near_chance_and_the_content_is_still_there(form):
    encoder, error, mixture = train_encoder(form)
    found = probe(encoder, mixture)
    assert found.content_accuracy < 0.45
    assert error < 0.1
