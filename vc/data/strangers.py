"""Voices that nobody has, so that the speakers of a small corpus never repeat.

A model that hears the same few hundred speakers again and again learns them by heart. In a share of each batch the
voice is moved for good: recording, target and reference alike, and F0 with them. What comes out is a person who is
heard this once, and who has no label. Stretching the frequencies of training speakers: vocal tract length perturbation
in recognition (Jaitly and Hinton 2013).
"""

from dataclasses import replace

import torch

from vc.config import MelConfig, StrangersConfig
from vc.data.batches import Batch, kept
from vc.data.perturbation import Move, Perturbation


class Strangers:
    """Draws the voices of the last items of a batch, so many that they are `share` of it."""

    def __init__(self, mel: MelConfig, settings: StrangersConfig, device="cpu"):
        self.share = settings.share
        self._perturbation = Perturbation(mel, settings, device)

    def known(self, items):
        """How many items at the beginning of a batch keep their voice; at least one."""
        return kept(items, self.share)

    def draw(self, items, generator) -> Move:
        """The voice change of each item of a batch, none for those that keep their voice."""
        move, known = self._perturbation.draw(items, generator), self.known(items)
        move.matrix[:known] = torch.eye(move.matrix.shape[1], device=move.matrix.device)
        move.gain[:known] = 0
        move.pitch[:known] = 1
        return move


def in_new_voice(batch: Batch, move: Move) -> Batch:
    """The batch with F0 moved; the waveforms stay, since only their mels can be moved."""
    pitch = move.pitch[:, None]
    return replace(batch, source_f0=batch.source_f0 * pitch, reference_f0=batch.reference_f0 * pitch)
