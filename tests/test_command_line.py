"""The command line as a user calls it: what is written where, on which stream, with which exit code.

Importing torch takes seconds, so only what needs a process of its own gets one: the whole way from recordings to a
converted file, and what is imported for --help. The other tests call the same `main` in this process.
"""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from helpers import contents, eventually, save_untrained
from safetensors.torch import load_file

from vc import cli
from vc.checkpoint import load_checkpoint, save_checkpoint
from vc.commands.shared import run_folder
from vc.conversion import Converter
from vc.data.layouts import LAYOUTS
from vc.distributed import join_crew
from vc.errors import AudioError
from vc.jobs import plan_jobs

RATE_HZ = 16000
COMMANDS = ("convert", "example", "voice", "demo", "prepare", "train", "evaluate", "probe", "compare", "info", "export")


@pytest.fixture(autouse=True)
def voices(monkeypatch, tmp_path):
    """The enrolled voices of these tests lie apart from the user's."""
    monkeypatch.setenv("VC_VOICES", str(tmp_path / "voices"))
    return tmp_path / "voices"


@pytest.fixture
def enrol(call, tiny_model):
    return lambda *arguments: call("voice", "add", *arguments, "--model", tiny_model, "--device", "cpu")


def assert_converted(path, source):
    """A sound file, not silent, that lasts as long as its source."""
    audio, rate_hz = soundfile.read(path)
    assert rate_hz == RATE_HZ
    assert len(audio) == pytest.approx(soundfile.info(source).duration * RATE_HZ, abs=1)
    assert np.abs(audio).max() > 0.01


# Help and wrong calls


