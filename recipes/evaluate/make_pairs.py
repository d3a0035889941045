"""Draw a list for `vc evaluate` from a table of recordings with the columns path, speaker and text.

    python recipes/evaluate/make_pairs.py CORPUS/manifest.tsv --speakers held_out.txt -o runs/pairs.tsv

Every source speaker meets every target speaker once before any two meet again, in an order that the seed decides. A
target has one recording more than the references, so that the report can show another recording of theirs.
"""

import argparse
import itertools
import random
import sys
from pathlib import Path

from vc.data.layouts import find_recordings
from vc.errors import DataError, VcError
from vc.evaluation.pairs import Pair, write_pairs


def main(arguments):
    """Returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        recordings = find_recordings(options.recordings, "table").recordings
        if options.speakers:
            recordings = keep_speakers(recordings, options.speakers)
        pairs = draw_pairs(recordings, options.pairs, options.references, options.seed)
        write_pairs(options.output, pairs)
    except VcError as error:
        print(f"make_pairs: error: {error}", file=sys.stderr)
        return 1
    speakers = {speaker for pair in pairs for speaker in (pair.source_speaker, pair.target_speaker)}
    print(f"{options.output}: {len(pairs)} pairs of {len(speakers)} speakers")
    return 0


def _parser():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recordings", type=Path, metavar="TSV", help="table of recordings: path, speaker, text")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="TSV", help="the pair list to write")
    parser.add_argument("--speakers", type=Path, metavar="FILE", help="a line for each speaker to use (default: all)")
    parser.add_argument("--pairs", type=_positive, default=60, metavar="N", help="default: %(default)s")
    parser.add_argument("--references", type=_positive, default=3, metavar="N", help="a pair (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: %(default)s")
    return parser


def _positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


def keep_speakers(recordings, file):
    """The recordings whose speaker stands in a file with one speaker a line. Raises DataError for unknown ones."""
    try:
        wanted = {line.strip() for line in Path(file).read_text(encoding="utf-8").splitlines()} - {""}
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read as a list of speakers: {error}") from None
    unknown = sorted(wanted - {recording.speaker for recording in recordings})
    if unknown:
        raise DataError(f"{file}: the table of recordings lacks {len(unknown)} of {len(wanted)} speakers, for instance "
                        f"{unknown[0]}; one speaker a line, named as in the table")
    return [recording for recording in recordings if recording.speaker in wanted]


def draw_pairs(recordings, count, references, seed):
    """List of `count` Pairs, no source twice for one target. Sources have a text. Raises DataError for too few."""
    generator = random.Random(seed)
    of_speaker = {}
    for recording in recordings:
        of_speaker.setdefault(recording.speaker, []).append(recording)
    for own in of_speaker.values():
        generator.shuffle(own)
    sources = {speaker: [one for one in own if one.text] for speaker, own in of_speaker.items()}
    targets = [speaker for speaker, own in of_speaker.items() if len(own) > references]
    meetings = [(source, target) for source in sources for target in targets if source != target]
    generator.shuffle(meetings)
    possible = sum(len(sources[source]) for source, _ in meetings)
    if possible < count:
        raise DataError(f"{count} pairs were asked for, {len(of_speaker)} speakers with {len(recordings)} recordings "
                        f"make {possible}; sources need a text, targets {references + 1} recordings")
    return list(itertools.islice(_meet(meetings, sources, of_speaker, references, generator), count))


def _meet(meetings, sources, of_speaker, references, generator):
    for turn in itertools.count():
        # The offset lets a speaker say another sentence to each target.
        for offset, (source, target) in enumerate(meetings):
            if turn < len(sources[source]):
                said = sources[source][(turn + offset) % len(sources[source])]
                chosen = generator.sample(of_speaker[target], references)
                yield Pair(said.path, source, target, tuple(one.path for one in chosen), said.text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
