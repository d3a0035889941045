"""Preparation: levels and lengths by hand, every reason to leave out, resuming after every kind of end."""

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vc.data import preparation
from vc.data.preparation import format_report, prepare
from vc.data.store import SpeechStore
from vc.errors import ConfigError, DataError

RATE = 16000
STORE_FILES = ("audio.i16", "manifest.tsv", "pitch.f16", "report.tsv", "store.json")


def tone(duration_s, level_db=-30.0, frequency_hz=440.0, rate=RATE, seed=None):
    """A sine of this RMS level in dBFS; with a seed, a little noise makes each one different."""
    time_s = np.arange(round(duration_s * rate)) / rate
    audio = np.sqrt(2) * 10 ** (level_db / 20) * np.sin(2 * np.pi * frequency_hz * time_s)
    if seed is not None:
        audio += np.random.default_rng(seed).normal(0, 1e-4, len(audio))
    return audio


def write(path, audio, rate=RATE, **settings):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, rate, **settings)


def plant(root, count, duration_s=1.0):
    """`count` different recordings of two speakers."""
    for index in range(count):
        write(root / ("anna", "ben")[index % 2] / f"{index:03}.wav", tone(duration_s, seed=index))


def contents(folder):
    return {name: (folder / name).read_bytes() for name in STORE_FILES}


def report_rows(folder):
    header, *lines = (folder / "report.tsv").read_text(encoding="utf-8").splitlines()
    assert header == "path\tstatus\treason\tdetail"
    return {line.split("\t")[0]: line.split("\t")[1:] for line in lines}, len(lines)


