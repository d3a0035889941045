"""Reading and writing recordings: any file becomes float32 mono at one sample rate; nothing half-written is left.

libsndfile reads wav, flac, ogg, opus, mp3, aiff, au and caf. What it does not know (m4a, aac, mp4, webm) goes through
the `ffmpeg` command where that is installed. Every way of failing is an AudioError.

A file that is cut short or damaged yields what comes before the damage, with a warning in the log where less comes than
the header promises, or where an ogg or opus, which promises nothing, breaks off amid a page. A cut caf cannot be opened
at all.
libsndfile believes an mp3 that promises too little (files joined by `cat`, variable bit rate without a Xing header): it
ends early, unnoticed.

N is a number of samples, n that of one block, C of channels.
"""

import contextlib
import errno
import logging
import os
import re
import secrets
import shutil
import stat
import struct
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from vc.errors import AudioError
from vc.level import SILENCE_DBFS

# Suffix: libsndfile's format and encoding.
WRITABLE = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
    ".aiff": ("AIFF", "PCM_16"),
    ".aif": ("AIFF", "PCM_16"),
    ".au": ("AU", "PCM_16"),
    ".caf": ("CAF", "PCM_16"),
}
UNLABELLED = ("AU",)  # formats whose header has no place for a comment
# libsndfile would refuse other rates in opus and mp3 with a message of its own; in Vorbis it crashes above 200 kHz.
CODEC_RATES_HZ = {
    "OPUS": (8000, 12000, 16000, 24000, 48000),
    "MPEG_LAYER_III": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
    "VORBIS": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000),
}
# A rate outside these limits is a damaged header or a slip.
MIN_SAMPLE_RATE_HZ = 1000
MAX_SAMPLE_RATE_HZ = 768000

# libsndfile is given this many samples at a time. A larger read would lose more of a damaged flac, whose last,
# incomplete block comes back as an error; a Vorbis write of ten million overflows the stack.
_PIECE_SAMPLES = 4096
_UNKNOWN_FRAMES = 2**63 - 1  # libsndfile's SF_COUNT_MAX
_STREAMED_BYTES = 0x7F000000  # from here on a size in a header stands for one unknown; sox gives this one to aiff
_OGG_PAGE_BYTES = 65307  # the largest
_FFMPEG_PATIENCE_S = 60
# What ffmpeg may open, by its own names: files that hold their sound themselves. Its lists of other files, like hls,
# dash and concat, would read whatever the list names.
_CONTAINERS = ("mov,mp4,m4a,3gp,matroska,webm,aac,asf,mp3,wav,w64,ogg,flac,caf,aiff,au,mpeg,mpegts,avi,flv,amr,amrnb,"
               "amrwb,ac3,eac3,dts,ape,wv,tta,tak,mpc,mpc8,dsf,gsm,voc,iff")
_INT16_SCALE = 32768
_LOUD = 10 ** (SILENCE_DBFS / 10)  # mean power of channels in which there is a sound
_CANCELLED = 1e-4  # share of that power that their mean has where one is the other upside down
_DAMAGED = 1e10  # no float sample is so large, not even where 32-bit integers were stored as they are

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AudioInfo:
    """What a file's header says. `duration_s` is None where only decoding would tell."""

    sample_rate_hz: int
    channels: int
    duration_s: float | None


def audio_info(path):
    """Sample rate, channels and duration of a file, from its header. Raises AudioError like `load_audio`."""
    with contextlib.closing(_open_source(path)) as source:
        return source.info


def audio_label(path):
    """What AudioWriter was given as `label`, or another program as the comment; "" where there is none.

    Raises AudioError like `load_audio`.
    """
    _check_file(path)
    try:
        with soundfile.SoundFile(_library_path(path)) as file:
            return file.comment
    except (soundfile.LibsndfileError, TypeError):
        return ""


