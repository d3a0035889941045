"""Is this something the model knows? The score, the threshold from a cost table, the verdict, and the warning."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

import vc
from vc.audio import load_audio, save_audio
from vc.calibration import (
    QUANTILES,
    Calibration,
    CostTable,
    calibrate,
    calibration_beside,
    load_calibration,
    save_calibration,
)
from vc.conversion import DEFAULT_MODEL
from vc.errors import AudioError, CheckError
from vc.familiarity import Strangeness, _judge, glance, strangeness

sys.path.insert(0, str(Path(__file__).parent.parent / "recipes" / "check"))  # as when the script runs

import calibrate as recipe  # noqa: E402

RATE_HZ = 16000


@pytest.fixture(scope="module")
def converter():
    return vc.load(device="cpu")


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """Two seconds of white noise."""
    path = tmp_path_factory.mktemp("noise") / "noise.wav"
    save_audio(path, 0.1 * np.random.default_rng(0).standard_normal(2 * RATE_HZ), RATE_HZ)
    return path


@pytest.fixture
def calibrated(tiny_model, tmp_path):
    """Writes a calibration for the tiny model and returns its path."""
    def write(familiar=(1.0, 2.0), strange=(3.0, 4.0), path=tmp_path / "own.json"):
        save_calibration(path, Calibration(vc.load(tiny_model, "cpu").fingerprint, familiar, strange, {}))
        return path
    return write


def test_speech_is_less_strange_than_noise(converter, clips, noise):
    worst = max(strangeness(converter, clip).score for clip in sorted(clips.rglob("*.flac")))
    assert strangeness(converter, noise).score > 1.5 * worst


@pytest.mark.parametrize("hear", [strangeness, glance])
@pytest.mark.parametrize("offset", [0.0, 0.05])
def test_the_score_depends_neither_on_the_level_nor_on_an_offset(converter, source, tmp_path, hear, offset):
    save_audio(tmp_path / "soft.flac", 0.05 * load_audio(source, RATE_HZ) + offset, RATE_HZ)
    assert hear(converter, tmp_path / "soft.flac").score == pytest.approx(hear(converter, source).score, rel=0.02)


def test_silence_has_no_score_and_a_moment_is_refused(converter, tmp_path):
    save_audio(tmp_path / "silence.wav", np.zeros(RATE_HZ, np.float32), RATE_HZ)
    save_audio(tmp_path / "moment.wav", 0.1 * np.ones(1600, np.float32), RATE_HZ)
    for hear in strangeness, glance:
        assert hear(converter, tmp_path / "silence.wav") is None
    assert glance(converter, tmp_path / "moment.wav") is None
    with pytest.raises(AudioError, match="lasts 0.10 s, expected at least 0.5 s"):
        strangeness(converter, tmp_path / "moment.wav")


def test_score_by_hand():
    found = _judge([(6.0, 4.0, 10), (3.0, 5.0, 20), (0.0, 0.0, 0)])
    assert (found.error, found.relative) == (pytest.approx(9 / 30), pytest.approx(1.0))
    assert found.score == pytest.approx(math.sqrt(0.3))
    assert Strangeness(0.5, 2.0).score == 1.0
    assert _judge([(0.0, 0.0, 0)]) is None


def test_the_error_is_told_in_deviations_of_each_band(converter, source, monkeypatch):
    heard, log_mel = [], converter.log_mel
    monkeypatch.setattr(converter, "log_mel", lambda wave: heard.append(log_mel(wave)) or heard[-1])
    monkeypatch.setattr(converter.model, "decode", lambda *_: heard[-1][None] + 2 * converter.model.band_std)
    assert strangeness(converter, source).error == pytest.approx(2.0, rel=1e-4)


def test_a_glance_hears_the_first_sound_alone(converter, source, noise, tmp_path):
    speech, hiss = load_audio(source, RATE_HZ), load_audio(noise, RATE_HZ)
    pause = np.zeros(10 * RATE_HZ, np.float32)
    filled = np.concatenate([pause, speech, pause[len(speech):], np.tile(hiss, 10)])
    save_audio(tmp_path / "mixed.wav", filled, RATE_HZ)
    assert glance(converter, tmp_path / "mixed.wav").score < 0.6 < strangeness(converter, tmp_path / "mixed.wav").score


# Threshold and cost table


@pytest.mark.parametrize(("costs", "threshold"), [
    (CostTable(), 3.5),  # between 3 and 4 lie no errors but the strange 2
    (CostTable(miss=10), 1.5),  # above 1 two false alarms of four cost less than a miss of three
    (CostTable(false_alarm=10), 3.5),
    (CostTable(share=0.9), 1.5),
])
def test_the_threshold_costs_least(costs, threshold):
    assert Calibration("", (0.0, 1.0, 2.5, 3.0), (2.0, 4.0, 5.0), {}).threshold(costs) == threshold


@pytest.mark.parametrize("costs", [CostTable(), CostTable(miss=3), CostTable(false_alarm=4), CostTable(share=0.2)])
def test_the_threshold_costs_least_of_lists_of_different_lengths(costs):
    rng = np.random.default_rng(0)
    familiar, strange = np.sort(rng.normal(0, 1, 60)), np.sort(rng.normal(1.5, 1, 12))

    def expected(threshold):
        missed, alarms = np.mean(strange < threshold), np.mean(familiar >= threshold)
        return costs.share * costs.miss * missed + (1 - costs.share) * costs.false_alarm * alarms

    chosen = Calibration("", tuple(familiar), tuple(strange), {}).threshold(costs)
    assert expected(chosen) == pytest.approx(min(map(expected, np.linspace(-4, 6, 20001))))


def test_among_equal_thresholds_the_middle_one():
    assert Calibration("", (1.0, 2.0), (4.0, 5.0), {}).threshold(CostTable()) == 3.0
    # At 2, 5 and 8 two of the six are called wrong, elsewhere more.
    assert Calibration("", (1.0, 4.0, 7.0), (3.0, 6.0, 9.0), {}).threshold(CostTable()) == 5.0


@pytest.mark.parametrize(("settings", "message"), [
    ({"miss": -1}, "cost of a miss is -1"), ({"false_alarm": math.nan}, "cost of a false alarm is nan"),
    ({"miss": 0}, "cost of a miss is 0, expected a number above 0; where one costs nothing, every recording gets"),
    ({"false_alarm": 0}, "cost of a false alarm is 0"), ({"share": 0}, "share of strange recordings is 0"),
    ({"share": 1.0}, "share of strange recordings is 1")])
def test_a_cost_table_without_sense_is_refused(settings, message):
    with pytest.raises(CheckError, match=message):
        CostTable(**settings)


def test_many_scores_are_kept_as_quantiles(converter):
    scores = np.random.default_rng(0).permutation(np.linspace(0, 1, 1001)).tolist()
    kept = calibrate(converter, scores, [3.0, 2.0, *range(4, 12)], {})
    assert len(kept.familiar) == QUANTILES and kept.familiar[::100] == pytest.approx([0, 0.5, 1])
    assert kept.strange == tuple(range(2, 12)) and kept.model == converter.fingerprint


@pytest.mark.parametrize("familiar, strange", [(0, 20), (20, 9), (1, 1)])
def test_a_handful_of_scores_is_refused(converter, familiar, strange):
    with pytest.raises(CheckError, match=f"{familiar} recordings of speech and {strange} others .* at least 10 of"):
        calibrate(converter, [0.5] * familiar, [1.0] * strange, {})


# The calibration's file


def test_a_calibration_comes_back_as_it_was(converter, tmp_path):
    calibration = calibrate(converter, [0.25, 0.5] * 5, [1.0] * 10, {"speech": 10})
    save_calibration(tmp_path / "own.json", calibration)
    assert load_calibration(tmp_path / "own.json", converter) == calibration


@pytest.mark.parametrize("change", [{"version": 2}, {"format": "other"}, {"familiar": []}, {"familiar": [2.0, 1.0]},
                                    {"strange": ["x"]}, {"strange": [math.nan]}, {"familiar": None}, {"model": 5},
                                    {"familiar": [10**400]}, {"about": 3}])
def test_a_damaged_calibration_is_refused(converter, tmp_path, change):
    path = tmp_path / "own.json"
    save_calibration(path, calibrate(converter, [0.25, 0.5] * 5, [1.0] * 10, {}))
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CheckError, match="own.json: not a calibration"):
        load_calibration(path, converter)


def test_another_models_calibration_is_refused(converter, calibrated, tmp_path):
    with pytest.raises(CheckError, match="made for the model .* recipes/check"):
        load_calibration(calibrated(), converter)
    with pytest.raises(CheckError, match="no such calibration"):
        load_calibration(tmp_path / "none.json", converter)
    (tmp_path / "deep.json").write_text("[" * 200000)
    with pytest.raises(CheckError, match="not a calibration"):
        load_calibration(tmp_path / "deep.json", converter)
    (tmp_path / "half.json").write_text('{"format": "vc-che')
    with pytest.raises(CheckError, match="not a calibration"):
        load_calibration(tmp_path / "half.json", converter)


def test_the_model_in_the_package_has_its_calibration(converter):
    """After a change of the model: recipes/check/calibrate.py."""
    calibration = load_calibration(calibration_beside(DEFAULT_MODEL), converter)
    assert len(calibration.familiar) > 50 and len(calibration.strange) > 50
    assert np.median(calibration.familiar) < calibration.threshold(CostTable()) < np.median(calibration.strange)


# The command line


def test_verdicts_of_the_model_in_the_package(call, source, noise, tmp_path):
    save_audio(tmp_path / "silence.wav", np.zeros(RATE_HZ, np.float32), RATE_HZ)
    told = call("check", source, noise, tmp_path / "silence.wav")
    lines = [line.split("\t") for line in told.out.splitlines()]
    assert told.code == 0 and [line[2] for line in lines] == ["familiar", "strange", "silent"]
    assert [line[0] for line in lines] == [str(source), str(noise), str(tmp_path / "silence.wav")]
    assert float(lines[0][1]) < float(lines[1][1]) and lines[2][1] == "-"


def test_what_cannot_be_mixed_with_noise_is_left_out(clips, noise, tmp_path):
    for name, gain in ("silent", 0.0), ("faint", 1e-3):
        save_audio(tmp_path / f"{name}.wav", gain * load_audio(noise, RATE_HZ), RATE_HZ)
    (tmp_path / "damaged.wav").write_bytes(b"RIFF")
    good = clips / "kathleen" / "again.flac"
    speech = [tmp_path / "damaged.wav", good, tmp_path / "silent.wav", tmp_path / "faint.wav", good]
    mixed = [load_audio(path, RATE_HZ) for path in recipe.noisy(speech, [noise], tmp_path)]
    assert [len(one) for one in mixed] == [len(load_audio(good, RATE_HZ))] * 2
    assert not np.array_equal(*mixed)


def test_calibrating_on_nothing_is_refused_in_one_line(clips, noise, tiny_model, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "trained").mkdir()
    (tmp_path / "trained" / "speaker").symlink_to(clips / "kathleen")  # this name is not held out
    for speech, sounds, message in ((clips, tmp_path / "empty", "empty: no audio file (all), expected a folder for"),
                                    (tmp_path / "trained", noise.parent, "no speaker there was held out")):
        code = recipe.main([str(tiny_model), str(speech), str(sounds), "--held-out", "-o", str(tmp_path / "c.json")])
        told = capsys.readouterr().err
        assert code == 1 and message in told and told.count("\n") == 1, told
    assert not (tmp_path / "c.json").exists()


def test_a_cost_table_moves_the_verdict(call, source, calibrated, tiny_model):
    score = strangeness(vc.load(tiny_model, "cpu"), source).score
    own = calibrated(familiar=(score - 1, score + 1), strange=(score - 0.5, score + 2))
    asked = ("check", source, "--model", tiny_model, "--calibration", own)
    assert call(*asked, "--cost-miss", 10).out.endswith("strange\n")
    assert call(*asked, "--cost-false-alarm", 10).out.endswith("familiar\n")
    call(*asked, "--cost-miss", -1).assert_refused("cost of a miss is -1")
    call(*asked, "--share", 2).assert_refused("share of strange recordings is 2")


def test_without_a_calibration_there_are_scores_and_no_verdict(call, source, tiny_model):
    told = call("check", source, "--model", tiny_model)
    assert told.code == 0 and told.out.endswith("\t-\n") and float(told.out.split("\t")[1]) > 0
    assert told.err.startswith("vc: no verdicts: ") and told.err.count("\n") == 1


def test_files_that_fail_are_told_and_the_others_checked(call, source, tmp_path, tiny_model):
    told = call("check", tmp_path / "none.wav", source, "--model", tiny_model)
    assert told.code == 1 and told.out.startswith(f"{source}\t") and "none.wav: no such file" in told.err


def test_another_calibration_that_was_asked_for_is_refused(call, source, calibrated):
    call("check", source, "--calibration", calibrated()).assert_refused("made for the model")


def test_convert_warns_of_what_is_strange_and_of_nothing_else(convert, source, target, noise, calibrated, tiny_model,
                                                              tmp_path, caplog):
    beside = calibration_beside(tiny_model)
    scores = [glance(vc.load(tiny_model, "cpu"), path).score for path in (source, noise)]
    try:
        calibrated(familiar=(min(scores),), strange=(max(scores),), path=beside)
        converted = convert(source, noise, "--target", target, "-o", tmp_path / "out")
    finally:
        beside.unlink()
    strange = (source, noise)[scores.index(max(scores))]
    assert converted.code == 0 and len(converted.out.splitlines()) == 2
    assert [record.args[0] for record in caplog.records] == [strange]
    assert "does not sound like speech that the model knows" in caplog.text
    caplog.clear()
    assert convert(noise, "--target", target, "-o", tmp_path / "again.wav").code == 0 and not caplog.records


def test_strange_references_are_warned_of_too(convert, call, source, noise, calibrated, tiny_model, tmp_path, caplog,
                                              monkeypatch):
    monkeypatch.setenv("VC_VOICES", str(tmp_path / "voices"))
    beside = calibration_beside(tiny_model)
    score = glance(vc.load(tiny_model, "cpu"), noise).score
    try:
        calibrated(familiar=(score - 2, score - 1), strange=(score, score + 1), path=beside)
        assert convert(source, "--target", noise, "-o", tmp_path / "out.wav").code == 0
        assert str(noise) in [str(record.args[0]) for record in caplog.records]
        caplog.clear()
        assert call("voice", "add", "Noise", noise, "--model", tiny_model, "--device", "cpu").code == 0
    finally:
        beside.unlink()
    assert [str(record.args[0]) for record in caplog.records] == [str(noise)]
