"""What an evaluation is made of, by hand: intervals, error rates, words, levels, lists of pairs, the cache."""

import importlib.util
import itertools
import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import NO_INSTRUMENTS, add_unvoiced
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from vc.audio import load_audio, save_audio
from vc.config import DataConfig
from vc.data.layouts import find_recordings
from vc.data.sampling import is_held_out
from vc.data.store import StoreWriter
from vc.errors import AudioError, DataError, VcError
from vc.evaluation.cache import Cache, digest, program_digest
from vc.evaluation.clusters import of_pairs
from vc.evaluation.instrument import LEVEL_DBFS, load_levelled
from vc.evaluation.instruments import INSTRUMENTS
from vc.evaluation.intervals import Interval, percentiles, ratio_of_sums, resampled_counts, share
from vc.evaluation.pairs import COLUMNS as PAIR_COLUMNS
from vc.evaluation.pairs import Pair, own_recordings, parallel_recordings, read_pairs, write_pairs
from vc.evaluation.recognition import (
    CANDIDATES,
    Recognition,
    choose_candidates,
    edit_distance,
    split_words,
    unigram_arpa,
)
from vc.evaluation.similarity import mean_direction
from vc.evaluation.trials import equal_error_rate
from vc.level import speech_level_db

sys.path.insert(0, str(Path(__file__).parent.parent / "recipes" / "evaluate"))  # as when its script runs

import held_out  # noqa: E402
import make_pairs  # noqa: E402

RATE_HZ = 16000

# Intervals


def test_the_interval_agrees_with_all_possible_resamples():
    values, words = np.array([0.0, 1, 3, 7, 4]), np.array([2.0, 5, 4, 8, 9])
    ratios = [values[list(drawn)].sum() / words[list(drawn)].sum() for drawn in itertools.product(range(5), repeat=5)]
    figure = ratio_of_sums(values, words)
    assert figure.value == 15 / 28
    tail = stats.norm.cdf(-(5 / 4) ** 0.5 * stats.t.ppf(0.975, 4))
    assert figure.low == pytest.approx(np.quantile(ratios, tail), abs=0.02)
    assert figure.high == pytest.approx(np.quantile(ratios, 1 - tail), abs=0.02)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(3)
    samples = generator.normal(5, 2, (400, 40))
    figures = [ratio_of_sums(sample, np.ones(40), resamples=300, seed=seed) for seed, sample in enumerate(samples)]
    assert 0.91 < np.mean([figure.low <= 5 <= figure.high for figure in figures]) < 0.97


def test_errors_are_pooled_over_words():
    assert ratio_of_sums([1, 1], [2, 8]).value == pytest.approx(0.2)  # the mean of the two rates is 0.3125


def test_the_same_seed_gives_the_same_interval_and_pairs_that_agree_leave_no_doubt():
    values = np.random.default_rng(0).normal(size=9)
    assert ratio_of_sums(values, np.ones(9), seed=4) == ratio_of_sums(values, np.ones(9), seed=4)
    assert ratio_of_sums(values, np.ones(9), seed=4) != ratio_of_sums(values, np.ones(9), seed=5)
    certain = ratio_of_sums(np.full(7, 3.0), np.ones(7))
    assert (certain.low, certain.high) == pytest.approx((3, 3))


def test_pairs_without_words_make_no_rate():
    assert ratio_of_sums([0, 0], [0, 0]) is None
    assert ratio_of_sums([], []) is None
    mixed = ratio_of_sums([0, 1], [0, 4])  # a quarter of the resamples draw no word at all
    assert (mixed.value, mixed.low, mixed.high) == (0.25, None, None)
    many = ratio_of_sums([0] * 3 + [1] * 2, [0] * 3 + [4] * 2)  # one in thirteen of the resamples draws no word at all
    assert (many.value, many.low, many.high) == (0.25, 0.25, 0.25)


def test_draws_are_counted_and_nothing_can_change_them():
    counts = resampled_counts((tuple(range(7)),), resamples=50)
    assert counts.shape == (50, 7) and (counts.sum(axis=1) == 7).all()
    drawn = np.random.default_rng(0).integers(7, size=(50, 7))
    assert (counts[3] == np.bincount(drawn[3], minlength=7)).all()
    with pytest.raises(ValueError, match="read-only"):
        counts[0, 0] = 1