def load_audio(path, sample_rate_hz, warn=_log.warning):
    """A whole recording as float32 (N,): the mean of its channels, nominally in [-1, 1], at `sample_rate_hz`.

    N is the file's number of samples times the ratio of the rates, rounded. warn: called with a line that names the
    file where it is damaged or cut short. Raises AudioError for a file that is missing, empty, no recording, or holds
    no, NaN or infinite samples, or channels that cancel each other.
    """
    return np.concatenate([np.zeros(0, np.float32), *stream_audio(path, sample_rate_hz, warn=warn)])


def stream_audio(path, sample_rate_hz, block_s=10.0, warn=_log.warning):
    """Yield what `load_audio` returns in blocks of about `block_s` seconds, float32 (n,), in bounded memory.

    Raises AudioError as `load_audio` does, when the first block is asked for or the bad one is reached.
    """
    _check_rate(path, sample_rate_hz, "asked for")
    with contextlib.closing(_open_source(path)) as source:
        file_rate_hz = source.info.sample_rate_hz
        # At equal rates soxr hands the samples through unchanged.
        resampler = soxr.ResampleStream(file_rate_hz, sample_rate_hz, 1, dtype="float32", quality="HQ")
        samples_read = 0
        for block in _mono_blocks(source, path, block_samples=block_s * file_rate_hz):
            samples_read += len(block)
            yield resampler.resample_chunk(block)
        if samples_read == 0:
            raise AudioError(f"{path}: holds no samples that can be read; record or convert it again")
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)
        damage = source.damage(samples_read / file_rate_hz)
        if damage:
            warn(f"{path}: {damage}")


def save_audio(path, audio, sample_rate_hz, force=False, *, label=None):
    """Write floats (N,) in [-1, 1] as a file of the format its suffix names; force, label and AudioError are those of
    `AudioWriter`."""
    with AudioWriter(path, sample_rate_hz, force, label) as writer:
        writer.write(audio)


