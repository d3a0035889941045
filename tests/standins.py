"""Stand-in tasks for worker processes of test_evaluate.py; a run of slow ones to kill: python standins.py FOLDER"""

import logging
import os
import sys
import time
from pathlib import Path

from vc.evaluation.cache import Cache
from vc.evaluation.workforce import workforce

TASKS = 12


class SlowStudio:
    """Notes in done.txt which process does which task; the fifth cannot be done."""

    def __init__(self, folder):
        self.folder = folder

    def do(self, task):
        time.sleep(0.15)
        with open(self.folder / "done.txt", "a") as file:
            file.write(f"{os.getpid()} {task}\n")
        if task == 5:
            raise ValueError("five")
        return task


class WarningStudio:
    """Warns when it starts and in every task."""

    def __init__(self, folder):
        logging.getLogger("vc.standin").warning("began in %s", folder)

    def do(self, task):
        logging.getLogger("vc.standin").warning("task %d is odd", task)
        logging.getLogger("vc.standin").info("and nobody asked")
        return task


def main(folder):
    cache = Cache(folder / "cache.jsonl")
    with workforce(SlowStudio, folder, workers=2, here=None) as work, open(folder / "failures.txt", "w") as failures:
        for task, outcome in work([number for number in range(TASKS) if str(number) not in cache]):
            if outcome.failure:
                failures.write(f"task {task}: {outcome.failure}\n")
            else:
                cache.put(str(task), outcome.value)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
