"""What a person sees of a training run: a progress bar, TensorBoard, and log.jsonl, one line a reading."""

import json
import sys
import time
from pathlib import Path

from tqdm import tqdm

from vc.errors import TrainingError

SHOWN = {"loss/reconstruction": "rec", "loss/adversarial": "adv", "loss/speaker_classification": "spk"}


class Monitor:
    """Logs the readings of one run in `folder`, going on after `step`; what an earlier run logged past it goes."""

    def __init__(self, folder, step, steps, progress=True):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise TrainingError("tensorboard is not installed, training logs to it; "
                                "run `pip install vc[train]`") from None
        self._log_path = Path(folder) / "log.jsonl"
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        self._drop_after(step)
        self._board = SummaryWriter(folder, purge_step=step + 1)
        self._bar = tqdm(total=steps, initial=step, unit="step", disable=not progress, dynamic_ncols=True)
        self._started, self._first_step = time.perf_counter(), step

    def log(self, step, values, waited_s):
        """values: {name: float}. waited_s: seconds spent waiting for data so far."""
        elapsed = time.perf_counter() - self._started
        values = values | {"speed/steps_per_s": (step - self._first_step) / elapsed,
                           "speed/data_wait_share": waited_s / elapsed}
        self._write(step, values)
        self._bar.update(step - self._bar.n)
        self._bar.set_postfix({short: f"{values[name]:.3f}" for name, short in SHOWN.items() if name in values})

    def log_validation(self, step, report):
        """Scalars, mel pictures and converted audio of a validation report."""
        self._write(step, report.values)
        for name, picture in report.pictures.items():
            self._board.add_image(name, picture, step, dataformats="HW")
        for name, (audio, sample_rate_hz) in report.audio.items():
            self._board.add_audio(name, audio, step, sample_rate=sample_rate_hz)
        self._board.flush()
        shown = ", ".join(f"{name.removeprefix('validation/')} {value:.3f}" for name, value in report.values.items())
        if shown and not self._bar.disable:
            self._bar.write(f"step {step}: {shown}", file=sys.stderr)

    def close(self):
        self._bar.close()
        self._board.close()

    def _write(self, step, values):
        with open(self._log_path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

    def _drop_after(self, step):
        if not self._log_path.exists():
            return
        lines = self._log_path.read_text(encoding="utf-8").splitlines(keepends=True)
        # A killed run may have left half a line.
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
        self._log_path.write_text("".join(kept), encoding="utf-8")
