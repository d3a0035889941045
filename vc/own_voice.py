"""Recordings as conversion says them in their own voice: what a vocoder is trained on that shall mend conversions.

They are aligned in time with the recording, which is what the vocoder should have made of them. The voice comes from
another recording of the same speaker, so what is wrong of them is what is wrong of conversions.
"""

import torch

from vc.conversion import Converter, Frames
from vc.features import LogMel
from vc.spectrum import frame_levels_db


class OwnVoice:
    """A frozen converter that repeats whole batches."""

    def __init__(self, model):
        self._converter = Converter(model, vocoder=None)
        self._log_mel = LogMel(model.config.mel).to(self._converter.device)
        self._hop_samples = model.config.mel.hop_samples

    def __call__(self, batch):
        """Log-mel (B, M, T) of the sources of a vc.data.batches.Batch, whose references last half a second or more."""
        return torch.stack([self._said(*item) for item in zip(batch.source, batch.reference, batch.source_f0)])

    def _said(self, source, reference, f0):
        """Waveforms (N,) and (N',) at the nominal level, F0 of the first in Hz (T,) -> log-mel (M, T)."""
        voice = self._converter.voice_in(reference.cpu().numpy())
        frames = Frames(self._log_mel(source[None])[0], frame_levels_db(source, self._hop_samples), f0)
        # Moved from a range to the same one, the pitch stays the recording's.
        return self._converter.say(self._converter.listen(frames), voice, voice.pitch)
