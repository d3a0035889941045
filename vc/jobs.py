"""Which source becomes which file: folders are mirrored, names are inferred, nothing is written over what is read."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from vc.audio import WRITABLE
from vc.data.layouts import AUDIO_SUFFIXES, list_audio, recordings_at
from vc.errors import AudioError, DataError


@dataclass(frozen=True)
class Job:
    """One recording to convert."""

    source: Path
    output: Path


def plan_jobs(sources, target, output=None):
    """List of Job, in a fixed order. sources: files and folders. target: what --target got, for inferred names.

    One file goes to `output`, or into it where it is a folder; several files and folders go below it, each folder
    with its inner structure. Raises AudioError for a folder without audio, for two sources of one output and for an
    output that is itself a source or a reference.
    """
    sources = [Path(source) for source in sources]
    inferred = f"-as-{_stem(target[0])}"
    if len(sources) == 1 and not os.path.isdir(sources[0]):
        jobs = [Job(sources[0], _single_output(sources[0], output, inferred))]
    else:
        folder = Path(output or (sources[0].resolve().name if len(sources) == 1 else "converted") + inferred)
        if os.path.isfile(folder) or folder.suffix.lower() in WRITABLE:
            raise AudioError(f"{folder}: is a file name, expected a folder for several recordings")
        jobs = _kept_apart([job for source in sources for job in _jobs_below(source, folder)])
    _refuse_collisions(jobs)
    refuse_overwriting([job.output for job in jobs], [*(job.source for job in jobs), *target])
    return jobs


def _stem(reference):
    """What the target is called in inferred names; a dot in the name of an enrolled voice begins no suffix."""
    path = Path(reference)
    if os.path.isdir(path):
        return path.resolve().name
    return path.stem if path.suffix.lower() in AUDIO_SUFFIXES else path.name


def _single_output(source, output, inferred):
    if output is None:
        return Path(f"{source.stem}{inferred}.wav")
    folder = os.path.isdir(output) or str(output).endswith(("/", os.sep)) or not Path(output).suffix
    return Path(output) / _output_name(source) if folder else Path(output)


def _jobs_below(source, folder):
    if not os.path.isdir(source):
        return [Job(source, folder / _output_name(source))]
    files = [Path(file) for file in list_audio(source, broken_links=True)]
    if source.resolve() in folder.resolve().parents:  # what an earlier call wrote there is no source of this one
        files = [file for file in files if folder.resolve() not in (source / file).resolve().parents]
    if not files:
        raise AudioError(f"{source}: a folder without audio files, expected at least one of "
                         f"{', '.join(sorted(AUDIO_SUFFIXES))}")
    return [Job(source / file, folder / file.parent / _output_name(file)) for file in files]


def _output_name(source):
    """The source's own name, with .wav for a format that cannot be written."""
    return source.name if source.suffix.lower() in WRITABLE else f"{source.stem}.wav"


def _kept_apart(jobs):
    """The jobs, where several have one output with the full name of each source that has another: a.webm.wav beside
    a.wav, whatever the order."""
    count = Counter(job.output for job in jobs)
    return [job if count[job.output] == 1 or job.output.name == job.source.name
            else Job(job.source, job.output.with_name(f"{job.source.name}.wav")) for job in jobs]


def _refuse_collisions(jobs):
    taken = {}
    for job in jobs:
        if job.output in taken:
            raise AudioError(f"{job.output}: both {taken[job.output]} and {job.source} would be written to it; "
                             f"convert them into different folders")
        taken[job.output] = job.source


def refuse_overwriting(outputs, read, refusal=AudioError):
    """Raise `refusal` for an output that is itself one of the files `read` in the same call, or a recording in one of
    the folders, whatever name it goes by; not even --force writes over them. Names of no file are passed over, None
    too."""
    read = {_identity(file) for path in read if path is not None for file in _read_at(path)}
    for output in outputs:
        if os.path.exists(output) and _identity(output) in read:
            raise refusal(f"{output}: is itself read by this call and would be written over; choose another output")


def _read_at(path):
    """The file, or the recordings of a folder; none of one without, which may be named like an enrolled voice."""
    try:
        return recordings_at(path)
    except DataError:
        return []


def _identity(path):
    """What two names of one file have in common; None for a file that cannot be looked at."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # the latter: a NUL within the name
        return None
    return status.st_dev, status.st_ino
