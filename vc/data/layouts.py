"""Finding recordings: which files a corpus holds, who speaks in each and, where it is known, what is said.

A source is a folder or a table. Of a folder we know these layouts; `auto` recognises the corpora by the way they name
their files and takes everything else as one folder per speaker:

    speakers        SPEAKER/any/depth/any-name.wav
    speaker         any/depth/any-name.wav, all of one speaker, whom the folder is named after
    vctk            wav48_silence_trimmed/p225/p225_001_mic1.flac, txt/p225/p225_001.txt (VCTK 0.92)
    librispeech     train-clean-100/103/1240/103-1240-0000.flac, 103-1240.trans.txt
    libritts        train-clean-100/103/1241/103_1241_000000_000001.wav, 103_1241_000000_000001.normalized.txt
    vcc2020         target_task1/TEF1/E10001.wav, *_Eng_transcriptions.txt
    speechocean762  WAVE/SPEAKER0001/000010011.WAV, train/text, test/text
    aishell3        train/wav/SSB0005/SSB00050001.wav, train/content.txt

A corpus may lie anywhere below the folder, and parts of it may be missing. A table (layout `table`) is a tab- or
comma-separated file with a header line that names the columns `path`, `speaker` and, if there is one, `text`; paths
are relative to the table.
"""

import csv
import io
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vc.errors import DataError

AUDIO_SUFFIXES = frozenset(
    ".wav .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .au .caf .w64 .m4a .aac .wma .webm .mp4".split())


@dataclass(frozen=True)
class Recording:
    """One audio file. `speaker` is the name the corpus uses; `text` is empty where it is unknown."""

    path: Path
    speaker: str
    text: str = ""


@dataclass(frozen=True)
class Corpus:
    """What a source holds. `root` is the folder that the paths are told from; `recordings` are sorted by path."""

    layout: str
    root: Path
    recordings: list[Recording]


def find_recordings(source, layout="auto"):
    """List the recordings of a folder or a table as a Corpus; `layout` is "auto" or a name in LAYOUTS.

    Links to folders are followed, each folder once. Names that begin with a dot are passed over, and so are files that
    do not fit a layout that was asked for by name. Raises DataError where there is nothing to find, the layout is
    unknown, or `auto` cannot tell.
    """
    source = Path(source)
    if layout not in LAYOUTS:
        raise DataError(f"unknown layout {layout!r}; known: {', '.join(LAYOUTS)}")
    if not source.exists():
        raise DataError(f"{source}: no such folder or table")
    if source.is_file():
        return _find_in_table(source, layout)
    if layout == "table":
        raise DataError(f"{source}: is a folder, the layout table needs a file with the columns path and speaker")
    files = list_files(source)
    audio = _audio(files)
    if not audio:
        raise DataError(f"{source}: holds no audio file; expected {', '.join(sorted(AUDIO_SUFFIXES))}")
    if layout == "auto":
        layout = _recognise(source, audio)
    if layout == "speakers":
        _refuse_audio_without_speaker(source, audio)
    return Corpus(layout, source, _read_layout(source, _FOLDER_LAYOUTS[layout], files, audio))


@dataclass(frozen=True)
class _Layout:
    """How a corpus names its files.

    `recording` matches the path of an audio file, with a group `speaker` and, where the corpus has texts, a group
    `utterance`; `texts(root, files)` returns {utterance: text}.
    """

    example: str
    recording: re.Pattern
    texts: Callable = lambda root, files: {}


def _read_layout(root, layout, files, audio):
    texts = layout.texts(root, files)
    found = {}
    for file in audio:
        match = layout.recording.search(file)
        if match:
            utterance = match.groupdict().get("utterance", file)
            recording = Recording(root / file, match["speaker"] or root.resolve().name, texts.get(utterance, ""))
            # The first of several takes wins: of VCTK's two microphones mic1, and mic2 only where mic1 is missing.
            found.setdefault((file.rpartition("/")[0], utterance), recording)
    if not found:
        raise DataError(f"{root}: no file there is named like {layout.example}; choose another layout")
    return list(found.values())


def _recognise(root, audio):
    """Name the layout that the audio files follow."""
    strays = {name: [file for file in audio if not layout.recording.search(file)]
              for name, layout in _FOLDER_LAYOUTS.items() if name not in ("speakers", "speaker")}
    fitting = [name for name in strays if len(strays[name]) < len(audio)]
    if not fitting:
        return "speakers"
    if len(fitting) > 1:
        raise DataError(f"{root}: looks like {' and '.join(fitting)} at once; prepare each by itself, or name a layout")
    name, = fitting
    if strays[name]:
        raise DataError(f"{root}: looks like {name}, but {len(strays[name])} of {len(audio)} audio files do not fit, "
                        f"for instance {strays[name][0]}; name the layout, {name} (which passes over them) or speakers")
    return name


