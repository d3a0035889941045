"""Files appear whole or not at all, whoever else writes them; a folder has one writer at a time."""

import os
import threading

import pytest
from helpers import contents

from vc.files import alone, replacing, write_atomically


def test_of_two_writers_one_has_the_say_and_nobody_reads_a_mixture(tmp_path):
    path, texts, seen = tmp_path / "file", [letter * 100_000 for letter in "ab"], set()
    write_atomically(path, texts[0])

    def write(text):
        for _ in range(60):
            write_atomically(path, text)

    writers = [threading.Thread(target=write, args=(text,)) for text in texts]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        seen.add(path.read_text())
    assert seen <= set(texts)
    assert contents(tmp_path) == ["file"]


@pytest.mark.parametrize("private, mode", [(False, 0o755), (True, 0o700)])
def test_missing_folders_are_made(tmp_path, private, mode):
    before = os.umask(0o022)
    try:
        write_atomically(tmp_path / "made" / "file", "text", private)
    finally:
        os.umask(before)
    assert (tmp_path / "made" / "file").read_text() == "text"
    if os.name == "posix":
        assert (tmp_path / "made").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("stop", [OSError, KeyboardInterrupt])
def test_a_writer_who_is_stopped_leaves_what_was_there(tmp_path, stop):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(stop), replacing(path) as draft:
        draft.write_text("ne")
        raise stop
    assert (contents(tmp_path), path.read_text()) == (["file"], "old")


def test_a_folder_is_given_to_one_at_a_time(tmp_path):
    pytest.importorskip("fcntl")
    with alone(tmp_path, ValueError("busy")):
        with pytest.raises(ValueError, match="busy"), alone(tmp_path, ValueError("busy")):
            raise AssertionError("was let in")
    with alone(tmp_path, ValueError("busy")):
        pass
