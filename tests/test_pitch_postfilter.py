"""The comb filter at the pitch of a conversion: noise goes, harmonics stay, nothing else changes."""

import weakref

import numpy as np
import pytest
import torch

from vc import pitch_postfilter
from vc.audio import load_audio
from vc.config import MelConfig
from vc.lowest_harmonics import LowestHarmonics
from vc.pitch import track_pitch
from vc.pitch_postfilter import ALIKE, BLOCK_FRAMES, CUTOFF_HZ, NEIGHBOURS_SHARE, PitchPostfilter

MEL = MelConfig()
RATE_HZ, HOP = MEL.sample_rate_hz, MEL.hop_samples
POSTFILTER = PitchPostfilter(MEL)
comb = POSTFILTER.comb
SAMPLES = 2 * RATE_HZ
INNER = slice(RATE_HZ // 4, -RATE_HZ // 4)


def glide(first_hz, last_hz):
    """F0 in Hz of each frame (T,) and harmonics below 900 Hz, of amplitude 0.1 each, float32 (N,)."""
    f0 = np.linspace(first_hz, last_hz, SAMPLES // HOP + 1).astype(np.float32)
    phase = 2 * np.pi * np.cumsum(np.interp(np.arange(SAMPLES) / HOP, np.arange(len(f0)), f0)) / RATE_HZ
    count = int(900 / max(first_hz, last_hz))
    return f0, 0.1 * sum(np.sin(k * phase + k) for k in range(1, count + 1)).astype(np.float32)


def noise(low_hz, high_hz, amplitude=0.01):
    spectrum = np.fft.rfft(amplitude * np.random.default_rng(0).standard_normal(SAMPLES))
    hertz = np.fft.rfftfreq(SAMPLES, 1 / RATE_HZ)
    return np.fft.irfft(spectrum * ((hertz > low_hz) & (hertz < high_hz))).astype(np.float32)


def power(wave):
    return np.square(wave[INNER]).mean()


class Fixed:
    """A vocoder that says a wave, whatever it hears, in the portions in which it hears it."""

    def __init__(self, wave):
        self.wave = torch.from_numpy(wave)

    def stream(self, chunks, recorded):
        begin = -HOP  # the first frame tells no sample
        for _, f0, _ in chunks:
            yield self.wave[max(begin, 0):begin + len(f0) * HOP]
            begin += len(f0) * HOP


@pytest.mark.parametrize("first_hz, last_hz", [(70, 70), (120, 160), (250, 210), (440, 300)])
def test_noise_between_the_periods_goes_and_harmonics_stay(first_hz, last_hz):
    """Of three independent waves with the shares a, 1 - 2a and a the mean has so much of the noise's power."""
    f0, clean = glide(first_hz, last_hz)
    hiss = noise(50, 800)
    left = comb(clean + hiss, f0) - comb(clean, f0)
    assert power(left) / power(hiss) == pytest.approx((1 - NEIGHBOURS_SHARE) ** 2 + NEIGHBOURS_SHARE ** 2 / 2, abs=0.07)
    assert power(comb(clean, f0) - clean) < 1e-3 * power(clean)


def test_above_the_cutoff_nothing_changes():
    f0, clean = glide(150, 150)
    hiss = noise(CUTOFF_HZ + 300, 8000)
    left = comb(clean + hiss, f0) - comb(clean, f0)
    assert power(left - hiss) < 0.01 * power(hiss)


def test_without_a_pitch_nothing_changes():
    f0, clean = glide(150, 150)
    wave = clean + noise(50, 7000)
    assert comb(wave, np.zeros_like(f0)) is wave
    f0[:len(f0) // 2] = 0
    filtered = comb(wave, f0)
    begins = (len(f0) // 2 - 1) * HOP
    assert np.array_equal(filtered[:begins], wave[:begins])
    assert not np.allclose(filtered[begins + HOP:], wave[begins + HOP:], atol=1e-3)


def test_neighbours_that_are_not_alike_are_left_out():
    """Noise that is said to have a pitch loses little of what three independent waves would."""
    f0, _ = glide(150, 150)
    hiss = noise(50, 800)
    assert power(comb(hiss, f0)) > 0.85 * power(hiss)


@pytest.mark.parametrize("correlation, share", [(1.0, 1.0), (ALIKE, 1.0), (ALIKE / 2, 0.5), (0.0, 0.0), (-1.0, 0.0)])
def test_how_far_neighbours_count_by_hand(correlation, share):
    """Two tones, one behind the other, around each frame for a whole number of periods."""
    phase = 2 * np.pi * 200 * np.arange(RATE_HZ) / RATE_HZ
    found = POSTFILTER._likeness(np.sin(phase), np.sin(phase + np.arccos(correlation)), np.arange(20, 60))
    np.testing.assert_allclose(found, share, atol=1e-6)


def test_what_comes_after_a_voice_is_no_neighbour_of_it(monkeypatch):
    """A period of 70 Hz reaches from the last voiced frame beyond the next one."""
    monkeypatch.setattr(PitchPostfilter, "_likeness", lambda self, one, other, frames: np.ones(len(frames)))
    f0, clean = glide(70, 70)
    f0[len(f0) // 2:] = 0
    ends = len(f0) // 2 * HOP
    other = clean.copy()
    other[ends + RATE_HZ // 200:] = 0
    assert np.array_equal(comb(other, f0)[:ends], comb(clean, f0)[:ends])


def test_of_a_high_voice_the_lowest_harmonics_come_after_the_comb():
    f0, clean = glide(220, 220)
    heard = clean + noise(50, 800)
    combed, f0 = torch.from_numpy(comb(heard, f0)), torch.from_numpy(f0)
    filtered = POSTFILTER(torch.from_numpy(heard), f0)
    assert torch.equal(filtered, LowestHarmonics(MEL)(combed, f0))
    assert not torch.allclose(filtered, combed, atol=1e-3)


@pytest.mark.parametrize("portion", [1, 37, 700])
def test_it_sounds_the_same_however_it_is_cut(source, portion):
    wave = np.tile(load_audio(source, RATE_HZ), 8)
    wave = wave[:len(wave) // HOP * HOP]
    f0 = track_pitch(wave, RATE_HZ, HOP)
    assert len(f0) > 2 * BLOCK_FRAMES
    chunks = ((None, part, None) for part in torch.from_numpy(f0).split(portion))
    streamed = torch.cat(list(POSTFILTER.stream(Fixed(wave), chunks))).numpy()
    whole = POSTFILTER(torch.from_numpy(wave), torch.from_numpy(f0)).numpy()
    np.testing.assert_allclose(streamed, whole, atol=1e-6)
    assert not np.allclose(whole, wave, atol=1e-3)


def test_what_has_been_heard_is_let_go():
    """A chunk's spectrum is large; F0 alone is kept."""
    begun = []

    def chunks():
        for _ in range(60):
            spectrum = torch.zeros(4)
            begun.append(weakref.ref(spectrum))
            yield None, torch.full((BLOCK_FRAMES,), 100.0), spectrum

    wave = np.zeros(60 * BLOCK_FRAMES * HOP, np.float32)
    for _ in POSTFILTER.stream(Fixed(wave), chunks()):
        assert sum(spectrum() is not None for spectrum in begun) <= 2


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_next_to_nothing(frames):
    wave, chunks = np.full(max(0, frames - 1) * HOP, 0.1, np.float32), [(None, torch.full((frames,), 100.0), None)]
    streamed = list(POSTFILTER.stream(Fixed(wave), iter(chunks)))
    assert sum(map(len, streamed)) == len(wave)


def test_conversions_are_filtered_and_recordings_are_not(converter, source, monkeypatch):
    filtered, copied = converter.convert(source, source), converter.resynthesise(source)
    monkeypatch.setattr(pitch_postfilter, "NEIGHBOURS_SHARE", 0.0)
    assert not np.allclose(converter.convert(source, source), filtered, atol=1e-3)
    assert np.array_equal(converter.resynthesise(source), copied)
