"""The evaluation table: its arithmetic by hand, its files, and that one failed pair does not lose the others."""

import itertools
import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vc.audio import load_audio, save_audio
from vc.config import MelConfig
from vc.data.layouts import find_recordings
from vc.errors import AudioError, DataError, VcError
from vc.level import speech_level_db

sys.path.insert(0, str(Path(__file__).parent.parent / "recipes" / "evaluate"))  # as when its scripts run

import make_pairs  # noqa: E402
import table  # noqa: E402
from cache import Cache, digest  # noqa: E402
from intervals import ratio_of_sums  # noqa: E402
from measures import LEVEL_DBFS, Examiner, Measured, load_levelled  # noqa: E402
from pairs import COLUMNS as PAIR_COLUMNS  # noqa: E402
from pairs import Pair, own_recordings, read_pairs, write_pairs  # noqa: E402
from recognition import (  # noqa: E402
    CANDIDATES,
    Recogniser,
    choose_candidates,
    edit_distance,
    split_words,
    unigram_arpa,
)
from report import COLUMNS, ROWS, format_figure, group_names, markdown, summarise  # noqa: E402
from similarity import SpeakerEmbedder, mean_direction  # noqa: E402
from table import Studio  # noqa: E402

RATE_HZ = 16000

# Intervals


def test_the_interval_agrees_with_all_possible_resamples():
    values, words = np.array([0.0, 1, 3, 7, 4]), np.array([2.0, 5, 4, 8, 9])
    ratios = [values[list(drawn)].sum() / words[list(drawn)].sum() for drawn in itertools.product(range(5), repeat=5)]
    figure = ratio_of_sums(values, words)
    assert figure.value == 15 / 28
    assert figure.low == pytest.approx(np.quantile(ratios, 0.025), abs=0.02)
    assert figure.high == pytest.approx(np.quantile(ratios, 0.975), abs=0.02)


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
    assert (mixed.value, mixed.low, mixed.high) == (0.25, 0.25, 0.25)


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


POCKETSPHINX_MISSING = "word errors need pocketsphinx: pip install vc[evaluate]"
SAID = "Lord, but I'm glad to see you again, Phil."


def test_recognition_understands_a_clear_sentence(clips):
    pytest.importorskip("pocketsphinx", reason=POCKETSPHINX_MISSING)
    recogniser = Recogniser([SAID, "It's the zzyzx aurora borealis."])
    assert recogniser.unknown == {"zzyzx"}
    heard = recogniser.transcribe(load_levelled(clips / "kathleen" / "again.flac"), SAID)
    assert edit_distance(split_words(SAID), split_words(heard)) <= 2


def test_recognition_forgets_what_it_heard_before(clips):
    """Half of the clips are Dutch, a quarter German: where nothing fits, a little of the past would decide."""
    pytest.importorskip("pocketsphinx", reason=POCKETSPHINX_MISSING)
    text = ("the a of to and in that it is was he for on with as his at by this had not but from have are you which or "
            "an they be her were all she there one we " + SAID)
    audio = [load_levelled(path) for path in sorted(clips.rglob("*.flac"))]
    forwards, backwards = Recogniser([text]), Recogniser([text])
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


@pytest.mark.parametrize("library, make", [("pocketsphinx", lambda: Recogniser(["a text"])),
                                           ("resemblyzer", SpeakerEmbedder)])
def test_a_missing_package_is_named_with_its_extra(monkeypatch, library, make):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(VcError, match=rf"{library}.*pip install vc\[evaluate\]"):
        make()


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
    with pytest.raises(DataError, match="cannot be read as a pair list"):
        read_pairs(tmp_path / "pairs.tsv")


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


# Figures


def judged(target_cosine=0.0, source_cosine=0.0, words=4, word_errors=0, letters=20, letter_errors=0):
    return Measured("x.wav", target_cosine, source_cosine, "", words, word_errors, letters, letter_errors)


def value(groups, row, column, group="all"):
    return groups[group]["rows"][row][column]["value"]


