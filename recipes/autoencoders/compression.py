"""What speech costs as a file, and what is left of it: encode and decode recordings with each model that has codes.

    python recipes/autoencoders/compression.py --pairs EVAL/pairs.tsv runs/autoencoders/{vq,rvq,binary}/last.safetensors

Every recording is read out again in its own voice. The file's bits a second are those that grow with the recording,
codes and contours, packed, so that codes of which few are in use take less than their width; voice and header are there
once a file. The packaged model, whose code is rounded for a file, stands beside them, and the recordings through mel
and vocoder alone.
"""

import argparse
import itertools
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from vc.audio import save_audio
from vc.codec import decode_steps, encode
from vc.codec.file import content_bits, pack, unpack
from vc.conversion import EDGE_FRAMES, load
from vc.evaluation.clusters import of_recordings
from vc.evaluation.instrument import SAMPLE_RATE_HZ, Case, Sound
from vc.evaluation.intervals import ratio_of_sums
from vc.evaluation.naturalness import Naturalness
from vc.evaluation.pairs import evenly, read_pairs
from vc.evaluation.recognition import Recognition
from vc.evaluation.similarity import Similarity
from vc.evaluation.table import cell
from vc.files import write_atomically

TABLE = Path(__file__).parent / "COMPRESSION.md"
HEAD = """# What speech costs as a file

`compression.py`: recordings of the evaluation's speakers, encoded, decoded in their own voice, judged. Members of [the
family](README.md), and the packaged model, each value of whose code is rounded to one of sixteen, for which it was not
trained. Codes: of the content half, as wide as they are; with those of the {edge_frames} mel frames by which each end
of a window is held on, more than what a second of speech takes. File: all that grows with the recording, codes and
contours of pitch and level, packed by zlib. Once: header, speaker half, long-term spectrum, pitch range.

Means over {recordings} recordings of {speakers} speakers with 95 % intervals, for which speakers are drawn anew,
through the vocoder `{vocoder}`.

| model | codes, bits/s | file, bits/s | once, bytes | cosine to the recording | WER, % | DNSMOS |
|---|---|---|---|---|---|---|
"""


def main(arguments):
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", required=True, metavar="TSV", help="a list as `vc evaluate` reads it, with texts")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="recordings used (default: %(default)s)")
    parser.add_argument("models", nargs="+", metavar="MODEL")
    options = parser.parse_args(arguments)
    spoken = chosen(read_pairs(options.pairs), options.limit)
    listener = Listener(spoken)
    packaged = load(device="cpu")
    lines = [listener.row("the recordings", lambda source, output: source, []),
             listener.row("mel and vocoder alone", resynthesis(packaged), [])]
    members = ((Path(path).parent.name, load(path, "cpu")) for path in options.models)
    for name, converter in itertools.chain(members, [("the packaged model, rounded", packaged)]):
        files = []
        lines.append(listener.row(name, round_trip(converter, files), files))
        print(lines[-1], flush=True)
    speakers = len({pair.source_speaker for pair in spoken})
    head = HEAD.format(recordings=len(spoken), speakers=speakers, edge_frames=EDGE_FRAMES,
                       vocoder=packaged.vocoder.fingerprint[:12])
    write_atomically(TABLE, head + "\n".join(lines) + "\n")
    return 0


def chosen(pairs, limit):
    """Pairs of different sources with a text, evenly over the list."""
    return evenly({pair.source: pair for pair in pairs if pair.text}.values(), limit)


def round_trip(converter, files):
    """What writes a recording as codes, keeps the file in `files`, and reads it out again."""
    def make(source, output):
        files.append(pack(encode(converter, source)))
        list(decode_steps(converter, unpack(files[-1], source), output))
        return output
    return make


def resynthesis(converter):
    """What sends a recording through mel and vocoder alone."""
    def make(source, output):
        save_audio(output, converter.resynthesise(source), converter.sample_rate)
        return output
    return make


class Listener:
    """Judges what becomes of the sources of pairs."""

    def __init__(self, pairs):
        self._spoken = {pair.source: pair.text for pair in pairs}
        self._clusters = of_recordings([pair.source_speaker for pair in pairs], [pair.source for pair in pairs])
        self._voice, self._words, self._quality = (instrument(tuple(self._spoken.values())) for instrument in
                                                   (Similarity, Recognition, Naturalness))
        self._known = {source: self._voice.read(Sound(source)) for source in self._spoken}

    def row(self, name, make, files):
        """A line of the table. make: (source, output) -> path to listen to. files: what it has encoded, or nothing."""
        cosines, errors, words, qualities, seconds = [], [], [], [], 0.0
        with tempfile.TemporaryDirectory(prefix="vc-compression-") as folder:
            for number, (source, text) in enumerate(self._spoken.items()):
                sound = Sound(make(source, Path(folder) / f"{number}.wav"), text)
                cosines.append(self._voice.judge(Case(self._voice.read(sound), source=self._known[source],
                                                      references=[self._known[source]]))["cosine_to_target"])
                heard = self._words.judge(Case(self._words.read(sound), text))
                words.append(heard["words"])
                errors.append(heard["wer"] * heard["words"])
                qualities.append(self._quality.read(sound))
                seconds += len(sound.levelled) / SAMPLE_RATE_HZ
        cells = costs(files, seconds) if files else ["-"] * 3
        ones = [1] * len(cosines)
        cells += [cell(ratio_of_sums(numerators, denominators, self._clusters), digits) for numerators, denominators,
                  digits in ((cosines, ones, 3), (errors, words, 1), (qualities, ones, 2))]
        return f"| {name} | " + " | ".join(cells) + " |"


def costs(files, seconds):
    """Codes of the content half and all that grows with a file, packed, in bits a second; what a file holds once, in
    bytes. Of files of so many seconds in all."""
    encoded = [unpack(content, "file") for content in files]
    once = [len(pack(replace(one, windows=[]))) for one in encoded]
    growing = sum(map(len, files)) - sum(once)
    return [f"{sum(map(content_bits, encoded)) / seconds:.0f}", f"{8 * growing / seconds:.0f}", f"{np.mean(once):.0f}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
