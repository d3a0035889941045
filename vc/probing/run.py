"""One call that asks all the probes."""

import math
import sys
from dataclasses import dataclass, replace

from tqdm import tqdm

from vc.errors import ConfigError, DataError
from vc.probing import PROBES, make_probe
from vc.probing.fitting import QUICK, Effort
from vc.probing.listener import Listener
from vc.probing.speech import draw_sample


@dataclass(frozen=True)
class ProbeReport:
    """findings: {name: Finding}. left_out: {probe: why}. notes: what one must know to read the figures."""

    findings: dict
    left_out: dict
    notes: list


def run_probes(model, data, names=None, speakers=100, seconds=20.0, seed=0, quick=False) -> ProbeReport:
    """Ask what the halves of `model`, an AutoEncoder on the CPU, know of the speech in `data`; see `draw_sample`.

    names: of PROBES, by default all; those that the recordings do not allow are left out. Repeats exactly. Raises
    DataError, where they allow none, and ConfigError.
    """
    if speakers < 2 or not 0 < seconds < math.inf or seed < 0:
        raise ConfigError(f"got {speakers} speakers of {seconds:g} s and seed {seed}, expected at least 2 of more than "
                          f"0 s and no negative seed")
    probes = {name: make_probe(name) for name in names or PROBES}
    effort = replace(QUICK if quick else Effort(), seed=seed)
    sample = draw_sample(data, model.config, speakers, seconds, seed)
    listener = Listener(model)
    heard = [listener.hear(piece) for piece in tqdm(sample.pieces, "encode", file=sys.stderr, leave=False)]
    findings, left_out = {}, {}
    for name, probe in tqdm(probes.items(), "probes", file=sys.stderr, leave=False):
        try:
            findings |= probe.measure(heard, listener, effort)
        except DataError as error:
            left_out[name] = str(error)
    if not findings:
        raise DataError(f"{data}: allows no probe; " + "; ".join(f"{name}: {why}" for name, why in left_out.items()))
    return ProbeReport(findings, left_out, _notes(sample, listener.mel.sample_rate_hz, quick))


def _notes(sample, rate_hz, quick):
    minutes = sum(len(piece.audio) for piece in sample.pieces) / rate_hz / 60
    notes = [f"{minutes:.0f} minutes of {sample.speakers} speakers, {len(sample.pieces)} pieces. If the model was "
             f"trained on this corpus, it was trained on {sample.trained_on} of them, whose halves may hide more than "
             f"those of new speakers."]
    if quick:
        notes.append("The probes were trained for moments only: the figures show that it works and nothing else.")
    return notes