@pytest.fixture
def worked_on(monkeypatch):
    """The names of the files that runs in this process work on."""
    names, work = [], preparation._prepare_one
    monkeypatch.setattr(preparation, "_prepare_one",
                        lambda settings, path: names.append(Path(path).name) or work(settings, path))
    return names


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A folder of recordings that takes a second or two, and the store that one undisturbed worker makes of it."""
    root = tmp_path_factory.mktemp("many")
    write(root / "in/a/short.wav", tone(0.1))
    plant(root / "in", 300)
    plant_one_of_each(root / "in")
    run(root / "in", root / "whole")
    return root / "in", contents(root / "whole")


def run(source, folder, **settings):
    return prepare(source, folder, **{"workers": 1, "progress": False, **settings})


# Samples


def test_a_quiet_tone_comes_out_trimmed_and_at_the_level(tmp_path):
    silence = np.zeros(RATE)
    write(tmp_path / "in/anna/a.wav", np.concatenate([silence, tone(2.0, level_db=-50.0), silence]), subtype="FLOAT")
    run(tmp_path / "in", tmp_path / "out", level_db=-23.0)
    store = SpeechStore(tmp_path / "out")
    samples = store.audio(store.utterances[0])
    assert samples.dtype == np.int16
    assert len(samples) == pytest.approx((2.0 + 2 * 0.12) * RATE, abs=0.03 * RATE)
    middle = samples[RATE // 2:RATE * 3 // 2] / 32768
    assert 20 * np.log10(np.sqrt(np.mean(middle ** 2))) == pytest.approx(-23.0, abs=0.1)


def test_high_peaks_lower_the_level_instead_of_clipping(tmp_path):
    audio = tone(2.0, level_db=-50.0)
    audio[[9000, 20000]] = 0.4, -0.5  # 47 dB above the rest: at -26 dBFS they would stand at 8 times full scale
    write(tmp_path / "in/anna/a.wav", audio, subtype="FLOAT")
    run(tmp_path / "in", tmp_path / "out")
    store = SpeechStore(tmp_path / "out")
    samples = store.audio(store.utterances[0]).astype(int)
    assert samples.min() == -round(0.99 * 32768)
    assert samples.max() == pytest.approx(0.8 * 0.99 * 32768, abs=1)
    assert np.flatnonzero(np.abs(samples) > 20000).size == 2


def test_a_constant_offset_is_taken_off(tmp_path):
    write(tmp_path / "in/anna/a.wav", tone(1.0) + 0.1)
    run(tmp_path / "in", tmp_path / "out")
    store = SpeechStore(tmp_path / "out")
    assert abs(store.audio(store.utterances[0]).mean()) < 1


def test_stereo_at_another_rate_keeps_its_pitch_and_length(tmp_path):
    audio = tone(2.0, frequency_hz=1000.0, rate=44100)
    write(tmp_path / "in/anna/a.flac", np.stack([audio, audio], axis=1), rate=44100)
    run(tmp_path / "in", tmp_path / "out", sample_rate_hz=24000)
    store = SpeechStore(tmp_path / "out")
    samples = store.audio(store.utterances[0])
    assert store.sample_rate_hz == 24000
    assert len(samples) == 48000
    assert np.abs(np.fft.rfft(samples)).argmax() / 2.0 == pytest.approx(1000.0, abs=0.5)


def test_the_f0_is_that_of_the_stored_sound(tmp_path):
    time_s = np.arange(2 * RATE) / RATE
    phase = 2 * np.pi * np.cumsum(120 + 60 * time_s) / RATE  # 0.6 Hz from one F0 to the next
    voice = 0.05 * sum(np.sin(k * phase) / k for k in range(1, 11))
    write(tmp_path / "in/anna/a.wav", np.concatenate([np.zeros(RATE // 2), voice, np.zeros(RATE // 2)]))
    run(tmp_path / "in", tmp_path / "out")
    store = SpeechStore(tmp_path / "out")
    begin = np.flatnonzero(np.abs(store.samples.astype(float)) > 300)[0]
    told, wanted = store.pitch.astype(float), 120 + 60 * (np.arange(len(store.pitch)) * RATE // 100 - begin) / RATE
    inner = slice(begin * 100 // RATE + 10, begin * 100 // RATE + 190)
    assert len(told) == len(store.samples) * 100 // RATE
    np.testing.assert_allclose(told[inner], wanted[inner], atol=0.3)


# What is left out


def plant_one_of_each(root):
    write(root / "anna/good.wav", tone(1.0))
    write(root / "anna/short.wav", tone(0.3))
    write(root / "anna/silent.wav", np.zeros(RATE))
    write(root / "ben/clipped.wav", np.clip(tone(1.0, level_db=0.0, rate=44100), -1, 1) * 0.999, rate=44100)
    (root / "ben/torn.wav").write_bytes((root / "anna/good.wav").read_bytes()[:20])


def test_what_is_too_short_is_told_after_trimming_and_hours_at_the_own_rate(tmp_path):
    for name, duration_s in ("short", 0.2), ("long", 1.2):
        write(tmp_path / f"in/anna/{name}.wav", np.concatenate([np.zeros(RATE), tone(duration_s), np.zeros(RATE)]))
    report = run(tmp_path / "in", tmp_path / "out", sample_rate_hz=8000)
    assert [(item.path, item.reason) for item in report.left_out] == [("anna/short.wav", "too short")]
    assert report.hours * 3600 == pytest.approx(1.2, abs=0.3)  # and what trimming leaves at its edges


def test_every_reason_stands_in_the_report(tmp_path):
    plant_one_of_each(tmp_path / "in")
    report = run(tmp_path / "in", tmp_path / "out")
    rows, lines = report_rows(tmp_path / "out")
    assert lines == 5 and list(rows) == sorted(rows)
    assert {path: cells[:2] for path, cells in rows.items()} == {
        "anna/good.wav": ["kept", ""], "anna/short.wav": ["left out", "too short"],
        "anna/silent.wav": ["left out", "silent"], "ben/clipped.wav": ["left out", "clipped"],
        "ben/torn.wav": ["left out", "unreadable"]}
    assert rows["anna/good.wav"][2] == "1.00 s"
    assert rows["anna/short.wav"][2] == "0.30 s, expected at least 0.5 s"
    assert rows["anna/silent.wav"][2] == "1.00 s without speech"
    assert rows["ben/clipped.wav"][2].endswith("% of the samples, expected at most 0.1%")
    assert rows["ben/torn.wav"][2].startswith("cannot be read")
    assert {(item.path, item.reason) for item in report.left_out} == {
        ("anna/short.wav", "too short"), ("anna/silent.wav", "silent"), ("ben/clipped.wav", "clipped"),
        ("ben/torn.wav", "unreadable")}
    assert (report.speakers, report.kept, report.already_done, report.layout) == (1, 1, 0, "speakers")
    assert report.hours == pytest.approx(1 / 3600, rel=0.01)
    assert format_report(report) == (
        f"{tmp_path}/out: 1 speaker, 0.017 minutes, 1 recording kept\n"
        f"4 left out: 1 clipped, 1 silent, 1 too short, 1 unreadable; see {tmp_path}/out/report.tsv")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_damaged_recording_is_told_once_and_stands_in_the_report(tmp_path, caplog, capfd, workers):
    """Whatever process prepares it, and after a second run too."""
    plant(tmp_path / "in", 16, duration_s=0.5)
    cut = tmp_path / "in/anna/cut.wav"
    write(cut, tone(2.0, rate=22050), rate=22050)
    cut.write_bytes(cut.read_bytes()[:44 + 2 * 22050])
    run(tmp_path / "in", tmp_path / "out", workers=workers)
    damage = "damaged or cut short, only the first 1.0 s of 2.0 s can be read"
    assert caplog.messages == [f"{cut}: {damage}"] and capfd.readouterr().err == ""
    rows, before = report_rows(tmp_path / "out")[0], contents(tmp_path / "out")
    assert rows.pop("anna/cut.wav") == ["kept", "damaged", damage]
    assert {tuple(row) for row in rows.values()} == {("kept", "", "0.50 s")}
    run(tmp_path / "in", tmp_path / "out")
    assert contents(tmp_path / "out") == before and len(caplog.messages) == 1


def test_a_source_without_a_usable_recording_is_an_error(tmp_path):
    write(tmp_path / "in/anna/a.wav", np.zeros(RATE))
    write(tmp_path / "in/anna/b.wav", tone(0.1))
    with pytest.raises(DataError, match=r"none of the 2 recordings can be used \(1 silent, 1 too short\)"):
        run(tmp_path / "in", tmp_path / "out")
    assert report_rows(tmp_path / "out")[1] == 2


# Running again


def test_a_second_run_does_nothing_and_a_third_only_what_is_new(tmp_path, worked_on):
    plant_one_of_each(tmp_path / "in")
    run(tmp_path / "in", tmp_path / "out")
    assert len(worked_on) == 5
    before = contents(tmp_path / "out")
    worked_on.clear()
    report = run(tmp_path / "in", tmp_path / "out")
    assert worked_on == ["torn.wav"]  # what cannot be read is tried again
    assert contents(tmp_path / "out") == before
    assert (report.kept, report.already_done, len(report.left_out)) == (1, 4, 4)

    write(tmp_path / "in/anna/another.wav", tone(1.5))
    (tmp_path / "in/ben/torn.wav").write_bytes((tmp_path / "in/anna/good.wav").read_bytes())
    os.remove(tmp_path / "in/anna/good.wav")
    worked_on.clear()
    report = run(tmp_path / "in", tmp_path / "out")
    assert worked_on == ["another.wav", "torn.wav"]
    assert (report.kept, len(report.left_out)) == (3, 3)
    rows, lines = report_rows(tmp_path / "out")
    assert lines == 6
    assert rows["ben/torn.wav"][0] == rows["anna/good.wav"][0] == "kept"
    store = SpeechStore(tmp_path / "out")
    assert [(item.path, item.speaker) for item in store.utterances] == [
        ("anna/good.wav", "anna"), ("anna/another.wav", "anna"), ("ben/torn.wav", "ben")]
    assert (tmp_path / "out/audio.i16").read_bytes().startswith(before["audio.i16"])


def test_texts_and_odd_names_survive(tmp_path, worked_on):
    write(tmp_path / "in/an  na/a\tb  c.wav", tone(1.0))
    write(tmp_path / "in/bén/ü.wav", tone(1.0))
    raw = os.fsencode(tmp_path / "in/bén") + b"/\xff.wav"
    os.rename(tmp_path / "in/bén/ü.wav", raw)
    for _ in range(2):
        run(tmp_path / "in", tmp_path / "out")
    assert len(worked_on) == 2
    assert [(item.path, item.speaker) for item in SpeechStore(tmp_path / "out").utterances] == [
        ("an  na/a b  c.wav", "an  na"), ("bén/\\udcff.wav", "bén")]

    table = tmp_path / "t.csv"
    table.write_text('path,speaker,text\n"in/an  na/a\tb  c.wav",anna,"one,\n\ttwo"\n', encoding="utf-8")
    run(table, tmp_path / "from table")
    assert SpeechStore(tmp_path / "from table").utterances[0].text == "one,  two"


@pytest.mark.parametrize(("changed", "message"), [
    ({"level_db": -20.0}, "level_db -26.0, not -20.0"), ({"min_s": 0.75}, "min_s 0.5, not 0.75"),
    ({"sample_rate_hz": 22050}, "sample_rate_hz 16000, not 22050"), ({"layout": "speakers"}, None)])
def test_changed_settings_are_refused(tmp_path, changed, message):
    plant(tmp_path / "in", 1)
    run(tmp_path / "in", tmp_path / "out")
    before = contents(tmp_path / "out")
    if message is None:  # the same as was recognised
        run(tmp_path / "in", tmp_path / "out", **changed)
    else:
        with pytest.raises(DataError, match=f"was prepared with {message}; choose another folder"):
            run(tmp_path / "in", tmp_path / "out", **changed)
    assert contents(tmp_path / "out") == before


def test_another_source_is_refused(tmp_path):
    plant(tmp_path / "one", 1)
    plant(tmp_path / "two", 1)
    run(tmp_path / "one", tmp_path / "out")
    with pytest.raises(DataError, match=f"was prepared with source {tmp_path}/one, not {tmp_path}/two"):
        run(tmp_path / "two", tmp_path / "out")


def test_settings_out_of_range(tmp_path):
    with pytest.raises(ConfigError, match="speech level of 3 dBFS; expected .* below 0 dBFS"):
        run(tmp_path, tmp_path / "out", level_db=3)
    with pytest.raises(ConfigError, match="shortest recording of nan s"):
        run(tmp_path, tmp_path / "out", min_s=float("nan"))


def test_shorter_than_one_f0_is_too_short_whatever_was_asked_for(tmp_path):
    plant(tmp_path / "in", 1)
    write(tmp_path / "in/anna/click.wav", tone(0.006))
    report = run(tmp_path / "in", tmp_path / "out", min_s=0)
    assert [(item.path, item.reason, item.detail) for item in report.left_out] == [
        ("anna/click.wav", "too short", "0.01 s, expected at least 0.01 s")]


def test_a_line_taken_out_leaves_the_other_recordings_as_they_were(tmp_path):
    """Its samples stay behind as a gap; prepared again, the recording goes to the end."""
    plant(tmp_path / "in", 3)
    run(tmp_path / "in", tmp_path / "out")
    before = {item.path: SpeechStore(tmp_path / "out").audio(item).tobytes()
              for item in SpeechStore(tmp_path / "out").utterances}
    manifest = tmp_path / "out/manifest.tsv"
    head, first, *others = manifest.read_text(encoding="utf-8").splitlines(keepends=True)
    manifest.write_text("".join([head, *others[::-1]]), encoding="utf-8")  # the order of lines plays no part either
    for _ in range(2):
        run(tmp_path / "in", tmp_path / "out")
        store = SpeechStore(tmp_path / "out")
        assert {item.path: store.audio(item).tobytes() for item in store.utterances} == before
    assert store.utterances[-1].path == first.split("\t")[0]


@pytest.mark.parametrize(("name", "content", "message"), [
    ("manifest.tsv", b"header\na.wav\tanna\t0\t160\n", "line 2: got b'a.wav.*expected path speaker"),
    ("manifest.tsv", b"header\na\xff.wav\tanna\t0\t160\t\n", "line 2: got .*in UTF-8"),
    ("manifest.tsv", b"header\na.wav\tanna\t-160\t160\t\n", "line 2: got b'a.wav"),
    ("store.json", b"[]", "its store.json is damaged"), ("store.json", b'{"format": 2}', "its store.json is damaged"),
    *(("store.json", b'{"format": 2, "sample_rate_hz": %s}' % rate, "its store.json is damaged")
      for rate in (b"Infinity", b"0", b"-16000", b"1e99")),
    ("store.json", b"[" * 200000, "its store.json is damaged"),
    ("prepare.json", b"[]", "prepare.json: is damaged")])
def test_a_damaged_store_is_one_line(tmp_path, name, content, message):
    plant(tmp_path / "in", 1)
    run(tmp_path / "in", tmp_path / "out")
    (tmp_path / "out" / name).write_bytes(content)
    if name != "prepare.json":
        with pytest.raises(DataError, match=message):
            SpeechStore(tmp_path / "out")
    with pytest.raises(DataError, match=message):
        run(tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out" / name).read_bytes() == content


def test_unreadable_lines_of_a_report_are_written_anew(tmp_path):
    plant_one_of_each(tmp_path / "in")
    run(tmp_path / "in", tmp_path / "out")
    report = tmp_path / "out/report.tsv"
    before = report.read_bytes()
    report.write_bytes(before.replace(b"too short", b"too\tshort\xff"))
    run(tmp_path / "in", tmp_path / "out")
    assert report.read_bytes() == before


# Processes


def test_two_workers_give_the_same_bytes_as_one(tmp_path, many):
    source, whole = many
    run(source, tmp_path / "out", workers=2)
    assert contents(tmp_path / "out") == whole


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers_are_a_wrong_call(call, tmp_path, workers):
    ended = call("prepare", tmp_path, "-o", tmp_path / "out", "--workers", str(workers))
    assert ended.code == 2 and f"argument --workers: {workers} is not positive" in ended.err, ended
    assert not (tmp_path / "out").exists()


def test_few_recordings_are_in_flight(tmp_path):
    plant(tmp_path, 1)
    taken = []
    paths = (taken.append(index) or str(tmp_path / "anna/000.wav") for index in range(100))
    outcomes = preparation._outcomes(paths, preparation.Settings(RATE, 0.5, -26.0), workers=2)
    for _ in range(3):
        next(outcomes)
    outcomes.close()
    assert len(taken) == 2 * preparation.IN_FLIGHT_PER_WORKER + 2


class _Bomb:
    """Ends the process that unpickles it, as a crash in a decoder would."""

    def __call__(self):
        raise AssertionError("runs in a worker only")

    def __reduce__(self):
        return os._exit, (1,)


def test_a_crash_of_a_worker_is_told_in_our_words(tmp_path, monkeypatch):
    plant(tmp_path / "in", 20)
    with monkeypatch.context() as patch:
        patch.setattr(preparation, "_prepare_one", _Bomb())
        with pytest.raises(DataError, match="a worker process died at .*anna/000.wav or one of the 7 recordings after"):
            run(tmp_path / "in", tmp_path / "out", workers=2)
    assert run(tmp_path / "in", tmp_path / "out").kept == 20


def start(source, folder):
    """`prepare` with two workers in another process, which leads its own group."""
    script = ("import sys; from vc.data.preparation import prepare\n"
              "assert 'torch' not in sys.modules, 'torch would be loaded by each worker too'\n"
              "prepare(sys.argv[1], sys.argv[2], workers=2, progress=False)\n")
    return subprocess.Popen([sys.executable, "-c", script, str(source), str(folder)], stderr=subprocess.PIPE, text=True,
                            start_new_session=True,
                            # whoever runs the tests in the background has it ignored
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def wait_for_utterances(process, folder, count):
    """Wait until the store that `process` fills holds `count`; return the PIDs of its children."""
    manifest = folder / "manifest.tsv"
    while not manifest.exists() or manifest.read_bytes().count(b"\n") <= count:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.001)
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
def test_kill_9_leaves_nothing_running_and_the_next_run_completes_the_same_store(tmp_path, many):
    source, whole = many
    process = start(source, tmp_path / "out")
    children = wait_for_utterances(process, tmp_path / "out", 20)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert len(children) >= 2
    assert 20 <= (tmp_path / "out/manifest.tsv").read_bytes().count(b"\n") < 300
    assert (tmp_path / "out/report.tsv").read_text().endswith("\na/short.wav\tleft out\ttoo short\t0.10 s, expected at "
                                                              "least 0.5 s\n")
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in children):
        assert time.monotonic() < deadline, "workers outlive their parent"
        time.sleep(0.01)
    run(source, tmp_path / "out")
    assert contents(tmp_path / "out") == whole


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
def test_control_c_leaves_a_usable_store_and_a_quiet_terminal(tmp_path, many):
    source, whole = many
    process = start(source, tmp_path / "out")
    wait_for_utterances(process, tmp_path / "out", 20)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, errors = process.communicate(timeout=20)
    assert process.returncode != 0
    assert errors.count("Traceback") == 1 and errors.rstrip().endswith("KeyboardInterrupt")
    kept = len(SpeechStore(tmp_path / "out").utterances)
    assert 20 <= kept < 300
    assert sum(status == "kept" for status, *_ in report_rows(tmp_path / "out")[0].values()) == kept
    run(source, tmp_path / "out")
    assert contents(tmp_path / "out") == whole


@pytest.mark.parametrize("torn", ["audio.i16", "pitch.f16", "manifest.tsv", "report.tsv", "prepare.json.tmp",
                                  "store.json"])
def test_a_write_cut_short_is_made_good(tmp_path, torn):
    plant_one_of_each(tmp_path / "in")
    run(tmp_path / "in", tmp_path / "out")
    before = contents(tmp_path / "out")
    if torn == "prepare.json.tmp":  # killed while the folder was claimed
        for path in (tmp_path / "out").iterdir():
            path.unlink()
        (tmp_path / "out" / torn).write_text("{")
    elif torn == "store.json":  # killed between claim and store
        for name in STORE_FILES:
            (tmp_path / "out" / name).unlink()
    elif torn in ("audio.i16", "pitch.f16"):  # a power cut: the line is there, its samples or their pitch are not
        os.truncate(tmp_path / "out" / torn, 100)
    else:
        with open(tmp_path / "out" / torn, "a", encoding="utf-8") as file:
            file.write("anna/silent.wav\tleft out\tsil")
        with open(tmp_path / "out/audio.i16", "ab") as file:
            file.write(b"123")
    run(tmp_path / "in", tmp_path / "out")
    assert contents(tmp_path / "out") == before


def test_a_second_run_at_the_same_time_is_refused(tmp_path, monkeypatch):
    pytest.importorskip("fcntl")
    plant(tmp_path / "in", 1)
    work = preparation._prepare_one

    def meanwhile(settings, path):
        with pytest.raises(DataError, match="another run is preparing it; wait until it ends"):
            run(tmp_path / "in", tmp_path / "out")
        return work(settings, path)

    monkeypatch.setattr(preparation, "_prepare_one", meanwhile)
    assert run(tmp_path / "in", tmp_path / "out").kept == 1


# The output folder


def test_a_full_disk_is_one_line_and_the_next_run_goes_on(tmp_path):
    plant(tmp_path / "in", 10)
    run(tmp_path / "in", tmp_path / "whole")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))
    try:
        with pytest.raises(DataError) as caught:
            run(tmp_path / "in", tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert f"{tmp_path}/out: cannot be written: {os.strerror(errno.EFBIG)}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(SpeechStore(tmp_path / "out").utterances) == 3  # 32 kB each
    run(tmp_path / "in", tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_an_output_that_is_no_folder(tmp_path):
    plant(tmp_path / "in", 1)
    (tmp_path / "file").write_text("x")
    for folder in ("file", "file/out"):
        with pytest.raises(DataError, match=f"{folder}: cannot be written: Not a directory; choose another folder"):
            run(tmp_path / "in", tmp_path / folder)


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    plant(tmp_path, 1)
    (tmp_path / "manifest.tsv").write_text("path\tspeaker\nanna/000.wav\tanna")
    with pytest.raises(DataError, match="is not empty and not a prepared corpus"):
        run(tmp_path / "manifest.tsv", tmp_path)
    assert (tmp_path / "manifest.tsv").read_text() == "path\tspeaker\nanna/000.wav\tanna"


