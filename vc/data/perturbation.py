"""Move the voice of an input without moving what it says, so that the content half cannot carry the voice.

A data transform: (log-mel) -> perturbed log-mel, and the clean one stays the target; the model never knows. After
NANSY (Choi et al. 2021, arXiv 2110.14513), but in the log-mel domain, where formant shift, pitch shift and frequency
warp are, together, one small matrix an item: split a frame into its envelope (slow along the bands) and its fine
structure (the harmonics), and stretch each along frequency by its own ratio. Equaliser and level are additions.
"""

import math
from dataclasses import dataclass

import torch

from vc.config import MelConfig, PerturbConfig
from vc.source_filter import SourceFilter, cosine_basis

EQUALISER_KNOTS = 6


@dataclass(frozen=True)
class Move:
    """One voice change an item. matrix: (B, M, M), of the bands. gain: (B, M, 1), in nepers. pitch: (B,), what F0 is
    multiplied by."""

    matrix: torch.Tensor
    gain: torch.Tensor
    pitch: torch.Tensor
    log_floor: float

    def __call__(self, log_mel):
        """(B, M, T) -> (B, M, T), never below the mel's floor."""
        return (self.matrix @ log_mel + self.gain).clamp(min=self.log_floor)


class Perturbation:
    """Draws one voice change an item. Call with log-mel (B, M, T) and a generator that decides everything.

    Returns (B, M, T) on the same device, never below the mel's floor.
    """

    def __init__(self, mel: MelConfig, settings: PerturbConfig, device="cpu"):
        self.settings = settings
        self.log_floor = math.log(mel.floor)
        self._parts = SourceFilter(mel, device)
        self._knots = cosine_basis(mel.bands)[:EQUALISER_KNOTS].to(device)

    def __call__(self, log_mel, generator):
        return self.draw(len(log_mel), generator)(log_mel)

    def draw(self, items, generator) -> Move:
        """The change that each of so many items would get."""
        draw = torch.rand(items, 5 + EQUALISER_KNOTS, generator=generator).to(self._knots.device) * 2 - 1
        settings = self.settings
        warp = settings.warp_ratio ** draw[:, 0]
        formant = warp * settings.formant_ratio ** draw[:, 1]
        pitch = warp * 2 ** (settings.pitch_semitones / 12 * draw[:, 2])
        matrix = self._parts.moved(formant, pitch)
        # How strong it is has a draw of its own: of the curve's, one would make strong ones flat, or steep.
        curve = draw[:, 5:] @ self._knots
        curve = curve / curve.abs().amax(1, keepdim=True).clamp(min=1e-6) * draw[:, 4:5].abs() * settings.equaliser_db
        gain_db = settings.level_db * draw[:, 3:4] + curve
        return Move(matrix, gain_db.unsqueeze(2) * (math.log(10) / 20), pitch, self.log_floor)
