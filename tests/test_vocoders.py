"""Griffin-Lim: length, likeness, silence, joints."""

import math

import pytest
import torch

from vc.config import MelConfig
from vc.errors import ConfigError
from vc.features import LogMel, mel_filters
from vc.vocoders import griffin_lim, make_vocoder
from vc.vocoders.base import nothing_known

MEL = MelConfig()


@pytest.fixture(scope="module")
def speech(repository):
    from vc.audio import load_audio

    clip = sorted((repository / "tests" / "data" / "clips").rglob("*.flac"))[0]
    return torch.from_numpy(load_audio(clip, MEL.sample_rate_hz))


def convergence_db(wave, log_mel):
    """Error of the wave's linear magnitudes against those the vocoder aimed at."""
    aimed = make_vocoder("griffin-lim", MEL).linear_magnitude(log_mel)
    window = torch.hann_window(MEL.fft_samples)
    got = torch.stft(wave, MEL.fft_samples, MEL.hop_samples, window=window, pad_mode="constant",
                     return_complex=True).abs()
    return 20 * math.log10((got - aimed).norm() / aimed.norm())


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 17, 100])
def test_exact_output_length(frames):
    assert make_vocoder("griffin-lim", MEL)(torch.randn(128, frames)).shape == ((frames - 1) * MEL.hop_samples,)


def test_as_good_as_torchaudios(speech):
    torchaudio = pytest.importorskip("torchaudio")
    log_mel = LogMel(MEL)(speech[None])[0]
    ours = make_vocoder("griffin-lim", MEL)
    aimed = ours.linear_magnitude(log_mel)
    torch.manual_seed(0)
    theirs = torchaudio.functional.griffinlim(aimed[None], torch.hann_window(MEL.fft_samples), MEL.fft_samples,
                                              MEL.hop_samples, MEL.fft_samples, 1.0, griffin_lim.ITERATIONS,
                                              griffin_lim.MOMENTUM, (log_mel.shape[1] - 1) * MEL.hop_samples, True)[0]
    assert convergence_db(ours(log_mel), log_mel) < convergence_db(theirs, log_mel) + 0.5


def test_inverting_the_mel_reaches_the_mel(speech):
    log_mel = LogMel(MEL)(speech[None])[0]
    magnitude = make_vocoder("griffin-lim", MEL).linear_magnitude(log_mel)
    assert magnitude.min() >= 0
    mel = mel_filters(MEL) @ magnitude
    assert (mel - log_mel.exp()).norm() / log_mel.exp().norm() < 0.05


def test_silence_is_silent():
    assert make_vocoder("griffin-lim", MEL)(LogMel(MEL)(torch.zeros(1, 8000))[0]).abs().max() == 0


def test_deterministic(speech):
    log_mel = LogMel(MEL)(speech[None])[0, :, :60]
    assert torch.equal(make_vocoder("griffin-lim", MEL)(log_mel), make_vocoder("griffin-lim", MEL)(log_mel))


def test_chunks_do_not_matter(speech):
    log_mel = LogMel(MEL)(speech[None])[0]
    vocoder = make_vocoder("griffin-lim", MEL)
    f0, unvoiced = torch.zeros(log_mel.shape[1]), nothing_known(log_mel, MEL)
    chunks = zip(log_mel.split(7, dim=1), f0.split(7), unvoiced.split(7, dim=1), strict=True)
    torch.testing.assert_close(torch.cat(list(vocoder.stream(chunks))), vocoder(log_mel))


def test_the_joints_of_blocks_cannot_be_heard(speech, monkeypatch):
    """Blocks of two seconds cost a sentence next to nothing, and a tone keeps its level across their joints."""
    log_mel = LogMel(MEL)(speech[None])[0]
    whole = convergence_db(make_vocoder("griffin-lim", MEL)(log_mel), log_mel)
    monkeypatch.setattr(griffin_lim, "BLOCK_FRAMES", 200)
    assert convergence_db(make_vocoder("griffin-lim", MEL)(log_mel), log_mel) < whole + 1.0
    time = torch.arange(4 * 16000) / 16000
    tone = 0.3 * torch.sin(2 * math.pi * 220 * time) + 0.1 * torch.sin(2 * math.pi * 440 * time)
    wave = make_vocoder("griffin-lim", MEL)(LogMel(MEL)(tone[None])[0])
    level = wave[2000:62000].reshape(-1, 400).square().mean(1).sqrt()
    assert level.max() / level.min() < 1.35
    assert wave.diff().abs().max() < 1.2 * tone.diff().abs().max()


def test_unknown_vocoder():
    with pytest.raises(ConfigError, match="unknown vocoder 'wavenet'; choose one of neural, griffin-lim"):
        make_vocoder("wavenet", MEL)
