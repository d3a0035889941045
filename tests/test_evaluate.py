"""`vc evaluate` as a whole, with stand-ins for what converts and measures: files, failures, caching, exit codes."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import standins
from helpers import add_unvoiced, contents, save_untrained

from vc.audio import load_audio, save_audio
from vc.checkpoint import load_checkpoint
from vc.conversion import Converter
from vc.data.store import StoreWriter
from vc.evaluation import examiner, instrument, recognition, result, similarity, systems
from vc.evaluation.figures import summarise
from vc.evaluation.groups import group_names, guess_gender, know_speakers
from vc.evaluation.instruments import INSTRUMENTS
from vc.evaluation.listening import choose, score
from vc.evaluation.page import report_page
from vc.evaluation.pairs import Pair, write_pairs
from vc.evaluation.result import EVERYTHING, Figure, Item, Measure, load_result
from vc.evaluation.table import HEADLINE, format_figure, markdown
from vc.evaluation.workforce import workforce
from vc.probing.findings import Finding
from vc.probing.report import save_findings

RATE_HZ = 16000
FOUND = {"half": "content", "title": "who speaks", "value": 0.5, "low": 0.4, "high": 0.6, "chance": 0,
         "unit": "accuracy", "n": 9}
MADE = [name for name, maker in systems.SYSTEMS.items() if maker.tool and name != "classical"]


def pair(source="a/1.wav", speaker="a", target="b", references=("b/1.wav",), text="SOME WORDS"):
    return Pair(Path(source), speaker, target, tuple(map(Path, references)), text)


# Figures from items

MEASURES = [Measure("cosine_to_target", "cosine to target", "", "higher", ""),
            Measure("wer", "WER", "%", "lower", "", weight="words"),
            Measure("equal_error_rate", "equal error rate", "%", "lower", "")]


def items(system, cosines, errors=None, words=None, groups=()):
    errors, words = errors or [0] * len(cosines), words or [1] * len(cosines)
    return [Item(number, system, list(groups), {"cosine_to_target": cosine, "wer": wer, "words": said})
            for number, (cosine, wer, said) in enumerate(zip(cosines, errors, words)) if cosine is not None]


def found(figures, system, measure, group=EVERYTHING):
    return next((one for one in figures if (one.system, one.measure, one.group) == (system, measure, group)), None)


def between(*speakers):
    """Pairs of these sources and targets, each source a recording of its own."""
    return [pair(f"{number}.wav", source, target) for number, (source, target) in enumerate(speakers)]


ALIKE = between(*[("a", "b")] * 8)


def as_result(measures, every):
    names = dict.fromkeys(item.system for item in every)
    return result.Result({}, measures, [result.System(name, name, "anchor") for name in names], [], every,
                         summarise(measures, every, ALIKE))


def test_words_are_pooled_and_cosines_averaged():
    figures = summarise(MEASURES, items("model", [0.7, 0.6], [10.0, 100.0], [10, 2], ["woman to man"]), ALIKE)
    assert found(figures, "model", "cosine_to_target").value == pytest.approx(0.65)
    assert found(figures, "model", "wer").value == pytest.approx(25)  # 3 of 12 words
    assert found(figures, "model", "wer", "woman to man").n == 2


def test_a_number_that_is_missing_is_left_out_of_its_cell_alone():
    figures = summarise(MEASURES, items("model", [0.7, 0.6], [None, 50.0], [None, 4]), ALIKE)
    assert (found(figures, "model", "wer").value, found(figures, "model", "wer").n) == (50, 1)
    assert found(figures, "model", "cosine_to_target").n == 2
    assert found(summarise(MEASURES, items("model", [0.7], [None], [None]), ALIKE), "model", "wer") is None


def test_the_difference_is_paired():
    """Rates vary widely from pair to pair, the rise above the vocoded source not at all: it is certain."""
    measures = [*MEASURES[:2], Measure("wer_above_vocoded", "above", "points", "lower", "", weight="words")]
    every = [Item(number, "model", [], {"wer": wer, "wer_above_vocoded": 10.0, "words": 10})
             for number, wer in enumerate([0.0, 90.0, 20.0, 70.0, 10.0])]
    figures = summarise(measures, every, ALIKE)
    assert found(figures, "model", "wer").high - found(figures, "model", "wer").low > 30
    certain = found(figures, "model", "wer_above_vocoded")
    assert (certain.low, certain.value, certain.high) == pytest.approx((10, 10, 10))


def test_speakers_are_drawn_and_not_pairs():
    """Cosines that are the target's alone: five pairs of each of six targets are no more evidence than the six."""
    cosines = np.repeat([0.5, 0.6, 0.7, 0.8, 0.9, 0.95], 5)
    pairs = between(*((f"a{number}", f"b{number // 5}") for number in range(30)))
    every = items("model", list(cosines), groups=["x"])
    wide, narrow = (found(summarise(MEASURES[:1], every, listed), "model", "cosine_to_target", "x")
                    for listed in (pairs, between(*((f"a{number}", f"b{number}") for number in range(30)))))
    assert wide.value == narrow.value and wide.high - wide.low > 1.8 * (narrow.high - narrow.low)


