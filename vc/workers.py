"""Worker processes that behave: they end with their parent, and a Ctrl-C is the parent's alone to answer."""

import contextlib
import multiprocessing
import os
import signal
import threading

# "spawn" on every system: a fork would copy the threads' locks of whatever the caller has loaded.
CONTEXT = multiprocessing.get_context("spawn")


def processors():
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def control_c_held_back():
    """A terminal sends Ctrl-C to the workers too. Those started in here never see it, the parent does afterwards."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent():
    """Called first in a worker: a killed parent would otherwise leave it waiting for ever."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent():
    multiprocessing.parent_process().join()
    os._exit(1)
