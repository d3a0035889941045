"""The slow work of an evaluation, one recording at a time: making sounds, reading them, taking halves.

A Studio lives in a worker process, or in the caller's own; it loads what a task needs when the first one asks for it.
"""

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from vc.audio import save_audio
from vc.conversion import load
from vc.evaluation.classical import ClassicalConverter
from vc.evaluation.instrument import Sound
from vc.evaluation.instruments import INSTRUMENTS
from vc.evaluation.pca import Components, MelReader, PcaConverter
from vc.evaluation.systems import SYSTEMS


@dataclass(frozen=True)
class Settings:
    """What a Studio works with. model: path. components: path of the principal components. texts: all of the test.
    refined: see vc.conversion.load."""

    model: Path
    device: str
    vocoder: str
    components: Path
    texts: tuple
    refined: bool


@dataclass(frozen=True)
class Make:
    """Make a system's sound as `path`; gives the seconds it takes per second of sound."""

    system: str
    recording: Path
    references: tuple
    path: Path


@dataclass(frozen=True)
class Read:
    """Read a recording; gives {instrument: reading}."""

    path: Path
    text: str
    instruments: tuple


@dataclass(frozen=True)
class Halves:
    """Take both halves of a recording; gives {"speaker": its half, "content": its half's mean over time}, lists."""

    path: Path


def start_studio(settings):
    """A Studio in a process of its own, with one thread, so that workers do not fight for the processors."""
    torch.set_num_threads(1)
    return Studio(settings)


class Studio:
    """Does tasks: Make, Read or Halves."""

    def __init__(self, settings, converter=None):
        self._settings, self._converter, self._instruments = settings, converter, {}

    def do(self, task):
        """What the task gives. Raises what goes wrong."""
        return {Make: self._make, Read: self._read, Halves: self._halves}[type(task)](task)

    @cached_property
    def converter(self):
        settings = self._settings
        return self._converter or load(settings.model, settings.device, settings.vocoder, settings.refined)

    @cached_property
    def classical(self):
        return ClassicalConverter(self.converter.sample_rate)

    @cached_property
    def pca(self):
        with np.load(self._settings.components) as held:
            components = Components(held["mean"], held["basis"])
        return PcaConverter(MelReader(self.converter.model.config), components, self.converter.vocoder)

    def _make(self, task):
        maker = SYSTEMS[task.system]
        tool = getattr(self, maker.tool)  # loaded before the clock starts
        started = time.perf_counter()
        audio = maker.make(tool, task.recording, list(task.references))
        took_s = time.perf_counter() - started
        save_audio(task.path, audio, self.converter.sample_rate, force=True)
        return took_s * self.converter.sample_rate / len(audio)

    def _read(self, task):
        sound = Sound(task.path, task.text)
        return {name: self._instrument(name).read(sound) for name in task.instruments}

    def _instrument(self, name):
        if name not in self._instruments:
            self._instruments[name] = INSTRUMENTS[name](self._settings.texts)
        return self._instruments[name]

    def _halves(self, task):
        halves = self.converter.halves(task.path)
        return {"speaker": halves.speaker.tolist(), "content": halves.content.mean(1).tolist()}
