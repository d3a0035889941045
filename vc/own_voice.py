"""Recordings as conversion says them in their own voice: what a vocoder is trained on that shall mend conversions.

They are aligned in time with the recording, which is what the vocoder should have made of them. The voice comes from
another recording of the same speaker. What conversion into a stranger's voice damages, the pitch above all, is heard
only where it goes there: every second recording takes a detour through another's voice.
"""

import torch

from vc.conversion import Converter, Frames
from vc.features import LogMel
from vc.pitch_range import move_pitch
from vc.spectrum import frame_levels_db, speech_frames


class OwnVoice:
    """A frozen converter that repeats whole batches."""

    def __init__(self, model):
        self._converter = Converter(model, vocoder=None)
        self._log_mel = LogMel(model.config.mel).to(self._converter.device)
        self._hop_samples = model.config.mel.hop_samples

    def __call__(self, batch):
        """Log-mel (B, M, T) of the sources of a vc.data.batches.Batch, whose references last half a second or more."""
        voices = [self._voice(reference) for reference in batch.reference]
        said = []
        for number, (source, f0) in enumerate(zip(batch.source, batch.source_f0)):
            frames = Frames(self._log_mel(source[None])[0], frame_levels_db(source, self._hop_samples), f0)
            voice, other = voices[number], voices[number - 1]
            if voice is not None and other is not None and number % 2:
                frames = self._moved(frames, voice, other)
                said.append(self._say(frames, voice, other.pitch))
            elif voice is not None:
                said.append(self._say(frames, voice, voice.pitch))  # from a range to the same one: pitch stays
            else:
                said.append(frames.log_mel)
        return torch.stack(said)

    def _voice(self, reference):
        """None of a waveform (N,) in which nobody speaks."""
        speaks = speech_frames(reference, self._hop_samples).any()
        return self._converter.voice_in(reference.cpu().numpy()) if speaks else None

    def _moved(self, frames, voice, other):
        """Frames of one voice as those of another."""
        f0 = move_pitch(frames.f0.cpu(), voice.pitch, other.pitch).to(frames.f0)
        return Frames(self._say(frames, other, voice.pitch), frames.level_db, f0)

    def _say(self, frames, voice, own_range):
        return self._converter.say(self._converter.listen(frames), voice, own_range)