def test_a_share_that_all_pairs_reach_is_not_certain():
    nearer = Measure("nearer_target", "nearer", "%", "higher", "", share=True)
    every = [Item(number, "model", [], {"nearer_target": 100.0}) for number in range(8)]
    figure = found(summarise([nearer], every, ALIKE), "model", "nearer_target")
    assert (figure.value, figure.high, figure.n) == (100, 100, 8) and figure.low == pytest.approx(67.6, abs=0.1)


def test_a_figure_without_an_interval_is_written_read_and_shown(tmp_path):
    told = as_result(MEASURES[:1], items("model", [0.7, 0.8]))
    told = replace(told, systems=[replace(system, kind="model") for system in told.systems], pairs=[
        result.Pair("a", "a.wav", "a", "b", ["b.wav"])] * 2)
    result.save_result(tmp_path, told)
    again = result.load_result(tmp_path)
    assert again == told and again.figures[0].low is None and again.figures[0].high is None
    assert "| model | 0.750 [-] |" in markdown(again) and "[–]" in report_page(again, tmp_path)


def test_the_equal_error_rate_is_of_all_pairs_of_a_group():
    every = items("model", [0.9, 0.2], groups=["x"])
    figures = summarise(MEASURES, every, ALIKE, {(0, "model"): [0.1, 0.3], (1, "model"): [0.5, 0.4]})
    assert found(figures, "model", "equal_error_rate").value == pytest.approx(50)
    assert found(figures, "model", "equal_error_rate", "x").n == 2
    assert found(summarise(MEASURES, every, ALIKE), "model", "equal_error_rate") is None


def test_a_missing_pair_stands_in_the_row_s_title():
    table = markdown(as_result(MEASURES[:1], items("model", [None, 0.7]) + items("source", [0.5, 0.7])))
    assert "| model (1 pair missing) | 0.700 [-] |" in table and "| source | 0.600 " in table


def test_a_cell_without_a_figure_has_a_dash():
    every = items("model", [0.7]) + items("target", [0.9], [None], [None])
    assert markdown(as_result(MEASURES[:2], every)).splitlines()[-1] == "| target | 0.900 [-] | - |"


@pytest.mark.parametrize("unit, cell", [
    ("", "0.694 [-0.681, 0.700]"), ("%", "0.7 [-0.7, 0.7]"), ("cents", "1 [-1, 1]")])
def test_format_by_hand(unit, cell):
    figure = Figure("model", EVERYTHING, "x", 0.6944, -0.681, 0.7, 3)
    assert format_figure(figure, Measure("x", "x", unit, "", "")) == cell


def test_nothing_is_negative_that_rounds_to_zero():
    figure = Figure("model", EVERYTHING, "x", -0.01, -0.06, -0.0, 3)
    assert format_figure(figure, Measure("x", "x", "dB", "", "")) == "0.0 [-0.1, 0.0]"


# Groups


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "manifest.tsv"
    path.write_text("path\tspeaker\ttext\na.wav\tls1\tONE\n")
    return path


@pytest.mark.parametrize("speakers, group", [
    (("ls1", "ls2"), "native to native"), (("ls1", "so2"), "native to non-native"),
    (("so1", "ls2"), "non-native to native"), (("so1", "so2"), "non-native to non-native"), (("ls1", "anna"), None),
    (("lsabelle", "sofia"), None), (("so1", "sonja2"), None)])
