"""What several test files call by name; the fixtures lie in conftest.py."""

import contextlib
import json
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vc.checkpoint import save_model
from vc.config import load_config
from vc.conversion import Converter, load
from vc.data.store import pitch_hop
from vc.model import AutoEncoder
from vc.vocoders import GriffinLim
from vc.vocoders.generator import Generator

# Why a test that measures as vc.evaluation does may be skipped.
NO_INSTRUMENTS = "needs a package of the extra: pip install vc[evaluate]"
# Overrides for a course of recipes/default on the clips.
QUICK_COURSE = ("data.segment_s=0.5", "data.reference_s=0.5", "data.held_out_speakers=0", "train.steps=4",
                "train.batch=4", "train.warmup_steps=0", "train.log_every=2", "train.validate_every=100")


@dataclass(frozen=True)
class Call:
    """How a call of the command line ended: exit code, and what it wrote to stdout and stderr."""

    code: int
    out: str
    err: str

    def assert_refused(self, *messages, folder=None):
        """Exit code 1, nothing on stdout, one line on stderr that says all of `messages`, nothing left in `folder`."""
        assert (self.code, self.out) == (1, ""), self
        assert self.err.startswith("vc: error: ") and self.err.count("\n") == 1, self.err
        for message in messages:
            assert message in self.err
        assert folder is None or contents(folder) == []


def contents(folder):
    """Names of the files below a folder, hidden ones too, sorted; none where there is no folder (any more)."""
    return sorted(Path(parent, name).relative_to(folder).as_posix()
                  for parent, _, names in os.walk(folder) for name in names)


def log_lines(run):
    """What a run has logged, a dict a line."""
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def save_untrained(path, repository, *overrides):
    """Write an untrained model of configs/tiny.yaml, the same each time; returns the path."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_model(path, AutoEncoder(load_config(repository / "configs" / "tiny.yaml", overrides)), step=0)
    return path


def save_untrained_vocoder(path, repository, *overrides):
    """Write an untrained vocoder of configs/vocoder-tiny.yaml, the same each time; returns the path."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = Generator(load_config(repository / "configs" / "vocoder-tiny.yaml", overrides))
        save_model(path, generator, step=0, kind="vocoder")
    return path


def parts_changed(before, after):
    """Names of the parts of a model that are not what they were in another of the same kind."""
    old = before.state_dict()
    return {name.split(".")[0] for name, tensor in after.state_dict().items() if not torch.equal(tensor, old[name])}


def speaker_halves_moved(before, after):
    """How far the speaker halves of noise are from what they were in another model, 1 less the cosine."""
    log_mel = torch.randn(8, 128, 80, generator=torch.Generator().manual_seed(0)) - 4
    return float((1 - (before.encode(log_mel).speaker * after.encode(log_mel).speaker).sum(1)).mean())


def quick_converter(model, iterations=2):
    """The Converter of a model's file, its vocoder taking two rounds unless told otherwise."""
    loaded = load(model, "cpu")
    return Converter(loaded.model, GriffinLim(loaded.mel, iterations=iterations), loaded.step, loaded.fingerprint)


def add_unvoiced(store, path, speaker, samples, text=""):
    """Add int16 (N,) to a StoreWriter as if nothing in it were voiced, without what does not fill a pitch hop."""
    hop = pitch_hop(store.sample_rate_hz)
    frames = len(samples) // hop
    store.add(path, speaker, samples[:frames * hop], np.zeros(frames, np.float32), text)


def eventually(condition, patience_s=60):
    """Whether condition() comes true; a busy machine may take its time."""
    end = time.monotonic() + patience_s
    while not (true := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return true


def free_port():
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serve_demo(model, iterations=2, **settings):
    """The demo in this process, with a `quick_converter`: its address."""
    from vc.demo.server import running
    from vc.demo.settings import Settings

    with running(quick_converter(model, iterations), Settings(port=free_port(), **settings)) as address:
        yield address