def test_a_pair_counts_as_often_as_both_its_speakers_are_drawn():
    counts = resampled_counts(("aabc", "xyxy"), resamples=400)
    drawn = resampled_counts(("abcxy",), resamples=400)  # all of them together
    assert (counts == np.stack([drawn[:, "abcxy".index(a)] * drawn[:, "abcxy".index(x)]
                                for a, x in zip("aabc", "xyxy")], axis=1)).all()
    assert counts.mean() == pytest.approx(0.8, abs=0.1) and (counts == 0).all(axis=1).any()  # 5 draws: 5 * 4 / 25


def test_who_is_source_and_target_is_drawn_once():
    counts = resampled_counts(("ab", "ba"), resamples=400)
    assert (counts[:, 0] == counts[:, 1]).all() and set(counts[:, 0].tolist()) == {0, 1}


def test_the_interval_of_few_speakers_reaches_further():
    """Of n values the middle that a t distribution of n - 1 degrees asks for, not 95 %."""
    few = percentiles(0, np.arange(10001) / 10000, (tuple("abcdefg"),))
    assert few.low == pytest.approx(stats.norm.cdf(-(7 / 6) ** 0.5 * stats.t.ppf(0.975, 6)), abs=2e-4)
    many = percentiles(0, np.arange(10001) / 10000, (tuple(range(1000)),))
    assert many.low == pytest.approx(0.025, abs=2e-4) and many.high == pytest.approx(0.975, abs=2e-4)


def crossed(generator, both_roles, speakers=10, share=0.3):
    """Values of the pairs of as many sources as targets, each speaker a share of the variance, and both labels. Where
    the same people are both, they matter alike on either side, and none is paired with oneself."""
    source, target = (numbers.ravel() for numbers in np.divmod(np.arange(speakers**2), speakers))
    if both_roles:
        source, target = source[source != target], target[source != target]
    effects = generator.normal(size=2 * speakers)
    other = target if both_roles else target + speakers
    chance = generator.normal(size=len(source))
    values = share**0.5 * (effects[source] + effects[other]) + (1 - 2 * share) ** 0.5 * chance
    return values, (source.tolist(), other.tolist())


@pytest.mark.parametrize("both_roles", [False, True])
def test_the_interval_covers_the_truth_where_speakers_matter(both_roles):
    generator = np.random.default_rng(7)
    covered = {"speakers": [], "pairs": []}
    for _ in range(150):
        values, speakers = crossed(generator, both_roles)
        for drawn, clusters in ("speakers", speakers), ("pairs", ()):
            figure = ratio_of_sums(values, np.ones(len(values)), clusters, resamples=300)
            covered[drawn].append(figure.low <= 0 <= figure.high)
    assert np.mean(covered["speakers"]) > 0.88 and np.mean(covered["pairs"]) < 0.7


def test_shares_have_an_interval_that_covers_the_truth_at_the_ends():
    """All that 12 pairs can say of a share of 0.9, weighed by how probable it is; the percentiles held it in 0.71."""
    covered = 0.0
    for hits in range(13):
        figure = share([1] * hits + [0] * (12 - hits), resamples=2000)
        covered += math.comb(12, hits) * 0.9**hits * 0.1 ** (12 - hits) * (figure.low <= 0.9 <= figure.high)
    assert 0.93 < covered < 0.99


def test_a_share_by_hand():
    """Of n that agree, Wilson's interval reaches as far as n / (n + 1.96 squared)."""
    assert share([1] * 120).low == pytest.approx(120 / 123.8415, abs=1e-4) and share([1] * 120).high == 1
    assert share([0] * 12).high == pytest.approx(1 - 12 / 15.8415, abs=1e-4) and share([0] * 12).low == 0
    assert share([1]).low == pytest.approx(1 / 4.8415, abs=1e-4) and share([]) is None
    assert share([1] * 120, [list(range(6)) * 20]).low == pytest.approx(6 / 9.8415, abs=1e-4)
    half = share([1, 0] * 50)
    assert (half.low, half.high) == pytest.approx((0.4038, 0.5962), abs=0.002)


