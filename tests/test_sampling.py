"""Who is drawn, from where, and that a batch is a function of seed and step alone."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vc.config import DataConfig
from vc.data.batches import BatchLoader
from vc.data.sampling import SegmentSampler, split_utterances
from vc.data.store import Utterance
from vc.errors import DataError


def utterances(*lengths_by_speaker):
    """One list of lengths in samples a speaker, laid back to back."""
    result, offset = [], 0
    for speaker, lengths in enumerate(lengths_by_speaker):
        for number, samples in enumerate(lengths):
            result.append(Utterance(f"s{speaker}/{number}.wav", f"s{speaker}", offset, samples))
            offset += samples
    return result


def owner(spoken):
    """Array that maps each sample to the number of its utterance."""
    return np.concatenate([np.full(u.samples, i) for i, u in enumerate(spoken)])


def indices(stretches, samples):
    """Where each sample of each item lies in the store: (B, samples)."""
    assert (stretches.samples.sum(1) == samples).all()
    return stretches.places(torch.arange(samples)).numpy()


@settings(max_examples=60, deadline=None)
@given(lengths=st.lists(st.lists(st.integers(2, 60), min_size=1, max_size=5), min_size=2, max_size=4),
       segment=st.integers(1, 90), step=st.integers(0, 1000))
def test_segments_are_full_and_of_one_speaker(lengths, segment, step):
    spoken = utterances(*lengths)
    speaker_of = np.array([int(u.speaker[1:]) for u in spoken])
    owners = owner(spoken)
    draw = SegmentSampler(spoken, segment, segment + 3, balance=0.5, seed=1).draw(step, batch=2)
    sources, references = indices(draw.source, segment), indices(draw.reference, segment + 3)
    for source, reference, speaker in zip(sources, references, draw.speaker_ids):
        assert set(speaker_of[owners[source]]) == {speaker} == set(speaker_of[owners[reference]])
        assert not set(source) & set(reference)


def test_source_and_reference_share_no_utterance():
    spoken = utterances([30] * 4, [30] * 4)
    owners = owner(spoken)
    sampler = SegmentSampler(spoken, 50, 50, balance=0.5, seed=1)
    for step in range(50):
        draw = sampler.draw(step, batch=2)
        for source, reference in zip(indices(draw.source, 50), indices(draw.reference, 50)):
            assert not set(owners[source]) & set(owners[reference])


def test_every_place_of_an_utterance_is_heard():
    sampler = SegmentSampler(utterances([12] * 2), 10, 10, balance=0.5, seed=1)
    draws = [sampler.draw(step, 1) for step in range(50)]
    for part in ("source", "reference"):
        assert {int(getattr(draw, part).begins[0, 0]) % 12 for draw in draws} == {0, 1, 2}


def test_either_end_of_the_only_utterance_is_the_source():
    sampler = SegmentSampler(utterances([20]), 10, 10, balance=0.5, seed=1)
    draws = [sampler.draw(step, 1) for step in range(30)]
    heard = {tuple(int(getattr(draw, part).begins[0, 0]) for part in ("source", "reference")) for draw in draws}
    assert heard == {(0, 10), (10, 0)}


def test_the_cut_between_source_and_reference_lies_anywhere():
    sampler = SegmentSampler(utterances([10] * 4), 30, 30, balance=0.5, seed=1)
    owners = owner(utterances([10] * 4))
    draws = [sampler.draw(step, 1) for step in range(60)]
    for part in ("source", "reference"):
        heard = [owners[indices(getattr(draw, part), 30)[0]] for draw in draws]
        assert {int(one[0]) for one in heard} == {0, 1, 2, 3}  # whose utterance begins it
        assert {len(set(one.tolist())) for one in heard} == {1, 2, 3}  # how many it goes through


def test_a_batch_is_a_function_of_seed_and_step():
    spoken = utterances([100] * 3, [100] * 3, [100])
    first, again = (SegmentSampler(spoken, 40, 40, 0.5, seed=7) for _ in range(2))
    first.draw(1, 2)
    other = SegmentSampler(spoken, 40, 40, 0.5, seed=8)
    this, same, later, elsewhere = (indices(sampler.draw(step, 2).source, 40) for sampler, step in
                                    ((first, 5), (again, 5), (first, 6), (other, 5)))
    assert np.array_equal(this, same)
    assert not np.array_equal(this, later) and not np.array_equal(this, elsewhere)


@pytest.mark.parametrize("balance, expected", [(0.0, 0.5), (0.5, 0.75), (1.0, 0.9)])
def test_balance_weighs_the_hours(balance, expected):
    sampler = SegmentSampler(utterances([900], [100]), 10, 10, balance, seed=1)
    share = np.mean([sampler.draw(step, 1).speaker_ids[0] == 0 for step in range(2000)])
    assert share == pytest.approx(expected, abs=0.04)


def test_speakers_of_a_batch_are_distinct_while_there_are_enough():
    sampler = SegmentSampler(utterances(*[[50, 50]] * 6), 10, 10, 0.5, seed=1)
    for step in range(30):
        assert len(set(sampler.draw(step, 6).speaker_ids)) == 6


def test_split_holds_out_speakers_and_utterances_and_forgets_nothing():
    spoken = utterances(*[[10] * 20] * 60)
    split = split_utterances(spoken, DataConfig(held_out_speakers=0.2, held_out_utterances=0.1))
    parts = [split.train, split.held_out_utterances, split.held_out_speakers]
    assert sorted(u.offset_samples for part in parts for u in part) == [u.offset_samples for u in spoken]
    held = {u.speaker for u in split.held_out_speakers}
    assert not held & {u.speaker for u in split.train + split.held_out_utterances}
    assert 4 <= len(held) <= 22
    assert 0.05 < len(split.held_out_utterances) / len(split.train) < 0.2


@pytest.mark.parametrize("spoken, gives", [(4, False), (5, True)])
def test_who_has_said_little_gives_none_to_validation(spoken, gives):
    settings_ = DataConfig(held_out_speakers=0, held_out_utterances=0.5)
    split = split_utterances(utterances(*[[10] * spoken] * 20), settings_)
    assert bool(split.held_out_utterances) == gives


def test_adding_recordings_moves_none():
    spoken = utterances(*[[10] * 8] * 30)
    settings_ = DataConfig(held_out_speakers=0.2, held_out_utterances=0.2)
    before = split_utterances(spoken, settings_)
    after = split_utterances(spoken + utterances(*[[10] * 9] * 31), settings_)
    names = [{u.path for u in part} for part in (before.train, after.train)]
    assert names[0] <= names[1]


def test_one_speaker_is_not_enough():
    with pytest.raises(DataError, match="1 speaker.s. to train on, expected at least 2"):
        split_utterances(utterances([10] * 3), DataConfig(held_out_speakers=0))


def test_the_loader_serves_any_step_in_any_order():
    spoken = utterances([100] * 3, [100] * 3)
    store = SimpleNamespace(samples=np.arange(600, dtype=np.int16), pitch=np.arange(60, dtype=np.float16),
                            sample_rate_hz=1000)  # an F0 every 10 samples
    sampler = SegmentSampler(spoken, 40, 30, 0.5, seed=7)
    loader = BatchLoader(store, sampler, 2, 20, "cpu")
    for step in (0, 1, 2, 9, 3, 3):
        batch = loader.at(step)
        source = indices(sampler.draw(step, 2).source, 40)
        np.testing.assert_allclose(batch.source.numpy() * 32768, source)
        assert batch.reference.shape == (2, 30)
        assert batch.source_f0.shape == (2, 3) and batch.reference_f0.shape == (2, 2)
        frames = [0, 20, 39]  # the last lies right behind the segment
        np.testing.assert_array_equal(batch.source_f0.numpy(), source[:, frames] // 10)
        reference = indices(sampler.draw(step, 2).reference, 30)
        np.testing.assert_allclose(batch.reference.numpy() * 32768, reference)
        np.testing.assert_array_equal(batch.reference_f0.numpy(), reference[:, [0, 20]] // 10)
    loader.close()
