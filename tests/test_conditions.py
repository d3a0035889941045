"""The parts of the table of conditions that decide what is measured: pairs, levels, noise, cuts, the long source."""

import sys
from pathlib import Path

import numpy as np
import pytest

from vc.audio import load_audio, save_audio
from vc.config import DataConfig, MelConfig
from vc.data.corruptions.noise import add_noise
from vc.data.layouts import Corpus, Recording
from vc.data.sampling import is_held_out
from vc.errors import AudioError, DataError
from vc.evaluation.pairs import Pair

sys.path.insert(0, str(Path(__file__).parent.parent / "recipes" / "default"))  # as when the script runs

import conditions  # noqa: E402
import long_source  # noqa: E402
import situations  # noqa: E402

RATE_HZ = 16000


def tone(seconds, amplitude=0.2, hertz=200.0):
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)


def pair_of(source, target, number=0):
    return Pair(Path(f"{source}{number}.wav"), source, target, (Path(f"{target}.wav"),), "SO IT IS")


def test_what_is_picked_reaches_from_the_first_to_the_last():
    assert situations.evenly(range(100), 4) == [0, 33, 66, 99]
    assert situations.evenly("ab", 10) == ["a", "b"]
    assert situations.evenly([], 10) == []


def test_pairs_between_genders():
    genders = {"a": "man", "b": "woman", "c": "man"}
    pairs = [pair_of(*names) for names in ("ab", "ba", "ac", "cb", "xb")]
    assert situations.between(pairs, genders, "man", "woman") == [pairs[0], pairs[3]]
    assert situations.between(pairs, genders, "man", "man") == [pairs[2]]


def test_other_sources_keep_the_targets():
    pairs = [pair_of("a", target) for target in "bcd"]
    said = [Recording(Path(f"k{number}.wav"), "kid", f"TEXT {number}") for number in range(9)]
    changed = situations.spoken_by(pairs, said)
    assert [(one.source.name, one.text, one.target_speaker) for one in changed] == [
        ("k0.wav", "TEXT 0", "b"), ("k4.wav", "TEXT 4", "c"), ("k8.wav", "TEXT 8", "d")]
    assert [one.text for one in situations.spoken_by(pairs, said, with_text=False)] == ["", "", ""]


def test_other_targets_take_turns_and_keep_the_sources():
    pairs = [pair_of("a", "b", number) for number in range(3)]
    recordings = [Recording(Path(f"{name}{number}.wav"), name) for name in ("x", "y") for number in range(5)]
    changed = situations.addressed_to(pairs, situations.recordings_of(recordings, ("x", "y")))
    assert [one.target_speaker for one in changed] == ["x", "y", "x"]
    assert [one.source for one in changed] == [one.source for one in pairs]
    assert [path.name for path in changed[1].references] == ["y0.wav", "y2.wav", "y4.wav"]
    with pytest.raises(DataError, match="no recording of z"):
        situations.recordings_of(recordings, ("x", "z"))


def test_what_was_never_heard_is_of_speakers_trained_on():
    settings = DataConfig(held_out_utterances=0.2, held_out_speakers=0.5)
    names = [f"s{number}" for number in range(12)]
    recordings = [Recording(Path("root", name, f"{number}.wav"), name) for name in names for number in range(20)]
    heard = {one.speaker for one in situations.unheard(Corpus("table", Path("root"), recordings), settings)}
    assert heard and not any(is_held_out(name, settings) for name in heard) and len(heard) < len(names)
    assert len(situations.unheard(Corpus("table", Path("root"), recordings), settings)) < 0.4 * 20 * len(heard)


@pytest.mark.parametrize("peak_dbfs, peak", [(-40.0, 0.01), (-3.0, 0.7079)])
def test_peak_levels(peak_dbfs, peak):
    audio = situations.at_peak(tone(0.5), peak_dbfs)
    assert np.abs(audio).max() == pytest.approx(peak, rel=1e-3)
    assert np.corrcoef(audio, tone(0.5))[0, 1] == pytest.approx(1)


