"""Copy-synthesis of speakers nobody was trained on: recordings through a mel and back by each vocoder, as a table.

    python recipes/vocoder/compare.py --data EVAL --vocoder neural=FILE -o table.md

EVAL: a folder with recordings and manifest.tsv (path, speaker, ..., text). The first two recordings of each speaker of
3 to 8 s are heard, or as many as --per-speaker says, brought to the level that conversion works at. Two rows say how
far the measures themselves go: the recordings with a little noise, and a mel whose phases need not be found.
"""

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torchaudio

from fidelity import Measures, pitch_of, silence_dbfs

from vc.audio import load_audio
from vc.config import MelConfig
from vc.evaluation.clusters import of_recordings
from vc.evaluation.intervals import ratio_of_sums
from vc.features import LogMel
from vc.level import at_level
from vc.vocoders import GriffinLim, make_vocoder
from vc.vocoders.griffin_lim import MOMENTUM
from vc.vocoders.phases import direction
from vc.vocoders.short_time import ShortTime

SHORTEST_S, LONGEST_S = 3.0, 8.0
NOISE_DB = 40.0
COLUMNS = {"pesq": ("PESQ", "{:.2f}"), "stoi": ("STOI", "{:.3f}"), "dnsmos": ("DNSMOS", "{:.2f}"),
           "spectrum": ("spectra", "{:.2f}"), "f0_correlation_dio": ("F0 corr., DIO", "{:.3f}"),
           "f0_correlation_pyin": ("F0 corr., pYIN", "{:.3f}"), "f0_cents_dio": ("F0 cents, DIO", "{:.0f}"),
           "voicing_error_dio": ("voicing err. %, DIO", "{:.1f}"),
           "voicing_error_pyin": ("voicing err. %, pYIN", "{:.1f}"),
           "wer": ("WER %", "{:.1f}"), "cosine": ("cosine", "{:.3f}"), "rtf": ("RTF", "{:.4f}")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=Path, metavar="EVAL")
    parser.add_argument("--vocoder", nargs="*", default=[], metavar="NAME=FILE")
    parser.add_argument("--only", nargs="+", metavar="ROW", help="rows of the table; default: all")
    parser.add_argument("--per-speaker", type=int, default=2, metavar="N", help="recordings (default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, help="default: stdout")
    options = parser.parse_args()
    torch.set_num_threads(1)
    systems = make_systems(options.vocoder)
    if unknown := set(options.only or ()) - set(systems):
        parser.error(f"--only: no row {', '.join(sorted(unknown))}; there are {', '.join(systems)}")
    systems = {name: systems[name] for name in options.only or systems}
    recordings = choose_recordings(options.data, options.per_speaker)
    measures = Measures(tuple(row["text"] for row in recordings))
    readings = {name: [] for name in systems}
    for row in recordings:
        wave = read_at_level(options.data / row["path"], measures.mel)
        contours = pitch_of(wave)
        for name, system in systems.items():
            start = time.process_time()
            made = system(wave)
            took_s = time.process_time() - start
            reading = measures.compare(wave, contours, made, row["text"]) | {"rtf": (took_s, len(wave) / 16000)}
            readings[name].append(reading)
        print(row["path"], {name: round(rows[-1]["pesq"][0], 2) for name, rows in readings.items()}, file=sys.stderr)
    clusters = of_recordings([row["speaker"] for row in recordings], [row["path"] for row in recordings])
    speakers = len({row["speaker"] for row in recordings})
    lines = [*table(readings, clusters), "", f"{len(recordings)} recordings of {speakers} speakers.", "",
             *(f"- {name}: silence comes out at {silence_dbfs(system):.0f} dBFS"
               for name, system in systems.items())]
    text = "\n".join(lines) + "\n"
    options.output.write_text(text, encoding="utf-8") if options.output else print(text, end="")


def choose_recordings(folder, per_speaker):
    """Rows of the manifest: the first few of each speaker that are neither short nor long."""
    with open(folder / "manifest.tsv", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE), key=lambda row: row["path"])
    chosen, taken = [], {}
    for row in rows:
        if SHORTEST_S <= float(row["seconds"]) <= LONGEST_S and taken.get(row["speaker"], 0) < per_speaker:
            taken[row["speaker"]] = taken.get(row["speaker"], 0) + 1
            chosen.append(row)
    return chosen


