"""Reading, writing and measuring audio: what comes back, at which length, and every refusal in our words."""

import contextlib
import os
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from vc import audio as audio_module
from vc.audio import WRITABLE, AudioInfo, AudioWriter, audio_info, load_audio, save_audio, stream_audio
from vc.errors import AudioError
from vc.level import (
    FRAME_S,
    PEAK,
    LevelMeter,
    clipped_share,
    frame_samples,
    require_speech,
    restore_level,
    speech_level_db,
    trim_silence,
)

RATE_HZ = 16000
LOSSLESS = (".wav", ".flac", ".aiff", ".aif", ".au", ".caf")
LOSSY = (".ogg", ".opus", ".mp3")
STEP = 1 / 32768


def sine(frequency_hz, seconds, rate_hz=RATE_HZ, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype("f4")


def noise(samples, level=0.1, seed=0):
    return np.clip(level * np.random.default_rng(seed).standard_normal(samples), -1, 1).astype("f4")


@contextlib.contextmanager
def as_nobody():
    """Root may read and write everything, so drop to another user for as long as the test needs permissions."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder():
    """A folder that also another user can reach, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    folder.chmod(0o777)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("audio")


@pytest.fixture
def no_ffmpeg(monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


@pytest.fixture
def fake_ffmpeg(no_ffmpeg):
    """Install a script as the only command called ffmpeg; the argument is its Python body."""
    def install(body):
        script = no_ffmpeg / "ffmpeg"
        script.write_text(f"#!{sys.executable}\nimport sys, os, struct, time\n{body}")
        script.chmod(0o755)
    return install


# Reading


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_lossless_formats_return_16_bit_samples_as_they_were(tmp_path, suffix):
    integers = np.random.default_rng(1).integers(-32768, 32768, 5000)
    integers[:4] = -32768, 32767, 0, -1
    save_audio(tmp_path / f"a{suffix}", integers / 32768, RATE_HZ)
    loaded = load_audio(tmp_path / f"a{suffix}", RATE_HZ)
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded * 32768, integers)


@pytest.mark.parametrize("suffix", LOSSY)
def test_lossy_formats_keep_length_and_sound(tmp_path, suffix):
    tone = sine(440, 1.01)
    save_audio(tmp_path / f"a{suffix}", tone, RATE_HZ)
    loaded = load_audio(tmp_path / f"a{suffix}", RATE_HZ)
    assert loaded.shape == tone.shape
    error_db = 10 * np.log10(np.mean((loaded - tone)[800:-800] ** 2) / np.mean(tone ** 2))
    assert error_db < -20


@pytest.mark.parametrize("suffix", LOSSY)
def test_reading_in_blocks_equals_one_read_of_the_whole(tmp_path, suffix):
    """soundfile seeks after every call, which in opus lands elsewhere."""
    path = tmp_path / f"a{suffix}"
    save_audio(path, noise(40000), RATE_HZ)
    whole, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_allclose(load_audio(path, RATE_HZ), whole, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(samples=st.integers(1, 2000), rates=st.sampled_from([
    (8000, 16000), (11025, 16000), (44100, 16000), (48000, 16000), (192000, 16000), (16000, 22050), (16000, 8000)]))
def test_resampled_length_is_the_rounded_product(folder, samples, rates):
    from_hz, to_hz = rates
    soundfile.write(folder / "length.wav", noise(samples), from_hz)
    assert abs(len(load_audio(folder / "length.wav", to_hz)) - samples * to_hz / from_hz) <= 0.5


@settings(max_examples=30, deadline=None)
@given(block_s=st.floats(1e-4, 3), rate_hz=st.sampled_from([16000, 44100]), suffix=st.sampled_from([".flac", ".opus"]))
def test_streamed_blocks_join_to_the_whole(folder, block_s, rate_hz, suffix):
    path = folder / f"stream{suffix}"
    if not path.exists():
        save_audio(path, noise(36001), 48000)
    whole = load_audio(path, rate_hz)
    blocks = list(stream_audio(path, rate_hz, block_s))
    assert all(block.dtype == np.float32 and block.ndim == 1 for block in blocks)
    np.testing.assert_allclose(np.concatenate(blocks), whole, atol=1e-6)


def test_streaming_yields_blocks_of_about_the_asked_length(tmp_path):
    save_audio(tmp_path / "a.wav", noise(10 * RATE_HZ), RATE_HZ)
    lengths = [len(block) for block in stream_audio(tmp_path / "a.wav", RATE_HZ, block_s=1.0)]
    assert 8 <= len(lengths) <= 11
    assert max(lengths) <= 1.3 * RATE_HZ


def test_resampled_sine_keeps_amplitude_and_frequency(tmp_path):
    soundfile.write(tmp_path / "a.wav", sine(1000, 1, 48000), 48000, subtype="FLOAT")
    loaded = load_audio(tmp_path / "a.wav", 16000)
    np.testing.assert_allclose(loaded[500:-500], sine(1000, 1, 16000)[500:-500], atol=1e-4)


def test_resampling_removes_what_would_alias(tmp_path):
    soundfile.write(tmp_path / "a.wav", sine(9000, 1, 48000), 48000, subtype="FLOAT")
    assert np.abs(load_audio(tmp_path / "a.wav", 16000)[500:-500]).max() < 1e-4


@pytest.mark.parametrize("rate_hz, channels", [(8000, 1), (44100, 2), (96000, 3), (192000, 7)])
def test_channels_are_averaged_at_any_rate(tmp_path, rate_hz, channels):
    tone = sine(300, 0.5, rate_hz)
    gains = np.arange(1, channels + 1) / channels
    soundfile.write(tmp_path / "a.wav", tone[:, None] * gains, rate_hz, subtype="FLOAT")
    expected = sine(300, 0.5) * gains.mean()
    np.testing.assert_allclose(load_audio(tmp_path / "a.wav", RATE_HZ)[500:-500], expected[500:-500], atol=1e-4)
    assert audio_info(tmp_path / "a.wav") == AudioInfo(rate_hz, channels, 0.5)


@pytest.mark.parametrize("suffix, name, order, size", [
    (".wav", b"data", "little", 2**31 - 37), (".wav", b"data", "little", 2**32 - 1),
    (".aiff", b"SSND", "big", 0x7F000000 + 8), (".aiff", b"SSND", "big", 0)])
def test_a_streamed_file_is_not_cut_short(tmp_path, caplog, suffix, name, order, size):
    """What wrote it did not know its size."""
    path = tmp_path / f"a{suffix}"
    save_audio(path, noise(RATE_HZ), RATE_HZ)
    content = path.read_bytes()
    at = content.index(name) + 4
    path.write_bytes(content[:at] + size.to_bytes(4, order) + content[at + 4:])
    assert len(load_audio(path, RATE_HZ)) == RATE_HZ and not caplog.messages


def test_channels_that_cancel_each_other_are_refused(tmp_path):
    """In a recording as a whole: a passage may."""
    tone = noise(3 * RATE_HZ)
    inverted = np.stack([tone, -tone], 1)
    soundfile.write(tmp_path / "a.wav", inverted, RATE_HZ)
    with pytest.raises(AudioError, match="a.wav: its 2 channels cancel each other, their mean is silent; give one"):
        list(stream_audio(tmp_path / "a.wav", 8000, block_s=0.5))
    inverted[-RATE_HZ:, 1] *= -1
    soundfile.write(tmp_path / "b.wav", inverted, RATE_HZ)
    assert len(load_audio(tmp_path / "b.wav", RATE_HZ)) == len(tone)
    soundfile.write(tmp_path / "c.wav", inverted * 1e-4, RATE_HZ)  # one step of 16 bits: nothing is heard
    load_audio(tmp_path / "c.wav", RATE_HZ)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "MS_ADPCM"])