class AudioWriter:
    """Writes a mono file block by block; the file appears under its name only when it is whole. A context manager.

    The format follows the suffix (see WRITABLE), missing parent folders are made, and an existing file is replaced
    only with `force`. An exception within the `with` block leaves no file behind. Raises AudioError for a suffix or
    sample rate that cannot be written, samples that are not finite floats in [-1, 1], and every refusal of the disk.

    label: a line kept in the file's header, as its comment (a wav's INFO, a flac's or ogg's comment, ID3 in mp3; au
    has no place for one). `audio_label` reads it.

    >>> with AudioWriter("out.flac", 16000) as writer:
    ...     writer.write(block)      # float32, (n,)
    """

    def __init__(self, path, sample_rate_hz, force=False, label=None):
        self.path = Path(path)
        self.sample_rate_hz = sample_rate_hz
        self.force = force
        self.label = label
        suffix = self.path.suffix.lower()
        if suffix not in WRITABLE:
            raise AudioError(f"{path}: cannot write {suffix or 'a file without a suffix'}; "
                             f"expected one of {', '.join(WRITABLE)}")
        self._format, self._encoding = WRITABLE[suffix]
        _check_rate(path, sample_rate_hz, "asked for")
        rates_hz = CODEC_RATES_HZ.get(self._encoding)
        if rates_hz and sample_rate_hz not in rates_hz:
            raise AudioError(f"{path}: {suffix} cannot hold {sample_rate_hz} Hz, only "
                             f"{', '.join(map(str, rates_hz))} Hz; choose another format, for instance .wav or .flac")
        self._refuse_existing()
        # A short name of its own: a file name that just fits the file system must not fail for its temporary twin.
        self._temporary = self.path.parent / f".vc-{secrets.token_hex(6)}{suffix}"
        self._file = None
        self._samples = 0

    def __enter__(self):
        try:
            with self._translated_errors(f"cannot make the folder {self.path.parent}"):
                self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._translated_errors():
                open(self._temporary, "xb").close()
                self._file = _SequentialFile(_library_path(self._temporary), "w", samplerate=self.sample_rate_hz,
                                             channels=1, format=self._format, subtype=self._encoding)
                if self.label and self._format not in UNLABELLED:
                    self._file.comment = self.label  # before the first sample, or most formats have no room left
        except BaseException:
            self._discard()
            raise
        return self

    def write(self, block):
        """Append floats in [-1, 1], (n,). Integer formats store the nearest of 65536 steps, 1.0 as the highest."""
        block = np.asarray(block)
        if block.ndim != 1 or block.dtype.kind != "f":
            raise AudioError(f"{self.path}: got {block.dtype} samples of shape {block.shape}, expected floats in "
                             f"[-1, 1] of shape (N,)")
        if not np.isfinite(block).all():
            raise AudioError(f"{self.path}: got NaN or infinite samples, expected floats in [-1, 1]; "
                             f"nothing is written")
        peak = np.abs(block).max(initial=0)
        if peak > 1 + 0.5 / _INT16_SCALE:  # half a step: what a division by the peak may leave above 1
            raise AudioError(f"{self.path}: samples reach {peak:.4g}, {20 * np.log10(peak):.1f} dB above full scale, "
                             f"expected at most 1; lower the level before writing")
        if self._encoding == "PCM_16":
            # libsndfile would round down, half a step off on average, and not return 16-bit samples as they were.
            block = np.clip(np.rint(block * _INT16_SCALE), -_INT16_SCALE, _INT16_SCALE - 1).astype(np.int16)
        else:
            block = block.astype(np.float32)
        with self._translated_errors():
            for start in range(0, len(block), _PIECE_SAMPLES):
                self._file.write(block[start:start + _PIECE_SAMPLES])
        self._samples += len(block)

    def __exit__(self, error_type, error, trace):
        try:
            if error is None:
                self._commit()
        finally:
            self._discard()

    def _commit(self):
        if self._samples == 0:
            raise AudioError(f"{self.path}: no samples to write; nothing is written")
        with self._translated_errors():
            self._file.close()
            with open(self._temporary, "rb+") as file:
                os.fsync(file.fileno())
            # libsndfile says nothing when the disk is full while it closes a file, so count what has arrived.
            with contextlib.closing(_LibraryFileSource(self._temporary)) as source:
                written = sum(len(piece) for piece in source.pieces())
            if written != self._samples:
                raise OSError(errno.ENOSPC, f"only {written} of {self._samples} samples arrived; is the disk full?")
            self._refuse_existing()
            os.replace(self._temporary, self.path)

    def _discard(self):
        """Close and remove the temporary file; after a commit there is none."""
        if self._file is not None:
            with contextlib.suppress(soundfile.SoundFileError):
                self._file.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink()

    def _refuse_existing(self):
        try:
            mode = os.lstat(self.path).st_mode
        except (FileNotFoundError, NotADirectoryError):  # the latter is for mkdir to report
            return
        except (OSError, ValueError) as error:
            raise AudioError(f"{self.path}: cannot be written: {_reason(error)}") from None
        if stat.S_ISDIR(mode):
            raise AudioError(f"{self.path}: is a folder, expected a file name to write to")
        if not self.force:
            raise AudioError(f"{self.path}: exists already; replace it by --force (in Python force=True), or "
                             f"choose another name")

    @contextlib.contextmanager
    def _translated_errors(self, failure="cannot be written"):
        try:
            yield
        except (OSError, soundfile.SoundFileError, AssertionError) as error:  # soundfile asserts that all was taken
            raise AudioError(f"{self.path}: {failure}: {_reason(error)}") from None


class _SequentialFile(soundfile.SoundFile):
    """A SoundFile that is only read or written from start to end.

    After every call, soundfile seeks to where it is. In opus that seek lands elsewhere (reading in blocks differs from
    reading the whole by half of full scale), in mp3 the decoder complains on stderr. Files that call themselves
    unseekable are left alone.
    """

    def seekable(self):
        return False


