"""Which pieces of the held-out speech the probe of training hears."""

from vc.data.store import Utterance
from vc.validation import PIECES_PER_SPEAKER, _pieces

PIECE = 100


def spoken(speaker, *pieces):
    """Utterances of so many pieces each, and a little more, one behind the other."""
    place, utterances = 0, []
    for number, length in enumerate(pieces):
        utterances.append(Utterance(f"{speaker}/{number}", speaker, place, length * PIECE + PIECE // 2))
        place += utterances[-1].samples
    return utterances


def heard(*speakers):
    """The utterances that each half of a speaker's pieces is of, [(first half, second half), ...]."""
    every = [utterance for utterances in speakers for utterance in utterances]
    pieces, halves = _pieces(every, PIECE), []
    for begin in range(0, len(pieces), PIECES_PER_SPEAKER):
        own = pieces[begin:begin + PIECES_PER_SPEAKER]
        assert len(set(own)) == PIECES_PER_SPEAKER and len({speaker for speaker, _, _ in own}) == 1
        places = [[utterance.path for utterance in every if utterance.speaker == speaker
                   and utterance.offset_samples <= start < end <= utterance.offset_samples + utterance.samples]
                  for speaker, start, end in own]
        assert all(len(place) == 1 for place in places)
        names = [place for place, in places]
        halves.append(tuple(names[half:half + PIECES_PER_SPEAKER // 2] for half in (0, PIECES_PER_SPEAKER // 2)))
    return halves


def test_what_judges_the_probe_is_of_other_recordings_than_what_trained_it():
    """However long the first recording is."""
    (long, first), (many, second), (mixed, third) = heard(
        spoken("a", 9, 1, 1, 1), spoken("b", *[2] * 8), spoken("c", 0, 4, 2, 3))
    assert (long, first) == (["a/0"] * 3, ["a/1", "a/2", "a/3"])
    assert (many, second) == (["b/0", "b/2", "b/4"], ["b/1", "b/3", "b/5"])
    assert (mixed, third) == (["c/1"] * 3, ["c/2", "c/3", "c/2"]) and not set(mixed) & set(third)


def test_a_speaker_of_one_recording_is_probed_all_the_same():
    assert heard(spoken("a", 6), spoken("b", 7, 1)) == [(["a/0"] * 3, ["a/0"] * 3), (["b/0"] * 3, ["b/0"] * 3)]


def test_too_little_speech_is_left_out():
    assert _pieces(spoken("a", 5) + spoken("b", 6), PIECE) == []
    assert {speaker for speaker, _, _ in _pieces(
        spoken("a", 5) + spoken("b", 6) + spoken("c", 3, 3), PIECE)} == {"b", "c"}