def test_wav_encodings(tmp_path, subtype):
    tone = sine(440, 0.5)
    soundfile.write(tmp_path / "a.wav", tone, RATE_HZ, subtype=subtype)
    np.testing.assert_allclose(load_audio(tmp_path / "a.wav", RATE_HZ)[:len(tone)], tone, atol=0.03)


def test_twenty_milliseconds_and_one_sample_load(tmp_path):
    for samples in (320, 1):
        save_audio(tmp_path / f"{samples}.wav", noise(samples), RATE_HZ)
        assert load_audio(tmp_path / f"{samples}.wav", RATE_HZ).shape == (samples,)


@pytest.mark.parametrize("suffix, least", [
    (".wav", 0.58), (".flac", 0.5), (".mp3", 0.5), (".ogg", 0.2), (".opus", 0.3), (".aiff", 0.58), (".au", 0.58)])
def test_a_truncated_file_yields_its_beginning(tmp_path, caplog, suffix, least):
    speech = noise(3 * RATE_HZ)
    save_audio(tmp_path / f"whole{suffix}", speech, RATE_HZ)
    content = (tmp_path / f"whole{suffix}").read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(content[:int(0.6 * len(content))])
    cut = load_audio(tmp_path / f"cut{suffix}", RATE_HZ)
    assert least * len(speech) <= len(cut) < 0.65 * len(speech)
    whole = load_audio(tmp_path / f"whole{suffix}", RATE_HZ)
    np.testing.assert_allclose(cut[:-2000], whole[:len(cut) - 2000], atol=1e-5)
    read_s = f"{len(cut) / RATE_HZ:.1f} s"
    warning = (f"cut short, only its first {read_s} are there" if suffix in (".ogg", ".opus") else
               f"damaged or cut short, only the first {read_s} of 3.0 s can be read")
    assert caplog.messages == [f"{tmp_path}/cut{suffix}: {warning}"]