def _refuse_audio_without_speaker(root, audio):
    stray = [file for file in audio if "/" not in file]
    if stray:
        lie = "1 audio file lies" if len(stray) == 1 else f"{len(stray)} audio files lie"
        raise DataError(f"{root}: {lie} directly in it, for instance {stray[0]}; give each "
                        f"speaker a folder, {root}/SPEAKER/{stray[0]}, write a table with the columns path and "
                        f"speaker, or, where all are of one, prepare them by `vc prepare --layout speaker`")


def is_flat(source):
    """Whether it is a folder and all its recordings lie directly in it. Raises DataError where it cannot be listed."""
    audio = list_audio(source) if Path(source).is_dir() else []
    return bool(audio) and not any("/" in file for file in audio)


def _audio(files):
    return [file for file in files if PurePosixPath(file).suffix.lower() in AUDIO_SUFFIXES]


def list_files(root, broken_links=False):
    """Paths of all files below `root`, relative to it, with forward slashes, sorted. Raises DataError.

    Links to folders are followed, each folder once; names that begin with a dot are passed over, and links to nowhere
    unless `broken_links` asks for them.
    """
    files, seen = [], set()

    def walk(folder, prefix):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:  # a link that leads back to where we have been
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
        for entry in entries:
            # macOS leaves ._a.wav and __MACOSX/a.wav beside a.wav; they hold no sound.
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            if not os.path.exists(entry.path):
                files.extend([prefix + entry.name] * broken_links)
            elif entry.is_dir():
                walk(entry.path, f"{prefix}{entry.name}/")
            elif entry.is_file():
                files.append(prefix + entry.name)

    try:
        walk(root, "")
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be listed: {error.strerror}") from None
    return sorted(files)


def list_audio(root, broken_links=False):
    """Those of `list_files` that are named like audio. Raises DataError."""
    return _audio(list_files(root, broken_links))


def recordings_at(path):
    """What a path names: itself, or the audio files of a folder with links to nowhere, sorted. Raises DataError where
    a folder cannot be listed or holds none."""
    if not os.path.isdir(path):
        return [path]
    files = [os.path.join(path, file) for file in list_audio(path, broken_links=True)]
    if not files:
        raise DataError(f"{path}: a folder without audio files, expected at least one of "
                        f"{', '.join(sorted(AUDIO_SUFFIXES))}")
    return files


# Texts of the corpora: each function returns {utterance: text}.


def _vctk_texts(root, files):
    return _text_of_each(root, [file for file in files if re.search(r"(^|/)txt/[^/]+/[^/]+\.txt$", file)], ".txt")


def _librispeech_texts(root, files):
    return {utterance: text for _, utterance, text in _lines(root, files, ".trans.txt")}


def _libritts_texts(root, files):
    return _text_of_each(root, [file for file in files if file.endswith(".normalized.txt")], ".normalized.txt")


def _vcc2020_texts(root, files):
    # The lists number the sentences of a language, 10001; the recordings put its letter before, E10001 or M10001.
    texts = {}
    for file, number, text in _lines(root, files, "_transcriptions.txt"):
        language = re.search(r"(Eng|Fin|Ger|Man)_transcriptions", file)
        texts[(language[1][0] if language else "E") + number.lstrip("EFGM")] = text
    return texts


def _speechocean762_texts(root, files):
    return {utterance: text for _, utterance, text in _lines(root, files, "/text")}


def _aishell3_texts(root, files):
    # SSB00050001.wav <tab> character pinyin character pinyin ...
    return {PurePosixPath(name).stem: "".join(words.split()[::2])
            for _, name, words in _lines(root, files, "/content.txt")}


def _text_of_each(root, files, suffix):
    """Texts that lie in one file an utterance, UTTERANCE + suffix."""
    return {PurePosixPath(file).name.removesuffix(suffix): _read_text(root / file).strip() for file in files}


def _lines(root, files, name):
    """Yield (file, first word, rest) of each line of the files whose path ends in `name`."""
    for file in files:
        if f"/{file}".endswith(name):
            for line in _read_text(root / file).split("\n"):
                first, _, rest = line.strip().replace("\t", " ", 1).partition(" ")
                yield file, first, rest.strip()


