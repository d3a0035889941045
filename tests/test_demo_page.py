"""The demo as a program meets it: its named endpoints, its refusals, what one visitor sees of another."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers import serve_demo

from vc.audio import audio_label, load_audio, save_audio

pytest.importorskip("gradio", reason="the demo's page needs gradio")
gradio_client = pytest.importorskip("gradio_client")

GALLERY, OWN = "A voice of the gallery", "Recordings that I give"


@pytest.fixture(scope="module")
def address(tiny_model):
    """Of a demo with an untrained model, without a library, that takes 10 s and 1 MB."""
    with serve_demo(tiny_model, max_seconds=10.0, max_mb=1) as address:
        yield address


@pytest.fixture
def visitor(address, tmp_path):
    return gradio_client.Client(address, verbose=False, download_files=str(tmp_path / "downloads"))


def file(path):
    return gradio_client.handle_file(str(path))


def convert(visitor, source, voice="Kerstin", kind=GALLERY, references=()):
    references = [*map(file, references), *[None] * (3 - len(references))]
    return visitor.predict(source and file(source), kind, voice, *references, api_name="/convert")


def enrol(visitor, name, recording, consent=True):
    return visitor.predict(name, file(recording), None, consent, api_name="/enrol")


@contextlib.contextmanager
def refused(message):
    with pytest.raises(gradio_client.exceptions.AppError) as caught:
        yield
    assert message in str(caught.value)
    assert "/" not in str(caught.value).replace("and/or", ""), "a folder of the server"


def test_a_converted_file_comes_back_labelled_and_as_long_as_the_source(visitor, source):
    result = convert(visitor, source)
    assert Path(result).name == "aurora as Kerstin.wav"
    assert len(load_audio(result, 16000)) == len(load_audio(source, 16000))
    assert "converted voice" in audio_label(result)


def test_the_target_may_be_recordings(visitor, source, clips):
    references = [clips / "kerstin/burg.flac", clips / "kerstin/amboise.flac"]
    result = convert(visitor, source, kind=OWN, references=references)
    assert Path(result).name == "aurora as recorded.wav"


def test_bad_recordings_are_refused_in_one_line(visitor, source, tmp_path, clips):
    (tmp_path / "notes.wav").write_text("not a recording")
    with refused("notes.wav: cannot be read"):
        convert(visitor, tmp_path / "notes.wav")
    save_audio(tmp_path / "long.ogg", np.zeros(16000 * 11, np.float32), 16000)
    with refused("long.ogg: lasts longer than the 10 s that this demo takes"):
        convert(visitor, tmp_path / "long.ogg")
    with refused("Record or upload something to say first."):
        convert(visitor, None)
    with refused("at least one recording of the target voice"):
        convert(visitor, source, kind=OWN)
    with refused("Nobody: no such voice here; choose one of Kathleen, "):
        convert(visitor, source, voice="Nobody")


def test_a_large_file_is_refused(visitor, tmp_path):
    (tmp_path / "large.wav").write_bytes(bytes(1_200_000))
    with pytest.raises(Exception, match="413|size"):
        convert(visitor, tmp_path / "large.wav")


def test_no_voice_without_consent_name_and_recording(visitor, source):
    with refused("Tick the box"):
        enrol(visitor, "Anna", source, consent=False)
    for name in " ", None:
        with refused("Give the voice a name."):
            enrol(visitor, name, source)
    with refused("the gallery has a voice of this name"):
        enrol(visitor, "Kerstin", source)


def test_a_visitor_enrols_uses_downloads_and_deletes_a_voice_that_others_do_not_see(visitor, address, source, target):
    assert enrol(visitor, "Anna", target).startswith("**Anna** is added, from ")
    assert Path(convert(visitor, source, voice="Anna")).name == "aurora as Anna.wav"
    assert Path(visitor.predict("Anna", api_name="/download")["value"]).name == "Anna.safetensors"
    assert Path(visitor.predict("Kathleen", "Anna", 0.5, api_name="/blend")).name == "Kathleen to Anna 0.50.wav"
    other = gradio_client.Client(address, verbose=False)
    with refused("Anna: no such voice here"):
        convert(other, source, voice="Anna")
    assert "Anna" not in str(enrol(other, "Bert", target))
    assert visitor.predict("Anna", api_name="/delete") == "Anna is deleted."
    with refused("Anna: no such voice here"):
        convert(visitor, source, voice="Anna")


def test_voices_of_the_library_are_every_programs(tiny_model, target, tmp_path, monkeypatch):
    monkeypatch.setenv("VC_VOICES", str(tmp_path / "voices"))
    with serve_demo(tiny_model, library=True) as address:
        one, other = (gradio_client.Client(address, verbose=False, download_files=str(tmp_path)) for _ in range(2))
        enrol(one, "Berta", target)
        assert Path(other.predict("Kathleen", "Berta", 0.5, api_name="/blend")).name == "Kathleen to Berta 0.50.wav"
        assert Path(other.predict("Berta", api_name="/download")["value"]).name == "Berta.safetensors"
        assert other.predict("Berta", api_name="/delete") == "Berta is deleted."
        calls = {"/blend": ("Kathleen", "Berta", 0.5), "/download": ["Berta"], "/delete": ["Berta"]}
        for endpoint, words in calls.items():
            with refused("Berta: no"):
                one.predict(*words, api_name=endpoint)


def test_half_way_between_two_voices(visitor):
    result = visitor.predict("Kathleen", "Reader 27", 0.5, api_name="/blend")
    assert Path(result).name == "Kathleen to Reader 27 0.50.wav"


def test_a_batch_converts_what_it_can_and_names_the_rest(visitor, clips, tmp_path):
    (tmp_path / "notes.wav").write_text("not a recording")
    files = [clips / "kathleen/again.flac", tmp_path / "notes.wav", clips / "kerstin/burg.flac"]
    archive, report = visitor.predict([file(path) for path in files], "Nathalie", api_name="/batch")
    assert zipfile.ZipFile(archive).namelist() == ["01 again as Nathalie.wav", "03 burg as Nathalie.wav"]
    assert "- again.flac: done\n" in report and "- notes.wav: cannot be read" in report
    with refused("None of the files could be converted."):
        visitor.predict([file(tmp_path / "notes.wav")], "Nathalie", api_name="/batch")


def test_a_batch_says_which_recordings_are_silent_or_cut_short(visitor, source, tmp_path):
    save_audio(tmp_path / "silent.wav", np.zeros(16000, np.float32), 16000)
    save_audio(tmp_path / "whole.wav", load_audio(source, 16000), 16000)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "whole.wav").read_bytes()[:30000])
    files = [file(tmp_path / f"{name}.wav") for name in ("silent", "cut", "whole")]
    _, report = visitor.predict(files, "Nathalie", api_name="/batch")
    assert report.split("\n") == ["- silent.wav: done; is silent, so is the result",
                                  "- cut.wav: done; damaged or cut short, only the first 0.9 s of 1.8 s can be read",
                                  "- whole.wav: done"]


def test_files_of_the_server_and_of_elsewhere_are_out_of_reach(visitor, address, source, repository):
    import httpx

    result = convert(visitor, source)
    assert httpx.get(f"{address}gradio_api/file={repository / 'README.md'}").status_code in (403, 404)
    assert httpx.get(f"{address}gradio_api/file={result}").status_code in (403, 404)  # the client's own copy
    assert httpx.get(f"{address}gradio_api/file=/etc/passwd").status_code in (403, 404)
    inside = str(repository / "tests/data/clips/kerstin/burg.flac")
    for path in ("/etc/passwd", inside, "https://example.org/a.wav"):
        answer = name_a_file(address, path)
        assert "event: error" in answer and "event: complete" not in answer, answer
        assert "://" not in path or "addresses are not fetched" in answer


def name_a_file(address, path):
    """What comes back to a program that names a file of the server's instead of bringing one."""
    import httpx

    body = {"data": [{"path": str(path), "meta": {"_type": "gradio.FileData"}}, GALLERY, "Kerstin", None, None, None]}
    event = httpx.post(f"{address}gradio_api/call/convert", json=body).json()["event_id"]
    return httpx.get(f"{address}gradio_api/call/convert/{event}", timeout=60).text


