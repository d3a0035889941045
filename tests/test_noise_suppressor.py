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


def test_without_noise_nothing_changes():
    torch.testing.assert_close(SUPPRESSOR(vowel()), vowel(), atol=1e-4, rtol=0)


def test_a_held_tone_is_a_voice_and_no_noise():
    """The quietest of its frames are as loud as all others."""
    wave = vowel()[RATE_HZ * 11 // 10:][:RATE_HZ]
    torch.testing.assert_close(SUPPRESSOR(wave), wave, atol=1e-4, rtol=0)


def test_what_is_louder_than_the_noise_by_so_much_keeps_so_much():
    """A power of ten times the noise keeps the amplitude 1 - 1 / 10, one below it no more than the floor."""
    powers = torch.tensor([10.0, 2.0, 1.0, 0.1, 0.0])
    found = [gains(torch.full((9, 9), power), torch.ones(9, 9)) for power in powers]
    floor = 10 ** (-AT_MOST_DB / 20)
    for gain, expected in zip(found, [0.9, 0.5, floor, floor, floor], strict=True):
        torch.testing.assert_close(gain, torch.full((9, 9), expected))


def test_one_bin_alone_is_not_heard_through_the_noise():
    """Its neighbours in time and frequency tell that it is a whim of the noise."""
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