def _read_text(path):
    # A damaged letter in a corpus's text is no reason to leave out its speech.
    return path.read_text(encoding="utf-8-sig", errors="replace")


# Tables


def _find_in_table(table, layout):
    if layout not in ("auto", "table"):
        raise DataError(f"{table}: is a file, the layout {layout} needs a folder")
    if table.suffix.lower() in AUDIO_SUFFIXES:
        raise DataError(f"{table}: is one recording, expected a table or a folder with a folder for each speaker")
    try:
        recordings = _read_table(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: cannot be read as a table: {error}") from None
    if not recordings:
        raise DataError(f"{table}: the table has a header but no line below it")
    return Corpus("table", table.parent, sorted(recordings, key=lambda recording: recording.path.as_posix()))


def table_rows(table):
    """csv.DictReader over a tab- or comma-separated table with a header line. Raises OSError, UnicodeDecodeError."""
    content = Path(table).read_text(encoding="utf-8-sig")
    header = content.partition("\n")[0]
    delimiter = next((mark for mark in "\t;," if mark in header), "\t")
    # Between tabs a quotation mark is a part of the text; between commas it protects a comma.
    quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    return csv.DictReader(io.StringIO(content), delimiter=delimiter, quoting=quoting, restval="")


def _read_table(table):
    rows = table_rows(table)
    names = rows.fieldnames or ()
    missing = [name for name in ("path", "speaker") if name not in names]
    if missing:
        header = rows.reader.dialect.delimiter.join(names)
        raise DataError(f"{table}: the header line lacks {' and '.join(missing)}; got {header[:200]!r}, expected the "
                        f"columns path, speaker and optionally text, between tabs or commas")
    recordings, line_of = [], {}
    for row in rows:
        path, speaker, where = row["path"].strip(), row["speaker"].strip(), f"{table}, line {rows.line_num}"
        if not path or not speaker:
            raise DataError(f"{where}: the {'speaker' if path else 'path'} is empty")
        first_line = line_of.setdefault(os.path.normpath(path), rows.line_num)
        if first_line != rows.line_num:
            raise DataError(f"{where}: {path} stands in line {first_line} already")
        recordings.append(Recording(table.parent / path, speaker, row.get("text", "").strip()))
    return recordings


_FOLDER_LAYOUTS = {
    "speakers": _Layout("SPEAKER/any-name.wav", re.compile(r"^(?P<speaker>[^/]+)/")),
    "speaker": _Layout("any-name.wav", re.compile(r"^(?P<speaker>)")),
    "vctk": _Layout(
        "wav48_silence_trimmed/p225/p225_001_mic1.flac",
        re.compile(r"(^|/)(?P<speaker>[ps]\d+)/(?P<utterance>(?P=speaker)_\d+)_mic[12]\.\w+$"), _vctk_texts),
    "librispeech": _Layout(
        "train-clean-100/103/1240/103-1240-0000.flac",
        re.compile(r"(^|/)(?P<speaker>\d+)/(?P<chapter>\d+)/(?P<utterance>(?P=speaker)-(?P=chapter)-\d+)\.\w+$"),
        _librispeech_texts),
    "libritts": _Layout(
        "train-clean-100/103/1241/103_1241_000000_000001.wav",
        re.compile(r"(^|/)(?P<speaker>\d+)/(?P<chapter>\d+)/(?P<utterance>(?P=speaker)_(?P=chapter)_\d+_\d+)\.\w+$"),
        _libritts_texts),
    "vcc2020": _Layout(
        "target_task1/TEF1/E10001.wav",
        re.compile(r"(^|/)(?P<speaker>[ST][EFGM][FM]\d)/(?P<utterance>[EFGM]\d{5})\.\w+$"), _vcc2020_texts),
    "speechocean762": _Layout(
        "WAVE/SPEAKER0001/000010011.WAV",
        re.compile(r"(^|/)SPEAKER(?P<speaker>\d{4})/(?P<utterance>0(?P=speaker)\d{4})\.\w+$"),
        _speechocean762_texts),
    "aishell3": _Layout(
        "train/wav/SSB0005/SSB00050001.wav",
        re.compile(r"(^|/)(?P<speaker>SSB\d{4})/(?P<utterance>(?P=speaker)\d{4})\.\w+$"), _aishell3_texts),
}
LAYOUTS = ("auto", "table", *_FOLDER_LAYOUTS)