def test_groups_follow_the_speakers_names(manifest, speakers, group):
    known = know_speakers(manifest, speakers, {})
    assert group_names(pair(speaker=speakers[0], target=speakers[1]), known) == ([group] if group else [])


def test_the_table_s_columns_come_before_guesses(tmp_path):
    lines = ["path\tspeaker\tgender\taccent", "1.wav\tls1\tF\tScottish", "2.wav\tb\tmale\tWelsh"]
    (tmp_path / "manifest.tsv").write_text("\n".join(lines))
    known = know_speakers(tmp_path / "manifest.tsv", ["ls1", "b"], {"ls1": [[100.0]]}, seen=["b"])
    assert group_names(pair(speaker="ls1", target="b"), known) == ["woman to man", "Scottish to Welsh",
                                                                   "target seen in training"]
    assert group_names(pair(speaker="b", target="ls1"), known)[-1] == "target never seen"
    assert not known.gender_is_guessed


def test_gender_is_guessed_from_the_median_pitch(manifest):
    contours = {"x": [[210.0, 0, 190], [205]], "y": [[110.0, 90, 400]], "z": [[0.0]]}
    known = know_speakers(manifest, ["x", "y", "z"], contours)
    assert known.genders == {"x": "woman", "y": "man"} and known.gender_is_guessed and known.seen is None
    assert guess_gender([[0.0] * 9 + [170.0]]) == "woman"  # silence is no low voice


# Listening


def test_the_best_and_the_worst_are_heard():
    every = items("model", [0.5, 0.9, 0.7, 0.8, 0.6, 0.4, 0.3, 0.2], words=[1] * 8) + items("source", [1.0])
    chosen = choose(every)
    assert chosen["best"] == [1, 3, 2] and chosen["worst"] == [7, 6, 5]
    assert len(set(chosen["sample"])) == 6 and {0, 7} <= set(chosen["sample"])
    assert choose(items("source", [0.5])) == {"sample": [], "best": [], "worst": []}
    assert score(0.8, 40.0) == pytest.approx(score(0.9, 60.0)) == pytest.approx(0.6)


# The whole


@pytest.fixture
def evaluation(tmp_path, tiny_model, call, monkeypatch):
    """`vc evaluate` on three pairs of tones, with stand-ins; has the attributes run(*arguments), calls and folder."""
    return Evaluation(tmp_path, tiny_model, call, monkeypatch)


class Evaluation:
    """Converting takes the first reference; `broken` cannot be converted. Voices are told by their pitch alone, and one
    word too few is understood. calls: what was converted, resynthesised and read."""

    def __init__(self, folder, model, call, monkeypatch):
        self.folder, self.output, self.model = folder / "eval", folder / "out", model
        self.calls, self.broken, self._call = [], "", call
        self._write_list()
        monkeypatch.setattr(Converter, "convert", lambda own, source, target: self._convert(source, target))
        monkeypatch.setattr(Converter, "resynthesise", lambda own, source: self._resynthesise(source))
        monkeypatch.delitem(systems.SYSTEMS, "classical")
        for name in INSTRUMENTS.keys() - {"similarity", "recognition", "signal"}:
            monkeypatch.delitem(INSTRUMENTS, name)
        for module, stand_in in (similarity, "Similarity"), (recognition, "Recognition"):
            monkeypatch.setattr(getattr(module, stand_in), "__init__", instrument.Instrument.__init__)
        monkeypatch.setattr(similarity.Similarity, "describe", lambda self, text: "tone")
        monkeypatch.setattr(similarity.Similarity, "read", lambda own, sound: self._read(sound))
        monkeypatch.setattr(recognition.Recognition, "describe", lambda self, text: text)
        monkeypatch.setattr(recognition.Recognition, "vocabulary", {"one", "two", "aurora"})
        monkeypatch.setattr(recognition.Recognition, "transcribe",
                            lambda self, audio, text: " ".join(recognition.split_words(text)[:-1]))

    def run(self, *arguments, model=None):
        return self._call("evaluate", model or self.model, "--pairs", self.folder / "pairs.tsv", "-o", self.output,
                          "--workers", "1", "--device", "cpu", *arguments)

    def report(self):
        return load_result(self.output)

    def _write_list(self):
        lines = ["path\tspeaker\ttext"]
        for speaker, hz, text in ("ls1", 200, "ONE TWO"), ("ls2", 500, "AURORA BOREALIS"):
            for number in range(3):
                lines.append(f"{speaker}/{number}.wav\t{speaker}\t{text}")
                wave = 0.1 * np.sin(2 * np.pi * hz * np.arange(9600 + 160 * number) / RATE_HZ)
                save_audio(self.folder / speaker / f"{number}.wav", wave.astype(np.float32), RATE_HZ)
        (self.folder / "manifest.tsv").write_text("\n".join(lines) + "\n")
        write_pairs(self.folder / "pairs.tsv", [
            pair(self.folder / source / f"{number}.wav", source, target, [self.folder / target / "0.wav"],
                 "ONE TWO, Borealis.") for source, target, number in
            [("ls1", "ls2", 1), ("ls1", "ls2", 2), ("ls2", "ls1", 1)]])

    def _convert(self, source, target):
        self.calls.append(("convert", source.stem))
        if source.stem == self.broken:
            raise ZeroDivisionError("of\nall things")
        return load_audio(target[0], RATE_HZ)

    def _resynthesise(self, source):
        self.calls.append(("resynthesise", source.stem))
        return load_audio(source, RATE_HZ)

    def _read(self, sound):
        self.calls.append(("read", sound.path.stem))
        angle = np.abs(np.fft.rfft(sound.levelled[:1600])).argmax() / 100
        return [math.cos(angle), math.sin(angle)]


