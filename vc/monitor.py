"""What a person sees of a training run: a progress bar, TensorBoard, and log.jsonl, one line a reading."""

import json
import sys
import threading
import time
from pathlib import Path

from tqdm import tqdm

from vc.errors import TrainingError
from vc.files import in_our_words, write_atomically

SHOWN = {"loss/reconstruction": "rec", "loss/adversarial": "adv", "loss/speaker_classification": "spk"}


class Monitor:
    """Logs the readings of one run in `folder`, going on after `step`; what an earlier run logged past it goes.

    Raises TrainingError where something cannot be written.
    """

    def __init__(self, folder, step, steps, progress=True):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise TrainingError("tensorboard is not installed, training logs to it; "
                                "run `pip install vc[train]`") from None
        self._log_path = Path(folder) / "log.jsonl"
        with self._writing():
            self._drop_after(step)
            self._board = SummaryWriter(folder, purge_step=step + 1)
        # TensorBoard writes in a thread of its own, which would tell of a full disk at length; the next reading does.
        self._excepthook, threading.excepthook = threading.excepthook, self._pass_over_refusals
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
        with self._writing():
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
        try:
            with self._writing():
                self._board.close()
        finally:
            threading.excepthook = self._excepthook

    def _write(self, step, values):
        with self._writing():
            with open(self._log_path, "a", encoding="utf-8") as file:
                file.write(json.dumps({"step": step, **values}) + "\n")
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def _writing(self):
        return in_our_words(self._log_path.parent, TrainingError, "free space, then continue with --resume")

    def _pass_over_refusals(self, failure):
        if not issubclass(failure.exc_type, OSError):
            self._excepthook(failure)

    def _drop_after(self, step):
        if not self._log_path.exists():
            return
        lines = self._log_path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        write_atomically(self._log_path, "".join(line for line in lines if _is_until(line, step)))


def _is_until(line, step):
    """Whether it is a reading of that step or an earlier one; a killed run may have left half a line."""
    try:
        return line.endswith("\n") and json.loads(line)["step"] <= step
    except (ValueError, LookupError, TypeError):
        return False
