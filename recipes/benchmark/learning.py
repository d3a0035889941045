"""Steps a second of a short real training run, and how much of the time waits for data."""

import tempfile
import time

import torch
from figures import Figure

from vc.config import load_config
from vc.training import Trainer

WARM_STEPS = 5  # compile, allocate, fill the page cache


def measure(options):
    """Figures of `options.steps` steps in which every loss takes part, after some that warm up."""
    torch.set_num_threads(1)
    steps = WARM_STEPS + options.steps
    config = load_config(options.config, [f"data.path={options.data}", f"train.steps={steps}",
                                          "train.consistency_from=0"])
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(config, folder, progress=False)
        try:
            for _ in range(WARM_STEPS):
                trainer.advance()
            waited_s, wall, cpu = trainer.loader.waited_s, time.perf_counter(), time.process_time()
            for _ in range(options.steps):
                trainer.advance()
            wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
            waited_s = trainer.loader.waited_s - waited_s
        finally:
            trainer.close()
    seconds_heard = config.train.batch * (config.data.segment_s + config.data.reference_s)
    return [
        Figure("training", "speed", options.steps / cpu_s, "steps a CPU second",
               note=f"batch {config.train.batch}, {seconds_heard * options.steps / cpu_s:.0f} s of speech heard in "
                    f"one; by the clock {options.steps / wall_s:.2f}"),
        Figure("training", "waiting for data", 100 * waited_s / wall_s, "% of the time", 5),
    ]