def test_help_answers_without_what_is_slow_to_import(repository):
    script = f"""
import sys
from vc.cli import main
for arguments in [], *([command] for command in {COMMANDS}), ["voice", "add"]:
    try:
        main([*arguments, "--help"])
    except SystemExit as end:
        assert end.code == 0
slow = "torch numpy soundfile soxr safetensors pydantic yaml tqdm gradio".split()
print("imported:", [name for name in slow if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", script], cwd=repository, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("imported: []\n")
    words = result.stdout.replace(",", " ").split()
    assert [name for name in (*COMMANDS, *LAYOUTS) if name not in words] == []


@pytest.mark.parametrize("arguments, message", [
    ("", "required: COMMAND"),
    ("sing", "invalid choice: 'sing'"),
    ("convert", "required: SOURCE, --target"),
    ("convert a.wav", "required: --target"),
    ("convert a.wav --target", "--target: expected at least one argument"),
    ("convert a.wav --target b.wav --loud", "unrecognized arguments: --loud"),
    ("convert a.wav --target b.wav --device toaster", "invalid choice: 'toaster' (choose from "),
    ("prepare in", "required: -o/--output"),
    ("prepare in -o out --layout heap", "invalid choice: 'heap' (choose from "),
    ("prepare in -o out --sample-rate high", "invalid int value: 'high'"),
    ("info one.safetensors two.safetensors", "unrecognized arguments: two.safetensors"),
    ("voice", "required: ACTION"),
    ("compare", "required: REPORT, REPORT"),
])
def test_a_wrong_call_exits_with_2(call, arguments, message):
    ended = call(*arguments.split())
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert ended.err.startswith("usage: vc")


@pytest.mark.parametrize("arguments", [
    ["convert", "", "--target", "b.wav"], ["convert", "a.wav", "--target", ""],
    ["convert", "a.wav", "--target", "b.wav", "--force", ""], ["convert", "a.wav", "--target", "b.wav", "-o", ""],
    ["encode", ""], ["decode", ""], ["export", "-o", ""], ["voice", "invent", "Zed", "--like", ""],
    ["search", "", "q.wav", "--by", "speaker"], ["evaluate", "--pairs", "p.tsv", "--output="],
], ids=" ".join)
def test_an_empty_text_names_nothing(call, tmp_path, monkeypatch, arguments):
    """It is what an unset variable of the shell leaves of an argument, and as a path the folder one is in."""
    monkeypatch.chdir(tmp_path)
    ended = call(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith("got the empty text; is a variable of the shell unset?\n")


def test_no_argument_lets_an_empty_text_pass_for_a_name():
    """Those without a type are looked at by their commands."""
    def untyped(parser):
        for action in parser._actions:
            if isinstance(action.choices, dict):
                for inner in action.choices.values():
                    yield from untyped(inner)
            elif action.nargs != 0 and action.type is None and action.choices is None:
                yield action.dest

    assert set(untyped(cli._parser())) == {"name", "overrides", "only"}


@pytest.mark.parametrize("command", ["encode", "decode"])
@pytest.mark.parametrize("source", [".", ".."])
def test_a_folder_is_nothing_to_encode_or_decode(call, tiny_model, tmp_path, monkeypatch, command, source):
    monkeypatch.chdir(tmp_path)
    call(command, source, "--model", tiny_model).assert_refused(f"{source}: ", "folder" if command == "encode" else
                                                                "Is a directory", folder=tmp_path)


def test_an_empty_variable_for_the_voices_is_as_none(call, monkeypatch, tmp_path):
    monkeypatch.setenv("VC_VOICES", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert call("voice", "list").err == f"no voice is enrolled in {tmp_path}/vc/voices\n"


# The whole way, in processes of its own


@pytest.fixture(scope="module")
def workshop(clips, repository, tmp_path_factory, vc_process):
    """The clips prepared and two steps trained on them: calls and folders."""
    folder = tmp_path_factory.mktemp("workshop")
    prepared = vc_process("prepare", clips, "-o", folder / "data", "--workers", "1")
    # The override after the option is the order that argparse alone would refuse.
    trained = vc_process("train", repository / "configs" / "tiny.yaml", "train.steps=2", "-o", folder / "run",
                         f"data.path={folder / 'data'}", "--device", "cpu")
    return SimpleNamespace(prepared=prepared, trained=trained, data=folder / "data", run=folder / "run")


def test_prepare_reports_on_stdout(workshop):
    assert workshop.prepared.code == 0
    assert workshop.prepared.out == f"{workshop.data}: 4 speakers, 0.28 minutes, 8 recordings kept\n"
    assert "preparing: 100%" in workshop.prepared.err


def test_train_prints_the_best_model_and_nothing_else_on_stdout(workshop):
    assert workshop.trained.code == 0, workshop.trained.err
    assert workshop.trained.out == f"{workshop.run / 'best.safetensors'}\n"
    assert "2/2" in workshop.trained.err and "Warning" not in workshop.trained.err
    assert {"best.safetensors", "config.json", "last.safetensors", "log.jsonl"} <= set(contents(workshop.run))


def test_one_bad_file_of_four_fails_alone(workshop, vc_process, clips, source, target, tmp_path):
    """Through the trained model; one name is not English, one not even text in the encoding of the terminal."""
    names = ["дослід.flac", b"latin-\xe9.flac".decode("utf-8", "surrogateescape"), "zz.mp3"]
    for name in names[:2]:
        shutil.copy(source, tmp_path / name)
    soundfile.write(tmp_path / "whole.mp3", *soundfile.read(source))
    cut = (tmp_path / "whole.mp3").read_bytes()
    (tmp_path / "zz.mp3").write_bytes(cut[:len(cut) // 2])
    ended = vc_process("convert", names[0], "nowhere.wav", *names[1:], "--target", target, "-o", "out", "--device",
                       "cpu", "--model", workshop.run / "best.safetensors", cwd=tmp_path,
                       environment={"PYTHONIOENCODING": "utf-8:strict"})
    assert ended.code == 1
    assert [line.partition(": ")[0] for line in ended.out.splitlines()] == [
        "out/дослід.flac", r"out/latin-\udce9.flac", "out/zz.mp3"]
    assert " 1.84 s of audio in " in ended.out.splitlines()[0]
    # What is left of the mp3 is said once, though the file is read twice.
    ours = [line for line in ended.err.splitlines() if line.startswith("vc: ")]
    assert ours == ["vc: error: nowhere.wav: no such file; check the path",
                    "vc: warning: zz.mp3: damaged or cut short, only the first 0.8 s of 1.8 s can be read",
                    "vc: error: 1 of 4 files failed, the others are converted"]
    assert "Traceback" not in ended.err
    assert contents(tmp_path / "out") == sorted(names)
    assert_converted(tmp_path / "out" / names[0], source)


def test_info_tells_what_a_model_file_holds(call, workshop):
    best, last = (call("info", workshop.run / f"{name}.safetensors") for name in ("best", "last"))
    assert (best.code, best.err) == (last.code, last.err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in best.out.splitlines() if "half" not in line)
    assert lines["steps"] == "2" and lines["file"].startswith(f"{workshop.run / 'best.safetensors'} (0.3 MB, model)")
    assert lines["parameters"] == "encoder 0.04 M, decoder 0.09 M"
    assert "hop_samples 200, bands 128" in lines["mel"]
    assert "content half 8 dims, sigmoid affine=False offset=0.0, 40 frames a second" in best.out
    assert "speaker half 16 dims" in best.out
    assert "training)" in last.out and "steps        2" in last.out


def test_the_model_in_the_package_has_a_name(call, source, tmp_path):
    own = call("info")
    assert own.code == 0 and call("info", "default") == own
    checked = call("check", source)
    assert "familiar" in checked.out and call("check", source, "--model", "default") == checked
    for number, model in enumerate(([], ["default"])):
        assert call("export", *model, "-o", tmp_path / f"{number}.onnx").code == 0
    assert contents(tmp_path) == ["0-decoder.onnx", "0-encoder.onnx", "1-decoder.onnx", "1-encoder.onnx"]


def test_the_vocoder_in_the_package_has_a_name(call, tmp_path):
    told = call("info", "neural")
    assert told.code == 0 and "vocoder.safetensors" in told.out and "generator " in told.out
    assert call("export", "neural", "-o", tmp_path / "voc.onnx").out == f"{tmp_path}/voc.onnx\n"


# convert


def test_convert_one_file(convert, source, target, tmp_path):
    ended = convert(source, "--target", target, "-o", tmp_path / "new" / "out.wav")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"{tmp_path}/new/out.wav: 1.84 s of audio in ") and "real-time factor" in ended.out
    assert_converted(tmp_path / "new" / "out.wav", source)


def test_the_target_is_heard(convert, clips, source, target, tmp_path):
    """The same source for two targets differs; for the same target it does not."""
    for name, reference in ("a", target), ("b", clips / "flemishguy" / "kwallen.flac"), ("c", target):
        convert(source, "--target", reference, "-o", tmp_path / name)
    a, b, c = ((tmp_path / name / "aurora.flac").read_bytes() for name in "abc")
    assert a == c != b


def test_several_references_are_one_target(convert, clips, source, target, tmp_path):
    other = clips / "kerstin" / "amboise.flac"
    # Not by the neural vocoder, whose phases let a difference in rounding grow.
    for name, references in ("one", [target]), ("two", [target, other]), ("turned", [other, target]):
        assert convert(source, "--target", *references, "--vocoder", "griffin-lim",
                       "-o", tmp_path / f"{name}.wav").code == 0
    one, two, turned = (soundfile.read(tmp_path / f"{name}.wav")[0] for name in ("one", "two", "turned"))
    assert np.abs(one - two).max() > 1e-3
    assert np.abs(two - turned).max() < 1e-3


@pytest.mark.parametrize("suffix, kind", [("flac", "FLAC"), ("ogg", "OGG"), ("mp3", "MP3"), ("opus", "OGG")])
def test_the_suffix_says_the_format(convert, source, target, tmp_path, suffix, kind):
    assert convert(source, "--target", target, "-o", tmp_path / f"out.{suffix}").code == 0
    assert soundfile.info(tmp_path / f"out.{suffix}").format == kind
    assert_converted(tmp_path / f"out.{suffix}", source)


def test_names_are_inferred(convert, clips, source, target, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert convert(source, "--target", target).code == 0
    assert convert(clips / "nathalie", "--target", target).code == 0
    assert convert(source, clips / "nathalie" / "katje.flac", "--target", target).code == 0
    assert contents(tmp_path) == ["aurora-as-burg.wav", "converted-as-burg/aurora.flac",
                                  "converted-as-burg/katje.flac", "nathalie-as-burg/katje.flac",
                                  "nathalie-as-burg/student.flac"]


@pytest.mark.parametrize("output", ["there", "new/", "new.d/", "new"])
def test_one_file_goes_into_a_folder(convert, source, target, tmp_path, monkeypatch, output):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    assert convert(source, "--target", target, "-o", output).code == 0
    assert contents(tmp_path) == [f"{output.strip('/')}/aurora.flac"]


def test_a_folder_is_mirrored(convert, clips, source, target, tmp_path):
    """Its inner structure stays; what cannot be written becomes wav; what is no recording is passed over."""
    for name in "top.flac", "deep/er/low.FLAC", "deep/._mac.flac":
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, tmp_path / "in" / name)
    soundfile.write(tmp_path / "in" / "talk.oga", *soundfile.read(source), format="OGG", subtype="VORBIS")
    (tmp_path / "in" / "notes.txt").write_text("no recording")
    ended = convert(tmp_path / "in", "--target", target, "-o", tmp_path / "out")
    assert (ended.code, len(ended.out.splitlines())) == (0, 3)
    assert contents(tmp_path / "out") == ["deep/er/low.FLAC", "talk.wav", "top.flac"]
    for name in contents(tmp_path / "out"):
        assert_converted(tmp_path / "out" / name, source)


def test_results_below_a_folder_are_no_sources_of_the_next_call(convert, source, target, tmp_path):
    shutil.copy(source, tmp_path / "a.flac")
    for _ in range(2):
        assert convert(tmp_path, "--target", target, "-o", tmp_path / "out", "--force").code == 0
    assert contents(tmp_path) == ["a.flac", "out/a.flac"]


def test_files_may_follow_an_option(convert, clips, source, target, tmp_path):
    assert convert(source, "--force", clips / "kerstin" / "amboise.flac", "--target", target,
                   "-o", tmp_path / "out").code == 0
    assert contents(tmp_path / "out") == ["amboise.flac", "aurora.flac"]


def test_the_source_may_be_its_own_target(convert, source, tmp_path):
    assert convert(source, "--target", source, "-o", tmp_path / "out.wav").code == 0
    assert_converted(tmp_path / "out.wav", source)


def test_a_stopped_batch_goes_on_and_leaves_what_exists(convert, source, target, tmp_path):
    sources = tmp_path / "talks"
    sources.mkdir()
    for name in "a.wav", "b.wav":
        shutil.copy(source, sources / name)
    output = tmp_path / "out"
    output.mkdir()
    (output / "a.wav").write_text("precious")
    batch = sources, "--target", target, "-o", output, "--skip-existing"
    ended = convert(*batch)
    assert (ended.code, ended.err) == (0, "vc: 1 of 2 exist already and stay as they are\n")
    assert (output / "a.wav").read_text() == "precious"
    assert_converted(output / "b.wav", source)
    ended = convert(*batch)
    assert (ended.code, ended.out) == (0, "") and ended.err.startswith("vc: 2 of 2 exist already")
    assert convert(*batch, "--force").code == 2


def test_an_existing_file_needs_force(convert, source, target, tmp_path):
    (tmp_path / "out.wav").write_text("precious")
    ended = convert(source, "--target", target, "-o", tmp_path / "out.wav")
    ended.assert_refused(f"{tmp_path}/out.wav: exists already; replace it by --force")
    assert (tmp_path / "out.wav").read_text() == "precious" and contents(tmp_path) == ["out.wav"]
    assert convert(source, "--target", target, "-o", tmp_path / "out.wav", "--force").code == 0
    assert_converted(tmp_path / "out.wav", source)
    assert contents(tmp_path) == ["out.wav"]


def test_when_all_fail_no_other_is_called_converted(convert, target, tmp_path):
    ended = convert("one.wav", "two.wav", "--target", target, "-o", tmp_path)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[-1] == "vc: error: 2 of 2 files failed"


@pytest.mark.parametrize("arguments, message", [
    (["--vocoder", "bagpipe"], "unknown vocoder 'bagpipe'; choose one of neural, griffin-lim"),
    (["-o", "out.m4a"], "out.m4a: cannot write .m4a; expected one of .wav, .flac"),
    (["-o", "taken/out.wav"], "taken/out.wav: cannot make the folder taken: "),
])
def test_convert_refuses(convert, source, target, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    convert(source, "--target", target, *arguments).assert_refused(message)
    assert contents(tmp_path) == ["taken"]


def test_several_recordings_need_a_folder(convert, clips, source, target, tmp_path):
    (tmp_path / "taken").write_text("a file")
    for output in tmp_path / "taken", tmp_path / "out.wav":
        ended = convert(source, clips / "nathalie", "--target", target, "-o", output)
        ended.assert_refused(f"{output}: is a file name, expected a folder for several recordings")


def test_two_sources_of_one_name(convert, source, target, tmp_path):
    ended = convert(source, source, "--target", target, "-o", tmp_path / "out")
    ended.assert_refused(f"{tmp_path}/out/aurora.flac: both {source} and {source} would be written to it",
                         folder=tmp_path / "out")


def test_sources_that_differ_in_their_suffix_are_kept_apart(tmp_path):
    """Whatever their order, so that a second call names them as the first; only what could be written as it is called
    keeps the short name."""
    for name in "a.wav", "a.webm", "b.m4a", "b.webm", "c.webm":
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).touch()
    wanted = {"a.wav": "a.wav", "a.webm": "a.webm.wav", "b.m4a": "b.m4a.wav", "b.webm": "b.webm.wav", "c.webm": "c.wav"}
    files = [tmp_path / "in" / name for name in wanted]
    for sources in [tmp_path / "in"], files, files[::-1]:
        jobs = plan_jobs(sources, ["anna"], tmp_path / "out")
        assert {job.source.name: job.output.relative_to(tmp_path / "out").as_posix() for job in jobs} == wanted


def outputs(sources, target, output=None):
    return [str(job.output) for job in plan_jobs(sources, [target], output)]


def test_names_of_results_by_hand(tmp_path, monkeypatch):
    """Only the suffix of a recording is cut off what is the target's name or makes a folder's a file's."""
    monkeypatch.chdir(tmp_path)
    for name in "talks/a.m4a", "there.d/a.wav":
        Path(name).parent.mkdir()
        Path(name).touch()
    assert outputs(["talk.m4a"], "x/ANNA.Flac") == ["talk-as-ANNA.wav"]
    assert outputs(["talk.wav"], "Anna 2.0") == ["talk-as-Anna 2.0.wav"]
    assert outputs(["talk.wav"], "anna", "there.d") == ["there.d/talk.wav"]
    assert outputs(["talk.m4a"], "anna", "new") == ["new/talk.wav"]
    assert outputs(["talks"], "anna", "new.d") == ["new.d/a.wav"]
    assert outputs(["no\0file.wav"], "anna") == ["no\0file-as-anna.wav"]  # for the converter to refuse
    monkeypatch.chdir("talks")
    assert outputs(["."], "anna") == ["talks-as-anna/a.wav"]
    with pytest.raises(AudioError, match="OUT.WAV: is a file name, expected a folder for several recordings"):
        plan_jobs(["."], ["anna"], "OUT.WAV")


