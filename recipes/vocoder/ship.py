"""Copy a trained vocoder into the package and say what its card must name.

    python recipes/vocoder/ship.py runs/vocoder-small/last.safetensors [ROUNDS]

ROUNDS: of Griffin-Lim after the network, where it is not to be as in training.
"""

import sys

from vc.checkpoint import save_model
from vc.config import without_places
from vc.errors import VcError
from vc.vocoders.neural import DEFAULT_FILE, load_vocoder


def main(path, rounds=None):
    """path: best.safetensors, or last.safetensors for the averaged weights of the last step."""
    generator, checkpoint = load_vocoder(path)
    config = without_places(generator.config)
    vocoder = config.vocoder.model_copy(update={"rounds": int(rounds or config.vocoder.rounds)})
    generator.config = config.model_copy(update={"vocoder": vocoder})
    save_model(DEFAULT_FILE, generator, checkpoint.step, kind="vocoder")
    _, shipped = load_vocoder(DEFAULT_FILE)
    print(f"{DEFAULT_FILE}: step {shipped.step}, fingerprint {shipped.fingerprint[:12]}, "
          f"{DEFAULT_FILE.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: ship.py VOCODER [ROUNDS]")
    try:
        main(*sys.argv[1:])
    except VcError as error:
        sys.exit(f"ship: error: {error}")
