"""The vocoders' Fourier transform against torch's."""

import pytest
import torch

from vc.vocoders.short_time import ShortTime, overlap_add

SIZES = ((800, 200), (800, 160), (512, 100), (96, 48))  # in the second and third the hop does not divide the frame


@pytest.mark.parametrize("fft_samples, hop_samples", SIZES)
@pytest.mark.parametrize("samples", [0, 1, 799, 800, 5123])
def test_as_torchs(fft_samples, hop_samples, samples):
    transform = ShortTime(fft_samples, hop_samples)
    wave = torch.randn(2, samples, generator=torch.Generator().manual_seed(0))
    spectrum = transform.spectrum(wave)
    torch.testing.assert_close(spectrum, torch.stft(wave, fft_samples, hop_samples, window=transform.window,
                                                    pad_mode="constant", return_complex=True))
    noise = torch.complex(*torch.randn(2, *spectrum.shape, generator=torch.Generator().manual_seed(1)))
    back, length = transform.wave(noise), (spectrum.shape[2] - 1) * hop_samples
    assert back.shape == (2, length)
    if length:  # torch refuses to make nothing
        theirs = torch.istft(noise, fft_samples, hop_samples, window=transform.window, length=length)
        torch.testing.assert_close(back, theirs, atol=1e-5, rtol=1e-5)


def test_there_and_back():
    transform, wave = ShortTime(800, 200), torch.randn(1, 4000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(transform.wave(transform.spectrum(wave)), wave, atol=1e-5, rtol=0)


def test_whole_frames_only():
    transform, wave = ShortTime(800, 200), torch.randn(1, 4000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(transform.inside(wave), transform.spectrum(wave)[:, :, 2:-2])


def test_overlapping_frames_by_hand():
    frames = torch.tensor([[[1.0, 2, 3], [10, 20, 30], [100, 200, 300]]])
    assert overlap_add(frames, 2)[0, :7].tolist() == [1, 2, 13, 20, 130, 200, 300]
