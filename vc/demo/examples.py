"""Examples of the convert tab, made as soon as the page is served, so that a click shows them at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from vc.assets import TARGET_CLIP
from vc.demo.drawing import mel_panels
from vc.demo.judge import badge


@dataclass(frozen=True)
class Example:
    """source: a recording; said: its text where that is English, else ""; voice: a name of the gallery."""

    title: str
    source: Path
    said: str
    voice: str


@dataclass(frozen=True)
class Shown:
    """What a click on an example shows: a file and two pieces of HTML."""

    output: str
    badge: str
    pictures: str


class Examples:
    """`all` of them, in order; a thread of its own makes them one after the other."""

    def __init__(self, studio):
        self._studio = studio
        kathleen, nathalie = studio.people["Kathleen"], studio.people["Nathalie"]
        self.all = [Example("Woman to man", studio.copied(kathleen.clip), kathleen.text, "Reader 27"),
                    Example("Dutch to German", studio.copied(nathalie.clip), "", "Kerstin"),
                    Example("Man to woman", studio.copied(TARGET_CLIP), "", "Kathleen")]
        self._made, self._lock = {}, threading.Lock()

    def begin(self):
        """Start making them, once the page is served: it is of more use to a visitor than they are."""
        with self._lock:
            if not self._made:
                worker = ThreadPoolExecutor(1, thread_name_prefix="examples")
                self._made = {example: worker.submit(self._make, example) for example in self.all}
                worker.shutdown(wait=False)

    def result(self, example) -> Shown:
        """Waits where the example is not made yet."""
        self.begin()
        return self._made[example].result()

    def _make(self, example):
        studio, person = self._studio, self._studio.people[example.voice]
        output = studio.folder / f"{example.source.stem} as {example.voice}.wav"
        studio.converter.convert_file(example.source, studio.gallery[example.voice], output, force=True)
        pictures = mel_panels(studio, {"Source": example.source, "Target": person.clip, "Result": output})
        return Shown(str(output), badge(example.source, person.clip, output, example.said,
                                        [other.text for other in studio.people.values()]), pictures)
