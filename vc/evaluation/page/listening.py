"""The pairs to listen to: each system's sound as a player below its mel picture and pitch."""

import base64
from pathlib import Path

from vc.audio import load_audio
from vc.errors import AudioError
from vc.evaluation.page.markup import element, joined
from vc.evaluation.page.pictures import (HIGHEST_HZ, LOWEST_HZ, MEL, band_height, mel_picture, picture_duration_s,
                                         pitch_height, pitch_hz, pitch_path)
from vc.evaluation.page.tables import format_number, headline_measures, in_order

HEADINGS = {
    "sample": ("A sample", "Chosen without looking at the figures."),
    "best": ("The best", "Ranked by similarity to the target and by word errors, as far as they were measured."),
    "worst": ("The worst", "The other end of the same ranking."),
}
# Pictures and sounds of a page take at most this much, so that it opens at once and can be sent around.
MEDIA_BYTES = 14_000_000
FALLBACK_SHOWN_S = 5.0  # of a pair that no model answered
MEDIA_TYPES = {".flac": "audio/flac", ".wav": "audio/wav", ".ogg": "audio/ogg", ".opus": "audio/ogg",
               ".mp3": "audio/mpeg"}
_BAND_TICKS_HZ, _PITCH_TICKS_HZ = (500, 1000, 2000, 4000), (100, 200, 400)


def listening_pairs(result, folder):
    """The part of the page for result.listening; audio lies in `folder`."""
    if not any(result.listening.values()):
        return element("p", {}, "No sounds were kept in this report.")
    booth = _Booth(result, Path(folder))
    parts = [booth.shelf(reason, numbers) for reason, numbers in result.listening.items() if numbers]
    return joined([element("p", {}, _explanation(booth.pitch_is_drawn)), *parts])


def _explanation(pitch_is_drawn):
    text = "Pictures are log-mels, low frequencies at the bottom, each relative to its own loudest place. "
    if pitch_is_drawn:
        return f"{text}The line is the pitch, on an axis of its own from {LOWEST_HZ:.0f} to {HIGHEST_HZ:.0f} Hz."
    return f"{text}The pitch is not drawn: it needs pyworld, which is not installed; pip install vc[evaluate]."


class _Booth:
    """Lays out pairs, each once, until the page is full."""

    def __init__(self, result, folder):
        self._result, self._folder = result, folder
        self._left_bytes = MEDIA_BYTES
        self._shown = set()
        self.pitch_is_drawn = True

    def shelf(self, reason, numbers):
        """The pairs kept for one reason, below its heading."""
        title, explanation = HEADINGS.get(reason, (reason, ""))
        return element("section", {}, element("h3", {}, title), element("p", {}, explanation),
                       *(self._pair(number) for number in numbers))

    def _pair(self, number):
        pair = self._result.pairs[number]
        head = [element("h4", {"id": None if number in self._shown else f"pair{number}"}, pair.name)]
        if number in self._shown:
            again = element("a", {"href": f"#pair{number}"}, "Shown above")
            return element("article", {"class": "card"}, *head, element("p", {}, again, "."))
        self._shown.add(number)
        head.append(element("p", {}, f"{pair.source_speaker} in the voice of {pair.target_speaker}"))
        if pair.text:
            head.append(element("blockquote", {}, pair.text))
        sounds = [self._open(system, item) for system in in_order(self._result.systems) for item in self._result.items
                  if (item.pair, item.system) == (number, system.name) and item.audio]
        # The model's answer fills the width; the target's own recording may be far longer, and is scrolled.
        shown_s = max((picture_duration_s(audio) for system, _, audio in sounds
                       if audio is not None and system.kind == "model"), default=FALLBACK_SHOWN_S)
        return element("article", {"class": "card"}, *head,
                       *(self._sound(system, item, audio, shown_s) for system, item, audio in sounds))

    def _open(self, system, item):
        """(system, item, float32 (N,) or None where there is no such recording inside the folder)."""
        path = self._folder / item.audio
        try:
            inside = path.resolve().is_relative_to(self._folder.resolve())
            return system, item, load_audio(path, MEL.sample_rate_hz) if inside else None
        except AudioError:
            return system, item, None

    def _sound(self, system, item, audio, shown_s):
        caption = element("figcaption", {}, element("b", {}, system.title), " ", self._values(item))
        kind = "model" if system.kind == "model" else "anchor"
        if audio is None:
            return element("figure", {"class": f"sound {kind}"}, caption, element("p", {}, f"{item.audio} is missing."))
        picture = self._embed(mel_picture(audio), "image/png")
        path = self._folder / item.audio
        player = self._embed(path.read_bytes(), MEDIA_TYPES.get(path.suffix.lower(), "audio/*"))
        if picture is None or player is None:
            return element("figure", {"class": f"sound {kind}"}, caption,
                           element("p", {}, f"The page is full; listen to {item.audio} in the report's folder."))
        duration_s = picture_duration_s(audio)
        width = 100 * duration_s / shown_s
        frame = element("div", {"class": "mel", "style": f"width:{width:.2f}%"},
                        element("img", {"src": picture, "alt": f"Mel spectrogram: {system.title}"}),
                        self._pitch(audio, duration_s))
        frame = element("div", {"class": "mel-box", "tabindex": "0" if width > 100 else None}, frame)
        player = element("audio", {"controls": "", "preload": "metadata", "src": player,
                                   "aria-label": f"{system.title}, {self._result.pairs[item.pair].name}"})
        return element("figure", {"class": f"sound {kind}"}, caption, frame, player)

    def _values(self, item):
        found = [f"{measure.title} {format_number(item.values[measure.name], measure.unit)}"
                 + (f" {measure.unit}" if measure.unit else "")
                 for measure in headline_measures(self._result.measures) if item.values.get(measure.name) is not None]
        return element("span", {"class": "values"}, " · ".join(found))

    def _pitch(self, audio, duration_s):
        pitch = pitch_hz(audio)
        self.pitch_is_drawn = pitch is not None
        bands = [_tick(0, 4, band_height(hz), f"{hz / 1000:g} kHz", None) for hz in _BAND_TICKS_HZ]
        if pitch is None:
            return element("svg", {"aria-hidden": "true"}, *bands)
        heights = [_tick(100, -4, pitch_height(hz), f"{hz} Hz", "end hertz") for hz in _PITCH_TICKS_HZ]
        drawn = element("path", {"class": "pitch", "d": pitch_path(pitch, duration_s)})
        over = element("svg", {"viewBox": "0 0 100 100", "preserveAspectRatio": "none", "aria-hidden": "true"}, drawn)
        return joined([over, element("svg", {"aria-hidden": "true"}, *bands, *heights)])

    def _embed(self, content, media_type):
        """A data URI, or None where the page is full."""
        uri = f"data:{media_type};base64,{base64.b64encode(content).decode()}"
        if len(uri) > self._left_bytes:
            return None
        self._left_bytes -= len(uri)
        return uri


def _tick(x, dx, y, label, css_class):
    return element("text", {"x": f"{x}%", "dx": dx, "y": f"{y:.1f}%", "dy": 4, "class": css_class}, label)