def test_figures_by_hand():
    measured = {
        "source": [judged(0.5, 1.0, 10, 1), judged(0.4, 1.0, 2, 1)],
        "target": [judged(0.9, 0.5, 5, 1), judged(0.8, 0.6, 5, 0)],
        "resynthesis": [judged(0.5, 0.9, 10, 2, 50, 4), judged(0.4, 0.9, 2, 1, 10, 2)],
        "converted": [judged(0.7, 0.6, 10, 4, 50, 10), judged(0.6, 0.6, 2, 2, 10, 5)],
    }
    groups = summarise([pair(), pair()], measured)
    assert value(groups, "converted", "target_cosine") == pytest.approx(0.65)
    assert value(groups, "target", "source_cosine") == pytest.approx(0.55)
    assert value(groups, "converted", "wer") == pytest.approx(6 / 12)
    assert value(groups, "converted", "cer") == pytest.approx(15 / 60)
    assert value(groups, "converted", "wer_above_resynthesis") == pytest.approx(3 / 12)
    assert value(groups, "source", "wer_above_resynthesis") == pytest.approx(-1 / 12)
    assert value(groups, "resynthesis", "wer_above_resynthesis") == 0
    assert groups["all"]["rows"]["target"]["wer_above_resynthesis"] is None  # it has other words


def test_as_close_to_both_is_not_closer_to_the_target():
    row = [judged(0.7, 0.6), judged(0.6, 0.6), judged(0.5, 0.6), judged(0.61, 0.6)]
    groups = summarise([pair()] * 4, {name: row for name in ROWS})
    assert value(groups, "converted", "closer_to_target") == 0.5


def test_the_difference_is_paired():
    """Both rows vary widely from pair to pair, always together: their difference is certain."""
    base = [judged(words=10, word_errors=errors) for errors in (0, 9, 2, 7, 1)]
    worse = [judged(words=10, word_errors=one.word_errors + 1) for one in base]
    figures = summarise([pair()] * 5, {**{name: base for name in ROWS}, "converted": worse})["all"]["rows"]["converted"]
    assert figures["wer"]["high"] - figures["wer"]["low"] > 0.3
    assert [figures["wer_above_resynthesis"][end] for end in ("low", "value", "high")] == pytest.approx([0.1] * 3)


def test_a_failed_pair_is_left_out_of_its_row_alone():
    measured = {name: [judged(0.5), judged(0.7)] for name in ROWS}
    measured["converted"] = [None, judged(0.7)]
    groups = summarise([pair(), pair()], measured)
    assert groups["all"]["rows"]["converted"]["pairs"] == 1
    assert value(groups, "converted", "target_cosine") == 0.7
    assert value(groups, "source", "target_cosine") == pytest.approx(0.6)
    assert "| converted (1 pair missing) | 0.700 " in markdown(groups, [])


def test_a_row_without_any_pair_has_dashes():
    measured = {name: [judged(0.5)] for name in ROWS} | {"resynthesis": [None]}
    groups = summarise([pair()], measured)
    assert groups["all"]["rows"]["resynthesis"]["wer"] is None
    assert groups["all"]["rows"]["converted"]["wer_above_resynthesis"] is None
    assert f"| {ROWS['resynthesis']} (1 pair missing) |" + " - |" * len(COLUMNS) in markdown(groups, [])


@pytest.mark.parametrize("speakers, group", [
    (("ls1", "ls2"), "native to native"), (("ls1", "so2"), "native to non-native"),
    (("so1", "ls2"), "non-native to native"), (("so1", "so2"), "non-native to non-native"), (("ls1", "anna"), None)])
def test_groups_follow_the_speakers_names(speakers, group):
    assert group_names(pair(speaker=speakers[0], target=speakers[1])) == ["all"] + ([group] if group else [])


def test_format_by_hand():
    figure = {"value": 0.6944, "low": 0.681, "high": 0.7}
    assert format_figure(figure, is_percent=False) == "0.694 [0.681, 0.700]"
    assert format_figure(figure, is_percent=True) == "69.4 [68.1, 70.0]"


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


def test_the_digest_follows_the_content_of_files(tmp_path):
    file, copy = tmp_path / "a", tmp_path / "b"
    file.write_bytes(b"one"), copy.write_bytes(b"one")
    assert digest("x", file) == digest("x", copy) != digest("y", file)
    assert digest("ab", "c") != digest("a", "bc")
    copy.write_bytes(b"two")
    assert digest("x", file) != digest("x", copy)


# The whole, with stand-ins for the converter and both measures