def errors(ended):
    return [line.removeprefix("vc: error: ") for line in ended.err.split("\n") if line.startswith("vc: error")]


def test_the_stand_ins_figures_by_hand(evaluation):
    ended = evaluation.run()
    assert ended.code == 0, ended
    report = evaluation.report()
    assert report.figure("model", "cosine_to_target").value == pytest.approx(1)
    assert report.figure("source", "cosine_to_source").value == pytest.approx(1)
    assert report.figure("model", "nearer_target").value == 100
    assert report.figure("source_vocoded", "nearer_target").value == 0
    assert report.figure("model", "wer").value == pytest.approx(100 / 3)
    assert report.figure("target", "wer").value == 50 and report.figure("target", "wer_above_vocoded") is None
    assert report.figure("model", "wer_above_vocoded").value == 0
    assert report.figure("model", "equal_error_rate").value == 0
    assert report.figure("source", "equal_error_rate").value == 100
    assert report.figure("source", "cosine_to_target", "native to native").n == 3
    assert report.figure("model", "real_time_factor").value > 0 and report.figure("source", "real_time_factor") is None
    assert report.figure("source", "duration_ratio").value == 1
    # Once a pair in the source's text, and once in each text of another recording: 3 of 9 and 2 of 6 words.
    assert any(note.startswith("5 of the texts' 15 words are not") for note in report.notes), report.notes


