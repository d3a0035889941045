"""Collect how strange speech and other sounds are to a model, for `vc check` and the warning of `vc convert`.

    python recipes/check/calibrate.py MODEL SPEECH NONSPEECH -o MODEL.check.json

SPEECH, a folder or table of recordings, should hold people that the model was not trained on; of the corpus that it was
trained on, --held-out takes only those. Each is heard as it is and once more with a sound of NONSPEECH far behind it,
since recordings to come will be made in other rooms. To be run again whenever the model changes.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from sounds import HALVES, RATE_HZ, clips
from vc.audio import load_audio, save_audio
from vc.calibration import calibrate, save_calibration
from vc.conversion import load
from vc.data.layouts import find_recordings
from vc.data.sampling import is_held_out
from vc.errors import AudioError, DataError, VcError
from vc.familiarity import strangeness
from vc.level import SILENCE_DBFS, speech_level_db

BEHIND_DB = (10.0, 30.0)  # how far below the speech the other sound lies


def main(arguments):
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_sources(parser)
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="JSON", help="the calibration to write")
    options = parser.parse_args(arguments)
    try:
        converter = load(options.model)
        others = clips(options.nonspeech, options.half)
        familiar = scores(converter, speech(converter, options))
        with tempfile.TemporaryDirectory() as folder:
            familiar += scores(converter, noisy(speech(converter, options), list(others), Path(folder)))
        strange = scores(converter, others)
        about = {"speech": len(familiar), "other": len(strange), "held_out": options.held_out, "half": options.half}
        save_calibration(options.output, calibrate(converter, familiar, strange, about))
    except (VcError, OSError) as error:
        print(f"calibrate: error: {error}", file=sys.stderr)
        return 1
    print(f"{options.output}: {len(familiar)} recordings of speech, {len(strange)} other sounds, model "
          f"{converter.fingerprint[:12]}")
    return 0


def add_sources(parser):
    """MODEL, SPEECH, NONSPEECH and what of them is used."""
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("speech", metavar="SPEECH", help="a folder or table of recordings")
    parser.add_argument("nonspeech", metavar="NONSPEECH", help="a folder with a folder for each kind of sound")
    parser.add_argument("--held-out", action="store_true", help="only speakers that the model was not trained on, if "
                        "SPEECH is what it was trained on")
    parser.add_argument("--half", choices=HALVES, default="all", help="of NONSPEECH (default: %(default)s)")


def speech(converter, options):
    """Paths of the speech that the options ask for. Raises DataError where there is none."""
    settings = converter.model.config.data
    found = [recording.path for recording in find_recordings(options.speech).recordings
             if not options.held_out or is_held_out(recording.speaker, settings)]
    if not found:
        raise DataError(f"{options.speech}: no speaker there was held out of the model's training; give recordings of "
                        f"others, without --held-out")
    return found


def noisy(paths, others, folder):
    """Yield paths of the recordings in `folder`, each with another sound behind it, BEHIND_DB below, both at random.
    What is silent or cannot be read is left out."""
    rng = np.random.default_rng(0)
    for number, path in enumerate(paths):
        try:
            speech, other = (load_audio(one, RATE_HZ) for one in (path, others[rng.integers(len(others))]))
        except AudioError:  # told where it is heard by itself
            continue
        if speech_level_db(speech, RATE_HZ) < SILENCE_DBFS:
            continue
        level_db = speech_level_db(speech, RATE_HZ) - speech_level_db(other, RATE_HZ) - rng.uniform(*BEHIND_DB)
        behind = np.resize(other, len(speech)) * 10 ** (level_db / 20)
        mixed = speech + behind if np.isfinite(level_db) else speech
        save_audio(folder / f"{number}.wav", 0.9 * mixed / np.abs(mixed).max(), RATE_HZ)
        yield folder / f"{number}.wav"


def scores(converter, paths):
    """Scores of the recordings that have one; of the others says why not."""
    found = []
    for path in paths:
        try:
            strange = strangeness(converter, path)
        except AudioError as error:
            print(f"calibrate: left out: {error}", file=sys.stderr)
        else:
            found += [strange.score] if strange else []
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
