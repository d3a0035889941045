"""What comes in broken: the message that says so, the exit code, and that nothing half-made is left behind.

All of it goes through the command line, in this process where that is enough (see conftest.py).
"""

import contextlib
import os
import pickle
import resource
import shutil

import numpy as np
import pytest
import soundfile
import torch
from helpers import contents
from safetensors.torch import save_file

RATE_HZ = 16000


@pytest.fixture
def speech(clips):
    """1.84 s of speech at 16 kHz: float32 (N,)."""
    return soundfile.read(clips / "kathleen" / "aurora.flac", dtype="float32")[0]


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def prepared(call, clips, tmp_path):
    """A folder that holds prepared data; the run of `train` lies beside it."""
    assert call("prepare", clips, "-o", tmp_path / "data", "--workers", "1").code == 0
    return tmp_path


def write(path, audio, rate_hz=RATE_HZ, **settings):
    soundfile.write(path, audio, rate_hz, **settings)
    return path


# Recordings that cannot be used


def make_missing(path, speech):
    pass


def make_folder(path, speech):
    path.mkdir()


def make_empty(path, speech):
    path.touch()


def make_no_samples(path, speech):
    write(path, speech[:0])


def make_20_ms(path, speech):
    write(path, speech[8000:8320])


def make_nan(path, speech):
    write(path, np.where(np.arange(len(speech)) == 9000, np.nan, speech), subtype="FLOAT")


def make_infinite(path, speech):
    write(path, np.where(np.arange(len(speech)) == 9000, np.inf, speech), subtype="FLOAT")


def make_text(path, speech):
    path.write_text("This is no recording, whatever its name says.\n" * 20)


def make_pipe(path, speech):
    os.mkfifo(path)


def make_stub_of_mp3(path, speech):
    whole = path.with_suffix(".mp3")
    write(whole, speech)
    path.write_bytes(whole.read_bytes()[:20])
    whole.unlink()


UNUSABLE = [
    (make_missing, "no such file; check the path"),
    (make_empty, "is empty (0 bytes), expected an audio file; copy or record it again"),
    (make_no_samples, "holds no samples that can be read; record or convert it again"),
    (make_nan, "holds NaN or infinite samples near 0.5 s, expected ones up to about 1; convert or record it again"),
    (make_infinite, "holds NaN or infinite samples near 0.5 s"),
    (make_text, "cannot be read, "),
    (make_stub_of_mp3, "cannot be read, "),
    (make_pipe, "is a pipe or device, expected an audio file; save the audio to a file first"),
]


@pytest.mark.parametrize("make, message", [
    *UNUSABLE,
    (make_20_ms, "lasts 0.020 s, expected at least 0.1 s; give a longer recording"),
])
def test_a_source_that_cannot_be_used(convert, speech, target, tmp_path, out, make, message):
    make(tmp_path / "bad.wav", speech)
    ended = convert(tmp_path / "bad.wav", "--target", target, "-o", out / "result.wav")
    ended.assert_refused(f"vc: error: {tmp_path}/bad.wav: {message}", folder=out)


def test_a_folder_without_audio(convert, target, tmp_path, out):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "notes.txt").write_text("no recording")
    ended = convert(tmp_path / "in", "--target", target, "-o", out)
    ended.assert_refused(f"{tmp_path}/in: a folder without audio files, expected at least one of .aac", folder=out)


def make_silent(path, speech):
    write(path, 0 * speech)


def make_offset(path, speech):
    write(path, 0 * speech + 0.5)


def make_nearly_silent(path, speech):
    write(path, 1e-4 * speech, subtype="FLOAT")