class Voice:
    """Converts by taking the first reference; cannot convert `broken`."""

    sample_rate, step, mel, vocoder = RATE_HZ, 7, MelConfig(), object()

    def __init__(self, fingerprint="first", broken=""):
        self.fingerprint, self.broken, self.calls = fingerprint, broken, []

    def convert(self, source, target):
        self.calls.append(("convert", source.stem))
        if source.stem == self.broken:
            raise ZeroDivisionError("of\nall things")
        return load_audio(target[0], RATE_HZ)

    def resynthesise(self, source):
        self.calls.append(("resynthesise", source.stem))
        return load_audio(source, RATE_HZ)


class Embedder:
    """Tells voices by their pitch alone; each plants a sine of its own."""

    def __init__(self):
        self.calls = 0

    def describe(self):
        return "pitch"

    def embed(self, audio):
        self.calls += 1
        angle = np.abs(np.fft.rfft(audio[:1600])).argmax() / 100
        return np.array([math.cos(angle), math.sin(angle)])


class Hearer:
    """Always understands one word too few."""

    unknown = {"borealis"}

    def describe(self, text):
        return text

    def transcribe(self, audio, text):
        return " ".join(split_words(text)[:-1])


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A pair list with its recordings, and the stand-ins in place; returns (arguments of table.main, its Voice)."""
    folder = tmp_path / "eval"
    manifest = write_manifest(folder, {"ls1": ["ONE TWO"] * 3, "ls2": ["AURORA BOREALIS"] * 3})
    for number, recording in enumerate(find_recordings(manifest, "table").recordings):
        hz = {"ls1": 200, "ls2": 500}[recording.speaker]
        tone = 0.1 * np.sin(2 * np.pi * hz * np.arange(3200 + number) / RATE_HZ)
        save_audio(recording.path, tone.astype(np.float32), RATE_HZ)
    write_pairs(folder / "pairs.tsv", [
        pair(folder / source / f"{number}.wav", source, target, [folder / target / "0.wav"], "ONE TWO, Borealis.")
        for source, target, number in [("ls1", "ls2", 1), ("ls1", "ls2", 2), ("ls2", "ls1", 1)]])
    voice = Voice()
    monkeypatch.setattr(table.vc, "load", lambda model: voice, raising=False)
    monkeypatch.setattr(table, "SpeakerEmbedder", Embedder)
    monkeypatch.setattr(table, "Recogniser", lambda texts: Hearer())
    return ["--pairs", str(folder / "pairs.tsv"), "-o", str(tmp_path / "out")], voice


def cells(lines, group, row):
    """The cells of one row of the Markdown table."""
    start = next(number for number, line in enumerate(lines) if line.startswith(f"## {group[0].upper()}{group[1:]}:"))
    line = next(line for line in lines[start:] if line.startswith(f"| {ROWS[row]} "))
    return line.strip("| ").split(" | ")[1:]


def test_table_and_json_agree(planted, tmp_path, capsys):
    arguments, _ = planted
    assert table.main(arguments) == 0
    printed, written = capsys.readouterr().out, (tmp_path / "out" / "table.md").read_text()
    assert printed == written
    content = json.loads((tmp_path / "out" / "table.json").read_text())
    assert set(content["groups"]) == {"all", "native to native"}
    for group, figures in content["groups"].items():
        for row in ROWS:
            assert cells(written.split("\n"), group, row) == [
                format_figure(figures["rows"][row][name], column.is_percent) for name, column in COLUMNS.items()]


def test_the_stand_ins_figures_by_hand(planted, tmp_path):
    table.main(planted[0])
    content = json.loads((tmp_path / "out" / "table.json").read_text())
    assert value(content["groups"], "converted", "target_cosine") == pytest.approx(1)
    assert value(content["groups"], "source", "source_cosine") == pytest.approx(1)
    assert value(content["groups"], "converted", "closer_to_target") == 1
    assert value(content["groups"], "resynthesis", "closer_to_target") == 0
    assert value(content["groups"], "converted", "wer") == pytest.approx(1 / 3)
    assert value(content["groups"], "target", "wer") == 1 / 2
    first = content["pairs"][0]["rows"]["converted"]
    assert (first["transcript"], first["words"], first["word_errors"]) == ("one two", 3, 1)
    assert Path(first["recording"]).exists()
    assert any("3 of the 9 words are not in pocketsphinx's dictionary" in note for note in content["notes"])


def test_a_failed_pair_is_named_and_loses_no_other(planted, tmp_path, capsys):
    arguments, voice = planted
    voice.broken = "2"
    assert table.main(arguments) == 1
    captured = capsys.readouterr()
    errors = [line for line in captured.err.split("\n") if line.startswith("table: error")]
    assert errors == ["table: error: 2 to ls2, converted: ZeroDivisionError: of all things"]
    content = json.loads((tmp_path / "out" / "table.json").read_text())
    assert content["groups"]["all"]["rows"]["converted"]["pairs"] == 2
    assert content["groups"]["all"]["rows"]["source"]["pairs"] == 3
    assert "converted" not in content["pairs"][1]["rows"]
    assert captured.out == (tmp_path / "out" / "table.md").read_text()

    voice.broken = ""  # mended: only what failed is done again
    del voice.calls[:]
    assert table.main(arguments) == 0
    assert voice.calls == [("convert", "2")]


def test_a_second_run_converts_and_measures_nothing(planted, monkeypatch):
    arguments, voice = planted
    table.main(arguments)
    assert sorted(voice.calls) == [("convert", "1"), ("convert", "1"), ("convert", "2"),
                                   ("resynthesise", "1"), ("resynthesise", "1"), ("resynthesise", "2")]
    del voice.calls[:]
    idle = Embedder()
    monkeypatch.setattr(table, "SpeakerEmbedder", lambda: idle)
    assert table.main(arguments) == 0
    assert (voice.calls, idle.calls) == ([], 0)
    assert table.main([*arguments, "--force"]) == 0
    assert len(voice.calls) == 6


def test_force_resynthesises_a_source_of_several_pairs_once(planted, tmp_path):
    _, voice = planted
    studio = Studio(voice, tmp_path / "converted", tmp_path / "resynthesis", force=True)
    first, second = (pair(tmp_path / "eval/ls1/1.wav", references=[tmp_path / f"eval/ls2/{number}.wav"])
                     for number in (0, 1))
    assert studio.resynthesise(first) == studio.resynthesise(second)
    assert studio.convert(first) != studio.convert(second)
    assert voice.calls == [("resynthesise", "1"), ("convert", "1"), ("convert", "1")]


def test_another_model_converts_anew_and_keeps_the_resynthesis(planted):
    arguments, voice = planted
    table.main(arguments)
    voice.fingerprint = "second"
    del voice.calls[:]
    table.main(arguments)
    assert sorted(voice.calls) == [("convert", "1"), ("convert", "1"), ("convert", "2")]


def test_a_missing_reference_fails_its_pairs_only(planted, tmp_path, capsys):
    arguments, _ = planted
    (tmp_path / "eval" / "ls1" / "0.wav").unlink()
    assert table.main(arguments) == 1
    errors = [line for line in capsys.readouterr().err.split("\n") if line.startswith("table: error")]
    assert len(errors) == len(ROWS) and all("1 to ls1" in line and "0.wav" in line for line in errors)


def test_a_missing_manifest_is_asked_for(planted, tmp_path, capsys):
    arguments, _ = planted
    manifest = (tmp_path / "eval" / "manifest.tsv").rename(tmp_path / "eval" / "others.tsv")
    assert table.main(arguments) == 1
    assert "manifest.tsv: no such table of recordings; name one" in capsys.readouterr().err
    assert table.main([*arguments, "--manifest", str(manifest)]) == 0


def test_a_missing_package_is_one_line(planted, monkeypatch, capsys):
    monkeypatch.setattr(table, "Recogniser", Recogniser)
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    assert table.main(planted[0]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and "pip install vc[evaluate]" in captured.err


def test_voices_are_compared_with_the_mean_of_the_references(planted, tmp_path):
    """Two references of different voices: the target lies midway between them."""
    folder = tmp_path / "eval"
    examiner = Examiner(Embedder(), Hearer(), Cache(tmp_path / "cache.jsonl"))
    low, high = folder / "ls1" / "0.wav", folder / "ls2" / "0.wav"
    result = examiner.examine(low, "", pair(source=high, references=[low, high]))
    angle = (500 - 200) / 10 / 100  # 10 Hz a bin, 100 bins a radian
    assert result.target_cosine == pytest.approx(math.cos(angle / 2))
    assert result.source_cosine == pytest.approx(math.cos(angle))
    assert (result.words, result.letters, result.transcript) == (0, 0, "")
