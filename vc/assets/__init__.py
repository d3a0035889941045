"""What travels inside the package: the weights that ship, each with its card, and recordings to try them on."""

from pathlib import Path

FOLDER = Path(__file__).parent
SOURCE_CLIP, TARGET_CLIP = FOLDER / "clips" / "source.flac", FOLDER / "clips" / "target.flac"