@pytest.mark.parametrize("suffix", [".ogg", ".opus"])
def test_an_ogg_is_cut_short_where_it_ends_amid_a_page(tmp_path, caplog, suffix):
    """Not where something stands behind its last page, or where a recorder was stopped between two pages."""
    path = tmp_path / f"a{suffix}"
    save_audio(path, noise(3 * RATE_HZ), RATE_HZ)
    content = path.read_bytes()
    last = content.rindex(b"OggS")
    for whole in content, content + content, content + b"TAG" + bytes(125), content + bytes(70000), content[:last]:
        path.write_bytes(whole)
        load_audio(path, RATE_HZ)
        assert not caplog.messages
    for cut in content[:-1], content[:last + 5], content[:last + 26], content[:last + 28], content + content[:-1]:
        path.write_bytes(cut)
        load_audio(path, RATE_HZ)
        assert [message.startswith(f"{path}: cut short, only its first ") for message in caplog.messages] == [True]
        caplog.clear()


def write_text(path):
    path.write_text("this is no recording\n" * 50)


BAD_FILES = {
    "missing": (lambda path: None, ".wav", "no such file; check the path"),
    "folder": (lambda path: path.mkdir(), ".wav", "is a folder, expected an audio file"),
    "empty": (lambda path: path.touch(), ".wav", "is empty (0 bytes), expected an audio file; copy or record it again"),
    "pipe": (os.mkfifo, ".wav", "is a pipe or device, expected an audio file; save the audio to a file first"),
    "no samples": (lambda path: soundfile.write(path, np.zeros(0), RATE_HZ), ".wav",
                   "holds no samples that can be read; record or convert it again"),
    "nan": (lambda path: soundfile.write(path, [0.0] * 40000 + [np.nan], RATE_HZ, subtype="FLOAT"), ".wav",
            "holds NaN or infinite samples near 2.3 s, expected ones up to about 1; convert or record it again"),
    "infinite": (lambda path: soundfile.write(path, [[0.0, 1.0], [np.inf, -np.inf]], RATE_HZ, subtype="FLOAT"), ".wav",
                 "holds NaN or infinite samples near 0.0 s, expected ones up to about 1; convert or record it again"),
    "another byte order": (lambda path: soundfile.write(path, [0.1, 3e38, 0.1], RATE_HZ, subtype="FLOAT"), ".wav",
                           "holds samples of 3e+38 near 0.0 s, expected ones up to about 1; convert or record it "
                           "again"),
    "rate": (lambda path: soundfile.write(path, np.zeros(50), 2), ".wav",
             "sample rate 2 Hz in its header, expected a whole number from 1000 to 768000"),
    **{f"text{suffix}": (write_text, suffix,
                         "cannot be read, it is damaged or no wav, flac, ogg, opus, mp3, aiff, au or caf; "
                         "install ffmpeg to read other formats, or convert the file")
       for suffix in (".wav", ".flac", ".mp3", ".m4a", ".au", ".raw", ".gsm", ".vox", "")},
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("make, suffix, message", BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_are_refused_in_our_words(tmp_path, no_ffmpeg, make, suffix, message):
    path = tmp_path / f"bad{suffix}"
    make(path)
    with pytest.raises(AudioError) as caught:
        load_audio(path, RATE_HZ)
    assert str(caught.value) == f"{path}: {message}"
    with pytest.raises(AudioError) as caught:
        list(stream_audio(path, RATE_HZ, block_s=0.3))
    assert str(caught.value) == f"{path}: {message}"


def test_names_the_system_refuses(tmp_path):
    with pytest.raises(AudioError, match="cannot be opened: File name too long"):
        load_audio(tmp_path / ("a" * 300 + ".wav"), RATE_HZ)
    with pytest.raises(AudioError, match="cannot be opened: .*null (byte|character)"):
        load_audio(tmp_path / "a\0.wav", RATE_HZ)
    with pytest.raises(AudioError, match="sample rate 0 Hz asked for, expected a whole number from 1000 to 768000"):
        load_audio(tmp_path / "a.wav", 0)
    with pytest.raises(AudioError, match="sample rate 22050.5 Hz asked for"):
        load_audio(tmp_path / "a.wav", 22050.5)


def test_a_file_that_may_not_be_read(open_folder):
    path = open_folder / "a.wav"
    save_audio(path, noise(100), RATE_HZ)
    path.chmod(0)
    with as_nobody(), pytest.raises(AudioError) as caught:
        load_audio(path, RATE_HZ)
    assert str(caught.value) == f"{path}: cannot be opened: Permission denied"


def test_names_in_any_script_and_in_no_encoding(tmp_path):
    for name in ("naïve été 語 🎙.flac", os.fsdecode(b"latin-\xe9.flac")):
        save_audio(tmp_path / name, noise(1000), RATE_HZ)
        assert len(load_audio(tmp_path / name, RATE_HZ)) == 1000
        assert os.listdir(tmp_path) == [name]
        (tmp_path / name).unlink()


# Reading through ffmpeg


AU_STREAM = """
def au(frames, rate=16000, channels=2, note=b"note 123"):
    out = sys.stdout.buffer
    out.write(struct.pack(">4s5I", b".snd", 24 + len(note), 0xFFFFFFFF, 6, rate, channels) + note)
    for i in range(frames):
        out.write(struct.pack(f">{channels}f", *([0.5, 0.25] * channels)[:channels]))
    out.flush()
"""


def unknown_file(folder):
    path = folder / "-a b;c.m4a"
    write_text(path)
    return path


def test_ffmpeg_decodes_what_soundfile_does_not_know(tmp_path, fake_ffmpeg):
    path = unknown_file(tmp_path)
    fake_ffmpeg(f"{AU_STREAM}\nassert sys.argv[sys.argv.index('-i') + 1] == 'file:{path}', sys.argv\nau(100_000)\n")
    loaded = load_audio(path, 8000)
    assert loaded.shape == (50_000,)
    np.testing.assert_allclose(loaded[500:-500], 0.375, atol=1e-4)
    assert audio_info(path) == AudioInfo(16000, 2, None)


def test_ffmpeg_opens_no_list_of_other_files(tmp_path, fake_ffmpeg):
    fake_ffmpeg(f"""{AU_STREAM}
allowed = sys.argv[sys.argv.index('-format_whitelist') + 1].split(',')
assert sys.argv.index('-format_whitelist') < sys.argv.index('-i') and 'mov' in allowed, sys.argv
assert not {{'hls', 'dash', 'concat', 'applehttp', 'sdp', 'rtsp', 'image2'}} & set(allowed), allowed
au(100)
""")
    assert audio_info(unknown_file(tmp_path)) == AudioInfo(16000, 2, None)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize("name, content", [
    ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{}\n#EXT-X-ENDLIST\n"),
    ("list.webm", "ffconcat version 1.0\nfile private.mp3\n")])
def test_a_list_that_calls_itself_a_recording_reads_no_other(tmp_path, name, content):
    save_audio(tmp_path / "private.mp3", np.full(RATE_HZ, 0.1, np.float32), RATE_HZ)
    (tmp_path / name).write_text(content.format(tmp_path / "private.mp3"))
    with pytest.raises(AudioError, match="neither libsndfile nor ffmpeg finds audio in it"):
        load_audio(tmp_path / name, RATE_HZ)


def test_ffmpeg_that_finds_nothing(tmp_path, fake_ffmpeg):
    path = unknown_file(tmp_path)
    fake_ffmpeg("sys.exit(1)")
    with pytest.raises(AudioError) as caught:
        load_audio(path, RATE_HZ)
    assert str(caught.value) == (f"{path}: cannot be read, neither libsndfile nor ffmpeg finds audio in it; "
                                 f"it is damaged or no recording")
    fake_ffmpeg(f"{AU_STREAM}\nau(0)\n")
    with pytest.raises(AudioError, match="holds no samples that can be read"):
        load_audio(path, RATE_HZ)


def test_ffmpeg_that_does_not_start(tmp_path, no_ffmpeg):
    (no_ffmpeg / "ffmpeg").write_bytes(b"\x7fELF nonsense")
    (no_ffmpeg / "ffmpeg").chmod(0o755)
    with pytest.raises(AudioError, match="cannot be read, .*/ffmpeg does not start: Exec format error"):
        load_audio(unknown_file(tmp_path), RATE_HZ)


def test_ffmpeg_that_stalls_or_fails_midway_is_stopped_and_reported(tmp_path, fake_ffmpeg, monkeypatch, caplog):
    monkeypatch.setattr(audio_module, "_FFMPEG_PATIENCE_S", 0.5)
    path = unknown_file(tmp_path)
    fake_ffmpeg(f"{AU_STREAM}\nau(1000)\nsys.stdout.buffer.write(b'odd'); sys.stdout.flush(); time.sleep(60)\n")
    begun_s = time.monotonic()
    assert len(load_audio(path, RATE_HZ)) == 1000
    assert time.monotonic() - begun_s < 10
    assert caplog.messages == [f"{path}: ffmpeg stopped before the end; damaged or cut short?"]


def test_a_stream_left_early_ends_ffmpeg(tmp_path, fake_ffmpeg):
    fake_ffmpeg(f"{AU_STREAM}\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\nau(300_000)\n"
                f"time.sleep(60)\n")
    blocks = stream_audio(unknown_file(tmp_path), RATE_HZ, block_s=0.1)
    next(blocks)
    blocks.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the ffmpeg command is not installed")
@pytest.mark.parametrize("suffix", [".m4a", ".webm"])
def test_the_installed_ffmpeg(tmp_path, suffix):
    save_audio(tmp_path / "a.wav", sine(440, 1, 48000), 48000)
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", tmp_path / f"a{suffix}"], check=True)
    loaded = load_audio(tmp_path / f"a{suffix}", RATE_HZ)
    assert abs(len(loaded) - RATE_HZ) < 0.05 * RATE_HZ
    assert abs(speech_level_db(loaded[2000:-2000], RATE_HZ) - -9.03) < 0.3
    assert audio_info(tmp_path / f"a{suffix}") == AudioInfo(48000, 1, None)


# Writing


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 9000), max_size=6), suffix=st.sampled_from([".wav", ".flac", ".mp3"]))
def test_writing_in_blocks_equals_writing_at_once(folder, cuts, suffix):
    samples = noise(9000)
    save_audio(folder / f"once{suffix}", samples, RATE_HZ, force=True)
    with AudioWriter(folder / f"blocks{suffix}", RATE_HZ, force=True) as writer:
        for block in np.split(samples, sorted(cuts)):
            writer.write(block)
    once, blocks = (load_audio(folder / f"{name}{suffix}", RATE_HZ) for name in ("once", "blocks"))
    np.testing.assert_allclose(blocks, once, atol=1e-6)
    if suffix != ".mp3":
        np.testing.assert_allclose(blocks, samples, atol=0.501 * STEP)


