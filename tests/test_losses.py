"""The losses by hand."""

import math

import pytest
import torch

from vc import losses


def test_reconstruction():
    x = torch.randn(2, 3, 4)
    assert losses.reconstruction(x, x, torch.ones(3, 1)) == 0
    target = torch.zeros(1, 2, 1)
    assert losses.reconstruction(torch.tensor([[[1.0], [4.0]]]), target, torch.tensor([[1.0], [2.0]])) == 1.5


def test_speaker_consistency():
    x = torch.randn(3, 5)
    assert losses.speaker_consistency(x, x * 2) == pytest.approx(0, abs=1e-6)
    assert losses.speaker_consistency(x, -x) == pytest.approx(2, abs=1e-6)


def test_content_consistency():
    assert losses.content_consistency(torch.zeros(1, 1, 2), torch.tensor([[[1.0, -3.0]]])) == 2


def test_speaker_classification_by_hand():
    loss = losses.SpeakerClassification(speaker_dims=2, speakers=2, margin=0.2, scale=10.0)
    loss.centres.data = torch.tensor([[3.0, 0.0], [0.0, 5.0]])
    right, wrong = 10 * (1 - 0.2), 0.0
    expected = -math.log(math.exp(right) / (math.exp(right) + math.exp(wrong)))
    assert loss(torch.tensor([[1.0, 0.0]]), torch.tensor([0])).item() == pytest.approx(expected, rel=1e-4)


def test_a_margin_makes_it_harder():
    torch.manual_seed(0)
    speaker, ids = torch.randn(4, 6), torch.arange(4)
    easy, hard = (losses.SpeakerClassification(6, 4, margin) for margin in (0.0, 0.4))
    hard.centres.data = easy.centres.data
    assert hard(speaker, ids) > easy(speaker, ids)
