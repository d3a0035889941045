"""`vc convert` and `vc example`: recordings in another voice."""

import sys
import time

from vc.assets import SOURCE_CLIP, TARGET_CLIP
from vc.commands.shared import add_command, add_model_options, complain, load_converter, nonempty, resolve_target
from vc.commands.strangers import strange_from, warn_of_strange
from vc.errors import VcError


def add(commands):
    """`vc convert` and `vc example`."""
    _add_convert(commands)
    _add_example(commands)


def _add_convert(commands):
    parser = add_command(commands, "convert", _convert, tail="sources", help="say recordings in another voice",
                         description="Say each SOURCE, a file or a folder of files, in the voice of the target. "
                         "Results are mono, at the model's sample rate.")
    parser.add_argument("sources", nargs="+", type=nonempty, metavar="SOURCE",
                        help="an audio file, or a folder that is mirrored")
    parser.add_argument("--target", nargs="+", required=True, type=nonempty, metavar="REF",
                        help="one or several recordings of the target speaker, files or folders, or the name of an "
                             "enrolled voice")
    parser.add_argument("-o", "--output", type=nonempty, metavar="OUT", help="a file for one source, a folder for "
                        "several; its suffix says the format (default: SOURCE-as-TARGET.wav in this folder)")
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--force", action="store_true", help="replace files that exist")
    existing.add_argument("--skip-existing", action="store_true", help="leave files that exist as they are, to go on "
                          "with a batch that was stopped")
    add_model_options(parser)


def _convert(options):
    from vc.jobs import plan_jobs

    jobs = plan_jobs(options.sources, options.target, options.output)
    if options.skip_existing:
        jobs = _missing(jobs)
        if not jobs:
            return 0
    converter = load_converter(options)
    threshold = strange_from(options.model, converter)
    voice = resolve_target(options.target, converter, threshold)
    failed = 0
    for job in jobs:
        try:
            converter.writer(job.output, options.force)  # refuses what it refuses before anything is heard
            warn_of_strange(converter, job.source, threshold)
            _convert_one(converter, job.source, voice, job.output, options.force)
        except VcError as error:
            if options.debug:
                raise
            complain(error)
            failed += 1
    if failed and len(jobs) > 1:
        complain(f"{failed} of {len(jobs)} files failed" + ", the others are converted" * (failed < len(jobs)))
    return 1 if failed else 0


def _missing(jobs):
    """The jobs whose results do not exist; tells how many do."""
    missing = [job for job in jobs if not job.output.is_file()]
    if len(missing) < len(jobs):
        print(f"vc: {len(jobs) - len(missing)} of {len(jobs)} exist already and stay as they are", file=sys.stderr)
    return missing


def _convert_one(converter, source, voice, output, force):
    start = time.perf_counter()
    duration_s = converter.convert_file(source, voice, output, force)
    took_s = time.perf_counter() - start
    print(f"{output}: {duration_s:.2f} s of audio in {took_s:.2f} s (real-time factor {took_s / duration_s:.2f})",
          flush=True)


def _add_example(commands):
    parser = add_command(commands, "example", _example, help="convert a bundled recording into a bundled voice")
    parser.add_argument("-o", "--output", type=nonempty, metavar="OUT", default="example.wav",
                        help="default: %(default)s")
    parser.add_argument("--force", action="store_true", help="replace the file if it exists")
    add_model_options(parser)


def _example(options):
    converter = load_converter(options)
    print(f"source: {SOURCE_CLIP}\ntarget: {TARGET_CLIP}")
    _convert_one(converter, SOURCE_CLIP, converter.voice_of(TARGET_CLIP), options.output, options.force)
    return 0