def test_lists_double_precision_and_numpy_rates_are_taken(tmp_path):
    save_audio(tmp_path / "a.wav", [0.0, 0.5, -1.0, 1.0], np.int64(RATE_HZ))
    assert load_audio(tmp_path / "a.wav", RATE_HZ).tolist() == [0, 0.5, -1, 1 - STEP]


def test_the_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "deep" / "a.wav"
    with AudioWriter(path, RATE_HZ) as writer:
        writer.write(noise(1000))
        assert not path.exists()
        (temporary,) = os.listdir(path.parent)
        assert temporary.startswith(".vc-")
    assert os.listdir(path.parent) == ["a.wav"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path, error):
    save_audio(tmp_path / "a.wav", noise(500), RATE_HZ)
    before = (tmp_path / "a.wav").read_bytes()
    with pytest.raises(error), AudioWriter(tmp_path / "a.wav", RATE_HZ, force=True) as writer:
        writer.write(noise(1000))
        raise error
    assert os.listdir(tmp_path) == ["a.wav"]
    assert (tmp_path / "a.wav").read_bytes() == before


def test_an_existing_file_needs_force(tmp_path):
    path = tmp_path / "a.wav"
    save_audio(path, noise(500), RATE_HZ)
    with pytest.raises(AudioError) as caught:
        AudioWriter(path, RATE_HZ)  # refused before the work is done that would fill it
    assert str(caught.value) == f"{path}: exists already; replace it by --force (in Python force=True), " \
                                "or choose another name"
    assert len(load_audio(path, RATE_HZ)) == 500
    save_audio(path, noise(700), RATE_HZ, force=True)
    assert len(load_audio(path, RATE_HZ)) == 700


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path):
    with pytest.raises(AudioError, match="exists already"), AudioWriter(tmp_path / "a.wav", RATE_HZ) as writer:
        writer.write(noise(100))
        (tmp_path / "a.wav").write_text("another's")
    assert (tmp_path / "a.wav").read_text() == "another's"
    assert os.listdir(tmp_path) == ["a.wav"]