def test_a_share_rests_on_no_more_than_what_errs_on_its_own():
    hits = np.repeat([1, 1, 1, 0, 1, 0, 1, 1, 1, 0], 10)
    alone, together = share(hits), share(hits, [np.repeat(range(10), 10).tolist()])
    single = share(hits[::10])
    assert (together.low, together.high) == pytest.approx((single.low, single.high), abs=0.01)
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_a_few_speakers_give_no_interval_for_others():
    values, ones = np.random.default_rng(0).normal(size=40), np.ones(40)
    few, enough = ([number % speakers for number in range(40)] for speakers in (4, 5))
    for clusters in [few], [few, enough], [enough, few]:
        figure = ratio_of_sums(values, ones, clusters)
        assert (figure.value, figure.low, figure.high) == (pytest.approx(values.mean()), None, None)
        assert figure.times(2) == Interval(2 * figure.value, None, None)
    figure = ratio_of_sums(values, ones, [enough])
    assert figure.low < figure.value < figure.high
    assert ratio_of_sums([1.0] * 4, [1] * 4).low is None and ratio_of_sums([1.0] * 5, [1] * 5).low == 1


def told_apart(*pairs):
    return of_pairs([Pair(Path(source), who, target, (Path(reference),), "")
                     for source, who, target, reference in pairs])


def test_pairs_are_told_apart_by_speakers():
    assert told_apart(*((f"{who}{to}.wav", who, to, f"{to}.wav") for who in "abc" for to in "xyz")) == (
        list("aaabbbccc"), list("xyzxyzxyz"))


def test_a_single_speaker_is_told_apart_by_recordings():
    crossed = [(f"{who}.wav", "a", to, f"{to}.wav") for who in "12" for to in "xy"]
    assert told_apart(*crossed) == ([Path("1.wav")] * 2 + [Path("2.wav")] * 2, list("xyxy"))
    assert told_apart(*((f"{who}.wav", who, "x", "x.wav") for who in "abb")) == (list("abb"),)
    assert told_apart(*[("a.wav", "a", "x", "x.wav")] * 3) == ()


def test_a_side_that_tells_nothing_more_is_left_out():
    assert told_apart(("1", "a", "x", "r"), ("2", "b", "x", "r"), ("3", "c", "y", "r")) == (list("xxy"),)
    assert told_apart(("1", "a", "x", "r"), ("2", "a", "y", "r"), ("3", "b", "z", "r")) == (list("aab"),)
    assert told_apart(*((who, who, who.upper(), "r") for who in "abc")) == (list("ABC"),)


# Equal error rate


def slow_equal_error_rate(true, false):
    """Raise the threshold past every score in turn; where more are refused than believed, the lines have crossed."""
    refused, believed = 0.0, 1.0
    for threshold in sorted({*true, *false}):
        now_refused = sum(score <= threshold for score in true) / len(true)
        now_believed = sum(score > threshold for score in false) / len(false)
        if now_refused >= now_believed:
            gap, gap_after = believed - refused, now_believed - now_refused
            share = gap / (gap - gap_after)
            return refused + share * (now_refused - refused)
        refused, believed = now_refused, now_believed
    raise AssertionError("above all scores everything is refused")


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.lists(st.integers(0, 9), min_size=1, max_size=8))
def test_the_equal_error_rate_equals_a_plain_search(true, false):
    scores = [false] + [[]] * (len(true) - 1)
    assert equal_error_rate(true, scores).value == pytest.approx(slow_equal_error_rate(true, false))


def test_equal_error_rates_by_hand():
    assert equal_error_rate([0.9, 0.8], [[0.1], [0.2]]).value == 0
    assert equal_error_rate([0.1, 0.2], [[0.9], [0.8]]).value == 1
    assert equal_error_rate([0.5, 0.5], [[0.5], [0.5]]).value == pytest.approx(0.5)
    assert equal_error_rate([1, 2, 3, 4], [[2.5], [0], [0], [0]]).value == pytest.approx(0.25)
    assert equal_error_rate([0.9], [[]]) is None


def test_an_equal_error_rate_without_an_error_is_not_certain():
    assert equal_error_rate([0.9] * 12, [[0.1]] * 12) == Interval(0, None, None)


def test_the_equal_error_rate_rests_on_speakers():
    """A target whom nobody sounds like is refused by all its answers at once."""
    true, false = np.tile([0.9, 0.9, 0.9, 0.9, 0.2, 0.9], 10), [[0.1, 0.3, 0.5]] * 60
    alone, together = (equal_error_rate(true, false, clusters) for clusters in ((), [list(range(6)) * 10]))
    assert together.value == alone.value and together.high - together.low > 1.8 * (alone.high - alone.low)


