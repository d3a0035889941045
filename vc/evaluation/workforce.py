"""Tasks done by worker processes, or in this one where one worker is asked for; what fails fails alone."""

import contextlib
import logging
import queue
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from logging.handlers import QueueHandler

from vc.errors import EvaluationError, VcError
from vc.workers import CONTEXT, control_c_held_back, end_with_parent

_studio = None  # what does tasks, in a worker process
_said = queue.SimpleQueue()  # what was logged there since the last task


@dataclass(frozen=True)
class Outcome:
    """value: what the task gave. failure: one line where it gave nothing, else "". said: what a worker process logged
    meanwhile, LogRecords."""

    value: object = None
    failure: str = ""
    said: tuple = ()


@contextlib.contextmanager
def workforce(start, settings, workers, here):
    """A function: list of tasks -> iterator over (task, Outcome), in the order they are finished.

    start: settings -> what does tasks, called in each worker. here: what does them in this process, for one worker.
    Raises EvaluationError when a worker dies.
    """
    if workers == 1:
        yield lambda tasks: ((task, attempt(here, task)) for task in tasks)
        return
    pool = ProcessPoolExecutor(workers, CONTEXT, initializer=_start, initargs=(start, settings))
    try:
        yield lambda tasks: _spread(pool, tasks)
    finally:
        pool.shutdown(cancel_futures=True)


def attempt(studio, task):
    """The Outcome of a task; whatever goes wrong in it, the others must not be lost with it."""
    try:
        return Outcome(studio.do(task))
    except Exception as error:
        text = " ".join(str(error).split())
        return Outcome(failure=text if isinstance(error, VcError) else f"{type(error).__name__}: {text}")


def _spread(pool, tasks):
    with control_c_held_back():  # the processes start with the first task
        pending = {pool.submit(_attempt_here, task): task for task in tasks}
    try:
        for future in as_completed(pending):
            outcome = future.result()
            for record in outcome.said:  # here, where whoever called has said what is to be done with it
                logging.getLogger(record.name).handle(record)
            yield pending[future], outcome
    except BrokenProcessPool:
        raise EvaluationError("a worker process died, out of memory or in a crash of a library; what was measured is "
                              "kept, run again, with --workers 1 to see where") from None


def _start(start, settings):
    """In a worker process, first."""
    global _studio
    end_with_parent()
    logging.getLogger().addHandler(QueueHandler(_said))
    _studio = start(settings)


def _attempt_here(task):
    outcome = attempt(_studio, task)
    return replace(outcome, said=tuple(_said.get() for _ in range(_said.qsize())))
