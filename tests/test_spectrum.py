"""Matching the long-term spectrum, by hand."""

from dataclasses import replace

import pytest
import torch

from vc.spectrum import MAX_STRETCH, TRUST_FRAMES, LongTermSpectrum, is_speech, long_term_spectrum, match_spectrum

MANY = 100_000


def spectrum(mean, std):
    return LongTermSpectrum(torch.tensor(mean), torch.tensor(std), 1000)


def test_statistics_of_all_pieces_together():
    found = long_term_spectrum([torch.tensor([[1.0, 3.0]]), torch.tensor([[5.0]])])
    torch.testing.assert_close(found.mean, torch.tensor([3.0]))
    torch.testing.assert_close(found.std, torch.tensor([(8 / 3) ** 0.5]))
    assert found.frames == 3


def test_a_long_recording_takes_the_targets_statistics():
    torch.manual_seed(0)
    log_mel = torch.randn(2, MANY) * torch.tensor([[1.0], [2.0]]) + torch.tensor([[-3.0], [1.0]])
    matched = long_term_spectrum([match_spectrum(log_mel, torch.ones(MANY, dtype=torch.bool),
                                                 spectrum([-5.0, 0.0], [1.5, 1.2]))])
    torch.testing.assert_close(matched.mean, torch.tensor([-5.0, 0.0]), atol=0.02, rtol=0)
    torch.testing.assert_close(matched.std, torch.tensor([1.5, 1.2]), atol=0.02, rtol=0)


def test_a_voice_that_was_heard_gives_its_spread_too():
    torch.manual_seed(0)
    mixing = torch.randn(32, 32) / 8 + torch.diag(torch.linspace(0.5, 1.0, 32))
    target = long_term_spectrum([mixing @ torch.randn(32, MANY) - 4])
    log_mel = torch.randn(32, MANY)
    matched = long_term_spectrum([match_spectrum(log_mel, torch.ones(MANY, dtype=torch.bool), target)])
    torch.testing.assert_close(matched.mean, target.mean, atol=0.02, rtol=0)
    torch.testing.assert_close(matched.spread.envelope, target.spread.envelope, atol=0.03, rtol=0)
    torch.testing.assert_close(matched.spread.fine, target.spread.fine, atol=0.01, rtol=0)


def test_a_spread_that_is_known_in_part_is_taken_in_part():
    torch.manual_seed(0)
    target = long_term_spectrum([torch.randn(32, 32) @ torch.randn(32, 500) / 4])
    log_mel, speech = torch.randn(32, 500), torch.ones(500, dtype=torch.bool)
    alone, quarter, whole = (match_spectrum(log_mel, speech, replace(target, spread=spread)) for spread in
                             (None, replace(target.spread, share=0.25), target.spread))
    torch.testing.assert_close(quarter, 0.75 * alone + 0.25 * whole)


def test_as_many_frames_as_trusted_half_go_half_the_way():
    log_mel = torch.tensor([[-1.0, 1.0]]).repeat(1, TRUST_FRAMES // 2)
    matched = match_spectrum(log_mel, torch.ones(TRUST_FRAMES, dtype=torch.bool), spectrum([4.0], [1.44]))
    torch.testing.assert_close(matched[0, :2], torch.tensor([2 - 1.2, 2 + 1.2]))


@pytest.mark.parametrize("std, stretch", [(50.0, MAX_STRETCH), (0.01, 1 / MAX_STRETCH)])
def test_the_stretch_is_bounded(std, stretch):
    log_mel = torch.tensor([[-1.0, 1.0]]).repeat(1, MANY)
    matched = match_spectrum(log_mel, torch.ones(2 * MANY, dtype=torch.bool), spectrum([0.0], [std]))
    assert matched.max().item() == pytest.approx(stretch, abs=0.01)


def test_only_speech_counts_and_without_speech_nothing_moves():
    log_mel = torch.cat([torch.randn(1, 500), torch.full((1, 500), -9.0)], dim=1)
    speech = torch.arange(1000) < 500
    longer = torch.cat([log_mel, torch.full((1, 300), -9.0)], dim=1)
    target = spectrum([1.0], [1.0])
    torch.testing.assert_close(match_spectrum(longer, torch.arange(1300) < 500, target)[:, :1000],
                               match_spectrum(log_mel, speech, target))
    assert torch.equal(match_spectrum(log_mel, torch.zeros(1000, dtype=torch.bool), target), log_mel)


def test_a_pause_gets_no_louder():
    speech = torch.arange(1000) < 500
    log_mel = torch.where(speech, torch.randn(1, 1000), torch.tensor(-6.0))
    louder, softer = (match_spectrum(log_mel, speech, spectrum([mean], [1.0])) for mean in (3.0, -3.0))
    assert torch.equal(louder[:, 500:], log_mel[:, 500:])
    assert (louder[:, :500] > log_mel[:, :500] + 1).all()
    assert (softer[:, 500:] < log_mel[:, 500:] - 1).all()


def test_what_counts_as_speech():
    assert is_speech(torch.tensor([-26.0, -45.0, -47.0, -120.0])).tolist() == [True, True, False, False]