@pytest.mark.parametrize("make, message", [
    *UNUSABLE,
    (make_folder, "a folder without audio files, expected at least one of .aac"),
    (make_20_ms, "lasts 0.02 s, expected at least 0.5 s; give a longer recording"),
    (make_silent, "is silent (level -inf dBFS), expected speech above -70 dBFS; check the microphone or choose another "
                  "recording"),
    (make_offset, "is silent (level -inf dBFS)"),
    (make_nearly_silent, "is silent (level -105 dBFS)"),
])
def test_a_reference_that_cannot_be_used(convert, speech, source, target, tmp_path, out, caplog, make, message):
    """Alone it is refused, among others left out, but for a name that nothing has."""
    bad = tmp_path / "bad.wav"
    make(bad, speech)
    ended = convert(source, "--target", bad, "-o", out / "result.wav")
    ended.assert_refused(f"vc: error: {bad}: {message}", folder=out)
    among_others = convert(source, "--target", bad, target, "-o", out / "result.wav")
    if make is make_missing:
        among_others.assert_refused(f"vc: error: {bad}: {message}", folder=out)
        return
    assert among_others.code == 0
    assert [(told.startswith(f"{bad}: {message}"), told.endswith("; it is left out")) for told in caplog.messages] == [
        (True, True)]


@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_a_silent_source_gives_silence_with_a_warning(convert, speech, target, tmp_path, out, caplog, level):
    write(tmp_path / "still.wav", level * speech, subtype="FLOAT")
    assert convert(tmp_path / "still.wav", "--target", target, "-o", out / "result.wav").code == 0
    assert [record.getMessage() for record in caplog.records] == [f"{tmp_path}/still.wav: is silent, so is the result"]
    audio = soundfile.read(out / "result.wav")[0]
    assert len(audio) == len(speech) and not audio.any()


# Recordings that are odd and must work


ODD = {
    "8 kHz": lambda path, speech: write(path, speech[::2], 8000),
    "192 kHz": lambda path, speech: write(path, np.repeat(speech, 12), 192000),
    "7 channels": lambda path, speech: write(path, np.stack([speech] * 7, axis=1)),
    "8 bits": lambda path, speech: write(path, speech, subtype="PCM_U8"),
    "far too loud": lambda path, speech: write(path, 1e6 * speech, subtype="FLOAT"),
    "far too quiet": lambda path, speech: write(path, 1e-2 * speech, subtype="FLOAT"),
    "other format than its name": lambda path, speech: write(path, speech, format="FLAC"),
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD.keys())
def test_an_odd_recording_works_as_source_and_as_reference(convert, speech, source, tmp_path, out, make):
    odd = make(tmp_path / "odd.wav", speech)
    assert convert(odd, "--target", odd, "-o", out / "result.wav").code == 0
    audio, rate_hz = soundfile.read(out / "result.wav")
    assert (rate_hz, len(audio)) == (RATE_HZ, len(speech))
    assert 1e-4 < np.abs(audio).max() < 1
    assert contents(out) == ["result.wav"]


