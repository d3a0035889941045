"""Recordings as conversion would say them in their own voice: what a vocoder is trained on that shall mend conversions.

They are aligned in time with the recording, which is what the vocoder should have made of them. The voice comes from
another recording of the same speaker, and all that conversion does beyond the two halves is done here too, so that
what is wrong of them is what is wrong of conversions (vc.adaptation, vc.detail).
"""

import math

import torch

from vc import adaptation
from vc.detail import detail_of, with_detail
from vc.features import LogMel
from vc.source_filter import SourceFilter
from vc.spectrum import speech_frames


class OwnVoice:
    """A frozen converter that repeats whole batches."""

    def __init__(self, model):
        self.model, self.mel = model, model.config.mel
        device = model.band_mean.device
        self._log_mel = LogMel(self.mel).to(device)
        self._parts = SourceFilter(self.mel, device)

    @torch.no_grad()
    def __call__(self, batch):
        """Log-mel (B, M, T) of the batch's sources (vc.data.batches.Batch), whose references last a second or more."""
        source, reference = self._log_mel(batch.source), self._log_mel(batch.reference)
        speech, heard = (speech_frames(wave, self.mel.hop_samples) for wave in (batch.source, batch.reference))
        embedding, voice = self.model.encode(source), self.model.encode(reference)
        repeated = self.model.draw(embedding.content, embedding.speaker, batch.source_f0)
        left_over = adaptation.unexplained(repeated.seen, source - repeated.log_mel, speech)
        drawn = self.model.draw(embedding.content, voice.speaker, batch.source_f0)
        said = drawn.adapted(self.model.adapt(voice, reference, batch.reference_f0, heard), speech)
        refined = [with_detail(item, detail_of(*own, f0, self._parts), f0, self._parts)
                   for item, *own, f0 in zip(said, source, left_over, batch.source_f0, strict=True)]
        return torch.stack(refined).clamp(min=math.log(self.mel.floor))
