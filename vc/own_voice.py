"""Recordings as conversion says them in their own voice: what a vocoder is trained on that shall mend conversions.

They are aligned in time with the recording, which is what the vocoder should have made of them. The voice comes from
another recording of the same speaker. What conversion into a stranger's voice damages, the pitch above all, is heard
only where it goes there: every second recording takes a detour through another's voice.
"""

import torch

from vc.conversion import Converter, Frames
from vc.pitch_range import move_pitch
from vc.spectrum import speech_frames


class OwnVoice:
    """A frozen converter that repeats whole batches."""

    def __init__(self, model):
        self._converter = Converter(model, vocoder=None)

    def __call__(self, batch):
        """Log-mel (B, M, T) of the sources of a vc.data.batches.Batch, whose references last half a second or more."""
        voices = [self._voice(reference) for reference in batch.reference]
        ways = [voices[number - number % 2] or voice for number, voice in enumerate(voices)]
        return torch.stack([self._said(*item) for item in zip(batch.source, batch.source_f0, voices, ways)])

    def _said(self, source, f0, voice, way):
        """A waveform (N,), its F0 in Hz (T,), its voice and the one it goes through on its way: log-mel (M, T)."""
        frames = self._converter.frames(source, f0)
        if voice is None:
            return frames.log_mel
        if way is not voice:
            moved = move_pitch(f0.cpu(), voice.pitch, way.pitch).to(f0)
            frames = Frames(self._say(frames, way, voice.pitch), frames.level_db, moved)
        return self._say(frames, voice, way.pitch)  # from a range to the same one, the pitch stays

    def _voice(self, reference):
        """None of a waveform (N,) in which nobody speaks."""
        speaks = speech_frames(reference, self._converter.mel.hop_samples).any()
        return self._converter.voice_in(reference.cpu().numpy()) if speaks else None

    def _say(self, frames, voice, own_range):
        return self._converter.say(self._converter.listen(frames), voice, own_range)[0]
