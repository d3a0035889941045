import math

import numpy as np
import pytest
import soundfile
import torch

from vc.audio import load_audio
from vc.background import noise_behind, stands_out, without_noise
from vc.conversion import load
from vc.spectrum import is_speech

BANDS = 8


def recording(*parts):
    """Log-mel and levels of frames that are alike in all bands: (frames, level in dBFS) each."""
    level_db = torch.cat([torch.full((frames,), float(level)) for frames, level in parts])
    return (level_db * math.log(10) / 20).expand(BANDS, -1), level_db


def test_what_lies_far_below_the_speech_is_no_noise():
    log_mel, level_db = recording((50, -24), (30, -70), (20, -40))
    noise = noise_behind(log_mel, level_db, stands_out(level_db))
    assert torch.equal(stands_out(level_db), is_speech(level_db)) and not noise.any()
    torch.testing.assert_close(without_noise(log_mel, torch.zeros_like(log_mel), noise), log_mel)


def test_a_noisy_pause_is_no_speech():
    log_mel, level_db = recording((50, -24), (30, -38), (20, -31))
    assert is_speech(level_db).all() and stands_out(level_db).tolist() == [True] * 50 + [False] * 30 + [True] * 20
    speech = (50 * 10**-2.4 + 20 * 10**-3.1) / 70
    noise = noise_behind(log_mel, level_db, stands_out(level_db))
    assert noise.flatten().tolist() == pytest.approx([10**-3.8 - speech / 100] * BANDS, rel=1e-4)


def test_weak_speech_without_a_pause_is_speech():
    assert stands_out(torch.tensor([-24.0] * 50 + [-30.0] * 50)).all()


def test_pauses_that_were_silenced_tell_of_no_noise():
    log_mel, level_db = recording((50, -24), (30, -38), (40, -120))
    speech = stands_out(level_db)
    assert torch.equal(speech, is_speech(level_db)) and not noise_behind(log_mel, level_db, speech).any()


def test_nothing_stands_out_of_silence():
    log_mel, level_db = recording((40, -120))
    speech = stands_out(level_db)
    assert not speech.any()
    assert torch.isfinite(without_noise(log_mel, log_mel, noise_behind(log_mel, level_db, speech))).all()


def test_a_drowned_band_says_what_the_decoder_says():
    log_mel, drawn = torch.zeros(2, 3), torch.full((2, 3), -2.0)
    known = without_noise(log_mel, drawn, torch.tensor([[1.0], [1e-3]]))
    assert known[0].max() < -1.9 and known[1].abs().max() < 0.02


def test_half_of_the_trust_by_hand():
    log_mel, drawn = torch.full((1, 1), math.log(5) / 2), torch.full((1, 1), -2.0)
    known = without_noise(log_mel, drawn, torch.tensor([[1.0]]))  # five times the noise's power: four are its own
    assert known.item() == pytest.approx((math.log(4) / 2 - 2) / 2)


def test_what_is_fitted_to_a_reference_is_less_of_its_noise(clips, tmp_path, monkeypatch):
    converter, clip = load(device="cpu"), clips / "kathleen" / "aurora.flac"
    audio, rate = load_audio(clip, 16000), 16000
    quiet = np.zeros(rate // 2, np.float32)
    noise = np.random.default_rng(0).normal(0, audio.std() / 10**0.5, len(audio) + 2 * len(quiet)).astype(np.float32)
    soundfile.write(noisy := tmp_path / "noisy.wav", np.concatenate([quiet, audio, quiet]) + noise, rate)
    clean, heard = converter.voice_of(clip), converter.voice_of(noisy)
    monkeypatch.setattr("vc.conversion.without_noise", lambda log_mel, drawn, noise: log_mel)
    as_it_is = converter.voice_of(noisy)

    def distance(voice):
        return (voice.spectrum.mean - clean.spectrum.mean).abs().mean()

    assert distance(heard) < 0.3 * distance(as_it_is)
    assert (heard.maps - clean.maps).norm() < 0.8 * (as_it_is.maps - clean.maps).norm()
