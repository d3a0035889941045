"""Worker processes: how many there may be, and who answers a Ctrl-C."""

import os
import signal
import subprocess
import sys

import pytest

from vc.workers import control_c_held_back, processors

ASK = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processors cannot be taken away here")
def test_only_the_processors_that_one_may_use_count():
    allowed = os.sched_getaffinity(0)
    assert processors() == len(allowed)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert processors() == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be held back here")
def test_control_c_is_held_back_from_workers_and_answered_afterwards():
    def worker_is_spared():
        return subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True).stdout

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background has it ignored
    try:
        with pytest.raises(KeyboardInterrupt), control_c_held_back():
            signal.raise_signal(signal.SIGINT)
            spared = worker_is_spared()
    finally:
        signal.signal(signal.SIGINT, before)
    assert (spared, worker_is_spared()) == ("True\n", "False\n")