def test_what_is_printed_and_what_is_written_agree(evaluation):
    ended = evaluation.run()
    report = evaluation.report()
    assert ended.out == markdown(report, columns=HEADLINE) + (
        f"{evaluation.output / 'report.json'}: 3 pairs; to look at: {evaluation.output / 'report.html'}\n")
    assert (evaluation.output / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [system.name for system in report.systems] == list(systems.SYSTEMS)
    assert {measure.name for measure in report.measures} == {figure.measure for figure in report.figures}
    assert report.pairs[0].source == "ls1/1.wav" and report.pairs[0].references == ["ls2/0.wav"]
    assert len(report.items) == 3 * len(systems.SYSTEMS)
    assert {(point.half, point.speaker) for point in report.points} == {
        (half, speaker) for half in ("speaker", "content") for speaker in ("ls1", "ls2")}
    assert str(evaluation.folder) not in (evaluation.output / "report.json").read_text()


def test_a_failed_pair_is_named_and_loses_no_other(evaluation):
    evaluation.broken = "2"
    ended = evaluation.run()
    assert ended.code == 1
    assert errors(ended) == ["2 to ls2, converted: ZeroDivisionError: of all things"] == evaluation.report().failures
    assert evaluation.report().figure("model", "cosine_to_target").n == 2
    assert evaluation.report().figure("source", "cosine_to_target").n == 3
    assert "| converted (1 pair missing) |" in ended.out

    evaluation.broken = ""  # mended: only what failed is done again
    del evaluation.calls[:]
    assert evaluation.run().code == 0
    assert evaluation.calls == [("convert", "2")]  # its sound was read before: it is that of the same reference


def test_a_second_run_converts_and_measures_nothing(evaluation):
    evaluation.run()
    made = [call for call in evaluation.calls if call[0] != "read"]
    assert sorted(made) == [("convert", "1"), ("convert", "1"), ("convert", "2"), *[("resynthesise", "1")] * 4,
                            ("resynthesise", "2"), ("resynthesise", "2")][:len(made)]
    first = evaluation.report()
    del evaluation.calls[:]
    assert evaluation.run().code == 0 and evaluation.calls == []
    assert evaluation.report() == first
    assert evaluation.run("--force").code == 0
    assert [call for call in evaluation.calls if call[0] != "read"] == made


def test_another_program_reads_everything_anew(evaluation, monkeypatch):
    evaluation.run()
    read = [call for call in evaluation.calls if call[0] == "read"]
    del evaluation.calls[:]
    monkeypatch.setattr(examiner, "program_digest", lambda: "another")
    assert evaluation.run().code == 0 and evaluation.calls == read


def test_another_model_converts_anew_and_shares_the_anchors(evaluation, repository, tmp_path):
    evaluation.run("--cache", tmp_path / "cache")
    del evaluation.calls[:]
    # The same weights with other words in the config: another fingerprint.
    other = save_untrained(tmp_path / "other.safetensors", repository, "train.seed=2")
    assert evaluation.run("--cache", tmp_path / "cache", model=other).code == 0
    assert sorted(evaluation.calls) == [("convert", "1"), ("convert", "1"), ("convert", "2")]
    assert contents(evaluation.output) == ["report.html", "report.json"]


def test_what_the_halves_say_alone_is_made_anew_and_told(evaluation, monkeypatch, tmp_path):
    evaluation.run("--cache", tmp_path / "cache")
    assert evaluation.report().model["refined"] is True
    refined = []
    monkeypatch.setattr(Converter, "convert", lambda own, source, target: refined.append(own.refined)
                        or load_audio(target[0], RATE_HZ))
    assert evaluation.run("--cache", tmp_path / "cache", "--unrefined").code == 0 and refined == [False] * 3
    assert evaluation.report().model["refined"] is False
    assert any("two halves say by themselves" in note for note in evaluation.report().notes)


def test_a_missing_reference_fails_its_pairs_only(evaluation):
    (evaluation.folder / "ls1" / "0.wav").unlink()
    ended = evaluation.run()
    assert ended.code == 1
    assert len(errors(ended)) == len(systems.SYSTEMS)
    assert all("1 to ls1" in error and "0.wav" in error for error in errors(ended))
    assert evaluation.report().figure("model", "cosine_to_target").n == 2


def test_a_reference_that_is_no_recording_fails_its_pairs_only(evaluation):
    (evaluation.folder / "ls1" / "0.wav").write_bytes(b"no recording at all")
    ended = evaluation.run()
    assert ended.code == 1 and any("1 to ls1" in error and "0.wav: cannot be read" in error for error in errors(ended))
    assert evaluation.report().figure("model", "cosine_to_target").n == 2


def test_a_list_of_which_nothing_can_be_found_or_read_is_refused_in_a_line(evaluation):
    recordings = sorted(evaluation.folder.glob("ls*/*.wav"))
    for path in recordings:
        path.write_bytes(b"no recording at all")
    evaluation.run().assert_refused("0.wav: cannot be read", "nor can any other recording of the list be read",
                                    folder=evaluation.output)
    for path in recordings:
        path.unlink()
    evaluation.run().assert_refused("ls1/1.wav: not found, nor any other recording that", folder=evaluation.output)


def test_a_part_of_the_list_without_recordings_gives_a_report_of_failures(evaluation):
    for name in ("ls1/1.wav", "ls2/0.wav"):
        (evaluation.folder / name).unlink()
    ended = evaluation.run("--limit", "1")
    assert ended.code == 1 and all("1 to ls2" in error for error in errors(ended))
    assert evaluation.report().points == []


def test_a_number_that_is_not_finite_is_none_in_the_report(evaluation, monkeypatch):
    signal_level = INSTRUMENTS["signal"].judge
    monkeypatch.setattr(INSTRUMENTS["signal"], "judge",
                        lambda own, case: signal_level(own, case) | {"level_difference": math.nan})
    assert evaluation.run().code == 0
    assert {item.values["level_difference"] for item in evaluation.report().items} == {None}


def test_a_silent_result_is_a_failure(evaluation, monkeypatch):
    monkeypatch.setattr(Converter, "convert", lambda own, source, target: np.zeros(16000, np.float32))
    ended = evaluation.run()
    assert ended.code == 1 and len(errors(ended)) == 3 and "is silent" in errors(ended)[0]


def test_a_part_of_the_list_gives_the_same_numbers(evaluation):
    evaluation.run()
    whole = {(item.pair, item.system): item.values for item in evaluation.report().items}
    ended = evaluation.run("--limit", "2")
    report = evaluation.report()
    assert ended.code == 0 and [one.name for one in report.pairs] == ["1 to ls2", "1 to ls1"]
    for item in report.items:
        assert item.values == whole[item.pair * 2, item.system]


def test_sounds_are_kept_to_listen_to(evaluation):
    evaluation.run("--keep")
    report = evaluation.report()
    assert sorted(report.listening) == ["best", "sample", "worst"] and report.listening["sample"] == [0, 1, 2]
    heard = [item.audio for item in report.items if item.audio]
    assert sorted(heard) == contents(evaluation.output / "audio") or \
        sorted(heard) == [f"audio/{name}" for name in contents(evaluation.output / "audio")]
    assert len(heard) == 9 and "audio/0000-model.flac" in heard
    assert len(load_audio(evaluation.output / "audio" / "0000-source.flac", RATE_HZ)) == 9760


def test_a_missing_manifest_is_asked_for(evaluation):
    others = (evaluation.folder / "manifest.tsv").rename(evaluation.folder / "others.tsv")
    evaluation.run().assert_refused("manifest.tsv: no such table of recordings; name one", folder=evaluation.output)
    assert evaluation.run("--manifest", others).code == 0


def test_a_bad_list_is_refused(evaluation):
    (evaluation.folder / "pairs.tsv").write_text("source\ttext\n")
    evaluation.run().assert_refused("begins with 'source", folder=evaluation.output)
    (evaluation.folder / "pairs.tsv").unlink()
    evaluation.run().assert_refused("pairs.tsv: no such pair list", folder=evaluation.output)


@pytest.mark.parametrize("content", [
    None, "no JSON", "[1]", '{"format": "vc-evaluation", "version": 1}', json.dumps({"x": {**FOUND, "more": 1}}),
    json.dumps({"x": {**FOUND, "value": "0.5"}}), json.dumps({"x": {**FOUND, "low": math.nan}}),
    json.dumps({"x": {**FOUND, "title": 1}})])
def test_what_vc_probe_did_not_write_is_refused_before_the_work(evaluation, tmp_path, content):
    probes = tmp_path / "probes.json"
    if content is not None:
        probes.write_text(content)
    evaluation.run("--probes", probes).assert_refused("probes.json: not what vc probe wrote",
                                                      folder=evaluation.output)
    assert evaluation.calls == []


def test_what_was_found_in_another_model_is_refused_before_the_work(evaluation, tmp_path):
    probes, own = tmp_path / "probes.json", load_checkpoint(evaluation.model).fingerprint
    save_findings(probes, {"x": Finding(**FOUND)}, "f" * 64)
    evaluation.run("--probes", probes).assert_refused(
        f"probes.json: found in the model ffffffffffff, this one is {own[:12]}; run `vc probe` with this model",
        folder=evaluation.output)
    assert evaluation.calls == []


@pytest.mark.parametrize("telling", [True, False])  # files of older versions do not tell whose they are
def test_what_the_probes_found_stands_in_the_report(evaluation, tmp_path, telling):
    if telling:
        save_findings(tmp_path / "probes.json", {"x": Finding(**FOUND)}, load_checkpoint(evaluation.model).fingerprint)
    else:
        (tmp_path / "probes.json").write_text(json.dumps({"x": FOUND}))
    assert evaluation.run("--probes", tmp_path / "probes.json").code == 0
    assert evaluation.report().probes == {"x": FOUND}
    assert "who speaks" in (evaluation.output / "report.html").read_text(encoding="utf-8")


def test_a_missing_package_is_one_line_and_nothing_is_begun(evaluation, monkeypatch):
    class Missing(similarity.Similarity):
        def __init__(self, texts=()):
            similarity.require_packages("speaker similarity", "no_such_package")
    monkeypatch.setitem(INSTRUMENTS, "similarity", Missing)
    evaluation.run().assert_refused("speaker similarity needs no_such_package, which is not installed; "
                                    "pip install vc[evaluate]", folder=evaluation.output)


def test_components_can_be_fitted_on_another_corpus(evaluation, call, clips, tmp_path):
    evaluation.run("--pca-data", tmp_path / "nowhere").assert_refused("nowhere: not a prepared corpus")
    assert call("prepare", clips, "-o", tmp_path / "corpus", "--workers", "1").code == 0
    assert evaluation.run("--pca-data", tmp_path / "corpus").code == 0
    assert any("fitted on a prepared corpus" in note for note in evaluation.report().notes)
    own = {path.name for path in (evaluation.output / "cache").glob("pca_*.npz")}
    assert evaluation.run().code == 0
    assert len({path.name for path in (evaluation.output / "cache").glob("pca_*.npz")} - own) == 1


def test_a_corpus_of_another_rate_is_refused_for_components(evaluation, tmp_path):
    with StoreWriter(tmp_path / "fast", 22050) as store:
        add_unvoiced(store, "a/1.wav", "a", np.arange(22050, dtype=np.int16))
    evaluation.run("--pca-data", tmp_path / "fast").assert_refused(
        "fast: prepared at 22050 Hz, the model hears 16000 Hz; prepare again with --sample-rate 16000",
        folder=evaluation.output)


@pytest.mark.parametrize("arguments, message", [
    ("", "required: --pairs, -o/--output"),
    ("a.safetensors b.safetensors --pairs x -o y", "unrecognized arguments: b.safetensors"),
    ("--pairs x -o y --workers 0", "0 is not positive"),
    ("--pairs x -o y --limit few", "invalid positive value: 'few'"),
])
def test_a_wrong_call_exits_with_2(call, arguments, message):
    ended = call("evaluate", *arguments.split())
    assert ended.code == 2 and message in ended.err


# Worker processes, and a run that is killed


def test_what_workers_warn_of_is_logged_here(tmp_path, caplog):
    with workforce(standins.WarningStudio, tmp_path, workers=2, here=None) as work:
        outcomes = dict(work([1, 3, 5]))
    assert {task: outcome.value for task, outcome in outcomes.items()} == {1: 1, 3: 3, 5: 5}
    assert {record.name for record in caplog.records} == {"vc.standin"}
    assert {record.processName for record in caplog.records} != {"MainProcess"}
    assert {record.getMessage() for record in caplog.records} == \
        {f"began in {tmp_path}", "task 1 is odd", "task 3 is odd", "task 5 is odd"}


def start(folder, repository):
    return subprocess.Popen([sys.executable, standins.__file__, str(folder)], stderr=subprocess.DEVNULL,
                            env={**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"})


def test_a_killed_run_goes_on_where_it_stopped(repository, tmp_path):
    """Two workers read twelve recordings; the run is killed after some, its workers end, and the next does the rest."""
    first, deadline = start(tmp_path, repository), time.monotonic() + 60
    while not (tmp_path / "cache.jsonl").exists() or (tmp_path / "cache.jsonl").read_text().count("\n") < 3:
        assert first.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    kept = {json.loads(line)[0] for line in (tmp_path / "cache.jsonl").read_text().splitlines(keepends=True)
            if line.endswith("\n")}
    assert 3 <= len(kept) < standins.TASKS
    workers = {int(line.split()[0]) for line in (tmp_path / "done.txt").read_text().splitlines()}
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)
    (tmp_path / "done.txt").unlink()
    assert start(tmp_path, repository).wait(60) == 0
    again = {line.split()[1] for line in (tmp_path / "done.txt").read_text().splitlines()}
    assert again == {str(number) for number in range(standins.TASKS)} - kept
    assert (tmp_path / "failures.txt").read_text() == "task 5: ValueError: five\n"
