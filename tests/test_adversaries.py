"""The speaker adversary: what reaches the encoder, what the classifier learns, how the weight rises."""

import math

import pytest
import torch

from vc.adversaries import ADVERSARIES
from vc.config import AdversaryConfig

SETTINGS = AdversaryConfig(weight=0.5, ramp_steps=100, width=16, learning_rate=1e-2)


def adversary(form, **changes):
    torch.manual_seed(0)
    return ADVERSARIES[form](SETTINGS.model_copy(update=changes), content_dims=4, speakers=3)


def content_that_tells():
    """Three speakers, each with a frequency of his own in every channel."""
    time = torch.arange(40) * 1.0
    torch.manual_seed(1)
    rows = [torch.sin(time * (0.3 + 0.5 * speaker) + torch.rand(4, 1) * 6) for speaker in (0, 1, 2) for _ in range(4)]
    return torch.stack(rows), torch.tensor([0] * 4 + [1] * 4 + [2] * 4)


def test_reversal_flips_the_sign_and_scales():
    game = adversary("reversal")
    content, labels = content_that_tells()
    content.requires_grad_(True)
    game.attack([content], labels, step=50).loss.backward()
    plain = content.detach().clone().requires_grad_(True)
    torch.nn.functional.cross_entropy(game.classifier(plain), labels).backward()
    torch.testing.assert_close(content.grad, -0.25 * plain.grad)


def test_alternating_pulls_towards_indecision():
    game = adversary("alternating")
    content, labels = content_that_tells()
    content.requires_grad_(True)
    attack = game.attack([content], labels, step=100)
    attack.loss.backward()
    before = torch.softmax(game.classifier(content), 1).max(1).values.mean()
    after = torch.softmax(game.classifier(content - 20 * content.grad), 1).max(1).values.mean()
    assert after < before


def test_indecision_by_hand():
    """Less the mean log probability of all speakers, whoever speaks: at least log 3 of three."""
    game, (content, labels) = adversary("alternating", own_steps=3), content_that_tells()
    attack = game.attack([content], labels, step=50)
    probabilities = game.classifier(content).softmax(1)
    torch.testing.assert_close(attack.loss, -probabilities.log().mean())
    assert attack.loss >= math.log(3) and attack.weight == 0.25


def test_the_classifier_learns_wholly_by_reversal_and_each_gradient_once():
    game, (content, labels) = adversary("reversal"), content_that_tells()
    attack = game.attack([content], labels, step=1)
    attack.loss.backward()
    game.step()
    assert attack.weight == 1 and all(parameter.grad is None for parameter in game.classifier.parameters())


def test_a_single_frame_is_enough():
    assert adversary("reversal").classifier(torch.randn(2, 4, 1)).isfinite().all()


def test_alternatings_classifier_learns_nothing_from_the_encoders_pass():
    game = adversary("alternating")
    content, labels = content_that_tells()
    attack = game.attack([content], labels, step=100)
    weights = [parameter.clone() for parameter in game.classifier.parameters()]
    attack.loss.backward()
    game.step()
    assert all(torch.equal(a, b) for a, b in zip(weights, game.classifier.parameters()))


@pytest.mark.parametrize("form", ADVERSARIES)
def test_the_classifier_learns_to_tell(form):
    game = adversary(form)
    content, labels = content_that_tells()
    for step in range(60):
        attack = game.attack([content], labels, step)
        if attack.loss.requires_grad:
            attack.loss.backward()
        game.step()
    assert attack.accuracy == 1 and attack.cross_entropy < 0.3


@pytest.mark.parametrize("form", ADVERSARIES)
def test_several_contents_of_the_same_speakers_count_alike(form):
    content, labels = content_that_tells()
    once, twice = (adversary(form).attack(contents, labels, step=0) for contents in ([content], [content, content]))
    torch.testing.assert_close(once.cross_entropy, twice.cross_entropy)
    longer = torch.cat([content, content], dim=2)
    assert adversary(form).attack([content, longer], labels, step=0).cross_entropy.isfinite()


def test_the_classifier_takes_its_own_steps():
    content, labels = content_that_tells()
    patient, quick = adversary("alternating"), adversary("alternating", own_steps=3)
    for _ in range(3):
        slow = patient.attack([content], labels, step=0)
    assert torch.equal(quick.attack([content], labels, step=0).cross_entropy, slow.cross_entropy)
    assert all(torch.equal(a, b) for a, b in zip(patient.classifier.parameters(), quick.classifier.parameters()))


def test_in_half_precision_too_a_step_is_taken_from_where_the_last_one_led(monkeypatch):
    game, judged = adversary("alternating", own_steps=4), []
    content, labels = content_that_tells()
    logits = game.logits

    def watched(contents):
        judged.append(logits(contents))
        return judged[-1]

    monkeypatch.setattr(game, "logits", watched)
    with torch.autocast("cpu", torch.bfloat16):
        game.attack([content], labels, step=0)
    losses = [torch.nn.functional.cross_entropy(each.float(), labels).item() for each in judged]
    assert len(losses) == 5 and losses == sorted(losses, reverse=True) and losses[0] > losses[-1] + 0.01


def test_the_weight_is_ramped():
    game = adversary("reversal")
    assert [game.weight_at(step) for step in (0, 50, 100, 1000)] == [0, 0.25, 0.5, 0.5]
