"""Inside: the two halves of two recordings, and all ways to put them together again."""

from pathlib import Path

import gradio as gr

from vc.demo.cards import play_button
from vc.demo.drawing import halves_panels
from vc.demo.refusals import refusals, require
from vc.demo.remarks import remarks_shown
from vc.demo.uploads import recording
from vc.demo.voice_map import map_svg
from vc.errors import AudioError
from vc.voices import mean_voice

LONGEST_S = 15.0
MEAN = "mean voice"


class InsideTab:
    """Its components, and what they do."""

    def __init__(self, studio, session):
        self.studio = studio
        first, second = list(studio.people.values())[:2]
        gr.Markdown("The encoder splits a recording into two halves: **content**, what was said, a picture over time, "
                    "and **speaker**, who said it, one point. Swap the halves of two recordings and listen.")
        with gr.Row():
            self.recordings = [recording(f"Recording {letter}", studio.copied(person.clip))
                               for letter, person in (("A", first), ("B", second))]
        self.button = gr.Button("Take apart and swap", variant="primary", elem_id="swap")
        self.view = gr.HTML(elem_id="inside")
        self.button.click(self._look, [*self.recordings, session], self.view, api_visibility="private",
                          concurrency_id="work")

    def _look(self, recording_a, recording_b, session, progress=gr.Progress()):  # noqa: B008
        require(recording_a and recording_b, "Give two recordings, A and B.")
        recordings = {"A": recording_a, "B": recording_b}
        with refusals(), remarks_shown(recordings.values()):
            for path in recordings.values():
                self.studio.check(path)
                if len(self.studio.beginning(path)) > LONGEST_S * self.studio.converter.sample_rate:
                    raise AudioError(f"{path}: lasts longer than {LONGEST_S:g} s, too long to look inside; cut it")
            halves = {name: self.studio.converter.halves(path) for name, path in recordings.items()}
            voices = {name: self.studio.converter.voice_of(path, name) for name, path in recordings.items()}
            voices[MEAN] = mean_voice(list(self.studio.gallery.values()), MEAN)
            sounds = self._sounds(recordings, voices, progress)
        known = {**self.studio.voices(session), **{f"voice of {name}": voice for name, voice in voices.items()
                                                   if name != MEAN}, MEAN: voices[MEAN]}
        marks = [name for name in known if name == MEAN or name.startswith("voice of ")]
        panels = "".join(f'<div>{halves_panels(self.studio, f"Recording {name}", found)}</div>'
                         for name, found in halves.items())
        return (f'<div class="vc-halves">{panels}</div><div class="vc-together">{_table(sounds, voices)}'
                f'{map_svg(known, marks=marks, choosable=False)}</div>')

    def _sounds(self, recordings, voices, progress):
        """{(words, voice): play button} of each content half with each speaker half."""
        sounds = {}
        with self.studio.private_folder() as folder:
            for words, source in recordings.items():
                for name, voice in voices.items():
                    progress(len(sounds) / (len(recordings) * len(voices)), desc="Swapping")
                    output = Path(folder) / f"{words} {name}.opus"
                    self.studio.converter.convert_file(source, voice, output)
                    sounds[words, name] = play_button(output, f"Play {_said(words, name)}")
        return sounds


def _said(words, voice):
    return f"{words}'s words, {voice if voice == MEAN else voice + chr(39) + 's voice'}"


def _table(sounds, voices):
    """A row for each content half, a column for each speaker half."""
    head = "".join(f'<th scope="col">{name if name == MEAN else f"voice of {name}"}</th>' for name in voices)
    rows = "".join(f'<tr><th scope="row">words of {words}</th>'
                   + "".join(f"<td>{sounds[words, name]}</td>" for name in voices) + "</tr>"
                   for words in dict.fromkeys(words for words, _ in sounds))
    return (f'<div><p>Each half with each: A with A and B with B are put together as they were, the others are '
            f'converted. With the mean voice nobody in particular speaks.</p>'
            f'<table class="vc-swap"><tr><td></td>{head}</tr>{rows}</table></div>')
