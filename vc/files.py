"""Writing a file whole or not at all, and a folder that one process at a time writes into."""

import contextlib
import os
import secrets

try:
    import fcntl
except ImportError:  # Windows has no such lock
    fcntl = None


def write_atomically(path, content, private=False):
    """Write str or bytes to `path` (a Path) so that a kill, or another who writes it at the same time, leaves the old
    file or a new one, never half of one. private: nobody but the user may read it, nor look into a folder that is made
    for it. Raises OSError."""
    with replacing(path, private) as draft, open(draft, "wb", opener=_open_private if private else None) as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())


def _open_private(path, flags):
    return os.open(path, flags, 0o600)


@contextlib.contextmanager
def replacing(path, private=False):
    """A Path beside `path`, of a name that nobody else has; what was written there takes its place in one step at the
    end. Where an exception ends it before, nothing is left of it but missing folders, which are made, private ones for
    the user alone. Raises OSError."""
    path.parent.mkdir(0o700 if private else 0o777, parents=True, exist_ok=True)
    draft = path.with_name(f".vc-{secrets.token_hex(6)}.tmp")  # short: a name that just fits must not fail for its twin
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(folder, refusal):
    """Within, no other process that asks for this folder gets it; raises `refusal`, an exception, where one has it."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise refusal from None
        except OSError:  # some disks of other machines have no such lock either
            pass
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def in_our_words(place, refusal, way_on):
    """Within, a full disk, a read-only folder or the like raises `refusal`, a class of exceptions, of one line. place:
    the folder or file that it names. way_on: what to do then."""
    try:
        yield
    except OSError as error:
        raise refusal(f"{place}: cannot be written: {error.strerror or error}; {way_on}") from error
