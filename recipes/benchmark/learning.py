"""Steps a second of a short real training run, and how much of the time waits for data."""

import os
import tempfile
import time
from pathlib import Path

import torch
from figures import Figure

from vc.config import load_config
from vc.training import Trainer

WARM_STEPS = 5  # compile, allocate


def measure(options):
    """Figures of `options.steps` steps in which every loss takes part, after some that warm up.

    Twice: while the corpus is still on the disk, as in the first minutes of a run, and when it has been read once.
    """
    torch.set_num_threads(1)
    config = load_config(options.config, [f"data.path={options.data}", "train.consistency_from=0"])
    samples = Path(options.data) / "audio.i16"
    figures = []
    if hasattr(os, "posix_fadvise"):
        _forget(samples)
        cold = _timed(config, options.steps)
        figures.append(Figure("training", "waiting for data, corpus still on the disk", cold["waited"], "% of the time",
                              note=f"by the clock {cold['by_clock']:.2f} steps a second"))
    _read_once(samples)
    warm = _timed(config, options.steps)
    heard_s = config.train.batch * (config.data.segment_s + config.data.reference_s) * warm["by_cpu"]
    return [
        Figure("training", "speed", warm["by_cpu"], "steps a CPU second",
               note=f"batch {config.train.batch}, {heard_s:.0f} s of speech heard in one; by the clock "
                    f"{warm['by_clock']:.2f}"),
        Figure("training", "waiting for data", warm["waited"], "% of the time", 5),
        *figures,
    ]


def _timed(config, steps):
    """by_cpu and by_clock: steps a second. waited: per cent of the clock's time."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(config, folder, progress=False)
        try:
            for _ in range(WARM_STEPS):
                trainer.advance()
            waited_s, wall, cpu = trainer.loader.waited_s, time.perf_counter(), time.process_time()
            for _ in range(steps):
                trainer.advance()
            wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
            waited_s = trainer.loader.waited_s - waited_s
        finally:
            trainer.close()
    return {"by_cpu": steps / cpu_s, "by_clock": steps / wall_s, "waited": 100 * waited_s / wall_s}


def _forget(path):
    """Let the kernel drop the file from its cache."""
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _read_once(path):
    with open(path, "rb") as file:
        while file.read(2**24):
            pass
