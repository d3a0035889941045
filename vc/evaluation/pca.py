"""The straight line between mel and mel: principal components with as many numbers a second as the content half.

As many mel frames as the model's encoder packs into one content frame are stacked into one vector, and the vectors
are described by as many principal components as a content frame has dimensions. Converting is: the source's components,
each with its mean and deviation over the recording's speech replaced by the target's, back to a mel, through the
model's own vocoder. Nothing tells content from speaker here but those means and deviations. B is the number of numbers
in a stacked vector (frames x bands), K of components, V of vectors.
"""

from dataclasses import dataclass

import numpy as np
import torch

from vc.audio import load_audio
from vc.data.store import SpeechStore
from vc.features import LogMel
from vc.level import NOMINAL_LEVEL_DB, level_gain, require_speech, restore_level, speech_level_db
from vc.spectrum import speech_frames

MOST_STRETCH = 3.0  # of a component's deviation


@dataclass(frozen=True)
class Components:
    """mean: (B,). basis: (K, B), orthonormal rows."""

    mean: np.ndarray
    basis: np.ndarray


class MelReader:
    """Recordings as stacked mel frames, for one model's mel and stride."""

    def __init__(self, config):
        self.mel, self.stride = config.mel, config.model.stride
        self._log_mel = LogMel(config.mel)

    def read(self, path):
        """The MelReading of a recording. Raises AudioError."""
        audio = load_audio(path, self.mel.sample_rate_hz)
        require_speech(audio, self.mel.sample_rate_hz, path, min_s=0.1)
        level_db = speech_level_db(audio, self.mel.sample_rate_hz)
        return MelReading(*self.stacked(audio, level_db), len(audio), level_db)

    @torch.no_grad()
    def stacked(self, audio, level_db):
        """floats (N,) of a known level -> vectors (V, B) and which are speech (V,), bool."""
        waveform = torch.from_numpy(audio * level_gain(level_db))
        log_mel = self._log_mel(waveform[None])[0]
        speech = speech_frames(waveform, self.mel.hop_samples)
        missing = -log_mel.shape[1] % self.stride
        log_mel = torch.cat([log_mel, log_mel[:, -1:].expand(-1, missing)], dim=1)
        vectors = log_mel.T.reshape(-1, self.stride * self.mel.bands)
        return vectors.numpy(), speech[::self.stride].numpy()[:len(vectors)]


@dataclass(frozen=True)
class MelReading:
    """vectors: (V, B). speech: (V,), bool. samples: N. level_db: of the recording, in dBFS."""

    vectors: np.ndarray
    speech: np.ndarray
    samples: int
    level_db: float


def fit_components(batches, count) -> Components:
    """Principal components of vectors that come in batches (V, B): the `count` of largest variance."""
    total, products, vectors = 0.0, 0.0, 0
    for batch in batches:
        batch = batch.astype(np.float64)
        total, products, vectors = total + batch.sum(0), products + batch.T @ batch, vectors + len(batch)
    mean = total / vectors
    _, basis = np.linalg.eigh(products / vectors - np.outer(mean, mean))  # in rising order
    return Components(mean, basis[:, ::-1][:, :count].T.copy())


def recordings_speech(reader, paths):
    """Iterator over the speech vectors (V, B) of recordings."""
    for path in paths:
        reading = reader.read(path)
        yield reading.vectors[reading.speech]


def corpus_speech(reader, folder):
    """Iterator over the speech vectors (V, B) of a corpus that `vc prepare` made, which has the nominal level. Raises
    DataError for one of another rate."""
    store = SpeechStore(folder)
    store.require_rate(reader.mel.sample_rate_hz)
    for utterance in store.utterances:
        vectors, speech = reader.stacked(store.audio(utterance).astype(np.float32) / 32768, NOMINAL_LEVEL_DB)
        yield vectors[speech]


class PcaConverter:
    """Says a recording in the voice of another. vocoder: the model's own."""

    def __init__(self, reader, components, vocoder):
        self._reader, self._components, self._vocoder = reader, components, vocoder

    def convert(self, source, references):
        """Paths of a source and of the target's references -> float32 (N,), as long and as loud as the source.

        Raises AudioError.
        """
        own = self._reader.read(source)
        target = self._code(np.concatenate(list(recordings_speech(self._reader, references))))
        code = move_statistics(self._code(own.vectors), own.speech, target)
        vectors = code @ self._components.basis + self._components.mean
        mel = self._reader.mel
        log_mel = torch.from_numpy(vectors.reshape(-1, mel.bands).T.astype(np.float32))
        said = self._vocoder(log_mel[:, :own.samples // mel.hop_samples + 1].clamp(min=np.log(mel.floor))).numpy()
        said = np.pad(said, (0, max(0, own.samples - len(said))))[:own.samples]
        return restore_level(said, mel.sample_rate_hz, own.level_db)

    def _code(self, vectors):
        return (vectors - self._components.mean) @ self._components.basis.T


def move_statistics(code, speech, target):
    """(V, K), of which `speech` (V,) tells the statistics -> (V, K) with the mean and deviation of target (V', K)."""
    own = code[speech] if speech.any() else code
    stretch = np.clip(target.std(0) / np.maximum(own.std(0), 1e-6), 1 / MOST_STRETCH, MOST_STRETCH)
    return target.mean(0) + (code - own.mean(0)) * stretch
