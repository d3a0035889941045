"""Which source becomes which file: folders are mirrored, names are inferred, nothing is written over a source."""

from dataclasses import dataclass
from pathlib import Path

from vc.audio import WRITABLE
from vc.data.layouts import AUDIO_SUFFIXES
from vc.errors import AudioError


@dataclass(frozen=True)
class Job:
    """One recording to convert."""

    source: Path
    output: Path


def plan_jobs(sources, target, output=None):
    """List of Job, in a fixed order. sources: files and folders. target: what --target got, for inferred names.

    One file goes to `output`, or into it where it is a folder; several files and folders go below it, each folder
    with its inner structure. Raises AudioError for a folder without audio and for two sources of one output.
    """
    sources = [Path(source) for source in sources]
    inferred = f"-as-{Path(target[0]).stem}"
    if len(sources) == 1 and not sources[0].is_dir():
        jobs = [Job(sources[0], _single_output(sources[0], output, inferred))]
    else:
        folder = Path(output or (f"{sources[0].resolve().name}{inferred}" if len(sources) == 1 else f"converted{inferred}"))
        if folder.is_file() or folder.suffix.lower() in WRITABLE:
            raise AudioError(f"{folder}: is a file name, expected a folder for several recordings")
        jobs = [job for source in sources for job in _jobs_below(source, folder)]
    _refuse_collisions(jobs)
    return jobs


def _single_output(source, output, inferred):
    if output is None:
        return Path(f"{source.stem}{inferred}.wav")
    output = Path(output)
    if output.is_dir() or str(output).endswith("/") or not output.suffix:
        return output / _output_name(source)
    return output


def _jobs_below(source, folder):
    if not source.is_dir():
        return [Job(source, folder / _output_name(source))]
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file())
    if not files:
        raise AudioError(f"{source}: a folder without audio files, expected at least one of "
                         f"{', '.join(sorted(AUDIO_SUFFIXES))}")
    return [Job(path, folder / path.relative_to(source).parent / _output_name(path)) for path in files]


def _output_name(source):
    """The source's own name, with .wav for a format that cannot be written."""
    return source.name if source.suffix.lower() in WRITABLE else f"{source.stem}.wav"


def _refuse_collisions(jobs):
    taken = {}
    for job in jobs:
        if job.output.exists() and job.source.exists() and job.output.samefile(job.source):
            raise AudioError(f"{job.source}: would be written over by its own conversion; choose another output")
        if job.output in taken:
            raise AudioError(f"{job.output}: both {taken[job.output]} and {job.source} would be written to it; "
                             f"convert them into different folders")
        taken[job.output] = job.source