def test_a_reference_is_cut_to_its_first_seconds_of_speech():
    audio = np.concatenate([np.zeros(RATE_HZ, np.float32), tone(3)])
    cut = situations.first_speech(audio, RATE_HZ, 2.0)
    assert len(cut) == 2 * RATE_HZ
    assert np.abs(cut[:round(0.1 * RATE_HZ)]).max() == 0 and np.abs(cut[RATE_HZ // 5:RATE_HZ // 2]).max() > 0.1
    with pytest.raises(AudioError, match="expected 2 s"):
        situations.first_speech(tone(1.5), RATE_HZ, 2.0)


def test_the_longest_reference_is_that_with_most_speech(tmp_path):
    save_audio(tmp_path / "speech.wav", tone(1.5), RATE_HZ)
    save_audio(tmp_path / "pause.wav", np.concatenate([tone(1), np.zeros(RATE_HZ, np.float32)]), RATE_HZ)
    assert situations.longest([tmp_path / "pause.wav", tmp_path / "speech.wav"], RATE_HZ).name == "speech.wav"


def test_noise_lies_as_far_below_as_asked(tmp_path):
    hiss = np.random.default_rng(0).normal(0, 0.05, RATE_HZ).astype(np.float32)
    save_audio(tmp_path / "hiss.wav", hiss, RATE_HZ)
    clean = [tone(1.3), tone(0.7, amplitude=0.02)]
    for noisy, wave in zip(add_noise(clean, tmp_path, 10.0, MelConfig()), clean, strict=True):
        assert noisy.dtype == np.float32 and noisy.shape == wave.shape
        assert 10 * np.log10(np.mean(wave**2) / np.mean((noisy - wave)**2)) == pytest.approx(10, abs=0.01)


def test_each_recording_is_written_once_under_a_name_of_its_own(tmp_path):
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for path, amplitude in zip(paths, (0.1, 0.4)):
        save_audio(path, tone(0.2, amplitude), RATE_HZ)
    made = situations.rewritten([*paths, paths[0]], lambda waves: [wave / 2 for wave in waves], RATE_HZ,
                                tmp_path / "halved")
    assert len(list((tmp_path / "halved").iterdir())) == 2
    assert [np.abs(load_audio(made[path], RATE_HZ)).max() for path in paths] == pytest.approx([0.05, 0.2], abs=1e-3)


def test_a_long_source_has_the_length_asked_for_and_goes_round(tmp_path):
    for name, amplitude in ("a", 0.1), ("b", 0.4):
        save_audio(tmp_path / f"{name}.wav", tone(0.5, amplitude), RATE_HZ)
    long_source.write_in_turn(tmp_path / "long.wav", [tmp_path / "a.wav", tmp_path / "b.wav"], 1.3, RATE_HZ)
    audio = load_audio(tmp_path / "long.wav", RATE_HZ)
    assert len(audio) == long_source.samples_in(tmp_path / "long.wav") == round(1.3 * RATE_HZ)
    loudest = [np.abs(part).max() for part in np.split(audio, [8000, 16000])]
    assert loudest == pytest.approx([0.1, 0.4, 0.1], abs=1e-3)


def test_a_missing_sample_is_told():
    run = long_source.LongRun("anna", 600.0, 9600000, 9600000, 120.0, 300.0, 800.0)
    assert "exactly as long" in run.told and "factor 0.20 in processor time, 0.50 by the clock" in run.told
    assert "**-1 samples off" in long_source.LongRun("anna", 600.0, 9600000, 9599999, 120.0, 300.0, 800.0).told


def test_a_row_weighs_words_and_leaves_out_what_is_unknown():
    said = {"cosine_to_target": 0.5, "nearer_target": 100.0, "dnsmos": 2.0, "f0_correlation": None}
    found = [said | {"wer": 100.0, "words": 1, "source_wer": 0.0}, said | {"wer": 0.0, "words": 3, "source_wer": 0.0}]
    pairs = [Pair(Path(f"{number}.wav"), f"a{number}", "b", (Path("b.wav"),), "") for number in range(6)]
    told = dict(zip(conditions.COLUMNS, conditions.cells(found, pairs[:2])))
    assert told["wer"] == "25.0 [-]" and told["cosine_to_target"] == "0.500 [-]"
    assert told["nearer_target"] == "100 [34, 100]" and told["f0_correlation"] == "-"
    told = dict(zip(conditions.COLUMNS, conditions.cells(3 * found, pairs)))
    assert told["wer"].startswith("25.0 [") and told["cosine_to_target"] == "0.500 [0.500, 0.500]"
    assert told["nearer_target"] == "100 [61, 100]"
    unknown = conditions.cells([said | {"wer": None, "source_wer": None}], pairs[:1])
    assert dict(zip(conditions.COLUMNS, unknown))["wer"] == "-"


def test_a_page_without_its_markers_is_refused_before_the_work(tmp_path, capsys):
    (tmp_path / "page.md").write_text("no figures here\n")
    assert conditions.main(["--pairs", "none.tsv", "--corpus", "none.tsv", "--noise", "none",
                            "-o", str(tmp_path / "page.md")]) == 1
    assert "lacks the line '<!-- conditions" in capsys.readouterr().err
    assert (tmp_path / "page.md").read_text() == "no figures here\n"
