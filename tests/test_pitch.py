"""F0: known tones, silence and noise, and the way a contour moves into another range."""

import math

import numpy as np
import pytest
import torch

from vc import pitch
from vc.audio import load_audio
from vc.pitch import BATCH, HIGHEST_HZ, LOWEST_HZ, VOICING_COST, track_pitch
from vc.pitch_range import LEAST_SPREAD, NORMAL_SPREAD, WIDEST_STRETCH, PitchRange, move_pitch, pitch_range
from vc.survey import survey_source

RATE_HZ, HOP = 16000, 160


def voice(f0_hz, noise=0.01):
    """Harmonics below 7 kHz of a contour in Hz, one value a sample, in a little noise: float32 (N,)."""
    phase = 2 * np.pi * np.cumsum(f0_hz) / RATE_HZ
    sound = sum(np.sin(k * phase) / k for k in range(1, int(7000 / f0_hz.max())))
    return (sound + noise * np.random.default_rng(0).standard_normal(len(f0_hz))).astype(np.float32)


@pytest.mark.parametrize("f0_hz", [70, 120, 210, 333, 460, 500, 540])
def test_a_vibrato_is_followed_within_three_cents(f0_hz):
    time_s = np.arange(RATE_HZ) / RATE_HZ
    wanted = f0_hz * (1 + 0.02 * np.sin(2 * np.pi * 5 * time_s))
    found = track_pitch(voice(wanted), RATE_HZ, HOP)
    assert len(found) == RATE_HZ // HOP + 1
    cents = 1200 * np.log2(found[5:-5] / wanted[::HOP][5:len(found) - 5])
    assert np.median(np.abs(cents)) < 3 and (np.abs(cents) > 30).mean() < 0.02


def test_what_does_not_vibrate_has_no_pitch():
    noise = np.random.default_rng(1).standard_normal(RATE_HZ).astype(np.float32)
    assert (track_pitch(noise, RATE_HZ, HOP) > 0).mean() < 0.05
    assert not track_pitch(np.zeros(RATE_HZ, np.float32), RATE_HZ, HOP).any()


