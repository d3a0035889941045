"""Deleting what visitors brought, and what was made for them, in time.

gradio has `delete_cache` for this, but it deletes only what is on its lists: the results of handlers that show progress
(they yield) never come on one, nor do uploads that broke off, and an error ends it for good. Here the folder decides.
"""

import contextlib
import os
import threading
import time
from pathlib import Path

OFTEN_S = 60.0  # between two sweeps, or an eighth of the time that files are kept


@contextlib.contextmanager
def swept(folder, keep_s):
    """While the `with` block lasts, files that come into `folder` are deleted `keep_s` after they came or were last
    handed out. What lies there already stays: it is the page's own."""
    own = set(_files(folder))
    ended = threading.Event()

    def work():
        while not ended.wait(min(OFTEN_S, keep_s / 8)):
            sweep(folder, keep_s, own)

    worker = threading.Thread(target=work, name="sweep", daemon=True)
    worker.start()
    try:
        yield
    finally:
        ended.set()
        worker.join()


def sweep(folder, keep_s, own=()):
    """Delete what is older than `keep_s` below `folder`, but not the paths in `own`; folders that are empty for so
    long, too."""
    for path in sorted(_files(folder) - set(own)):
        with contextlib.suppress(OSError):  # gone meanwhile
            if _age_s(path) > keep_s:
                path.unlink()
    for path in Path(folder).iterdir():
        with contextlib.suppress(OSError):  # gone meanwhile, or not empty
            if path.is_dir() and _age_s(path) > keep_s:
                path.rmdir()


def _files(folder):
    """Its files at any depth; a folder that goes while they are listed is left out (rglob would raise)."""
    return {Path(parent, name) for parent, _, names in os.walk(folder) for name in names}


def _age_s(path):
    """By ctime: a copy brings the mtime of what it was copied from."""
    return time.time() - path.lstat().st_ctime
