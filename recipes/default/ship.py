"""Copy a trained model into the package and say what its card must name.

    python recipes/default/ship.py runs/default/last.safetensors
"""

import sys

from vc.checkpoint import load_model, save_model
from vc.config import without_places
from vc.conversion import DEFAULT_MODEL
from vc.errors import VcError


def main(path):
    """path: best.safetensors, or last.safetensors for the averaged weights of the last step."""
    model, checkpoint = load_model(path)
    model.config = without_places(model.config)
    save_model(DEFAULT_MODEL, model, checkpoint.step)
    _, shipped = load_model(DEFAULT_MODEL)
    print(f"{DEFAULT_MODEL}: step {shipped.step}, fingerprint {shipped.fingerprint[:12]}, "
          f"{DEFAULT_MODEL.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: ship.py MODEL")
    try:
        main(sys.argv[1])
    except VcError as error:
        sys.exit(f"ship: error: {error}")