def test_of_a_truncated_mp3_the_beginning_is_converted(convert, speech, target, tmp_path, out, caplog):
    whole = write(tmp_path / "whole.mp3", speech).read_bytes()
    (tmp_path / "cut.mp3").write_bytes(whole[:len(whole) // 2])
    assert convert(tmp_path / "cut.mp3", "--target", target, "-o", out / "result.wav").code == 0
    assert 0.6 < soundfile.info(out / "result.wav").duration < 1
    assert "cut.mp3: damaged or cut short, only the first 0.8 s of 1.8 s can be read" in caplog.text


@pytest.mark.parametrize("name", ["гучномовець 音声 é.flac", "two  spaces\nand a line.flac", "%s{0}.flac",
                                  "a" * 250 + ".flac"])
def test_any_name_is_a_name(convert, source, target, tmp_path, out, name):
    """Also one of 255 bytes, as long as the file system takes."""
    shutil.copy(source, tmp_path / name)
    ended = convert(tmp_path / name, "--target", target, "-o", out)
    assert (ended.code, ended.err) == (0, "")
    assert contents(out) == [name]


def test_a_name_that_is_too_long(convert, source, target, tmp_path, monkeypatch):
    """Given, and inferred from a long one."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(source, "b" * 250 + ".flac")
    long = "a" * 252 + ".wav"
    convert(source, "--target", target, "-o", long).assert_refused(f"{long}: cannot be written: File name too long")
    convert("b" * 250 + ".flac", "--target", target).assert_refused("-as-burg.wav: cannot be written: File name too")
    convert(long, "--target", target, "-o", "out").assert_refused(f"{long}: cannot be opened: File name too long")
    convert(source, "--target", long).assert_refused(f"{long}: cannot be opened: File name too long")
    assert contents(tmp_path) == ["b" * 250 + ".flac"]


# Outputs that cannot be written


def test_a_read_only_folder(call, convert, clips, prepared, repository, tiny_model, source, target, disk, monkeypatch):
    folder = disk(writable=False)
    convert(source, "--target", target, "-o", folder / "result.wav").assert_refused(
        f"{folder}/result.wav: cannot be written: Read-only file system")
    convert(source, "--target", target, "-o", folder / "new" / "result.wav").assert_refused(
        f"{folder}/new/result.wav: cannot make the folder {folder}/new: Read-only file system")
    monkeypatch.setenv("VC_VOICES", str(folder))
    call("voice", "add", "kerstin", target, "--model", tiny_model).assert_refused(
        f"{folder}/kerstin.safetensors: cannot be written (Read-only file system)")
    call("prepare", clips, "-o", folder / "data").assert_refused(
        f"{folder}/data: cannot be written: Read-only file system")
    train(call, repository, prepared, "-o", folder / "run").assert_refused(
        f"{folder}/run: cannot be written: Read-only file system; choose another folder")
    assert contents(folder) == []


@pytest.mark.parametrize("command", [["list"], ["add", "kerstin", "any.wav"], ["remove", "kerstin"]])
def test_a_file_in_the_place_of_the_voices_folder(call, monkeypatch, tmp_path, target, tiny_model, command):
    (tmp_path / "voices").write_text("precious")
    monkeypatch.setenv("VC_VOICES", str(tmp_path / "voices"))
    given = [str(target) if part == "any.wav" else part for part in command]
    call("voice", *given, *(["--model", tiny_model] if "add" in command else [])).assert_refused(
        f"{tmp_path}/voices: a file, expected the folder that voices are kept in; let VC_VOICES name a folder")
    assert (tmp_path / "voices").read_text() == "precious"


@pytest.mark.parametrize("size_kb", [32, 160])
def test_a_full_disk(convert, source, target, disk, size_kb):
    """Of the 116 kB in which the sound waits and the 58 of the file, not even the first fits, or not the second."""
    folder = disk(size_kb)
    (folder / "result.wav").write_text("precious")
    ended = convert(source, "--target", target, "-o", folder / "result.wav", "--force")
    ended.assert_refused(f"{folder}/result.wav: cannot be written: ")
    assert "No space left on device" in ended.err or "is the disk full?" in ended.err
    assert contents(folder) == ["result.wav"] and (folder / "result.wav").read_text() == "precious"


@contextlib.contextmanager
def largest_file(size_bytes):
    """A limit on the size of files, as a quota sets it; unlike mounting, anybody may do so."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_a_limit_on_file_sizes(convert, source, target, out, suffix):
    with largest_file(20_000):
        ended = convert(source, "--target", target, "-o", out / f"result.{suffix}")
    ended.assert_refused(f"{out}/result.{suffix}: cannot be written: File too large", folder=out)


def test_a_model_that_does_not_fit_the_disk(call, prepared, repository):
    """A training run on a disk without room says so in one line as well."""
    with largest_file(20_000):
        ended = train(call, repository, prepared)
    assert ended.code == 1
    assert last_line(ended) == (f"vc: error: {prepared}/run/best.safetensors: cannot be written (File too large); free "
                                f"space or choose another place, nothing was changed")
    assert not any("safetensors" in name for name in contents(prepared / "run"))


@pytest.mark.parametrize("sources, output, victim", [
    (["x/a.flac"], "x/a.flac", "x/a.flac"),
    (["x/a.flac"], "x", "x/a.flac"),
    (["x"], "x", "x/a.flac"),
    (["x/a.flac"], "b.flac", "b.flac"),
    (["x/a.flac"], "link.flac", "link.flac"),
    (["x", "y/sub/c.flac"], "y", "y/sub/c.flac"),
], ids=["the source", "in its folder", "the folder itself", "the reference", "a hard link", "another source"])
def test_what_is_read_is_never_written_over(convert, source, target, tmp_path, monkeypatch, sources, output, victim):
    """Not even with --force, and whatever name it goes by."""
    monkeypatch.chdir(tmp_path)
    for name in "x/a.flac", "x/sub/c.flac", "y/sub/c.flac", "b.flac":
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(target if name == "b.flac" else source, tmp_path / name)
    os.link("x/a.flac", "link.flac")
    before = {name: (tmp_path / name).read_bytes() for name in contents(tmp_path)}
    ended = convert(*sources, "--target", "b.flac", "-o", output, "--force")
    ended.assert_refused(f"{victim}: is itself read by this call and would be written over")
    assert {name: (tmp_path / name).read_bytes() for name in contents(tmp_path)} == before


@pytest.mark.parametrize("arguments, victim", [
    ("encode x.flac -o x.flac", "x.flac"),
    ("encode x.flac -o link.flac", "link.flac"),
    ("encode x.flac -o m.safetensors --model m.safetensors", "m.safetensors"),
    ("decode s.vcs --target x.flac y.flac -o y.flac", "y.flac"),
    ("export m.onnx -o m.onnx", "m-encoder.onnx"),
    ("probe m.safetensors --data t.tsv -o t.tsv", "t.tsv"),
    ("probe m.safetensors --data t.tsv -o m.safetensors", "m.safetensors"),
], ids=lambda text: text.partition(" -o")[0])
def test_no_command_writes_over_what_it_reads(call, tiny_model, source, tmp_path, monkeypatch, arguments, victim):
    monkeypatch.chdir(tmp_path)
    for name in "x.flac", "y.flac", "s.vcs", "t.tsv":
        shutil.copy(source, name)
    os.link("x.flac", "link.flac")
    for name in "m.safetensors", "m.onnx":
        shutil.copy(tiny_model, name)
    os.link("m.onnx", "m-encoder.onnx")
    before = {name: (tmp_path / name).read_bytes() for name in contents(tmp_path)}
    call(*arguments.split(), "--force").assert_refused(f"{victim}: is itself read by this call and would be written")
    assert {name: (tmp_path / name).read_bytes() for name in contents(tmp_path)} == before


# Model files that are none


def replace_in_header(model, old, new):
    """Another text of the same length in the header."""
    content = model.read_bytes()
    assert content.count(old) == 1 and len(old) == len(new)
    model.write_bytes(content.replace(old, new))


def truncate(model):
    model.write_bytes(model.read_bytes()[:-1000])


def cut_in_header(model):
    model.write_bytes(model.read_bytes()[:1000])


def flip_in_tensors(model):
    content = bytearray(model.read_bytes())
    content[-1000] ^= 1
    model.write_bytes(content)


def flip_in_header(model):
    content = bytearray(model.read_bytes())
    content[content.index(b'"step":"0"') + len('"step":"')] ^= 1
    model.write_bytes(content)


def flip_in_length(model):
    content = bytearray(model.read_bytes())
    content[6] ^= 1
    model.write_bytes(content)


def other_version(model):
    replace_in_header(model, b'"version":"1"', b'"version":"2"')


def other_mel(model):
    replace_in_header(model, rb'\"hop_samples\":200', rb'\"hop_samples\":160')


def other_program(model):
    save_file({"weight": torch.zeros(3)}, model, metadata={"format": "pt"})


def torch_archive(model):
    torch.save({"weight": torch.zeros(3)}, model)


def old_torch_archive(model):
    torch.save({"weight": torch.zeros(3)}, model, _use_new_zipfile_serialization=False)


def text(model):
    model.write_text("weights: many\n" * 50)


def empty(model):
    model.write_bytes(b"")


def missing(model):
    model.unlink()


def folder(model):
    model.unlink()
    model.mkdir()


BROKEN_MODELS = {
    truncate: "not a readable safetensors file (",
    cut_in_header: "not a readable safetensors file (",
    flip_in_tensors: "the checksum does not match, the file was damaged after it was written; copy or download it",
    flip_in_header: "the checksum does not match",
    flip_in_length: "not a readable safetensors file (",
    other_version: "written in version 2 of the format, this program reads version 1; use the release that wrote it",
    other_mel: "the checksum does not match",
    other_program: "a safetensors file of another program, expected one that `vc train` wrote",
    torch_archive: "it is a pickle, which could execute code and is never loaded",
    old_torch_archive: "it is a pickle, which could execute code and is never loaded",
    text: "not a readable safetensors file (",
    folder: "not a readable safetensors file (it is a folder)",
    empty: "not a readable safetensors file (",
    missing: "no such file; give a .safetensors file that `vc train` wrote",
}


@pytest.mark.parametrize("damage, message", BROKEN_MODELS.items(), ids=[make.__name__ for make in BROKEN_MODELS])
def test_a_model_file_that_is_none(call, tiny_model, source, target, tmp_path, out, damage, message):
    model = tmp_path / "model.safetensors"
    shutil.copy(tiny_model, model)
    damage(model)
    call("info", model).assert_refused(f"vc: error: {model}: ", message)
    ended = call("convert", source, "--target", target, "--model", model, "-o", out / "result.wav")
    ended.assert_refused(f"vc: error: {model}: ", message, folder=out)


class Payload:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize("place", ["model", "voice", "source", "config", "data"])
def test_a_pickle_is_not_executed(call, convert, repository, source, target, tmp_path, monkeypatch, place, protocol):
    """Wherever a file is read; the payload itself works."""
    evil, proof = tmp_path / "evil.safetensors", tmp_path / "executed"
    evil.write_bytes(pickle.dumps(Payload(proof), protocol))
    monkeypatch.setenv("VC_VOICES", str(tmp_path))
    calls = {"model": lambda: call("convert", source, "--target", target, "--model", evil),
             "voice": lambda: convert(source, "--target", "evil"),
             "source": lambda: convert(evil, "--target", target),
             "config": lambda: call("train", evil, "-o", tmp_path / "run"),
             "data": lambda: call("prepare", evil, "-o", tmp_path / "data")}
    calls[place]().assert_refused("evil")
    assert contents(tmp_path) == ["evil.safetensors"] and not proof.exists()
    pickle.loads(evil.read_bytes())
    assert proof.exists()


# Training that cannot begin or go on


def train(call, repository, folder, *arguments):
    return call("train", repository / "configs" / "tiny.yaml", f"data.path={folder / 'data'}", "train.steps=2",
                "train.precision=float32", "-o", folder / "run", *arguments, "--device", "cpu")


def last_line(ended):
    """Training's progress bar is on stderr as well; nothing but the error may follow it."""
    assert ended.out == "" and "Traceback" not in ended.err
    return ended.err.replace("\r", "\n").splitlines()[-1]


@pytest.mark.parametrize("override, message", [
    ("train.stepz=3", "unknown setting train.stepz; did you mean train.steps?"),
    ("trian.steps=3", "unknown setting trian; did you mean train?"),
    ("train.steps=many", "train.steps: got 'many', input should be a valid integer"),
    ("train.steps=0", "train.steps: got 0, input should be greater than or equal to 1"),
    ("train=3", "train: got 3, input should be a valid dictionary"),
    ("train.steps", "'train.steps': expected section.key=value, for instance train.steps=1000"),
    ("train.steps=[1", "'train.steps=[1': the value is not YAML"),
    ("train.steps=2001-99-99", "'train.steps=2001-99-99': the value is not YAML"),
    ("train.steps=!!int abc", "'train.steps=!!int abc': the value is not YAML"),
    ("train.steps=" + "[" * 3000, "the value is not YAML"),
    ("model.bottleneck=thin", "unknown bottleneck 'thin'; choose one of plain, sigmoid, vae, vq"),
    ("mel.sample_rate_hz=24000", "prepared at 16000 Hz, the model hears 24000 Hz; prepare again with --sample-rate"),
])
def test_a_setting_that_is_none(call, prepared, repository, override, message):
    train(call, repository, prepared, override).assert_refused(message, folder=prepared / "run")


@pytest.mark.parametrize("content, message", [
    ("train: {stepz: 3}", "unknown setting train.stepz; did you mean train.steps?"),
    ("- a list", "holds a list, expected `section:` lines with `key: value`"),
    ("base: [1, 2]", "base: got [1, 2], expected the name of a config file"),
    ("base: nowhere.yaml", "nowhere.yaml: no such config; the project's own lie in configs/"),
    ("train: {", "not a YAML file: "),
    ("\x00", "not a YAML file: "),
    ("train: {steps: 2001-99-99}", "not a YAML file: "),
    ("train: {steps: !!int abc}", "not a YAML file: "),
    ("train: {steps: !!bool abc}", "not a YAML file: "),
    ("train: {steps: !!timestamp abc}", "not a YAML file: "),
    ("[" * 3000, "not a YAML file: "),
    ('base: "a\\0b"', "no name of a file"),
])
def test_a_config_that_is_none(call, tmp_path, out, content, message):
    (tmp_path / "mine.yaml").write_text(content)
    call("train", tmp_path / "mine.yaml", "-o", out).assert_refused(message, str(tmp_path), folder=out)


def test_a_value_that_swells_is_not_told_at_length(call, tmp_path, out):
    lines = ["a: &a0 [x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 8)}]" for level in range(1, 7)]
    (tmp_path / "mine.yaml").write_text("\n".join(lines) + "\ntrain: {steps: *a6}\nbase: *a6\n")
    refused = call("train", tmp_path / "mine.yaml", "-o", out)
    refused.assert_refused("base: got [[[...], ", folder=out)
    (tmp_path / "mine.yaml").write_text("\n".join(lines) + "\ntrain: {steps: *a6}\n")
    told = call("train", tmp_path / "mine.yaml", "-o", out)
    told.assert_refused("train.steps: got [[[...], ", folder=out)
    assert len(refused.err) < 999 and len(told.err) < 5000


def test_prepared_data_that_is_none(call, prepared, repository, clips):
    data = prepared / "data"
    kept = (data / "audio.i16").read_bytes()
    (data / "audio.i16").write_bytes(kept[:-2])
    train(call, repository, prepared).assert_refused(f"{data}: audio.i16 holds ", "the copy is incomplete")
    (data / "store.json").write_text("{")
    train(call, repository, prepared).assert_refused(f"{data}: its store.json is damaged; delete the folder and run")
    shutil.rmtree(data)
    train(call, repository, prepared).assert_refused(f"{data}: not a prepared corpus (no store.json); make one with "
                                                     f"`vc prepare`")
    shutil.copytree(clips, data)
    train(call, repository, prepared).assert_refused(f"{data}: not a prepared corpus")
    assert not (prepared / "run").exists()


@pytest.mark.parametrize("make, message", [
    (make_missing, "no such folder or table"),
    (make_folder, "holds no audio file; expected .aac, .aif"),
    (make_empty, "is one recording, expected a table or a folder with a folder for each speaker"),
])
def test_what_cannot_be_prepared(call, speech, tmp_path, out, make, message):
    make(tmp_path / "in.wav", speech)
    call("prepare", tmp_path / "in.wav", "-o", out).assert_refused(f"{tmp_path}/in.wav: {message}", folder=out)


def test_when_no_recording_can_be_prepared(call, speech, tmp_path, out):
    (tmp_path / "in" / "anna").mkdir(parents=True)
    make_20_ms(tmp_path / "in" / "anna" / "a.wav", speech)
    make_text(tmp_path / "in" / "anna" / "b.wav", speech)
    ended = call("prepare", tmp_path / "in", "-o", out, "--workers", "1")
    assert ended.code == 1
    assert last_line(ended) == (f"vc: error: {tmp_path}/in: none of the 2 recordings can be used (1 too short, 1 "
                                f"unreadable); {out}/report.tsv tells of each")


def test_a_run_is_not_trained_over_and_survives_a_loss_that_is_not_finite(call, prepared, repository):
    assert train(call, repository, prepared).code == 0
    kept = {name: (prepared / "run" / name).read_bytes() for name in ("last.safetensors", "best.safetensors")}
    train(call, repository, prepared).assert_refused(
        f"{prepared}/run: holds a training run already; continue it with --resume or choose another folder")
    ended = train(call, repository, prepared, "--resume", "train.steps=9", "train.learning_rate=1e30")
    assert ended.code == 1
    assert last_line(ended).startswith("vc: error: step ")
    assert ("is not finite; look at the recordings of this step or lower train.learning_rate, then continue with "
            f"--resume from what {prepared}/run/last.safetensors held before") in last_line(ended)
    assert {name: (prepared / "run" / name).read_bytes() for name in kept} == kept
    assert not any(name.endswith(".tmp") for name in contents(prepared / "run"))
    assert train(call, repository, prepared, "--resume", "train.steps=3").code == 0
