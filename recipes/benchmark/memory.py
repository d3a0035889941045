"""Peak memory of `vc convert` by length of source: what is bounded must not grow."""

import tempfile
from pathlib import Path

from figures import Figure, run_child
from sources import write_repeated

SAMPLE_RATE_HZ = 16000


def measure(options):
    """Figures of one conversion per length, on the command line, as a user would."""
    base = run_child(["-c", "import vc.conversion"])
    figures = [Figure("memory", "after the imports alone", base.peak_mib, "MiB",
                      note="most of it torch's libraries; a build for CPUs alone has less")]
    for minutes in [0.05, *options.minutes]:
        with tempfile.TemporaryDirectory() as folder:
            source, output = Path(folder) / "source.wav", Path(folder) / "output.wav"
            round_s = write_repeated(source, options.clip, 60 * minutes, SAMPLE_RATE_HZ)
            usage = run_child(["-m", "vc", "convert", str(source), "--target", options.target,
                               "--model", options.model, "--device", "cpu", "-o", str(output)])
        length = f"{minutes:g} min" if minutes >= 1 else f"{60 * minutes:g} s"
        figures.append(Figure("memory", f"peak, converting {length}", usage.peak_mib, "MiB",
                              note=f"{usage.cpu_s:.1f} CPU s; the source repeats a clip every {round_s:.3f} s"))
    return figures
