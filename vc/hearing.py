"""What is said in a recording, heard in several voices at once.

In training the input's voice is moved and the content half has to stay what it was. It does not quite: what a move
still changes in it is the voice, or chance. So a recording is heard as it is and in four other voices, higher or lower,
of a larger or smaller person, and the content half is the mean of what is heard. Averaging over changes that must not
matter is known as test-time augmentation (Krizhevsky et al. 2012). A voice's map (vc.adaptation) is fitted to what each
of them hears of the references, so that it does not lean on what a move changes.
"""

import itertools
import math

import torch

from vc.encoder import Embedding
from vc.source_filter import SourceFilter

MOVED = 0.8  # of the way that training moves voices


class Hearing:
    """A model's encoder, that listens so."""

    def __init__(self, model, parts: SourceFilter, moved=MOVED):
        """moved: of the way that training moves voices, how much; 0: a recording is heard as it is alone."""
        self._model, settings = model, model.config.perturb
        self._log_floor = math.log(model.config.mel.floor)
        octaves = moved * settings.pitch_semitones / 12
        formants, pitches = ((1 / ratio, ratio) for ratio in (settings.formant_ratio ** moved, 2 ** octaves))
        # None is left for a model that was trained on voices as they are.
        moves = sorted(set(itertools.product(formants, pitches)) - {(1.0, 1.0)})
        formant, pitch = torch.tensor(moves, device=model.band_mean.device).view(-1, 2).T
        self._moves = parts.moved(formant, pitch)

    def __call__(self, log_mel) -> Embedding:
        """log_mel: of one recording (M, T). The speaker half is that of the recording as it is."""
        heard = self.each(log_mel)
        unsqueezed = heard.unsqueezed.mean(0, keepdim=True)
        squeezed = self._model.encoder.bottleneck(unsqueezed)
        return Embedding(squeezed.z, heard.speaker[:1], unsqueezed, squeezed)

    def each(self, log_mel) -> Embedding:
        """What is heard in each voice, of which the first is the recording's own."""
        return self._model.encode(torch.cat([log_mel[None], (self._moves @ log_mel).clamp(min=self._log_floor)]))