def test_auth_keeps_programs_out_that_do_not_know_it(tiny_model):
    import httpx

    with serve_demo(tiny_model, auth=("anna", "secret")) as address:
        for name in ("config", "gradio_api/info", "gradio_api/file=x.wav"):
            assert httpx.get(address + name).status_code == 401, name
        assert httpx.post(f"{address}gradio_api/upload", files={"files": ("a.wav", b"")}).status_code == 401
        with pytest.raises(ValueError, match="Could not login"):
            gradio_client.Client(address, auth=("anna", "wrong"), verbose=False)
        anna = gradio_client.Client(address, auth=("anna", "secret"), verbose=False)
        assert anna.predict("Kathleen", "Kerstin", 0.5, api_name="/blend")


def test_one_visitors_files_are_out_of_anothers_reach(address, source, tmp_path):
    """Who has the address of a file has the file; nothing that is served tells another visitor's addresses."""
    import httpx

    anna = gradio_client.Client(address, verbose=False, download_files=False)
    result = convert(anna, source)
    assert httpx.get(result["url"]).status_code == 200
    path = Path(result["path"])
    guessed = path.parents[1] / ("0" * 64) / path.name
    for place in (path.parent, f"{path.parent}/", path.parents[1], path.parents[2], guessed,
                  f"{path.parents[1]}/../work/kathleen.opus"):
        assert httpx.get(f"{address}gradio_api/file={place}").status_code in (403, 404), place
    for public in ("", "config", "gradio_api/info", "gradio_api/runs", "gradio_api/queue/status", "monitoring",
                   "monitoring/summary"):
        assert path.parent.name not in httpx.get(address + public).text, public
    other = gradio_client.Client(address, verbose=False)
    assert other.session_hash != anna.session_hash
    assert f"{path.name}: no longer here" in name_a_file(address, guessed)
    assert "event: complete" in name_a_file(address, path)