def make_systems(vocoders):
    """{name: waveform (N,) -> waveform (N,)}, all numpy float32, N a whole number of hops."""
    mel = MelConfig()
    log_mel = LogMel(mel)

    def through(vocoder):
        return lambda wave: vocoder(log_mel(torch.from_numpy(wave)[None])[0], recorded=True).numpy()

    systems = {"recordings": lambda wave: wave, f"recordings, noise {NOISE_DB:.0f} dB below": with_noise,
               "the mel, recorded phases": recorded_phases(mel, log_mel), "WORLD": world}
    systems |= {f"Griffin-Lim, {n} rounds": through(GriffinLim(mel, iterations=n)) for n in (32, 60, 64)}
    systems["Griffin-Lim of torchaudio, 60 rounds"] = through(torchaudios(mel, 60))
    for text in vocoders:
        name, _, file = text.partition("=")
        systems[name] = through(make_vocoder(file or name, mel))
    return systems


def with_noise(wave):
    """A little white noise, the same in every run."""
    noise = np.random.default_rng(0).standard_normal(len(wave), np.float32)
    return wave + noise * np.sqrt(np.mean(wave**2)) * 10 ** (-NOISE_DB / 20)


def recorded_phases(mel, log_mel):
    """Griffin-Lim's magnitudes with the phases of the recording: what the mel leaves of a recording, whatever finds its
    phases."""
    short_time, inverse = ShortTime(mel.fft_samples, mel.hop_samples), GriffinLim(mel).linear_magnitude

    def through(wave):
        wave = torch.from_numpy(wave)[None]
        return short_time.wave(direction(short_time.spectrum(wave), inverse(log_mel(wave)[0])))[0].numpy()

    return through


def torchaudios(mel, rounds):
    """What others would call the fast Griffin-Lim, after our inversion of the mel."""
    inverse = GriffinLim(mel).linear_magnitude
    find_phases = torchaudio.transforms.GriffinLim(mel.fft_samples, rounds, hop_length=mel.hop_samples, power=1.0,
                                                   momentum=MOMENTUM)
    return lambda log_mel, recorded: find_phases(inverse(log_mel))


def world(wave):
    """Analysis by harvest, cheaptrick and d4c, and synthesis (Morise et al. 2016)."""
    import pyworld

    x = wave.astype(np.float64)
    f0, time_s = pyworld.harvest(x, 16000)
    made = pyworld.synthesize(f0, pyworld.cheaptrick(x, f0, time_s, 16000), pyworld.d4c(x, f0, time_s, 16000), 16000)
    return np.pad(made, (0, max(0, len(x) - len(made))))[:len(x)].astype(np.float32)


def read_at_level(path, mel):
    wave = load_audio(path, mel.sample_rate_hz)
    return at_level(wave[:len(wave) // mel.hop_samples * mel.hop_samples], mel.sample_rate_hz)


def table(readings, clusters=()):
    """Lines of a table in Markdown, with 95 % bootstrap intervals. clusters: see vc.evaluation.intervals."""
    titles = [title for title, _ in COLUMNS.values()]
    yield "| | " + " | ".join(titles) + " |"
    yield "|---" * (len(titles) + 1) + "|"
    for name, rows in readings.items():
        cells = []
        for column, (_, form) in COLUMNS.items():
            figure = ratio_of_sums(*zip(*(row[column] for row in rows)), clusters)
            cells.append("-" if figure is None else _cell(figure, form))
        yield f"| {name} | " + " | ".join(cells) + " |"


def _cell(figure, form):
    ends = "-" if figure.low is None else f"{form.format(figure.low)}-{form.format(figure.high)}"
    return f"{form.format(figure.value)} ({ends})"


if __name__ == "__main__":
    main()