def test_a_resample_without_a_false_trial_says_nothing():
    """One pair of twenty has a false trial: a third of the resamples do not draw it."""
    assert equal_error_rate([0.1] * 20, [[0.9]] + [[]] * 19) == Interval(1, None, None)


def test_the_equal_error_rate_of_chance_has_an_interval_around_a_half():
    generator = np.random.default_rng(5)
    true, false = generator.normal(size=60), generator.normal(size=(60, 5))
    found, again = (equal_error_rate(true, list(false)) for _ in range(2))
    assert found == again
    assert found.low < 0.5 < found.high and 0.05 < found.high - found.low < 0.35


# Words


@pytest.mark.parametrize("said, heard, errors", [
    ("the cat sat", "the cat sat", 0),
    ("the cat sat", "the bat sat", 1),
    ("the cat sat", "the sat", 1),
    ("the cat sat", "the cat has sat", 1),
    ("the cat sat", "cat sat the", 2),
    ("the cat sat", "", 3),
    ("", "the cat", 2),
])
def test_word_errors_by_hand(said, heard, errors):
    assert edit_distance(split_words(said), split_words(heard)) == errors


def test_letter_errors_by_hand():
    assert edit_distance("kitten", "sitting") == 3


@given(st.text("ab", max_size=5), st.text("ab", max_size=5))
def test_edit_distance_equals_a_plain_recursion(a, b):
    def slow(a, b):
        if not a or not b:
            return len(a) + len(b)
        return min(slow(a[1:], b[1:]) + (a[0] != b[0]), slow(a[1:], b) + 1, slow(a, b[1:]) + 1)
    assert edit_distance(a, b) == slow(a, b)


def test_words_are_lower_case_without_punctuation():
    assert split_words("“Don’t!” HE said -- twice, '90s.") == ["don't", "he", "said", "twice", "'90s"]
    assert split_words(" ' -- ") == []


def test_candidates_hold_the_text_s_own_words_and_stay_the_same():
    vocabulary = {f"word{number}" for number in range(500)}
    text = ["word3", "word400", "strange", "word3"]
    chosen = choose_candidates(text, vocabulary)
    assert len(chosen) == len(set(chosen)) == CANDIDATES
    assert {"word3", "word400"} <= set(chosen) <= vocabulary
    assert chosen == choose_candidates(text, set(sorted(vocabulary)))
    assert chosen != choose_candidates(["word3"], vocabulary)


@pytest.mark.parametrize("words", [1, CANDIDATES - 1, CANDIDATES + 5])
def test_candidates_of_few_words_and_of_many(words):
    vocabulary = {f"word{number}" for number in range(words)}
    assert set(choose_candidates(sorted(vocabulary), vocabulary)) == vocabulary


def test_the_language_model_is_a_whole_arpa_file():
    words = [f"word{number}" for number in range(57)]
    content = re.fullmatch(r"\\data\\\nngram 1=(\d+)\n\n\\1-grams:\n(.*)\n\n\\end\\\n", unigram_arpa(words), re.S)
    entries = [line.split(" ") for line in content[2].split("\n")]
    assert int(content[1]) == len(entries)
    assert [word for _, word in entries] == ["<s>", "</s>", *words]
    # A sentence's beginning is never guessed, so all the rest shares the whole probability.
    assert entries[0][0] == "-99"
    assert sum(10 ** float(logarithm) for logarithm, _ in entries[1:]) == pytest.approx(1, abs=1e-3)


SAID = "Lord, but I'm glad to see you again, Phil."


def test_recognition_understands_a_clear_sentence(clips):
    pytest.importorskip("pocketsphinx", reason=NO_INSTRUMENTS)
    recogniser = Recognition([SAID, "It's the zzyzx aurora borealis."])
    assert recogniser.unknown == {"zzyzx"}
    heard = recogniser.transcribe(load_levelled(clips / "kathleen" / "again.flac"), SAID)
    assert edit_distance(split_words(SAID), split_words(heard)) <= 2


def test_recognition_forgets_what_it_heard_before(clips):
    """Half of the clips are Dutch, a quarter German: where nothing fits, a little of the past would decide."""
    pytest.importorskip("pocketsphinx", reason=NO_INSTRUMENTS)
    text = ("the a of to and in that it is was he for on with as his at by this had not but from have are you which or "
            "an they be her were all she there one we " + SAID)
    audio = [load_levelled(path) for path in sorted(clips.rglob("*.flac"))]
    forwards, backwards = Recognition([text]), Recognition([text])
    heard = [forwards.transcribe(one, text) for one in audio]
    assert heard == [backwards.transcribe(one, text) for one in reversed(audio)][::-1]