class _LibraryFileSource:
    """A file that libsndfile reads. Raises LibsndfileError or TypeError for another."""

    def __init__(self, path):
        self._path = path
        self._file = _SequentialFile(_library_path(path))
        if self._file.format == "RAW":  # what the suffixes .au, .snd, .gsm and .vox make of any text
            self._file.close()
            raise TypeError("headerless samples")
        frames, rate_hz = self._file.frames, self._file.samplerate
        duration_s = None if frames == _UNKNOWN_FRAMES else frames / rate_hz * self._promised_share()
        self.info = AudioInfo(rate_hz, self._file.channels, duration_s)

    def _promised_share(self):
        """How many times the bytes that there are the header of a wav, aiff or au promises; 1 where it says nothing.

        libsndfile counts what is there, and tells only its log of the rest. What writes to a pipe does not know the
        size and promises the most that fits.
        """
        told = re.search(r"^ *(?:data|SSND|Data Size) +: (\d+) \(should be (\d+)\)", self._file.extra_info,
                         re.MULTILINE)
        promised, there = map(int, told.groups()) if told else (1, 1)
        return promised / there if 0 < there < promised < _STREAMED_BYTES else 1

    def pieces(self):
        """Yield float32 (n, C) to the end, or to where the file is damaged."""
        with contextlib.suppress(soundfile.LibsndfileError):
            while len(piece := self._file.read(_PIECE_SAMPLES, dtype="float32", always_2d=True)):
                yield piece

    def damage(self, read_s):
        """What is wrong with a file that gave so many seconds, "" where nothing is known to be."""
        promised_s = self.info.duration_s
        # The tolerance is for mp3, whose length may be an estimate.
        if promised_s is not None and read_s < 0.98 * promised_s - 0.1:
            return f"damaged or cut short, only the first {read_s:.1f} s of {promised_s:.1f} s can be read"
        if self._file.format == "OGG" and _ends_amid_page(self._path):
            return f"cut short, only its first {read_s:.1f} s are there"
        return ""

    def close(self):
        self._file.close()


