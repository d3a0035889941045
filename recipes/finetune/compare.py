"""What fine-tuning gains over plain references, and what it forgets: a table.

    python recipes/finetune/compare.py CORPUS/manifest.tsv --target SPEAKER --other SPEAKER --minutes 1 5 20 -o OUT

CORPUS/manifest.tsv: a table with the columns path, speaker, seconds and text. So many minutes of the target's speech
are, once, given as references to the model in the package, and once it is fine-tuned to them first. Both convert the
same recordings of speakers that the package's model was not trained on; recordings of the target that were neither
tuned on nor given as references judge the voice. Words are counted where the text is known. OTHER is a target that
nothing is tuned to. What lies in OUT already is not made again.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from speech import of_length, portions, read_clips, write_table

from vc.audio import save_audio
from vc.config import DataConfig
from vc.conversion import load
from vc.data.sampling import is_held_out
from vc.evaluation.clusters import of_recordings
from vc.evaluation.instrument import Case, Sound
from vc.evaluation.intervals import ratio_of_sums
from vc.evaluation.naturalness import Naturalness
from vc.evaluation.recognition import Recognition
from vc.evaluation.similarity import Similarity, mean_direction
from vc.evaluation.table import cell
from vc.finetuning import finetune

OTHER_S, SHORTEST_S, LONGEST_S = 30.0, 2.0, 16.0
COLUMNS = ("cosine to the target", "WER, %", "DNSMOS", "cosine to the other target", "WER, %", "DNSMOS")


def main():
    options = _parser().parse_args()
    clips = read_clips(options.table)
    sources = choose_sources(clips, {options.target, options.other}, options.sources)
    judged, parts = portions(clips, options.target, options.minutes)
    other = [clip for clip in clips if clip.speaker == options.other]
    references, held_back = of_length(other, min(OTHER_S, sum(clip.seconds for clip in other) / 2))
    for speaker, enough in ((options.target, all(parts.values())), (options.other, held_back)):
        if not enough:
            sys.exit(f"compare: error: {speaker}: too few recordings in {options.table}, expected some to speak by and "
                     f"others to judge by; name another speaker")
    judges = Judges(sources)
    print("| | " + " | ".join(COLUMNS) + " |\n" + "|---" * (len(COLUMNS) + 1) + "|")
    for name, model, spoken in systems(options, parts):
        cells = []
        for target, given, kept in ((options.target, spoken, judged), (options.other, references, held_back)):
            made = convert(model, sources, given, options.output / "sounds" / f"{name} as {target}")
            cells += judges.cells(made, sources, kept)
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def _parser():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("table", type=Path, metavar="TSV")
    parser.add_argument("--target", required=True, metavar="SPEAKER")
    parser.add_argument("--other", required=True, metavar="SPEAKER")
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 5, 20], metavar="M")
    parser.add_argument("--sources", type=int, default=15, metavar="N", help="default: %(default)s")
    parser.add_argument("--unguarded", action="store_true", help="the last amount without the guard too")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    return parser


def choose_sources(clips, without, count):
    """Clips of speakers that the package's model was not trained on, of each as many as of the next."""
    turns = {}
    for clip in clips:
        if (clip.speaker not in without and is_held_out(clip.speaker, DataConfig())
                and SHORTEST_S <= clip.seconds <= LONGEST_S):
            turns.setdefault(clip.speaker, []).append(clip)
    ranked = sorted((turn, speaker) for speaker, own in turns.items() for turn in range(len(own)))
    return [turns[speaker][turn] for turn, speaker in ranked[:count]]


def systems(options, parts):
    """(name, model file or "default", the target's clips) of each row; what is not fine-tuned yet is."""
    for minutes, spoken in parts.items():
        length = f"{sum(clip.seconds for clip in spoken) / 60:.1f} min"
        yield f"references, {length}", "default", spoken
        guards = {"fine-tuned": ()} | ({"without a guard": ("guard.weight=0",)}
                                       if options.unguarded and minutes == options.minutes[-1] else {})
        for name, overrides in guards.items():
            run = options.output / f"{name} {options.target} {minutes}".replace(" ", "-")
            if not (run / "best.safetensors").exists():
                write_table(run.with_suffix(".tsv"), spoken)
                finetune("default", run.with_suffix(".tsv"), run, overrides)
            yield f"{name}, {length}", run / "best.safetensors", spoken


def convert(model, sources, given, folder):
    """Paths of the sources said in the voice of the clips given."""
    paths = [folder / f"{number:02d}.flac" for number in range(len(sources))]
    if all(path.exists() for path in paths):
        return paths
    converter = load(model, "cpu")
    voice = converter.voice_of([clip.path for clip in given])
    for path, source in zip(paths, sources):
        save_audio(path, converter.convert(source.path, voice), converter.sample_rate, force=True)
    return paths


class Judges:
    """The three instruments, with what they know of the target."""

    def __init__(self, sources):
        self.voice, self.words = Similarity(), Recognition(tuple(source.text for source in sources))
        self.naturalness = Naturalness()

    def cells(self, made, sources, kept):
        """Cells of the table, with 95 % intervals for other speakers of the sources."""
        direction = mean_direction([self.voice.read(Sound(clip.path)) for clip in kept])
        sounds = [Sound(path, source.text) for path, source in zip(made, sources)]
        cosines = [float(np.array(self.voice.read(sound)) @ direction) for sound in sounds]
        ratings = [self.naturalness.read(sound) for sound in sounds]
        heard = [self.words.judge(Case(self.words.read(sound), sound.text)) for sound in sounds]
        told = [(one, source) for one, source in zip(heard, sources) if one["wer"] is not None]
        errors, words = [one["wer"] * one["words"] for one, _ in told], [one["words"] for one, _ in told]
        ones = [1] * len(sources)
        return [_cell(cosines, ones, sources, 3), _cell(errors, words, [source for _, source in told], 1),
                _cell(ratings, ones, sources, 2)]


def _cell(numerators, denominators, sources, digits):
    clusters = of_recordings([source.speaker for source in sources], [source.path for source in sources])
    return cell(ratio_of_sums(numerators, denominators, clusters), digits)


if __name__ == "__main__":
    sys.exit(main())
