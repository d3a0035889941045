"""What each mel setting costs and keeps: recordings through mel and Griffin-Lim, and how near the result comes to them.

    pip install pesq pystoi
    python recipes/mel/choose.py --data CORPUS/manifest.tsv

Prints the table of README.md. No model takes part: the figures are the ceiling that the mel itself sets.
"""

import argparse
import itertools
import random
import sys
import time
from dataclasses import dataclass

import numpy as np
import torch
import tqdm

from vc.audio import audio_info, load_audio
from vc.config import MelConfig
from vc.data.layouts import find_recordings
from vc.errors import DataError, VcError
from vc.features import LogMel, mel_filters
from vc.level import at_level
from vc.vocoders import GriffinLim

# fft_samples, hop_samples, bands
SETTINGS = ((1024, 256, 80), (1024, 256, 128), (1024, 200, 128), (1024, 160, 128), (800, 200, 80), (800, 200, 128),
            (800, 160, 128), (640, 200, 128), (640, 160, 128))
MIN_S, MAX_S = 3.0, 15.0  # PESQ wants some speech; beyond that a clip only takes longer


def main(arguments):
    """Returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.clips < 2:
        parser.error("--clips must be at least 2, for the differences' standard errors")
    torch.set_num_threads(1)  # the real-time factor is that of one core
    try:
        _require_measures()
        clips = choose_clips(options.data, options.clips, options.seed)
        mels = [MelConfig(fft_samples=fft, hop_samples=hop, bands=bands) for fft, hop, bands in SETTINGS]
        results = {mel: [] for mel in mels}
        for path in tqdm.tqdm(clips, desc="clips", file=sys.stderr):
            audio = load_nominal(path, mels[0].sample_rate_hz)
            for mel in mels:
                results[mel].append(copy_synthesis(audio, mel))
    except VcError as error:
        print(f"choose: error: {error}", file=sys.stderr)
        return 1
    print(table(results))
    return 0


def _parser():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, metavar="DIR",
                        help="recordings as `vc prepare` takes them: a folder or a table")
    parser.add_argument("--clips", type=int, default=12, metavar="N",
                        help="each of another speaker (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: %(default)s")
    return parser


def _require_measures():
    try:
        import pesq  # noqa: F401
        import pystoi  # noqa: F401
    except ModuleNotFoundError as error:
        raise VcError(f"{error.name} is not installed; pip install pesq pystoi") from None


def choose_clips(data, count, seed):
    """Paths of `count` recordings of MIN_S to MAX_S seconds, each of another speaker. Raises DataError for too few."""
    generator = random.Random(seed)
    of_speaker = {}
    for recording in find_recordings(data).recordings:
        of_speaker.setdefault(recording.speaker, []).append(recording.path)
    speakers = sorted(of_speaker)
    generator.shuffle(speakers)
    chosen = []
    for speaker in speakers:
        generator.shuffle(of_speaker[speaker])
        fitting = (path for path in of_speaker[speaker] if MIN_S <= (audio_info(path).duration_s or 0) <= MAX_S)
        chosen += itertools.islice(fitting, 1)
        if len(chosen) == count:
            return chosen
    raise DataError(f"{data}: {len(chosen)} speakers have a recording of {MIN_S:g} to {MAX_S:g} s, expected {count}; "
                    f"give more recordings or a smaller --clips")


def load_nominal(path, sample_rate_hz):
    """A recording at the level at which the converter takes its mel: float32 (N,)."""
    return at_level(load_audio(path, sample_rate_hz), sample_rate_hz)


@dataclass(frozen=True)
class Result:
    """One clip through one mel. real_time_factor: seconds of one core's time per second of audio."""

    pesq: float
    stoi: float
    real_time_factor: float


def copy_synthesis(audio, mel):
    """Result of waveform (N,) -> log-mel -> waveform."""
    import pesq
    import pystoi

    analysis, vocoder = LogMel(mel), GriffinLim(mel)
    start_s = time.process_time()  # not the wall clock's: the machine may have other work
    copy = vocoder(analysis(torch.from_numpy(audio)[None])[0]).numpy()
    took_s = time.process_time() - start_s
    audio = audio[:len(copy)]
    return Result(pesq.pesq(mel.sample_rate_hz, audio, copy, "wb"), pystoi.stoi(audio, copy, mel.sample_rate_hz),
                  took_s * mel.sample_rate_hz / len(audio))


def count_bands(mel):
    """(empty, independent): how many bands fall between two bins of the spectrum and hear nothing, and how many say
    something that the others do not (the rank of the filter bank)."""
    filters = mel_filters(mel)
    return int((filters.sum(dim=1) == 0).sum()), int(torch.linalg.matrix_rank(filters))


HEADINGS = ("FFT", "hop", "bands", "Hz a bin", "frames a second", "empty bands", "independent bands", "PESQ", "lowest",
            "minus the default's", "STOI", "real-time factor")


def table(results):
    """Markdown of {MelConfig: [Result of each clip]}; differences are from the package's default, clip by clip."""
    default = np.array([result.pesq for result in results[MelConfig()]])
    rows = [HEADINGS, ["---"] * len(HEADINGS)]
    for mel, of_clips in results.items():
        quality = np.array([result.pesq for result in of_clips])
        error = (quality - default).std(ddof=1) / np.sqrt(len(of_clips))
        rows.append([mel.fft_samples, mel.hop_samples, mel.bands, f"{mel.sample_rate_hz / mel.fft_samples:.1f}",
                     f"{mel.sample_rate_hz / mel.hop_samples:g}", *count_bands(mel),
                     f"{quality.mean():.2f}", f"{quality.min():.2f}",
                     "the default" if mel == MelConfig() else f"{(quality - default).mean():+.2f} ± {error:.2f}",
                     f"{np.mean([result.stoi for result in of_clips]):.3f}",
                     f"{np.mean([result.real_time_factor for result in of_clips]):.2f}"])
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
