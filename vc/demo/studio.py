"""What all tabs of the page work with: the converter, the voices a visitor sees, and the limits on recordings."""

import shutil
import tempfile
from pathlib import Path

import numpy as np

from vc.audio import stream_audio
from vc.demo.gallery import people
from vc.demo.settings import Settings
from vc.demo.shelf import Shelf
from vc.errors import AudioError, VoiceError
from vc.voices import Voice, VoiceLibrary, composed

PICTURE_S = 20.0  # of a recording, from its beginning, is drawn


class Studio:
    """One for the whole server. folder: private to it, where visitors' files lie until they are deleted.

    The gallery's speaker halves are computed here, so that a newer model needs nothing made anew.
    """

    def __init__(self, converter, settings: Settings, folder):
        self.converter, self.settings, self.folder = converter, settings, Path(folder)
        self.people = {person.name: person for person in people()}
        self.gallery = {person.name: converter.voice_of(person.clip, person.name) for person in self.people.values()}
        self.shelf = Shelf(converter, VoiceLibrary() if settings.library else None, self.gallery)

    def voices(self, session):
        """{name: Voice} that this visitor can choose from: the gallery, then the enrolled."""
        return {**self.gallery, **self.shelf.voices(session)}

    def voice(self, name, session) -> Voice:
        """One of `voices`. Raises VoiceError that lists them."""
        voices, name = self.voices(session), composed(str(name))  # a program may give none
        if name not in voices:
            raise VoiceError(f"{name}: no such voice here; choose one of {', '.join(voices)}")
        return voices[name]

    def check(self, recording):
        """Raise AudioError for a recording that cannot be read or lasts longer than the settings allow."""
        for _ in self._blocks(recording):
            pass

    def _blocks(self, recording):
        """What of a recording is heard, float32 (n,) at the converter's rate. Raises as `check` does."""
        if not Path(recording).exists():
            raise AudioError(f"{recording}: no longer here, recordings are deleted after {self.settings.keep_s / 60:g} "
                             f"minutes; give it again")
        heard_s, limit_s = 0.0, self.settings.max_seconds
        for block in stream_audio(recording, self.converter.sample_rate):
            heard_s += len(block) / self.converter.sample_rate
            if heard_s > limit_s + 0.1:
                raise AudioError(f"{recording}: lasts longer than the {limit_s:g} s that this demo takes; cut it, or "
                                 f"use `vc convert`, which takes any length")
            yield block

    def voice_of(self, recordings, name="") -> Voice:
        """The voice in one or several recordings of a visitor. Raises AudioError."""
        for recording in recordings:
            self.check(recording)
        return self.converter.voice_of(recordings, composed(name))

    def conversion_steps(self, source, voice, output):
        """Like the converter's, for a visitor's recording."""
        self.check(source)
        yield from self.converter.conversion_steps(source, voice, output)

    def beginning(self, recording):
        """What of a recording is drawn: float32 (N,) at the converter's rate. Raises AudioError, see `check`."""
        return np.concatenate([*self._blocks(recording)])[:round(PICTURE_S * self.converter.sample_rate)]

    def copied(self, clip):
        """Path of a copy that gradio hands out: it does so from the temporary folder, but not from the package."""
        return shutil.copyfile(clip, self.folder / clip.name)

    def private_folder(self):
        """A new folder whose files are gone at the end of the `with` block; gradio copies what it hands out."""
        return tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True)
