"""Visitors who all come at once: does everybody get an answer, how long do they wait, how much memory does it take?

    pip install ".[demo]"
    python recipes/demo/load.py --visitors 10 --seconds 6

Starts a demo of its own on this machine's loopback and stops it at the end.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from vc.assets import SOURCE_CLIP
from vc.audio import load_audio, save_audio

RATE_HZ = 16000
GALLERY = "A voice of the gallery"


def main():
    """Print the figures; exit code 1 when a visitor got no answer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=10, metavar="N", help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=6.0, metavar="S", help="of speech each (default: %(default)g)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.wav"
        save_audio(source, np.resize(load_audio(SOURCE_CLIP, RATE_HZ), round(options.seconds * RATE_HZ)), RATE_HZ)
        server, address = start_server()
        try:
            before_mib = peak_mib(server.pid)
            waits = come_at_once(address, source, options.visitors)
            after_mib = peak_mib(server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=60)
    answered = sorted(wait for wait in waits if wait is not None)
    print(f"answered           {len(answered)} of {options.visitors}, {options.seconds:g} s of speech each, "
          f"{os.cpu_count()} cores")
    if answered:
        print(f"wait for a result  {answered[0]:.1f} s the first, {answered[len(answered) // 2]:.1f} s the median, "
              f"{answered[-1]:.1f} s the last")
    print(f"peak memory        {before_mib:.0f} MiB before, {after_mib:.0f} MiB after")
    return 0 if len(answered) == options.visitors else 1


def start_server():
    """A demo on a free port: its process and address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "vc", "demo", "--port", str(port), "--no-library"],
                              stdout=subprocess.PIPE, text=True)
    return server, server.stdout.readline().split()[0]


def come_at_once(address, source, visitors):
    """Seconds from the common start to each visitor's result, None where there was none."""
    from gradio_client import Client, handle_file

    # Patience: where other programs keep the cores busy, an answer may take longer than httpx's five seconds.
    clients = [Client(address, verbose=False, httpx_kwargs={"timeout": 120}) for _ in range(visitors)]
    waits, start_line = [None] * visitors, threading.Barrier(visitors)

    def visit(number):
        start_line.wait()
        start = time.perf_counter()
        result = clients[number].predict(handle_file(str(source)), GALLERY, "Kathleen", None, None, None,
                                         api_name="/convert")
        if len(load_audio(result, RATE_HZ)) == len(load_audio(source, RATE_HZ)):
            waits[number] = time.perf_counter() - start

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(visitors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits


def peak_mib(pid):
    """The most memory that a process has held, in MiB, from Linux's /proc."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


if __name__ == "__main__":
    sys.exit(main())
