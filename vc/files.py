"""Writing a file whole or not at all."""

import os


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
