"""Writing a file whole or not at all, and a folder that one process at a time writes into."""

import contextlib
import os

try:
    import fcntl
except ImportError:  # Windows has no such lock
    fcntl = None


def write_atomically(path, content):
    """Write str or bytes to `path` (a Path) so that a kill leaves the old file or the new one, never half of one.

    What a killed run may leave, `path` with .tmp after it, is overwritten by the next. Raises OSError.
    """
    draft = path.with_name(path.name + ".tmp")
    try:
        with open(draft, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


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
