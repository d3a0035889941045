"""What the demo's visitors bring and get is deleted in time, and the page's own stays."""

import os
import shutil
import tempfile
import threading

import pytest
from helpers import contents, eventually, serve_demo

from vc.demo import sweep
from vc.demo.settings import Settings


def test_what_came_is_deleted_in_time_and_the_pages_own_stays(tmp_path):
    put_file(tmp_path / "0a" / "own.wav")
    with sweep.swept(tmp_path, keep_s=0.2):
        put_file(tmp_path / "1b" / "upload.wav")
        put_file(tmp_path / "tmpfragment")
        assert eventually(lambda: contents(tmp_path) == ["0a/own.wav"] and os.listdir(tmp_path) == ["0a"])
    assert not [thread for thread in threading.enumerate() if thread.name == "sweep"]


def test_what_is_young_stays(tmp_path):
    put_file(tmp_path / "1b" / "upload.wav")
    os.utime(tmp_path / "1b" / "upload.wav", (0, 0))  # as a copy of an old file has it
    sweep.sweep(tmp_path, keep_s=60)
    assert (tmp_path / "1b" / "upload.wav").exists()
    sweep.sweep(tmp_path, keep_s=-1)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_goes_while_it_is_listed_does_not_end_the_sweep(tmp_path):
    ended = threading.Event()

    def come_and_go():
        while not ended.is_set():
            put_file(tmp_path / "1b" / "upload.wav")
            shutil.rmtree(tmp_path / "1b")

    visitor = threading.Thread(target=come_and_go)
    visitor.start()
    try:
        for _ in range(1000):
            sweep.sweep(tmp_path, keep_s=60)
    finally:
        ended.set()
        visitor.join()
    assert list(tmp_path.iterdir()) == []


def put_file(path):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"speech")


def test_all_that_a_visitor_gave_and_got_is_deleted_in_time(tiny_model, source, tmp_path, monkeypatch):
    pytest.importorskip("gradio", reason="the demo's page needs gradio")
    import gradio_client
    import httpx

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sweep, "OFTEN_S", 0.2)
    with serve_demo(tiny_model, max_mb=1) as address:
        (folder,) = tmp_path.glob("vc-demo-*/handed-out")
        own = contents(folder)
        visitor = gradio_client.Client(address, verbose=False, download_files=False)
        # The handler yields, and gradio would forget the file that it made.
        visitor.predict(gradio_client.handle_file(str(source)), "A voice of the gallery", "Kerstin", None, None, None,
                        api_name="/convert")
        break_off_an_upload(address)
        assert eventually(lambda: len(contents(folder)) == len(own) + 3)  # what was given, what was made, a fragment
        age_s = sweep._age_s
        monkeypatch.setattr(sweep, "_age_s", lambda path: age_s(path) + Settings.keep_s)  # half an hour later
        assert eventually(lambda: contents(folder) == own)
        assert own and all(httpx.get(f"{address}gradio_api/file={folder / path}").status_code == 200 for path in own)
        assert [path.name for path in (folder.parent / "work").iterdir() if path.is_dir()] == []


def break_off_an_upload(address):
    import httpx

    def pieces():
        yield b'--X\r\nContent-Disposition: form-data; name="files"; filename="talk.wav"\r\n\r\n' + bytes(100_000)
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        httpx.post(f"{address}gradio_api/upload", content=pieces(),
                   headers={"Content-Type": "multipart/form-data; boundary=X"})