def test_voiced_and_unvoiced_are_told_apart():
    tone = voice(np.full(RATE_HZ // 2, 150.0))
    rest = 0.001 * np.random.default_rng(2).standard_normal(RATE_HZ // 2).astype(np.float32)
    found = track_pitch(np.concatenate([tone, rest, tone]), RATE_HZ, HOP) > 0
    wanted = (np.arange(len(found)) < 50) | (np.arange(len(found)) > 100)
    assert (found != wanted).mean() < 0.04


@pytest.mark.parametrize("hum_hz", [50, 60])
def test_the_hum_of_the_mains_is_not_a_voice(hum_hz):
    """In a voice's pauses it has the lowest pitch there is; under the voice it must not take its place."""
    time_s = np.arange(RATE_HZ) / RATE_HZ
    speech = voice(150 * (1 + 0.05 * np.sin(2 * np.pi * 3 * time_s))) * (time_s % 0.5 < 0.3)
    clean = track_pitch(speech, RATE_HZ, HOP)
    found = track_pitch(speech + 0.7 * np.sin(2 * np.pi * hum_hz * time_s).astype(np.float32), RATE_HZ, HOP)
    both = (found > 0) & (clean > 0)
    assert ((found > 0) != (clean > 0)).mean() < 0.06
    assert both.sum() > 50 and np.abs(np.log2(found[both] / clean[both])).max() < 0.05


def test_hiss_above_a_voice_does_not_hide_its_pitch():
    hertz = np.fft.rfftfreq(RATE_HZ, 1 / RATE_HZ)
    noise = np.fft.rfft(np.random.default_rng(3).standard_normal(RATE_HZ))
    hiss = 3 * np.fft.irfft(noise * (hertz > 4000)).astype(np.float32)
    np.testing.assert_allclose(track_pitch(voice(np.full(RATE_HZ, 150.0)) + hiss, RATE_HZ, HOP), 150, rtol=0.03)


@pytest.mark.parametrize("costs", [1.0, 4.0])
@pytest.mark.parametrize("worth, heard", [(-0.1, 0), (0.1, 100)])
def test_a_moment_of_voice_is_heard_where_it_is_worth_two_changes(costs, worth, heard):
    strength = np.array([[1, 0], [0, 2 * VOICING_COST * costs + worth], [1, 0]])
    assert pitch._best_path(np.array([[0, 100]] * 3), strength, costs).tolist() == [0, heard, 0]


def test_changes_weigh_the_same_whatever_the_hop(monkeypatch):
    """Of a short one more frames speak for each path, so a change costs as much more."""
    costs, best_path = [], pitch._best_path
    monkeypatch.setattr(pitch, "_best_path", lambda *tables: costs.append(tables[2]) or best_path(*tables))
    for hop in (HOP, HOP // 4, 2 * HOP):
        track_pitch(voice(np.full(RATE_HZ // 4, 150.0)), RATE_HZ, hop)
    assert costs == [1, 4, 0.5]


def test_batches_leave_no_seam():
    """Each is filtered by itself; cut half a batch later, a voice in a hum has the same F0."""
    time_s = np.arange(RATE_HZ * 12) / RATE_HZ
    sound = voice(150 * (1 + 0.1 * np.sin(2 * np.pi * 2 * time_s))) + np.sin(2 * np.pi * 60 * time_s).astype(np.float32)
    shift = BATCH // 2
    later = track_pitch(np.concatenate([np.zeros(shift * HOP, np.float32), sound]), RATE_HZ, HOP)[shift:]
    np.testing.assert_allclose(later[10:-10], track_pitch(sound, RATE_HZ, HOP)[10:-10], rtol=0.01)


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 161, 799, 82079])
def test_one_value_a_frame(samples):
    """The last length needs more than one batch of frames."""
    found = track_pitch(np.ones(samples, np.float32), RATE_HZ, HOP)
    assert found.shape == (samples // HOP + 1,) and found.dtype == np.float32 and np.isfinite(found).all()


def test_the_level_does_not_matter():
    sound = voice(np.linspace(100, 200, RATE_HZ))
    np.testing.assert_array_equal(track_pitch(sound * 2**-8, RATE_HZ, HOP), track_pitch(sound, RATE_HZ, HOP))


def test_real_voices_speak_where_they_speak(clips):
    """Octave errors would put a man above 200 Hz or a woman below 130."""
    for speaker, low_hz, high_hz in (("flemishguy", 80, 190), ("kathleen", 130, 260), ("kerstin", 150, 280)):
        for path in (clips / speaker).iterdir():
            f0 = torch.from_numpy(track_pitch(load_audio(path, RATE_HZ), RATE_HZ, HOP))
            assert low_hz < pitch_range(f0).mean.exp() < high_hz, path
            assert 0.25 < (f0 > 0).float().mean() < 0.97


def test_a_survey_in_windows_hears_what_one_look_hears(clips, tmp_path, monkeypatch):
    from vc import survey

    monkeypatch.setattr(survey, "WINDOW_S", 1.0)
    monkeypatch.setattr(survey, "OVERLAP_S", 0.4)
    path = clips / "kathleen" / "aurora.flac"
    audio = load_audio(path, RATE_HZ)
    found, whole = survey_source(path, RATE_HZ, 200), track_pitch(audio, RATE_HZ, 200)
    assert found.samples == len(audio) and found.f0.shape == whole.shape
    assert ((found.f0.numpy() > 0) != (whole > 0)).mean() < 0.1
    both = (found.f0.numpy() > 0) & (whole > 0)
    assert np.median(np.abs(np.log(found.f0.numpy()[both] / whole[both]))) < 1e-3


# Ranges


def test_a_range_by_hand():
    f0 = torch.tensor([[0.0, 100.0, 200.0, 400.0, 0.0], [0.0] * 5])
    found = pitch_range(f0)
    assert found.mean[0] == pytest.approx(math.log(200))
    assert found.spread[0] == pytest.approx(NORMAL_SPREAD * math.log(2))
    assert found.mean[1].isnan() and found.spread[1].isnan()


def test_a_contour_moves_into_the_range():
    f0 = torch.tensor([0.0, 100.0, 110.0, 121.0])
    source, target = pitch_range(f0), PitchRange(torch.tensor(math.log(220.0)), 1.2 * pitch_range(f0).spread)
    moved = move_pitch(f0, source, target)
    assert moved[0] == 0
    assert moved[2] == pytest.approx(220.0, rel=1e-5)
    assert math.log(moved[3] / moved[2]) == pytest.approx(1.2 * math.log(1.1), rel=1e-4)


def test_its_own_range_leaves_a_contour_alone():
    f0 = torch.tensor([[0.0, 100.0, 130.0, 150.0]])
    torch.testing.assert_close(move_pitch(f0, pitch_range(f0), pitch_range(f0)), f0)


def test_an_unknown_range_leaves_a_contour_alone():
    f0, silent = torch.tensor([0.0, 100.0, 130.0]), pitch_range(torch.zeros(3))
    assert torch.equal(move_pitch(f0, pitch_range(f0), silent), f0)
    assert torch.equal(move_pitch(f0, silent, pitch_range(f0)), f0)


def test_excursions_grow_by_no_more_than_agreed():
    f0 = torch.tensor([140.0, 150.0, 160.0])
    lively, dull = (PitchRange(torch.tensor(math.log(150.0)), torch.tensor(spread)) for spread in (9.0, 0.0))
    spread = pitch_range(f0).spread
    assert spread > LEAST_SPREAD
    assert math.log(move_pitch(f0, pitch_range(f0), lively)[2] / 150) == pytest.approx(
        WIDEST_STRETCH * math.log(160 / 150), rel=1e-4)
    assert math.log(move_pitch(f0, pitch_range(f0), dull)[2] / 150) == pytest.approx(
        math.log(160 / 150) * max(float(LEAST_SPREAD / spread), 1 / WIDEST_STRETCH), rel=1e-4)


def test_a_few_frames_of_one_pitch_are_no_monotonous_voice():
    """Their spread is none, and the target's, however small, is no reason to widen it."""
    f0 = torch.tensor([149.0, 150.0, 151.0])
    few, dull = (PitchRange(torch.tensor(math.log(150.0)), torch.tensor(spread)) for spread in (0.0, LEAST_SPREAD))
    torch.testing.assert_close(move_pitch(f0, few, dull), f0)


@pytest.mark.parametrize("octaves, end_hz", [(-3, LOWEST_HZ), (3, HIGHEST_HZ)])
def test_no_contour_leaves_what_voices_reach(octaves, end_hz):
    f0 = torch.tensor([0.0, 140.0, 150.0, 160.0])
    own = pitch_range(f0)
    moved = move_pitch(f0, own, PitchRange(own.mean + octaves * math.log(2), own.spread))
    assert moved.tolist() == [0, end_hz, end_hz, end_hz]