# Voices and levels


def test_the_mean_direction_has_unit_length():
    assert mean_direction(np.array([[1.0, 0], [0, 1]])) == pytest.approx([math.sqrt(0.5)] * 2)


def test_everything_is_measured_at_one_level(clips, tmp_path):
    clip = clips / "kathleen" / "again.flac"
    save_audio(tmp_path / "quiet.wav", load_audio(clip, RATE_HZ) * 0.2, RATE_HZ)
    levelled = load_levelled(clip)
    assert speech_level_db(levelled, RATE_HZ) == pytest.approx(LEVEL_DBFS, abs=0.01)
    assert load_levelled(tmp_path / "quiet.wav") == pytest.approx(levelled, abs=1e-4)


def test_silence_is_not_measured(tmp_path):
    save_audio(tmp_path / "silent.wav", np.zeros(RATE_HZ, np.float32), RATE_HZ)
    with pytest.raises(AudioError, match=r"silent\.wav: is silent"):
        load_levelled(tmp_path / "silent.wav")


@pytest.mark.parametrize("name, package", [
    ("similarity", "resemblyzer"), ("similarity", "webrtcvad"), ("recognition", "pocketsphinx"),
    ("naturalness", "speechmos"), ("naturalness", "onnxruntime"), ("pitch", "pyworld"), ("cepstrum", "librosa")])
def test_a_missing_package_is_named_with_its_extra(monkeypatch, name, package):
    every = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None if module == package else every("vc"))
    with pytest.raises(VcError, match=rf"needs {package}, which is not installed; pip install vc\[evaluate\]"):
        INSTRUMENTS[name](["a text"])


# Pair lists


def pair(source="a/1.wav", speaker="a", target="b", references=("b/1.wav", "b/2.wav"), text="SOME WORDS"):
    return Pair(Path(source), speaker, target, tuple(map(Path, references)), text)


def test_pairs_come_back_as_they_were_written(tmp_path):
    pairs = [pair(tmp_path / "a/1.wav", references=(tmp_path / "b/1.wav",)),
             pair(tmp_path / "a/2.wav", references=(tmp_path / "b/1.wav", tmp_path / "b/2.wav"), text="")]
    write_pairs(tmp_path / "lists" / "pairs.tsv", pairs)
    read = read_pairs(tmp_path / "lists" / "pairs.tsv")
    assert [(one.source.resolve(), one.text) for one in read] == [(one.source, one.text) for one in pairs]
    assert [[path.resolve() for path in one.references] for one in read] == [list(one.references) for one in pairs]


HEADER = "\t".join(PAIR_COLUMNS)


@pytest.mark.parametrize("content, message", [
    ("", r"begins with ''"),
    ("source\ttext\na\tb\n", r"begins with 'source\\ttext', expected the columns source, source_speaker"),
    (f"{HEADER}\n", "no pair below"),
    (f"{HEADER}\na.wav\ta\tb\tb.wav\ttext\na.wav\ta\tb\tb.wav\n", "line 3: has 4 cells, expected 5"),
    (f"{HEADER}\n\n", "line 2: has 1 cells"),
    (f"{HEADER}\n\ta\tb\tb.wav\ttext\n", "line 2: source is empty"),
    (f"{HEADER}\na.wav\ta\t \tb.wav\ttext\n", "line 2: target_speaker is empty"),
    (f"{HEADER}\na.wav\ta\tb\tb.wav,,c.wav\ttext\n", "line 2: references is empty or has an empty part"),
    (f"{HEADER}\na.wav\ta\ta\tb.wav\ttext\n", "line 2: source and target are both a"),
])
def test_a_bad_pair_list_is_refused_with_its_line(tmp_path, content, message):
    (tmp_path / "pairs.tsv").write_text(content)
    with pytest.raises(DataError, match=message):
        read_pairs(tmp_path / "pairs.tsv")


def test_a_missing_pair_list_is_refused(tmp_path):
    with pytest.raises(DataError, match="pairs.tsv: no such pair list; recipes/evaluate makes one"):
        read_pairs(tmp_path / "pairs.tsv")
    with pytest.raises(DataError, match="cannot be read as a pair list: Is a directory"):
        read_pairs(tmp_path)