ONE_OF = "expected one of .wav, .flac, .ogg, .opus, .mp3, .aiff, .aif, .au, .caf"
OPUS_RATES = "8000, 12000, 16000, 24000, 48000 Hz; choose another format, for instance .wav or .flac"
NAN_REFUSED = "got NaN or infinite samples, expected floats in [-1, 1]; nothing is written"
TOO_LOUD = "above full scale, expected at most 1; lower the level before writing"
BAD_WRITES = {
    "suffix": ("a.xyz", [0.1], RATE_HZ, f"cannot write .xyz; {ONE_OF}"),
    "no suffix": ("a", [0.1], RATE_HZ, f"cannot write a file without a suffix; {ONE_OF}"),
    "opus rate": ("a.opus", [0.1], 22050, f".opus cannot hold 22050 Hz, only {OPUS_RATES}"),
    "nan": ("a.wav", [0.1, np.nan], RATE_HZ, NAN_REFUSED),
    "infinite": ("a.flac", [0.1, -np.inf], RATE_HZ, NAN_REFUSED),
    "loud": ("a.wav", [0.1, 1.5], RATE_HZ, f"samples reach 1.5, 3.5 dB {TOO_LOUD}"),
    "loud, negative, lossy": ("a.ogg", [0.1, -2.0], RATE_HZ, f"samples reach 2, 6.0 dB {TOO_LOUD}"),
    "integers": ("a.wav", [1, 2], RATE_HZ, "got int64 samples of shape (2,), expected floats in [-1, 1] of shape (N,)"),
    "stereo": ("a.wav", [[0.1, 0.1]], RATE_HZ,
               "got float64 samples of shape (1, 2), expected floats in [-1, 1] of shape (N,)"),
    "none": ("a.mp3", np.zeros(0), RATE_HZ, "no samples to write; nothing is written"),
    "rate": ("a.wav", [0.1], 0, "sample rate 0 Hz asked for, expected a whole number from 1000 to 768000"),
}


