"""Results kept by what they were made from, so that the same recording is never measured twice."""

import hashlib
import json
import os
from pathlib import Path


def digest(*parts):
    """Twenty hexadecimal digits that change when any part (str, bytes, or a Path: the file's content) does."""
    total = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part.encode() if isinstance(part, str) else part
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()[:20]


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
        self._values = dict(json.loads(line) for line in whole.splitlines())

    def get(self, key, compute):
        """The value kept under `key`, or else compute() and keep it."""
        if key not in self._values:
            self._values[key] = compute()
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps([key, self._values[key]]) + "\n")
        return self._values[key]
