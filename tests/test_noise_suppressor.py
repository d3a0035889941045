"""What lies behind the voice of a conversion is turned down, the voice is left."""

import math

import numpy as np
import pytest
import torch

from vc import noise_suppressor
from vc.audio import load_audio
from vc.config import MelConfig
from vc.level import at_level
from vc.noise_suppressor import AT_MOST_DB, NoiseSuppressor, gains

MEL = MelConfig()
RATE_HZ, HOP = MEL.sample_rate_hz, MEL.hop_samples
SUPPRESSOR = NoiseSuppressor(MEL)
SECONDS = 3
SAMPLES = SECONDS * RATE_HZ
PAUSE, VOICE = slice(RATE_HZ // 10, RATE_HZ * 9 // 10), slice(RATE_HZ * 11 // 10, RATE_HZ * 29 // 10)


def noise(dbfs, samples=SAMPLES):
    return 10 ** (dbfs / 20) * torch.randn(samples, generator=torch.Generator().manual_seed(0))


def vowel():
    """A second of silence, then harmonics of 150 Hz below 3 kHz, -26 dBFS."""
    time = torch.arange(SAMPLES) / RATE_HZ
    wave = sum(torch.sin(2 * math.pi * 150 * k * time + k) for k in range(1, 20)) * (time > 1)
    return wave * 10 ** (-26 / 20) / wave[VOICE].square().mean().sqrt()


def level_db(wave):
    return 10 * math.log10(wave.square().mean())


def test_noise_goes_down_where_it_is_alone_and_around_the_voice():
    clean, hiss = vowel(), noise(-60)
    heard = SUPPRESSOR(clean + hiss)
    assert level_db(heard[PAUSE]) == pytest.approx(-60 - AT_MOST_DB, abs=3)
    assert level_db(heard[VOICE] - clean[VOICE]) < -63
    assert level_db(heard[VOICE]) == pytest.approx(-26, abs=0.1)


def test_what_lies_twenty_db_above_the_noise_in_its_bins_is_let_through():
    """Of each tone two thirds of the amplitude in a bin at 20 dB, the rest in its neighbours at 14 dB: with the noise
    let through of the frame before, a gain g is found where g = 1 - 1 / (1 + g**2 * (1 + ratio))."""
    bins, hiss_dbfs = MEL.fft_samples, -60
    # In a Hann window a tone has 2/3 of the window's length times the power of a noise of the same power.
    amplitude = (4 * 100 * 10 ** (hiss_dbfs / 10) / (2 / 3 * bins)) ** 0.5
    time = torch.arange(SAMPLES)
    tones = sum(torch.cos(2 * math.pi * k / bins * time + k * k) for k in range(20, 380, 6)) * amplitude
    tones *= time > RATE_HZ
    heard = SUPPRESSOR(tones + noise(hiss_dbfs))
    let_through = (heard * tones)[VOICE].sum() / tones[VOICE].square().sum()
    assert let_through == pytest.approx(2 / 3 * 0.99 + 1 / 3 * 0.96, abs=0.03)


def test_without_noise_nothing_changes():
    torch.testing.assert_close(SUPPRESSOR(vowel()), vowel(), atol=1e-4, rtol=0)


def test_a_held_tone_is_a_voice_and_no_noise():
    """The quietest of its frames are as loud as all others."""
    wave = vowel()[RATE_HZ * 11 // 10:][:RATE_HZ]
    torch.testing.assert_close(SUPPRESSOR(wave), wave, atol=1e-4, rtol=0)


def test_a_gain_goes_by_what_was_let_through_before():
    """4 and then 9 of a noise of 1: of the first 3 are speech and 2.25 are let through, so 2.4225 of the second are."""
    found = gains(torch.tensor([[4.0, 9.0]]), torch.ones(1, 2))
    torch.testing.assert_close(found, torch.tensor([[3 / 4, 2.4225 / 3.4225]]))


@pytest.mark.parametrize("power", [0.0, 0.1, 1.0])
def test_what_is_no_louder_than_the_noise_is_turned_down_by_so_much(power):
    found = gains(torch.full((3, 9), power), torch.ones(3, 9))
    torch.testing.assert_close(found, torch.full((3, 9), 10 ** (-AT_MOST_DB / 20)))


@pytest.mark.parametrize("power", [0.0, 1e-9, 1.0])
def test_where_no_pause_tells_of_noise_all_is_let_through(power):
    torch.testing.assert_close(gains(torch.full((3, 9), power), torch.zeros(3, 9)), torch.ones(3, 9))


def test_one_frame_alone_is_not_heard_through_the_noise():
    """The one before tells that it is a whim of the noise."""
    power = torch.ones(9, 9)
    power[4, 4] = 4.0
    assert gains(power, torch.ones(9, 9)).max() < 0.3


@pytest.mark.parametrize("portion", [1000, 37 * 160, 700 * HOP])
def test_it_sounds_the_same_however_it_is_cut(source, portion):
    wave = torch.from_numpy(np.tile(at_level(load_audio(source, RATE_HZ), RATE_HZ), 24))
    wave = (wave + noise(-50, len(wave)))[:len(wave) // HOP * HOP]
    assert len(wave) > 6 * noise_suppressor.AROUND_FRAMES * HOP
    streamed = torch.cat(list(SUPPRESSOR.stream(wave.split(portion))))
    whole = SUPPRESSOR(wave)
    torch.testing.assert_close(streamed, whole, atol=1e-6, rtol=0)
    assert (whole - wave).abs().max() > 1e-3


@pytest.mark.parametrize("samples", [0, HOP, 2 * HOP])
def test_next_to_nothing(samples):
    assert sum(map(len, SUPPRESSOR.stream(iter([noise(-50, samples)])))) == samples


def test_conversions_are_cleaned_and_recordings_are_not(converter, source, monkeypatch):
    cleaned, copied = converter.convert(source, source), converter.resynthesise(source)
    monkeypatch.setattr(noise_suppressor, "AT_MOST_DB", 0.0)
    assert not np.allclose(converter.convert(source, source), cleaned, atol=1e-3)
    assert np.array_equal(converter.resynthesise(source), copied)
