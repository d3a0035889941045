"""Which microphone and room? The corpus that a recording comes from stands for them. Split by speaker: who is judged at
one microphone is not trained on at another."""

from typing import final

import torch

from vc.errors import DataError
from vc.probing.base import HALVES, Probe, sequences_of
from vc.probing.findings import balanced_accuracy, judge
from vc.probing.heads import classify
from vc.probing.parts import FEWEST_GROUPS, split


@final
class Channel(Probe):
    """Balanced accuracy among the channels with at least three speakers."""

    def measure(self, heard, listener, effort):
        speakers = {}
        for piece in heard:
            speakers.setdefault(piece.channel, set()).add(piece.speaker_name)
        channels = sorted(name for name, known in speakers.items() if name and len(known) >= FEWEST_GROUPS)
        if len(channels) < 2:
            raise DataError(f"{len(channels)} channel(s) with {FEWEST_GROUPS} speakers or more, expected at least 2; a "
                            f"recording's channel is the first folder of its path, above the speaker's")
        heard = [piece for piece in heard if piece.channel in channels]
        labels = torch.tensor([channels.index(piece.channel) for piece in heard])
        speakers = [piece.speaker_name for piece in heard]
        parts = split(speakers, [piece.channel for piece in heard], effort.seed)
        judged, clusters = labels[parts.test], [speakers[i] for i in parts.test.tolist()]
        findings = {}
        for half in HALVES:
            guesses = classify(sequences_of(heard, half), labels, parts, effort, balanced=True)
            findings[f"channel_from_{half}"] = judge(
                half, f"channel ({', '.join(channels)}), each counted the same", "accuracy", 1 / len(channels),
                lambda i: balanced_accuracy(guesses[i], judged[i]), clusters, effort)
        return findings