@pytest.mark.parametrize("name, samples, rate_hz, message", BAD_WRITES.values(), ids=BAD_WRITES)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path, name, samples, rate_hz, message):
    with pytest.raises(AudioError) as caught:
        save_audio(tmp_path / name, samples, rate_hz)
    assert str(caught.value) == f"{tmp_path / name}: {message}"
    assert os.listdir(tmp_path) == []


def test_a_vorbis_rate_that_would_crash_is_refused(tmp_path):
    with pytest.raises(AudioError, match=r"\.ogg cannot hold 250000 Hz, only 8000, .*192000 Hz; choose another format"):
        save_audio(tmp_path / "a.ogg", noise(3000), 250000)


def test_the_library_gets_small_pieces(tmp_path, monkeypatch):
    """One write of ten million samples to Vorbis overflows the stack."""
    sizes = []
    original = soundfile.SoundFile.write
    monkeypatch.setattr(soundfile.SoundFile, "write", lambda file, x: sizes.append(len(x)) or original(file, x))
    save_audio(tmp_path / "a.wav", noise(300_000), RATE_HZ)
    assert sum(sizes) == 300_000 and max(sizes) <= 65536


def test_a_folder_in_the_way(tmp_path):
    (tmp_path / "a.wav").mkdir()
    (tmp_path / "file").touch()
    for force in (False, True):
        with pytest.raises(AudioError, match="a.wav: is a folder, expected a file name to write to"):
            save_audio(tmp_path / "a.wav", noise(100), RATE_HZ, force)
    with pytest.raises(AudioError, match="file/a.wav: cannot make the folder .*/file: File exists"):
        save_audio(tmp_path / "file" / "a.wav", noise(100), RATE_HZ)
    with pytest.raises(AudioError, match="cannot make the folder .*/file/deep: Not a directory"):
        save_audio(tmp_path / "file" / "deep" / "a.wav", noise(100), RATE_HZ)


def test_a_folder_that_may_not_be_written(open_folder):
    open_folder.chmod(0o555)
    with as_nobody():
        with pytest.raises(AudioError) as caught:
            save_audio(open_folder / "a.wav", noise(100), RATE_HZ)
        assert str(caught.value) == f"{open_folder}/a.wav: cannot be written: Permission denied"
        with pytest.raises(AudioError, match=f"cannot make the folder {open_folder}/new: Permission denied"):
            save_audio(open_folder / "new" / "a.wav", noise(100), RATE_HZ)
    assert os.listdir(open_folder) == []


def test_the_longest_name_works_and_a_longer_one_is_refused(tmp_path):
    longest = "é" * 125 + "e.wav"
    assert len(longest.encode()) == os.pathconf(tmp_path, "PC_NAME_MAX")
    save_audio(tmp_path / longest, noise(100), RATE_HZ)
    assert len(load_audio(tmp_path / longest, RATE_HZ)) == 100
    with pytest.raises(AudioError, match="cannot be written: File name too long"):
        save_audio(tmp_path / f"e{longest}", noise(100), RATE_HZ)


@pytest.mark.parametrize("suffix", WRITABLE)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_limit_on_the_file_is_noticed_for_every_format(tmp_path, suffix, share):
    """Like a full disk: writing fails at the first byte, on the way, or (mostly) not before the file is closed."""
    samples = noise(2 * RATE_HZ)
    save_audio(tmp_path / f"whole{suffix}", samples, RATE_HZ)
    limit_bytes = int(share * (tmp_path / f"whole{suffix}").stat().st_size)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        with pytest.raises(AudioError, match=f"/a{suffix}: cannot be written: .*; is the disk full"):
            save_audio(tmp_path / f"a{suffix}", samples, RATE_HZ)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == [f"whole{suffix}"]


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".opus"])
def test_a_full_disk(tmp_path, suffix):
    if shutil.which("mount") is None or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", tmp_path], capture_output=True).returncode:
        pytest.skip("mounting a small file system is not permitted here")
    try:
        with pytest.raises(AudioError, match="cannot be written: .*; is the disk full"):
            save_audio(tmp_path / f"a{suffix}", noise(5 * RATE_HZ), RATE_HZ)
        assert os.listdir(tmp_path) == []
    finally:
        subprocess.run(["umount", tmp_path], check=True)