def test_what_is_served_is_named_and_nothing_else(visitor):
    endpoints = visitor.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert sorted(endpoints) == ["/batch", "/blend", "/convert", "/delete", "/download", "/enrol"]


def test_the_command_serves_until_it_is_told_to_stop_and_leaves_nothing(tiny_model, repository, tmp_path):
    from helpers import free_port

    process = subprocess.Popen([sys.executable, "-m", "vc", "demo", "--port", str(free_port()), "--model", tiny_model],
                               cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(repository),
                                    "TMPDIR": str(tmp_path), "VC_VOICES": str(tmp_path / "voices")})
    try:
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        (folder,) = tmp_path.glob("vc-demo-*")
        assert folder.stat().st_mode & 0o077 == 0
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, errors) == (0, "")
    assert list(tmp_path.glob("*")) == []


def test_what_is_still_written_when_the_demo_ends_does_not_keep_its_folder(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    over = threading.Event()

    def write(folder):
        for number in itertools.count():
            try:
                (folder / str(number)).touch()
            except FileNotFoundError:  # the folder is gone
                over.set()
                return

    with serve_demo(tiny_model):
        (work,) = tmp_path.glob("vc-demo-*/work")
        threading.Thread(target=write, args=(work,), daemon=True).start()
    assert over.wait(10)
    assert list(tmp_path.glob("*")) == []


def test_a_file_that_comes_while_the_folder_is_deleted_does_not_keep_it(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    remove, late = os.rmdir, []

    def remove_too_late(path, *, dir_fd=None):
        if not late and os.path.basename(path) == "work":
            late.append(os.path.join(path, "late"))
            os.close(os.open(late[0], os.O_CREAT, dir_fd=dir_fd))
        remove(path, dir_fd=dir_fd)

    with serve_demo(tiny_model):
        monkeypatch.setattr(os, "rmdir", remove_too_late)
    assert late
    assert list(tmp_path.glob("*")) == []


def test_a_port_in_use_is_refused(call, address, tiny_model):
    port = address.rstrip("/").rpartition(":")[2]
    call("demo", "--port", port, "--model", tiny_model).assert_refused(f"127.0.0.1:{port}: cannot serve there")


def test_without_gradio_the_command_says_what_to_install(call, tiny_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    call("demo", "--model", tiny_model).assert_refused("the demo needs gradio", "pip install vc[demo]")
