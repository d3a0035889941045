"""Who speaks? Split by recording, so that a speaker is known from other sentences than those the probe is judged on."""

from typing import final

import torch

from vc.errors import DataError
from vc.probing.base import HALVES, Probe, sequences_of
from vc.probing.findings import accuracy, balanced_accuracy, judge
from vc.probing.heads import classify
from vc.probing.parts import FEWEST_GROUPS, split


@final
class Speaker(Probe):
    """Top-1 and balanced accuracy among the speakers with at least three recordings."""

    def measure(self, heard, listener, effort):
        heard = _of_many_recordings(heard)
        speakers = [piece.speaker_name for piece in heard]
        names = sorted(set(speakers))
        if len(names) < 2:
            raise DataError(f"{len(names)} speaker(s) with {FEWEST_GROUPS} recordings or more, expected at least 2 to "
                            f"tell apart; give recordings of more speakers")
        recordings = [piece.recording for piece in heard]
        parts = split(recordings, speakers, effort.seed)
        labels = torch.tensor([names.index(speaker) for speaker in speakers])
        judged, clusters = labels[parts.test], [recordings[i] for i in parts.test.tolist()]
        most_frequent = float(judged.bincount().max() / len(judged))
        findings = {}
        for half in HALVES:
            guesses = classify(sequences_of(heard, half), labels, parts, effort)
            for name, title, measure, chance in (
                    ("", "", accuracy, most_frequent),
                    ("_balanced", ", each speaker counted the same", balanced_accuracy, 1 / len(names))):
                findings[f"speaker_from_{half}{name}"] = judge(
                    half, f"speaker among {len(names)}{title}", "accuracy", chance,
                    lambda i: measure(guesses[i], judged[i]), clusters, effort)
        return findings


def _of_many_recordings(heard):
    recordings = {}
    for piece in heard:
        recordings.setdefault(piece.speaker_name, set()).add(piece.recording)
    return [piece for piece in heard if len(recordings[piece.speaker_name]) >= FEWEST_GROUPS]