def test_a_path_that_would_break_the_list_is_refused(tmp_path):
    with pytest.raises(DataError, match="comma"):
        write_pairs(tmp_path / "pairs.tsv", [pair(references=("b/one, two.wav",))])


def write_manifest(folder, recordings):
    """recordings: {speaker: [text of 0.wav, of 1.wav, ...]}"""
    lines = [f"{speaker}/{number}.wav\t{speaker}\t{text}\n"
             for speaker, texts in recordings.items() for number, text in enumerate(texts)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.tsv").write_text("path\tspeaker\ttext\n" + "".join(lines))
    return folder / "manifest.tsv"


def test_the_target_s_own_recording_is_never_a_reference(tmp_path):
    manifest = write_manifest(tmp_path, {"a": ["A"], "b": ["B0", "B1", "B2"], "c": ["C0"]})
    def with_references(target, *numbers):
        return pair(target=target, references=[tmp_path / "x" / ".." / target / f"{number}.wav" for number in numbers])
    (tmp_path / "x").mkdir()
    found = own_recordings([with_references("b", 1), with_references("b", 1), with_references("b", 0, 1),
                            with_references("c", 0), with_references("nobody", 0)], manifest)
    assert [one and one.text for one in found] == ["B0", "B2", "B2", None, None]


def test_a_parallel_recording_says_the_same_words(tmp_path):
    manifest = write_manifest(tmp_path, {"a": ["One, two."], "b": ["other", "ONE TWO", ""], "c": ["ONE"]})
    found = parallel_recordings([pair(target="b", text="one two"), pair(target="c", text="one two"),
                                 pair(target="b", text="")], manifest)
    assert [one and one.path.name for one in found] == ["1.wav", None, None]


def test_a_parallel_recording_is_no_reference(tmp_path):
    manifest = write_manifest(tmp_path, {"a": ["One, two."], "b": ["ONE TWO", "one two", "other"]})
    (tmp_path / "x").mkdir()
    first, second = (tmp_path / "x" / ".." / "b" / name for name in ("0.wav", "1.wav"))
    found = parallel_recordings([pair(target="b", text="one two", references=references)
                                 for references in ([second], [first], [first, second])], manifest)
    assert [one and one.path.name for one in found] == ["0.wav", "1.wav", None]


# Drawing pair lists

SPEAKERS = {"a": ["A0", "A1", "A2"], "b": ["B0", "", "B2", "B3"], "c": ["C0", "C1"], "d": ["D0", "D1", "D2"]}


def recordings_of(tmp_path, speakers=SPEAKERS):
    return find_recordings(write_manifest(tmp_path, speakers), "table").recordings


def test_drawn_pairs_keep_the_rules(tmp_path):
    pairs = make_pairs.draw_pairs(recordings_of(tmp_path), 20, references=2, seed=1)
    assert len(pairs) == 20
    # c has no recording left beside two references, so it is a source only: 3 targets for it, 2 for each other.
    meetings = [(one.source_speaker, one.target_speaker) for one in pairs]
    assert len(set(meetings[:9])) == 9 and "c" not in {target for _, target in meetings}
    assert len({(one.source, one.target_speaker) for one in pairs}) == 20
    for one in pairs:
        assert one.source_speaker != one.target_speaker and one.text
        assert len(set(one.references)) == 2
        assert {path.parent.name for path in one.references} == {one.target_speaker}


def test_the_seed_decides_what_is_drawn(tmp_path):
    first, again, other = (make_pairs.draw_pairs(recordings_of(tmp_path), 12, 2, seed) for seed in (1, 1, 2))
    assert first == again != other


def test_too_few_recordings_are_refused(tmp_path):
    with pytest.raises(DataError, match="25 pairs were asked for, 4 speakers with 12 recordings make 24"):
        make_pairs.draw_pairs(recordings_of(tmp_path), 25, 2, 1)
    assert len(make_pairs.draw_pairs(recordings_of(tmp_path), 24, 2, 1)) == 24


def test_make_pairs_writes_what_table_reads(tmp_path, capsys):
    manifest = write_manifest(tmp_path / "corpus", SPEAKERS)
    (tmp_path / "held_out.txt").write_text("a\nd\n")
    output = tmp_path / "lists" / "pairs.tsv"
    arguments = [str(manifest), "--speakers", str(tmp_path / "held_out.txt"), "--pairs", "4", "--references", "2"]
    assert make_pairs.main([*arguments, "-o", str(output)]) == 0
    pairs = read_pairs(output)
    assert {(one.source_speaker, one.target_speaker) for one in pairs} == {("a", "d"), ("d", "a")}
    assert all(other.path.resolve().parent.name == one.target_speaker
               for one, other in zip(pairs, own_recordings(pairs, manifest)))
    assert capsys.readouterr().out == f"{output}: 4 pairs of 2 speakers\n"


def test_an_unknown_speaker_is_an_error(tmp_path, capsys):
    (tmp_path / "held_out.txt").write_text("a\nzoe\n")
    manifest = write_manifest(tmp_path, SPEAKERS)
    arguments = [str(manifest), "--speakers", str(tmp_path / "held_out.txt"), "-o", str(tmp_path / "pairs.tsv")]
    assert make_pairs.main(arguments) == 1
    assert "lacks 1 of 2 speakers, for instance zoe" in capsys.readouterr().err
    assert not (tmp_path / "pairs.tsv").exists()


def test_a_run_is_judged_by_the_speakers_it_kept_out(tmp_path):
    manifest = write_manifest(tmp_path / "corpus", SPEAKERS)
    speech = np.zeros(16000, np.int16)
    with StoreWriter(tmp_path / "data", RATE_HZ) as store:
        for one in find_recordings(manifest).recordings:
            add_unvoiced(store, one.path.relative_to(manifest.parent), one.speaker, speech, one.text)
    (tmp_path / "data" / "prepare.json").write_text(json.dumps({"source": str(manifest.parent)}))
    settings = DataConfig(path=str(tmp_path / "data"), held_out_speakers=0.5)
    kept_out = {speaker for speaker in SPEAKERS if is_held_out(speaker, settings)}
    assert 0 < len(kept_out) < len(SPEAKERS)
    found = held_out.held_out_recordings(settings)
    assert {one.speaker for one in found} == kept_out
    assert {one.path.parent for one in found} == {manifest.parent / speaker for speaker in kept_out}
    held_out.write_manifest(tmp_path / "manifest.tsv", found)
    assert [(one.speaker, one.text) for one in find_recordings(tmp_path / "manifest.tsv").recordings] == [
        (one.speaker, one.text) for one in sorted(found, key=lambda one: one.path.as_posix())]
    with pytest.raises(DataError, match="no speaker of it was held out"):
        held_out.held_out_recordings(settings.model_copy(update={"held_out_speakers": 0.0}))


# The cache


def test_the_cache_computes_once_and_survives_half_a_line(tmp_path):
    calls = []
    def compute():
        calls.append(1)
        return [1.5, "x"]
    path = tmp_path / "deep" / "cache.jsonl"
    assert Cache(path).get("key", compute) == Cache(path).get("key", compute) == [1.5, "x"]
    path.write_bytes(path.read_bytes() + b'["other", 12')
    cache = Cache(path)
    assert cache.get("other", lambda: 3) == 3 and cache.get("key", compute) == [1.5, "x"]
    assert len(calls) == 1
    assert Cache(path).get("other", compute) == 3


def test_the_cache_drops_damaged_lines(tmp_path):
    path = tmp_path / "cache.jsonl"
    path.write_bytes(b'["a", 1]\n{"b"\n7\n[["c"], 2]\n\xff\xfe\n' + b"[" * 200000 + b'\n["d", 3]\n')
    cache = Cache(path)
    assert (cache["a"], cache["d"], "c" in cache) == (1, 3, False)


def test_a_nul_in_a_path_is_one_line():
    with pytest.raises(AudioError, match="no name of a file; check the path"):
        digest(Path("a\0b"))


def test_the_digest_follows_the_content_of_files(tmp_path):
    file, copy = tmp_path / "a", tmp_path / "b"
    file.write_bytes(b"one"), copy.write_bytes(b"one")
    assert digest("x", file) == digest("x", copy) != digest("y", file)
    assert digest("ab", "c") != digest("a", "bc")
    copy.write_bytes(b"two")
    assert digest("x", file) != digest("x", copy)


def test_what_another_program_made_is_not_met_again(tmp_path):
    def program(**files):
        package = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, text in files.items():
            (package / name).mkdir(parents=True)
            (package / name / "code.py").write_text(text)
        return program_digest(package)

    first = program(one="1", two="2")
    assert first == program(one="1", two="2")
    assert len({first, program(one="1", two="3"), program(one="1", three="2"), program(one="1")}) == 4
