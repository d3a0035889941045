"""Is this something the model knows? What it was trained on it can rebuild; what it never heard it rebuilds as speech.

The recording goes through both halves and comes back with its own melody in its own voice. How far it comes back from
where it was says how strange it is; an auto-encoder as a detector of what is out of the ordinary.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from vc.audio import stream_audio
from vc.conversion import MIN_REFERENCE_S
from vc.errors import AudioError
from vc.level import SILENCE_DBFS, level_gain, speech_level_db, trim_silence, without_offset
from vc.pitch import track_pitch
from vc.spectrum import speech_frames
from vc.survey import measure
from vc.windows import sliding_windows

WINDOW_S = 10.0
GLANCE_WINDOWS = 6  # a glance looks no further for a sound


@dataclass(frozen=True)
class Strangeness:
    """error: mean absolute error of the rebuilt mel in standard deviations of each band, over the loud frames.
    relative: the same, as a share of what the recording's own mean frame would err.

    Either errs alone: a steady hum is easily rebuilt, and speech of many kinds of sound is hard to.
    """

    error: float
    relative: float

    @property
    def score(self):
        """The geometric mean of both; the larger, the less the model knows it."""
        return math.sqrt(self.error * self.relative)


def strangeness(converter, path):
    """Strangeness of a recording of any length, or None for a silent one. Raises AudioError."""
    rate_hz = converter.sample_rate
    meter = measure(path, rate_hz)
    if meter.samples < MIN_REFERENCE_S * rate_hz:
        raise AudioError(f"{path}: lasts {meter.samples / rate_hz:.2f} s, expected at least {MIN_REFERENCE_S:g} s to "
                         f"tell what it is; give a longer recording")
    if meter.speech_level_db < SILENCE_DBFS:
        return None
    gain = level_gain(meter.speech_level_db)
    return _judge(_rebuilt(converter, window * gain) for window in _windows(converter, path))


def glance(converter, recording):
    """Like `strangeness`, of the first window of the recording that holds a sound; None where the first minute has
    none, or where it is too short to tell. Takes the same time however long the recording is. recording: a path, or its
    sound at the converter's rate, float32 (N,). Raises AudioError."""
    rate_hz = converter.sample_rate
    for number, window in enumerate(_windows(converter, recording)):
        level_db = speech_level_db(window.numpy(), rate_hz)
        if level_db >= SILENCE_DBFS and len(window) >= MIN_REFERENCE_S * rate_hz:
            return _judge([_rebuilt(converter, window * level_gain(level_db))])
        if number + 1 == GLANCE_WINDOWS:
            return None
    return None


def _windows(converter, recording):
    """The recording in windows (n,), one after the other."""
    size = round(WINDOW_S * converter.sample_rate)
    sound = [recording] if isinstance(recording, np.ndarray) else stream_audio(recording, converter.sample_rate)
    blocks = (torch.from_numpy(block) for block in sound)
    return (window for window, _ in sliding_windows(blocks, size, size))


@torch.no_grad()
def _rebuilt(converter, window):
    """Sums over the loud frames of a window (n,) at the nominal level: error of the rebuilt mel, error of the mean
    frame, and how many frames there are.

    Pauses at its edges are taken off: long ones would move the normalisations, and seem strange by themselves.
    """
    speech = trim_silence(window.numpy(), converter.sample_rate)
    if len(speech) == 0:
        return 0.0, 0.0, 0
    window = torch.from_numpy(without_offset(speech, converter.sample_rate))
    model, hop = converter.model, converter.mel.hop_samples
    log_mel = converter.log_mel(window.numpy())
    embedding = model.encode(log_mel[None].to(converter.device))
    f0 = torch.from_numpy(track_pitch(window.numpy(), converter.sample_rate, hop))
    rebuilt = model.decode(embedding.content, embedding.speaker, f0[None].to(converter.device))[0].cpu()
    loud = speech_frames(window, hop)
    if not loud.any():
        return 0.0, 0.0, 0
    wanted, band_std = log_mel[:, loud], model.band_std.cpu()
    guesses = rebuilt[:, loud], wanted.mean(dim=1, keepdim=True)
    error, plain = (((guess - wanted) / band_std).abs().mean(0).sum().item() for guess in guesses)
    return error, plain, int(loud.sum())


def _judge(windows):
    """Strangeness of what `_rebuilt` found in each window; None where no frame was loud."""
    error, plain, frames = (sum(values) for values in zip(*windows, strict=True))
    return Strangeness(error / frames, error / max(plain, 1e-6)) if frames else None
