"""What a voice is remembered to sound like."""

from dataclasses import replace

import pytest
import torch

from vc.memory import MOST_FRAMES, NEAREST, Memory, at_content_rate, gather, keys_of, look_up
from vc.voices import blend


def memory_of(keys, left_over):
    return gather([Memory(torch.tensor(keys), torch.tensor(left_over))])


def test_the_nearest_frame_is_remembered():
    memory = memory_of([[0.0, 100.0]], [[1.0, 2.0], [-3.0, 4.0]])
    found = look_up(memory, torch.tensor([[99.0, 2.0, 101.0]]))
    torch.testing.assert_close(found, torch.tensor([[2.0, 1.0, 2.0], [4.0, -3.0, 4.0]]))


def test_frames_alike_share_by_their_distance():
    memory = memory_of([[0.0, 3.0]], [[0.0, 1.0]])
    halfway, nearer = look_up(memory, torch.tensor([[1.5, 2.0]]))[0]
    assert halfway == pytest.approx(0.5) and 0.5 < nearer < 1


def test_only_the_nearest_count():
    memory = memory_of([[0.0] * NEAREST + [0.5] * 1000], [[1.0] * NEAREST + [9.0] * 1000])
    assert look_up(memory, torch.zeros(1, 1)).item() == pytest.approx(1)


def test_an_empty_memory_adds_nothing():
    assert look_up(memory_of([[]], [[], []]), torch.zeros(1, 5)).tolist() == [[0.0] * 5] * 2


def test_long_memories_are_thinned_out_evenly():
    frames = torch.arange(3 * MOST_FRAMES)[None].float()
    both = gather([Memory(frames, frames), Memory(-frames, -frames)])
    assert both.keys.shape == both.left_over.shape == (1, MOST_FRAMES)
    assert (both.keys > 0).sum().item() == pytest.approx(MOST_FRAMES / 2, abs=1)


def test_the_order_in_which_frames_were_said_is_lost():
    frames = torch.randn(3, 50)
    memory = gather([Memory(frames[:, :20], frames[:, :20]), Memory(frames[:, 20:], frames[:, 20:])])
    order = frames[0].argsort()
    assert torch.equal(memory.keys, frames[:, order]) and torch.equal(memory.left_over, frames[:, order])


def test_keys_tell_neighbours_and_voicing_but_not_scale():
    content = torch.randn(4, 10)
    keys = keys_of(content, torch.ones(10))
    assert keys.shape == (13, 10)
    torch.testing.assert_close(keys, keys_of(5 * content, torch.ones(10)))
    torch.testing.assert_close(keys[4:8, 1:] / keys[:4, :-1], (keys[8:12, :-1] / keys[:4, 1:]).mean().expand(4, 9))
    silent = keys_of(content, torch.zeros(10))
    assert (keys - silent)[:-1].abs().max() == 0 and ((keys - silent)[-1] > 5).all()


def test_a_short_last_frame_is_a_mean_of_what_there_is():
    assert at_content_rate(torch.tensor([[1.0, 3.0, 7.0]]), 2).tolist() == [[2.0, 7.0]]


def test_a_voice_says_its_own_words_more_like_itself(converter, clips):
    """The untrained decoder gets all wrong, so what it is told of a sound shows."""
    clip = clips / "kathleen" / "aurora.flac"
    voice, survey = converter.voice_of(clip), converter.survey(clip)

    def distance(voice):
        (frames, _), = converter.windows(clip, survey)
        said = converter.say(converter.listen(frames), voice, voice.pitch)
        return (said - frames.log_mel)[:, frames.level_db > -45].abs().mean()

    assert distance(voice) < 0.9 * distance(replace(voice, memory=None))


def test_a_voice_between_two_remembers_nothing(converter, clips):
    first, second = (converter.voice_of(clips / name) for name in ("kathleen/aurora.flac", "kerstin/burg.flac"))
    assert first.memory.keys.shape[1] > 20 and blend(first, second, 0.5).memory is None
