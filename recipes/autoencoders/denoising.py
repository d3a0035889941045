"""Does a denoising model clean? DNSMOS of noisy speech in, and of what comes out in the speaker's own voice.

    python recipes/autoencoders/denoising.py DATA NOISE small=A.safetensors denoising=B.safetensors -o table.md

DATA is the prepared corpus that the models were trained on; the speech is that of its held-out speakers. NOISE is a
folder of recordings that no model was trained on. Each model gets the noisy recording as source and as reference, and
nothing else; spectrum matching is off, since it would put the reference's noise back.
"""

import argparse
import itertools
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vc.audio import save_audio
from vc.conversion import load
from vc.data.corruptions.noise import add_noise
from vc.data.sampling import group_by_speaker, split_utterances
from vc.data.store import SpeechStore
from vc.errors import DataError, VcError
from vc.evaluation.instrument import load_levelled
from vc.evaluation.intervals import ratio_of_sums
from vc.evaluation.naturalness import Naturalness
from vc.evaluation.table import cell
from vc.features import LogMel
from vc.files import write_atomically
from vc.losses import reconstruction
from vc.pitch import track_pitch

SHORTEST_S, LONGEST_S = 2.0, 6.0


@dataclass(frozen=True)
class Heard:
    """A waveform as `vc evaluate` gives it to its instruments. levelled: float32 (N,)."""

    levelled: np.ndarray


def main(arguments):
    """Returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        converters = {name: load(path, "cpu", refined=False) for name, path in options.models}
        first = next(iter(converters.values()))
        clean = held_out_speech(SpeechStore(options.data), first.model.config.data, options.recordings)
        noisy = add_noise(clean, options.noise, options.ratio_db, first.mel)
        with tempfile.TemporaryDirectory() as folder:
            readings = measure(converters, clean, noisy, Path(folder))
        distances = {name: restore(converter.model, clean, noisy) for name, converter in converters.items()}
        write_atomically(options.output, table(readings, distances, options.ratio_db))
    except VcError as error:
        print(f"denoising: error: {error}", file=sys.stderr)
        return 1
    print(options.output.read_text(), end="")
    return 0


def _parser():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", metavar="DATA", type=Path, help="a prepared corpus")
    parser.add_argument("noise", metavar="NOISE", help="a folder of noise")
    parser.add_argument("models", metavar="NAME=MODEL", nargs="+", type=_named, help="model files with a name each")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="MD", help="the table to write")
    parser.add_argument("--recordings", type=int, default=12, metavar="N", help="default: %(default)s")
    parser.add_argument("--ratio-db", type=float, default=10.0, metavar="DB", help="default: %(default)g")
    return parser


def _named(text):
    name, equals, path = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected NAME=MODEL")
    return name, path


def held_out_speech(store, settings, recordings):
    """An utterance of each held-out speaker, as many as wanted: list of float32 (N,). Raises DataError."""
    shortest, longest = (seconds * store.sample_rate_hz for seconds in (SHORTEST_S, LONGEST_S))
    spoken = group_by_speaker(split_utterances(store.utterances, settings).held_out_speakers)
    fitting = (next((utterance for utterance in own if utterance.samples >= shortest), None) for own in spoken.values())
    chosen = list(itertools.islice(filter(None, fitting), recordings))
    if not chosen:
        raise DataError(f"{store.folder}: no held-out speaker has an utterance of {SHORTEST_S:g} s")
    return [store.audio(utterance)[:int(longest)].astype(np.float32) / 32768 for utterance in chosen]


def measure(converters, clean, noisy, folder):
    """{what is heard: DNSMOS of each recording}."""
    judge, path, readings = Naturalness(), folder / "in.wav", {}

    def note(what, wave):
        save_audio(folder / "heard.wav", wave, first.sample_rate, force=True)
        readings.setdefault(what, []).append(judge.read(Heard(load_levelled(folder / "heard.wav"))))

    first = next(iter(converters.values()))
    for kind, waves in (("clean", clean), ("noisy", noisy)):
        for wave in waves:
            save_audio(path, wave, first.sample_rate, force=True)
            note((kind, "in"), wave)
            note((kind, "through mel and vocoder alone"), first.resynthesise(path))
            for name, converter in converters.items():
                note((kind, f"out of {name}"), converter.convert(path, path))
    return readings


@torch.no_grad()
def restore(model, clean, noisy):
    """How far the log-mel of each recording is from the clean one's, in deviations of each band: {what: values}."""
    to_log_mel, found = LogMel(model.config.mel), {"noisy in": [], "noisy out": [], "clean out": []}
    for wave, spoilt in zip(clean, noisy, strict=True):
        target = to_log_mel(torch.from_numpy(wave)[None])
        for kind, heard in (("clean", wave), ("noisy", spoilt)):
            log_mel = to_log_mel(torch.from_numpy(heard)[None])
            f0 = track_pitch(heard, model.config.mel.sample_rate_hz, model.config.mel.hop_samples)
            halves = model.encode(log_mel)
            rebuilt = model.decode(halves.content, halves.speaker, torch.from_numpy(f0)[None])
            found[f"{kind} out"].append(reconstruction(rebuilt, target, model.band_std).item())
            if kind == "noisy":
                found["noisy in"].append(reconstruction(log_mel, target, model.band_std).item())
    return found


def table(readings, distances, ratio_db):
    """Markdown: means with 95 % intervals over the recordings."""
    lines = [f"| DNSMOS overall | clean | noise at {ratio_db:g} dB |", "|---|---|---|"]
    for what in dict.fromkeys(what for _, what in readings):
        cells = [_cell(readings[kind, what]) for kind in ("clean", "noisy")]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    kinds = ("noisy in", "noisy out", "clean out")
    lines += ["", f"| distance to the clean log-mel | {' | '.join(kinds)} |", "|---|---|---|---|"]
    for name, found in distances.items():
        lines.append(f"| {name} | {' | '.join(_cell(found[kind]) for kind in kinds)} |")
    return "\n".join(lines) + "\n"


def _cell(values):
    return cell(ratio_of_sums(values, np.ones(len(values))), 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