# Level


def plain_level_db(samples, rate_hz):
    """`speech_level_db` from its description, by trying every frame's power as the gate."""
    size = round(FRAME_S * rate_hz)
    powers = sorted(float(np.var(samples[i:i + size].astype("f8"))) for i in range(0, len(samples) - size + 1, size))
    for quietest in range(len(powers)):
        level = sum(powers[quietest:]) / len(powers[quietest:])
        gate = level / 10 ** 1.6
        if level and powers[quietest] >= gate and (quietest == 0 or powers[quietest - 1] < gate):
            return 10 * np.log10(level)
    return -np.inf


def test_level_by_hand():
    full_scale = sine(1000, 1, amplitude=1.0)
    assert speech_level_db(full_scale, RATE_HZ) == pytest.approx(-3.0103, abs=1e-3)
    assert speech_level_db(0.1 * full_scale, RATE_HZ) == pytest.approx(-23.0103, abs=1e-3)
    square = np.tile([0.5, -0.5], RATE_HZ // 2)
    assert speech_level_db(square, RATE_HZ) == pytest.approx(-6.0206, abs=1e-4)


def test_pauses_noise_and_offset_do_not_change_the_level():
    tone = sine(1000, 1, amplitude=0.2)
    alone_db = speech_level_db(tone, RATE_HZ)
    pause = noise(9 * RATE_HZ, level=1e-3)
    assert speech_level_db(np.concatenate([pause, tone, pause]), RATE_HZ) == pytest.approx(alone_db, abs=1e-3)
    assert speech_level_db(tone + np.float32(0.3), RATE_HZ) == pytest.approx(alone_db, abs=1e-3)


def test_silence_and_offset_alone_have_no_level():
    for quiet in (np.zeros(0), np.zeros(5), np.zeros(RATE_HZ), np.full(RATE_HZ, 0.25)):
        assert speech_level_db(quiet, RATE_HZ) == -np.inf


def test_less_than_a_frame_still_has_a_level():
    assert speech_level_db(sine(1000, 0.010, amplitude=1.0), RATE_HZ) == pytest.approx(-3.0103, abs=1e-3)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), frames=st.integers(1, 60))
