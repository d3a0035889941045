"""Convert some pairs of a list, evenly chosen, with the model in the package, for README readers to hear.

    python recipes/default/samples.py EVAL/pairs.tsv demo/samples

Writes source, first reference and result of each pair as Ogg files, and a README.md that lists them.
"""

import sys
from pathlib import Path

from vc.audio import load_audio, save_audio
from vc.conversion import load
from vc.errors import VcError
from vc.evaluation.pairs import evenly, read_pairs
from vc.files import write_atomically

PAIRS = 5
HEAD = """# What the model in the package makes of voices that it has never heard

Real outputs, five pairs taken evenly from the evaluation's list, not chosen by ear; three references each, the first of
which is here. Made by `recipes/default/samples.py` with the model {model}. Recordings: speakers called ls are from
LibriSpeech test-other (Panayotov et al. 2015, CC BY 4.0), those called so from speechocean762 (Zhang et al. 2021, CC BY
4.0), re-encoded. The results are synthetic: the people heard did not say this.

| source | target | result | text |
|---|---|---|---|
"""


def main(table, folder):
    """Write the samples."""
    pairs, converter, lines = read_pairs(table), load(device="cpu"), []
    for pair in evenly(pairs, PAIRS):
        name = f"{pair.source_speaker}-{pair.target_speaker}"
        links = []
        for part, path in (("source", pair.source), ("target", pair.references[0])):
            save_audio(folder / f"{name}-{part}.ogg", load_audio(path, converter.sample_rate), converter.sample_rate,
                       force=True)
            links.append(f"[{getattr(pair, f'{part}_speaker')}]({name}-{part}.ogg)")
        converter.convert_file(pair.source, list(pair.references), folder / f"{name}-result.ogg", force=True)
        lines.append(f"| {' | '.join(links)} | [result]({name}-result.ogg) | {pair.text.lower()} |\n")
    write_atomically(folder / "README.md", HEAD.format(model=converter.fingerprint[:12]) + "".join(lines))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: samples.py PAIRS FOLDER")
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except VcError as error:
        sys.exit(f"samples: error: {error}")