class _FfmpegSource:
    """A file that libsndfile does not know, decoded by ffmpeg through a pipe. Raises AudioError where that fails too.

    The pipe carries the au format: its header, unlike raw samples, tells rate and channels, so that ffmpeg neither
    resamples nor mixes, and all recordings are treated alike.
    """

    def __init__(self, path):
        self._path = path
        command = shutil.which("ffmpeg")
        if command is None:
            raise AudioError(f"{path}: cannot be read, it is damaged or no wav, flac, ogg, opus, mp3, aiff, au or caf; "
                             f"install ffmpeg to read other formats, or convert the file")
        # `file:` keeps ffmpeg from reading a name like concat:a|b as a command; the whitelists keep a playlist that
        # calls itself a recording from reaching the network and other files.
        arguments = ["-v", "quiet", "-nostdin", "-protocol_whitelist", "file,pipe", "-format_whitelist", _CONTAINERS,
                     "-i", f"file:{os.fspath(path)}", "-map", "0:a:0", "-f", "au", "-c:a", "pcm_f32be", "pipe:1"]
        try:
            self._process = subprocess.Popen([command, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                             stderr=subprocess.DEVNULL)
        except OSError as error:
            raise AudioError(f"{path}: cannot be read, {command} does not start: {_reason(error)}") from None
        header = self._read(24)
        if len(header) < 24:
            self.close()
            raise AudioError(f"{path}: cannot be read, neither libsndfile nor ffmpeg finds audio in it; "
                             f"it is damaged or no recording")
        _, header_bytes, _, _, rate_hz, channels = struct.unpack(">4s5I", header)
        self._read(header_bytes - len(header))
        self.info = AudioInfo(rate_hz, channels, None)

    def pieces(self):
        """Yield float32 (n, C) to the end, or to where ffmpeg gives up."""
        frame_bytes = 4 * self.info.channels
        while data := self._read(16 * _PIECE_SAMPLES * frame_bytes):
            whole_bytes = len(data) // frame_bytes * frame_bytes
            yield np.frombuffer(data[:whole_bytes], ">f4").astype(np.float32).reshape(-1, self.info.channels)

    def damage(self, read_s):
        """See _LibraryFileSource; after the last piece."""
        return "" if self._process.wait() == 0 else "ffmpeg stopped before the end; damaged or cut short?"

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def _read(self, size):
        """`size` bytes, or fewer at the end; an ffmpeg that gives nothing for too long is stopped."""
        watchdog = threading.Timer(_FFMPEG_PATIENCE_S, self._process.kill)
        watchdog.start()
        try:
            return self._process.stdout.read(size)
        finally:
            watchdog.cancel()


def _open_source(path):
    """What reads `path`: an object with `info`, `pieces()`, `damage(read_s)` and `close()`."""
    _check_file(path)
    try:
        source = _LibraryFileSource(path)
    except (soundfile.LibsndfileError, TypeError):  # TypeError: soundfile wants to be told the rate of a .raw
        source = _FfmpegSource(path)
    try:
        _check_rate(path, source.info.sample_rate_hz, "in its header")
    except AudioError:
        source.close()
        raise
    return source


def _check_file(path):
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise AudioError(f"{path}: is a folder, expected an audio file")
        if not stat.S_ISREG(status.st_mode):
            raise AudioError(f"{path}: is a pipe or device, expected an audio file; save the audio to a file first")
        if status.st_size == 0:
            raise AudioError(f"{path}: is empty (0 bytes), expected an audio file; copy or record it again")
        open(path, "rb").close()
    except FileNotFoundError:
        raise AudioError(f"{path}: no such file; check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL within the name
        raise AudioError(f"{path}: cannot be opened: {_reason(error)}") from None


def _check_rate(path, sample_rate_hz, where):
    whole = isinstance(sample_rate_hz, (int, np.integer))
    if not whole or not MIN_SAMPLE_RATE_HZ <= sample_rate_hz <= MAX_SAMPLE_RATE_HZ:
        raise AudioError(f"{path}: sample rate {sample_rate_hz} Hz {where}, expected a whole number from "
                         f"{MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ}")


def _mono_blocks(source, path, block_samples):
    """Yield the mean over channels, float32 (n,), with n at least `block_samples` except at the end."""
    pending, pending_samples, samples_before, energy, mean_energy = [], 0, 0, 0.0, 0.0
    for piece in source.pieces():
        largest = np.abs(piece).max(initial=0)
        if not largest < _DAMAGED:
            at_s = (samples_before + pending_samples) / source.info.sample_rate_hz
            found = "NaN or infinite samples" if not np.isfinite(largest) else f"samples of {largest:.0e}"
            raise AudioError(f"{path}: holds {found} near {at_s:.1f} s, expected ones up to about 1; convert or record "
                             f"it again")
        pending.append(piece.mean(axis=1))
        energy += float(np.square(piece).sum()) / source.info.channels
        mean_energy += float(np.square(pending[-1]).sum())
        pending_samples += len(piece)
        if pending_samples >= block_samples:
            yield np.concatenate(pending)
            samples_before += pending_samples
            pending, pending_samples = [], 0
    if pending:
        yield np.concatenate(pending)
    # Known at the end only; a source is read to its end before it is converted.
    if energy > _LOUD * (samples_before + pending_samples) and mean_energy < _CANCELLED * energy:
        raise AudioError(f"{path}: its {source.info.channels} channels cancel each other, their mean is silent; give "
                         f"one of them as a file of its own")


def _ends_amid_page(path):
    """Whether the last page of an ogg would be longer than the file. One that ends between two pages may have been
    recorded so."""
    with open(path, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _OGG_PAGE_BYTES))
        _, mark, page = file.read().rpartition(b"OggS\0")
    if not mark:  # far behind the last page, something else
        return False
    return len(page) < 22 or len(page) < 22 + page[21] + sum(page[22:22 + page[21]])


def _library_path(path):
    """The name in the form that libsndfile opens. On POSIX any bytes can name a file, also ones that are not UTF-8."""
    return os.fsencode(path) if os.name == "posix" else str(path)


def _reason(error):
    if isinstance(error, soundfile.LibsndfileError):
        return f"{error.error_string.rstrip('.')}; is the disk full?"
    if isinstance(error, AssertionError):
        return "not all samples were taken; is the disk full?"
    return getattr(error, "strerror", None) or str(error)