def test_level_equals_the_slow_reference(seed, frames):
    random = np.random.default_rng(seed)
    gains = 10 ** (random.uniform(-60, 0, frames) / 20)
    samples = (np.repeat(gains, 320) * random.uniform(-1, 1, 320 * frames)).astype("f4")
    assert speech_level_db(samples, RATE_HZ) == pytest.approx(plain_level_db(samples, RATE_HZ), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(samples=st.integers(0, 5000), cuts=st.lists(st.integers(0, 5000), max_size=8),
       rate_hz=st.sampled_from([16000, 11025]))
def test_level_does_not_depend_on_the_blocks(samples, cuts, rate_hz):
    recording = noise(samples, seed=samples) - np.float32(0.5)
    meter = LevelMeter(rate_hz)
    for block in np.split(recording, sorted(cut for cut in cuts if cut <= samples)):
        meter.update(block)
    assert meter.speech_level_db == pytest.approx(speech_level_db(recording, rate_hz), abs=1e-9)
    assert (meter.samples, meter.peak) == (samples, np.abs(recording).max(initial=0))
    assert meter.offset == pytest.approx(recording.mean(dtype="f8") if samples else 0, abs=1e-8)


@pytest.mark.parametrize("amplitude", [1e-2, 0.5])
def test_an_offset_is_told_from_a_hundredth_of_the_speech_level_on(amplitude):
    for share in 0.009, 0.011, -0.009, -0.011:
        offset = share * amplitude / 2**0.5
        meter = LevelMeter(RATE_HZ)
        meter.update(sine(1000, 1, amplitude=amplitude) + np.float32(offset))
        assert meter.offset == pytest.approx(offset if abs(share) > 0.01 else 0, rel=1e-3)


def test_a_level_is_restored_as_far_as_the_peak_allows():
    tone = sine(1000, 1)  # -9.03 dBFS
    np.testing.assert_allclose(restore_level(tone, RATE_HZ, -29.0309), 0.1 * tone, atol=1e-5)
    np.testing.assert_allclose(restore_level(tone, RATE_HZ, 0.0), PEAK / 0.5 * tone, atol=1e-5)
    for silent, level_db in (0 * tone, -26.0), (0 * tone + 0.25, -26.0), (tone, -np.inf):
        np.testing.assert_array_equal(restore_level(silent, RATE_HZ, level_db), 0 * tone)


def test_require_speech():
    require_speech(sine(200, 0.5), RATE_HZ, "a.wav", min_s=0.5)
    with pytest.raises(AudioError) as caught:
        require_speech(sine(200, 0.02), RATE_HZ, "a.wav", min_s=0.5)
    assert str(caught.value) == "a.wav: lasts 0.02 s, expected at least 0.5 s; give a longer recording"
    with pytest.raises(AudioError) as caught:
        require_speech(np.zeros(RATE_HZ), RATE_HZ, "a.wav", min_s=0.5)
    assert str(caught.value) == ("a.wav: is silent (level -inf dBFS), expected speech above -70 dBFS; "
                                 "check the microphone or choose another recording")
    with pytest.raises(AudioError, match=r"is silent \(level -83 dBFS\)"):
        require_speech(sine(200, 0.5, amplitude=1e-4), RATE_HZ, "a.wav", min_s=0.5)


@settings(max_examples=60, deadline=None)
@given(before=st.integers(0, 12000), speech=st.integers(800, 6000), after=st.integers(0, 12000),
       rate_hz=st.sampled_from([16000, 22050, 11025]))
def test_trimming_keeps_the_speech_and_little_else(before, speech, after, rate_hz):
    recording = np.concatenate([noise(before, 1e-5), noise(speech, 0.1), noise(after, 1e-5)])
    trimmed = trim_silence(recording, rate_hz)
    margin = round(0.12 * rate_hz)
    frame = frame_samples(rate_hz)
    loud = np.flatnonzero(np.abs(trimmed) > 0.001)
    expected = np.flatnonzero(np.abs(recording) > 0.001)
    np.testing.assert_array_equal(trimmed[loud[0]:loud[-1] + 1], recording[expected[0]:expected[-1] + 1])
    assert min(margin, before) <= loud[0] + frame and loud[0] <= margin + 2 * frame
    assert min(margin, after) <= len(trimmed) - loud[-1] + frame and len(trimmed) - loud[-1] <= margin + 2 * frame
    assert len(trimmed) - len(trim_silence(trimmed, rate_hz)) <= 2 * frame


def test_trimming_by_hand():
    recording = np.concatenate([np.zeros(8000), sine(1000, 1), np.zeros(8000)])
    assert len(trim_silence(recording, RATE_HZ)) == RATE_HZ + 2 * 1920
    assert len(trim_silence(recording, RATE_HZ, keep_s=0)) == RATE_HZ
    breath = np.concatenate([0.02 * sine(1000, 0.5), sine(1000, 1)])  # 34 dB below
    assert len(trim_silence(breath, RATE_HZ)) == 24000
    assert len(trim_silence(breath, RATE_HZ, keep_s=0, threshold_db=30)) == 16000
    faint = np.concatenate([0.005 * sine(1000, 0.5), sine(1000, 1)])  # 46 dB below
    assert len(trim_silence(faint, RATE_HZ, keep_s=0)) == 16000


def test_trimming_silence_leaves_nothing():
    for quiet in (np.zeros(0), np.zeros(7), np.zeros(RATE_HZ), noise(RATE_HZ, 1e-5)):
        assert trim_silence(quiet, RATE_HZ).shape == (0,)
    short = sine(1000, 0.015)
    np.testing.assert_array_equal(trim_silence(short, RATE_HZ), short)


def test_clipped_share_by_hand():
    quiet = [0.1, -0.2, 0.3, 0.0]
    assert clipped_share(np.array([*quiet, 1.0, 1.0, 1.0, *quiet, -1.0])) == 3 / 12
    assert clipped_share(np.array([1.0, 1.0, *quiet, 1.0, 1.0])) == 0
    assert clipped_share(np.array([-1.0, -1.0, -1.0, *quiet, 1 - STEP, 1 - STEP, 1 - STEP])) == 6 / 10
    assert clipped_share(np.array([0.98, 0.98, 0.98, *quiet])) == 0
    assert clipped_share(np.array([1.0, 1 - 2 * STEP, 1.0, *quiet])) == 0
    assert clipped_share(np.zeros(0)) == 0


def test_clipped_share_grows_with_the_overdrive_and_clean_speech_has_none():
    speech = noise(RATE_HZ)
    speech /= np.abs(speech).max()
    shares = [clipped_share(np.clip(gain * speech, -1, 1)) for gain in (1, 4, 16)]
    assert shares[0] == 0 < shares[1] < shares[2]
