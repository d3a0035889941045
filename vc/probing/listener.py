"""What a frozen encoder makes of the speech."""

from dataclasses import dataclass

import numpy as np
import torch

from vc.features import LogMel


@dataclass(frozen=True)
class Heard:
    """A piece of speech and its halves. content: (C, T'). speaker: (S,). log_mel: (M, T), in half precision.

    audio, recording, speaker_name, channel and text: see vc.probing.speech.Piece.
    """

    audio: np.ndarray
    recording: str
    speaker_name: str
    channel: str
    text: str
    content: torch.Tensor
    speaker: torch.Tensor
    log_mel: torch.Tensor


class Listener:
    """An AutoEncoder's encoder on the CPU, frozen. mel: MelConfig. stride: mel frames per content frame."""

    def __init__(self, model):
        self.mel, self.stride = model.config.mel, model.config.model.stride
        self._model = model.eval()
        self._log_mel = LogMel(self.mel)

    @torch.no_grad()
    def hear(self, piece) -> Heard:
        """A Piece with its halves."""
        log_mel = self._log_mel(torch.from_numpy(piece.audio)[None])
        embedding = self._model.encode(log_mel)
        return Heard(piece.audio, piece.recording, piece.speaker_name, piece.channel, piece.text,
                     embedding.content[0].float(), embedding.speaker[0].float(), log_mel[0].half())
