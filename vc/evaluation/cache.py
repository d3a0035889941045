"""Results kept by what they were made from, so that the same recording is never measured twice."""

import functools
import hashlib
import json
import os
from pathlib import Path

import vc
from vc.errors import AudioError


def digest(*parts):
    """Twenty hexadecimal digits that change when any part (str, bytes, or a Path: the file's content) does.

    Raises AudioError for a recording that is not there.
    """
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            total.update(_file_digest(part))
        else:
            total.update(hashlib.sha256(part.encode() if isinstance(part, str) else part).digest())
    return total.hexdigest()[:20]


def _file_digest(path):
    try:
        stat = path.stat()
        return _digest_at(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise AudioError(f"{path}: cannot be read: {error.strerror}; check the path") from None
    except ValueError:  # a NUL
        raise AudioError(f"{str(path)!r}: no name of a file; check the path") from None


@functools.lru_cache(maxsize=10000)
def _digest_at(path, size, modified_ns):
    """Of a file's content; the other arguments make a changed file another one. A list asks for one file many times."""
    return hashlib.sha256(path.read_bytes()).digest()


@functools.cache
def program_digest(package=Path(vc.__file__).parent):
    """A digest that changes with any line of a package's code: what yesterday's program made is not today's."""
    files = sorted(package.rglob("*.py"))
    return digest(*(str(file.relative_to(package)) for file in files), *files)


def _entry(line):
    """[key, value] of a line; None for a damaged one, whose value is computed anew."""
    try:
        key, value = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return None
    return (key, value) if isinstance(key, str) else None


class Cache:
    """A dictionary of JSON values in a file of lines; what was computed survives a kill.

    >>> cache = Cache("measures.jsonl")
    >>> cache.get(digest("length", path), lambda: len(load(path)))
    """

    def __init__(self, path):
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content = self.path.read_bytes() if self.path.exists() else b""
        whole = content[:content.rfind(b"\n") + 1]
        if len(whole) < len(content):  # a killed run left half a line
            os.truncate(self.path, len(whole))
        self._values = dict(filter(None, map(_entry, whole.splitlines())))

    def __contains__(self, key):
        return key in self._values

    def __getitem__(self, key):
        return self._values[key]

    def put(self, key, value):
        """Keep a JSON value under `key`."""
        self._values[key] = value
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps([key, value]) + "\n")

    def get(self, key, compute):
        """The value kept under `key`, or else compute() and keep it."""
        if key not in self:
            self.put(key, compute())
        return self[key]
