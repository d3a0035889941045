"""The mel against librosa, torchaudio and plain arithmetic."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vc.config import MelConfig
from vc.errors import ConfigError
from vc.features import LogMel, band_centres_hz, hz_to_mel, mel_filters

MEL = MelConfig()


@pytest.mark.parametrize("mel", [MEL, MelConfig(fft_samples=1024, hop_samples=256, bands=80, min_hz=50, max_hz=7600),
                                 MelConfig(sample_rate_hz=24000, max_hz=12000)])
def test_filters_equal_librosas_and_torchaudios(mel):
    librosa = pytest.importorskip("librosa")
    torchaudio = pytest.importorskip("torchaudio")
    ours = mel_filters(mel)
    theirs = torch.from_numpy(librosa.filters.mel(sr=mel.sample_rate_hz, n_fft=mel.fft_samples, n_mels=mel.bands,
                                                  fmin=mel.min_hz, fmax=mel.max_hz))
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-4)
    others = torchaudio.functional.melscale_fbanks(mel.bins, mel.min_hz, mel.max_hz, mel.bands,
                                                   mel.sample_rate_hz, norm="slaney", mel_scale="slaney").T
    torch.testing.assert_close(ours, others, atol=1e-6, rtol=1e-3)


def test_no_band_of_the_default_mel_is_empty():
    assert (mel_filters(MEL).sum(1) > 0).all()


def test_a_mel_with_an_empty_band_is_refused():
    with pytest.raises(ConfigError, match="mel.bands: got 128, of which 7 hold no frequency of a spectrum of "
                                          "mel.fft_samples=800 at mel.sample_rate_hz=44100; take fewer bands or more samples"):
        LogMel(MelConfig(sample_rate_hz=44100))


def test_a_frame_equals_a_plain_loop():
    torch.manual_seed(0)
    wave = torch.randn(1, 3000) * 0.1
    frame, centre = 7, 7 * MEL.hop_samples
    piece = wave[0, centre - MEL.fft_samples // 2:centre + MEL.fft_samples // 2]
    window = [0.5 - 0.5 * math.cos(2 * math.pi * n / MEL.fft_samples) for n in range(MEL.fft_samples)]
    magnitude = torch.fft.rfft(piece * torch.tensor(window)).abs()
    filters = mel_filters(MEL)
    expected = [math.log(max(MEL.floor, sum(float(f * m) for f, m in zip(row, magnitude)))) for row in filters]
    torch.testing.assert_close(LogMel(MEL)(wave)[0, :, frame], torch.tensor(expected), atol=1e-4, rtol=1e-4)


@settings(max_examples=20, deadline=None)
@given(samples=st.integers(1, 2000))
def test_frames_follow_from_samples(samples):
    assert LogMel(MEL)(torch.zeros(2, samples)).shape == (2, MEL.bands, samples // MEL.hop_samples + 1)


def test_silence_lies_on_the_floor_and_a_tone_in_its_band():
    log_mel = LogMel(MEL)
    assert torch.equal(log_mel(torch.zeros(1, 800)), torch.full((1, 128, 5), math.log(MEL.floor)))
    tone = 0.5 * torch.sin(2 * math.pi * 440 * torch.arange(16000) / 16000)
    loudest = log_mel(tone[None])[0, :, 40].argmax()
    assert abs(band_centres_hz(MEL)[loudest] - 440) < 25


def test_mel_scale_by_hand():
    assert hz_to_mel(500) == pytest.approx(7.5)
    assert hz_to_mel(1000) == pytest.approx(15)
    assert hz_to_mel(6400) == pytest.approx(42)