def test_results_below_a_folder_are_known_by_any_name_of_it(tmp_path, monkeypatch):
    for name in "talks/a.wav", "talks/out/a.wav":
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path / "talks")
    for source in tmp_path / "talks", "../talks", ".":
        for output in "out", tmp_path / "talks" / "out", "../talks/out":
            assert outputs([source], "anna", output) == [f"{output}/a.wav"]


def test_files_of_two_disks_are_two_files(disk):
    """Although they have one number."""
    source, output = (disk() / "a.wav" for _ in range(2))
    for path in source, output:
        path.touch()
    if source.stat().st_ino != output.stat().st_ino:
        pytest.skip("these disks number their files together")
    assert outputs([source], "anna", output) == [str(output)]


def test_debug_shows_the_traceback(convert, target):
    with pytest.raises(AudioError, match="nowhere.wav: no such file"):
        convert("nowhere.wav", "--target", target, "--debug")


def test_control_c(convert, source, target, tmp_path, monkeypatch):
    def press(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(Converter, "convert_file", press)
    ended = convert(source, "--target", target, "-o", tmp_path / "out.wav")
    assert (ended.code, ended.err) == (130, "vc: error: stopped by Ctrl-C\n")


@pytest.mark.parametrize("name, code", [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_a_conversion_as_control_c_does(tiny_model, repository, source, target, tmp_path, name, code):
    """What it has written so far goes with it."""
    number, (audio, rate_hz) = getattr(signal, name), soundfile.read(source)
    soundfile.write(tmp_path / "long.wav", np.tile(audio, 60), rate_hz)
    process = subprocess.Popen([sys.executable, "-m", "vc", "convert", tmp_path / "long.wav", "--target", target,
                                "--model", tiny_model, "-o", tmp_path / "out" / "long.wav"], stderr=subprocess.PIPE,
                               env={**os.environ, "PYTHONPATH": str(repository)}, text=True,
                               preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))  # nohup ignores SIGHUP
    assert eventually(lambda: contents(tmp_path / "out") or process.poll() is not None)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (code, f"vc: error: stopped by {name}\n")
    assert contents(tmp_path / "out") == []


def test_what_nohup_has_ignored_stays_ignored():
    before = [signal.signal(number, signal.SIG_IGN) for number in (signal.SIGHUP, signal.SIGTERM)]
    try:
        cli._end_in_order()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        for number, handler in zip((signal.SIGHUP, signal.SIGTERM), before):
            signal.signal(number, handler)


def test_one_of_several_training_processes_ends_at_once(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    cli._end_in_order()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_an_empty_number_of_processes_is_one(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "")
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    cli._end_in_order()
    assert join_crew(torch.device("cpu")).size == 1


@pytest.mark.parametrize("arguments, code, told", [
    ("--version >&-", 0, ""), ("info nowhere >&-", 1, "vc: error: nowhere: no such file"), ("info nowhere 2>&-", 1, ""),
])
def test_a_stream_that_the_caller_has_closed_is_no_error(repository, arguments, code, told):
    ended = subprocess.run(f"{sys.executable} -m vc {arguments}", shell=True, capture_output=True, text=True,
                           env={**os.environ, "PYTHONPATH": str(repository)})
    assert (ended.returncode, ended.stdout, ended.stderr.partition(";")[0]) == (code, "", told)


def test_the_example_needs_no_recordings(call, tiny_model, repository, tmp_path):
    ended = call("example", "--model", tiny_model, "--device", "cpu", "-o", tmp_path / "example.wav")
    assert (ended.code, ended.err) == (0, "")
    clip = repository / "vc" / "assets" / "clips" / "source.flac"
    assert ended.out.startswith(f"source: {clip}\ntarget: ")
    assert_converted(tmp_path / "example.wav", clip)


# voice


def test_an_enrolled_voice_converts_as_its_recordings_do(convert, enrol, clips, source, target, voices, tmp_path):
    references = [target, clips / "kerstin" / "amboise.flac"]
    ended = enrol("Kerstin H.", *references)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{voices}/Kerstin H..safetensors: Kerstin H., from 4.4 s of speech\n"
    assert convert(source, "--target", "Kerstin H.", "-o", tmp_path / "voice.wav").code == 0
    assert convert(source, "--target", *references, "-o", tmp_path / "recordings.wav").code == 0
    assert (tmp_path / "voice.wav").read_bytes() == (tmp_path / "recordings.wav").read_bytes()


def test_voices_are_listed_also_past_a_damaged_one(call, enrol, clips, target, voices):
    empty = call("voice", "list")
    assert (empty.code, empty.out, empty.err) == (0, "", f"no voice is enrolled in {voices}\n")
    enrol("kerstin", target)
    enrol("Flämische", clips / "flemishguy" / "kwallen.flac")
    listed = call("voice", "list")
    assert (listed.code, listed.err) == (0, "")
    rows = [line.split("\t") for line in listed.out.splitlines()]
    assert [(name, seconds) for name, seconds, _ in rows] == [("Flämische", "2.1 s"), ("kerstin", "1.9 s")]
    assert rows[0][2] == rows[1][2] and rows[0][2].startswith("model ")
    (voices / "damaged.safetensors").write_bytes(b"half")
    (voices / "-no name.safetensors").write_bytes(b"stray")
    again = call("voice", "list")
    assert (again.code, again.out) == (1, listed.out)
    assert again.err.startswith(f"vc: error: {voices}/damaged.safetensors: not a readable")
    assert again.err.count("\n") == 1


@pytest.mark.parametrize(("extra", "tensors", "message"), [
    ({}, None, "its seconds is missing or not that of a voice"),
    ([1], None, "its header's config, step or extra cannot be read"),
    ({"seconds": "x", "model": "m", "frames": 1}, None, "its seconds is missing or not that of a voice"),
    (None, {}, "its speaker is missing or not that of a voice"),
    (None, {"speaker": torch.zeros(3)}, "its speaker is missing or not that of a voice"),
    (None, {"speaker": torch.zeros(1, dtype=torch.complex64)}, "is of torch.complex64, which `vc` never writes")])
def test_a_voice_that_a_stranger_sealed_is_refused(call, convert, enrol, source, target, voices, tmp_path, extra,
                                                   tensors, message):
    for name in "anna", "berta":
        enrol(name, target)
    path = voices / "anna.safetensors"
    whole = load_checkpoint(path, kinds=("voice",))
    save_checkpoint(path, replace(whole, extra=whole.extra if extra is None else extra,
                                  tensors=whole.tensors if tensors is None else tensors))
    listed = call("voice", "list")
    assert (listed.code, listed.out.split("\t")[0]) == (1, "berta")
    assert message in listed.err and listed.err.count("\n") == 1
    convert(source, "--target", "anna", "-o", tmp_path / "out.wav").assert_refused(message)


def test_what_nobody_spoke_is_listed_without_seconds_and_removed(call, enrol, clips, target, voices, tiny_model):
    enrol("kerstin", target)
    enrol("anna", clips / "nathalie" / "katje.flac")
    assert call("voice", "invent", "both", "--between", "kerstin", "anna", "--model", tiny_model).code == 0
    assert [line.split("\t")[1] for line in call("voice", "list").out.splitlines()] == ["1.9 s", "-", "1.9 s"]
    removed = call("voice", "remove", "both")
    assert (removed.code, removed.out, contents(voices)) == (
        0, "both: removed\n", ["anna.safetensors", "kerstin.safetensors"])
    call("voice", "remove", "both").assert_refused("both: no voice of this name is enrolled; enrolled: anna, kerstin")


def test_a_voice_of_that_name_needs_force(enrol, clips, target, voices):
    enrol("anna", target)
    before = (voices / "anna.safetensors").read_bytes()
    other = clips / "nathalie" / "katje.flac"
    enrol("anna", other).assert_refused("anna: a voice of this name is enrolled already; choose another name or give "
                                        "--force")
    assert (voices / "anna.safetensors").read_bytes() == before
    assert enrol("anna", "--force", other).code == 0
    assert (voices / "anna.safetensors").read_bytes() != before


@pytest.mark.parametrize("name", ["", "*", "an/na", "..", "anna.wav", "a" * 65, "\U00020000" * 64, "\u0301a",
                                  "a\u200b"])
def test_what_cannot_name_a_voice(enrol, target, voices, name):
    enrol(name, target).assert_refused(f"{name!r}: not a name for a voice; expected up to 64 letters", "(243 bytes)",
                                       folder=voices)


def test_a_target_s_name_has_one_spelling(convert, enrol, source, target, tmp_path):
    assert enrol("Jose\u0301", target).code == 0
    for number, name in enumerate(("Jose\u0301", "Jos\xe9")):
        assert convert(source, "--target", name, "-o", tmp_path / f"{number}.wav").code == 0
    both = convert(source, "--target", "Jose\u0301", target, "-o", tmp_path / "both.wav")
    both.assert_refused("is an enrolled voice, which stands alone")


def test_the_longest_name_fits_the_disk(enrol, target):
    assert enrol("\U00020000" * 59 + "abc", target).code == 0


def test_an_unknown_voice_lists_the_enrolled(convert, enrol, source, target, tmp_path):
    enrol("kerstin", target)
    ended = convert(source, "--target", "kirsten", "-o", tmp_path / "out.wav")
    ended.assert_refused("kirsten: neither a file nor an enrolled voice (enrolled: kerstin)", "vc voice add kirsten")
    convert(source, "--target", "kirsten.wav").assert_refused("kirsten.wav: no such file")


def test_an_enrolled_voice_stands_alone(convert, enrol, source, target):
    enrol("Anna", target)
    for references in ["Anna", target], [target, "Anna"]:
        convert(source, "--target", *references).assert_refused("Anna: is an enrolled voice, which stands alone; ")


def test_a_folder_of_references_stands_for_its_recordings(convert, enrol, converter, clips, source, voices, tmp_path,
                                                          monkeypatch):
    folder = tmp_path / "anna"
    shutil.copytree(clips / "nathalie", folder / "deep")
    files = [folder / "deep" / name for name in ("katje.flac", "student.flac")]
    assert converter.voice_of(folder).speaker.tolist() == converter.voice_of(files).speaker.tolist()
    assert [enrol(*arguments).code for arguments in (["folder", folder], ["files", *files])] == [0, 0]
    assert load_file(voices / "folder.safetensors")["speaker"].tolist() == (
        load_file(voices / "files.safetensors")["speaker"].tolist())
    monkeypatch.chdir(folder)
    assert convert(source, "--target", ".").code == 0 and (folder / "aurora-as-anna.wav").exists()
    ended = convert(source, "--target", folder, "-o", files[0], "--force")
    ended.assert_refused("katje.flac: is itself read by this call and would be written over")


def test_a_link_to_nowhere_is_a_file_that_failed(convert, source, target, tmp_path):
    (tmp_path / "in").mkdir()
    shutil.copy(source, tmp_path / "in")
    os.symlink("/nonexistent.wav", tmp_path / "in" / "broken.wav")
    os.symlink("/nonexistent.txt", tmp_path / "in" / "broken.txt")
    ended = convert(tmp_path / "in", "--target", target, "-o", tmp_path / "out")
    assert ended.code == 1 and contents(tmp_path / "out") == ["aurora.flac"]
    assert f"{tmp_path}/in/broken.wav: no such file" in ended.err
    assert "1 of 2 files failed" in ended.err and "broken.txt" not in ended.err


def test_a_folder_without_audio_is_no_target_but_a_voice_of_its_name_is(convert, enrol, source, target, tmp_path,
                                                                        monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "refs").mkdir()
    convert(source, "--target", "refs").assert_refused("refs: a folder without audio files, expected at least one of")
    enrol("refs", target)
    assert convert(source, "--target", "refs").code == 0


@pytest.mark.parametrize("origin, name", [("Mr. Smith", "Mr. Smith"), ("anna.v2", "anna.v2"), ("own.yaml", "own")])
def test_a_run_is_named_after_a_config_or_all_of_a_folders_name(tmp_path, origin, name):
    path = tmp_path / origin
    path.touch() if path.suffix == ".yaml" else path.mkdir()
    assert run_folder(SimpleNamespace(output=None), path) == Path("runs") / name
    assert run_folder(SimpleNamespace(output="here"), path) == Path("here")


@pytest.mark.parametrize("override", ["train.seed=2", "mel.hop_samples=160"])
def test_a_voice_of_another_model_is_refused(call, convert, enrol, repository, source, target, tmp_path, override):
    """Also where the other model has another mel."""
    enrol("kerstin", target)
    other = save_untrained(tmp_path / "other.safetensors", repository, override)
    ended = call("convert", source, "--target", "kerstin", "--model", other, "-o", tmp_path / "out.wav")
    ended.assert_refused("kerstin: was enrolled with another model; enrol it again with this one")
    assert not (tmp_path / "out.wav").exists()
