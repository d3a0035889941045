"""Where the voices that visitors enrol are kept: with their page, or, for local use, in the user's own library.

`session` is {name: Voice}, what gradio keeps for one open page. It is never changed in place, so that what a handler
returns is what is kept.
"""

from dataclasses import replace

from vc.demo.settings import MAX_VOICES
from vc.errors import VcError, VoiceError
from vc.voices import Voice, VoiceLibrary, composed, is_voice_name


class Shelf:
    """The enrolled voices that one visitor sees. library: the VoiceLibrary they are in, or None for the session."""

    def __init__(self, converter, library: VoiceLibrary | None, taken):
        """taken: names that the gallery has already."""
        self.converter, self.library, self.taken = converter, library, set(taken)

    def names(self, session):
        """Names of the enrolled voices, sorted."""
        return sorted(session) if self.library is None else self.library.names()

    def voices(self, session):
        """{name: Voice} of those that belong to this model and can be read."""
        if self.library is None:
            return dict(session)
        found = {}
        for name in self.library.names():
            try:
                found[name] = self.library.get(name, self.converter)
            except VcError:  # damaged, or another model's: there is no use for it here
                continue
        return found

    def add(self, voice: Voice, session):
        """Keep a voice; returns the session with it. Raises VoiceError."""
        voice = replace(voice, name=composed(voice.name))
        if voice.name in self.taken:
            raise VoiceError(f"{voice.name}: the gallery has a voice of this name; choose another name")
        if voice.name in self.names(session):
            raise VoiceError(f"{voice.name}: you have a voice of this name; choose another name or delete it first")
        if self.library is not None:
            self.library.add(voice, self.converter, force=False)
            return session
        if not is_voice_name(voice.name):
            raise VoiceError(f"{voice.name!r}: not a name for a voice; use letters, digits, spaces, dashes or dots")
        if len(session) >= MAX_VOICES:
            raise VoiceError(f"you keep {MAX_VOICES} voices already; delete one first")
        return {**session, voice.name: voice}

    def remove(self, name, session):
        """Forget a voice; returns the session without it. Raises VoiceError where there is none."""
        if self.library is not None:
            self.library.remove(name)
            return session
        if composed(name) not in session:
            raise VoiceError(f"{name}: you have no voice of this name")
        return {other: voice for other, voice in session.items() if other != composed(name)}
