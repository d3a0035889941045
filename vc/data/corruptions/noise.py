"""Recorded noise, so that a model learns what rooms, streets and machines add to a voice."""

from pathlib import Path
from typing import final

import numpy as np
import torch

from vc.audio import load_audio
from vc.data.corruptions.base import Corruption, power
from vc.data.layouts import AUDIO_SUFFIXES, list_audio
from vc.errors import DataError
from vc.registry import expect

LEAST_POWER = 1e-8  # of noise, -80 dBFS; what is fainter is a gap in the recording and is not turned up any further


@final
class Noise(Corruption):
    """Adds to each item a piece of one of the recordings below the folder `path`.

    The ratio of speech to noise, powers over the whole item, is drawn evenly in dB from lowest_db to highest_db. A
    recording shorter than the item goes round and round. All recordings are read once and kept on the training device.
    Raises DataError for a folder without audio files, AudioError for a file that cannot be read.
    """

    def __init__(self, mel, device="cpu", *, path="", lowest_db=0.0, highest_db=20.0):
        super().__init__(mel, device)
        expect("corruptions.noise.path", path, path != "", "a folder of recordings of noise")
        expect("corruptions.noise.lowest_db", lowest_db, lowest_db <= highest_db,
               f"at most highest_db, {highest_db:g}")
        self.lowest_db, self.highest_db = lowest_db, highest_db
        recordings = _read(Path(path), mel.sample_rate_hz)
        self._lengths = torch.tensor([len(recording) for recording in recordings], device=device)
        self._offsets = self._lengths.cumsum(0) - self._lengths
        self._samples = torch.from_numpy(np.concatenate(recordings)).to(device)

    def wave(self, wave, generator):
        B, N = wave.shape
        chosen = torch.randint(len(self._lengths), (B, 1), generator=generator).to(wave.device)
        length = self._lengths[chosen]
        start = (torch.rand(B, 1, generator=generator).to(wave) * length).long()
        noise = self._samples[self._offsets[chosen] + (start + torch.arange(N, device=wave.device)) % length]
        ratio_db = torch.empty(B, 1).uniform_(self.lowest_db, self.highest_db, generator=generator).to(wave)
        wanted = power(wave) * 10 ** (-ratio_db / 10)
        return wave + noise * (wanted / power(noise).clamp(min=LEAST_POWER)).sqrt()


def add_noise(waves, folder, ratio_db, mel):
    """Waveforms, a list of float32 (N,), with a piece of noise on each that lies ratio_db below it, cut off at full
    scale: such a list, the same on every call. Raises like Noise."""
    noise = Noise(mel, path=str(folder), lowest_db=ratio_db, highest_db=ratio_db)
    generator = torch.Generator().manual_seed(0)
    return [noise.wave(torch.from_numpy(wave)[None], generator)[0].clamp(-1, 1).numpy() for wave in waves]


def _read(folder, sample_rate_hz):
    """Recordings below the folder, float32 (n,) each."""
    files = list_audio(folder)
    if not files:
        raise DataError(f"corruptions.noise.path: {folder} holds no audio file; expected recordings of noise, "
                        f"{', '.join(sorted(AUDIO_SUFFIXES))}")
    return [load_audio(folder / file, sample_rate_hz) for file in files]
