"""Voices: enrol one, find it on the map, walk from one voice to another."""

from pathlib import Path

import gradio as gr

from vc.assets import SOURCE_CLIP
from vc.demo.cards import gallery_cards
from vc.demo.quality import hints
from vc.demo.refusals import refusals, require
from vc.demo.remarks import remarks
from vc.demo.uploads import recording, result
from vc.demo.voice_map import map_svg
from vc.voices import blend, save_voice

MAP_ON_LOAD = """
const choose = event => {
  const dot = event.target.closest('[data-voice]');
  if (!dot || (event.type === 'keydown' && event.key !== 'Enter' && event.key !== ' ')) return;
  event.preventDefault();
  trigger('select', {voice: dot.dataset.voice});
};
element.addEventListener('click', choose);
element.addEventListener('keydown', choose);
"""
CONSENT = ("**Before you enrol a voice:** it must be yours, or that of somebody who has agreed to it. With a voice, "
           "sentences can be made that its owner never said. ")
KEPT = ("Only numbers are kept, no recording: the speaker half, mean and spread of spectrum and pitch, the spread of "
        "the cepstrum, and the corrections that the decoder needs for this voice; ")
KEPT_HERE = KEPT + "they are forgotten an hour after you last add one, and nobody else sees them."
KEPT_IN_LIBRARY = KEPT + "they stay in your own library, that of `vc voice`."


class VoicesTab:
    """Its components, and what they do. gallery: the convert tab's, which a click on the map sets."""

    def __init__(self, studio, session, gallery):
        self.studio, self.session, self.gallery = studio, session, gallery
        gr.Markdown("A voice is one point. Choose one on the map, add your own, or stop half-way between two.")
        with gr.Row(equal_height=False):
            with gr.Column(scale=3):
                self.map = gr.HTML(map_svg(studio.gallery, next(iter(studio.gallery))), js_on_load=MAP_ON_LOAD,
                                   elem_id="map")
                self.chosen = gr.Markdown(elem_id="chosen")
                self._build_blend()
            with gr.Column(scale=2):
                self._build_enrol()
        self._connect()

    def _build_enrol(self):
        gr.Markdown("### Add a voice\n" + CONSENT + (KEPT_IN_LIBRARY if self.studio.settings.library else KEPT_HERE))
        self.name = gr.Textbox(label="Name", max_lines=1, max_length=64, elem_id="enrol-name")
        self.recordings = [recording("Recording", elem_id="enrol-recording")]
        with gr.Accordion("A second recording (optional)", open=False):
            self.recordings.append(recording("Second recording"))
        self.hints = gr.Markdown(elem_id="hints")
        self.consent = gr.Checkbox(label="The person speaking agrees to this.", elem_id="consent")
        self.enrol = gr.Button("Add this voice", variant="primary", elem_id="enrol")
        self.news = gr.Markdown(elem_id="news")
        with gr.Accordion("Your voices", open=False):
            self.mine = _any_name(gr.Dropdown(self.studio.shelf.names({}), label="Voice", elem_id="mine"))
            with gr.Row():
                self.download = gr.Button("Download", size="sm")
                self.delete = gr.Button("Delete", size="sm", variant="stop")
            self.file = gr.File(label="Its file, for `vc voice`", visible=False, interactive=False)

    def _build_blend(self):
        names = list(self.studio.gallery)
        gr.Markdown("### Between two voices")
        with gr.Row():
            self.first = _any_name(gr.Dropdown(names, value=names[0], label="From"))
            self.second = _any_name(gr.Dropdown(names, value=names[1], label="To"))
        self.share = gr.Slider(0, 1, 0.5, step=0.05, label="How far", buttons=[])
        self.hear = gr.Button("Hear it", elem_id="hear")
        self.blended = result("A sentence in the voice between")

    def _connect(self):
        private = dict(api_visibility="private", show_progress="hidden")
        # What follows a voice that is added or deleted, in a step of its own: a refusal marks nothing of it, and a
        # program gets the sentence alone.
        self.everywhere = [self.gallery, self.map, self.mine, self.first, self.second]
        added = gr.State()
        self.map.select(self._choose, self.session, self.gallery, **private)
        self.gallery.change(self._show_chosen, [self.gallery, self.session], [self.map, self.chosen], **private)
        for component in self.recordings:
            component.change(self._hint, self.recordings, self.hints, **private)
        self.enrol.click(None, None, self.news, js="() => 'Listening ...'", **private)
        enrolled = self.enrol.click(self._enrol, [self.name, *self.recordings, self.consent, self.session],
                                    [self.news, self.session, added], api_name="enrol", concurrency_id="work",
                                    api_description="Enrol a voice for this session, or in the library of a local "
                                                    "server.")
        enrolled.failure(None, None, self.news, js="() => ''", **private)
        enrolled.success(self._choose_added, [self.session, added], self.everywhere, **private)
        self.delete.click(None, None, self.news, js="() => ''", **private)
        deleted = self.delete.click(self._delete, [self.mine, self.session], [self.news, self.session],
                                    api_name="delete", api_description="Forget an enrolled voice.")
        deleted.success(self.refresh, [self.session, self.gallery], self.everywhere, **private)
        self.download.click(self._download, [self.mine, self.session], self.file, api_name="download",
                            api_description="The file of an enrolled voice, as `vc voice` keeps it.")
        self.hear.click(self._blend, [self.first, self.second, self.share, self.session], self.blended,
                        api_name="blend", concurrency_id="work",
                        api_description="The bundled sentence in a voice between two.")

    def _choose(self, session, event: gr.EventData):
        with refusals():
            name = self.studio.voice(event.voice, session).name
        return name

    def _show_chosen(self, name, session):
        """Called whoever set the gallery: the map, a click on a card, an example, a voice that is added or deleted."""
        return map_svg(self.studio.voices(session), name), f"**{name}** is chosen, here and under Convert."

    def _hint(self, *recordings):
        given = [path for path in recordings if path]
        with refusals(), remarks(given) as heard:
            found = [hint for path in given for hint in self._checked_hints(path)]
        return "\n".join(f"- {hint}" for hint in [*found, *heard])

    def _checked_hints(self, path):
        self.studio.check(path)
        return hints(path)

    def _enrol(self, name, recording_1, recording_2, consent, session):
        given = [path for path in (recording_1, recording_2) if path]
        require(given, "Record or upload something that the person says first.")
        name = (name or "").strip()
        require(name, "Give the voice a name.")
        require(consent is True, "Tick the box: a voice is enrolled only when the person speaking agrees.")
        with refusals():
            voice = self.studio.voice_of(given, name)
            session = self.studio.shelf.add(voice, session)
        return f"**{voice.name}** is added, from {voice.seconds:.1f} s of speech.", session, voice.name

    def _delete(self, name, session):
        require(name, "Choose one of your voices first.")
        with refusals():
            return f"{name} is deleted.", self.studio.shelf.remove(name, session)

    def _choose_added(self, session, added):
        """New states of `everywhere`, with the voice chosen that has just been added."""
        return self._states(session, added, value=added)

    def refresh(self, session, chosen):
        """New states of `everywhere` for a page that has just loaded, or after a voice is deleted; what the gallery has
        chosen meanwhile stays, unless it is gone."""
        if chosen in self.studio.voices(session):
            return self._states(session, chosen)
        first = next(iter(self.studio.gallery))
        return self._states(session, first, value=first)

    def _states(self, session, chosen, **choice):
        """choice: the gallery's new value; without one it keeps what it has on the page."""
        voices, mine = self.studio.voices(session), self.studio.shelf.names(session)
        return (gr.HTML(cards=gallery_cards(self.studio, session), **choice), map_svg(voices, chosen),
                gr.Dropdown(mine, value=chosen if chosen in mine else None), gr.Dropdown(list(voices)),
                gr.Dropdown(list(voices)))

    def _download(self, name, session):
        require(name, "Choose one of your voices first.")
        with refusals(), self.studio.private_folder() as folder:
            path = Path(folder) / f"{name}.safetensors"
            save_voice(path, self.studio.voice(name, session), self.studio.converter)
            yield gr.File(str(path), visible=True)

    def _blend(self, first, second, share, session):
        with refusals(), self.studio.private_folder() as folder:
            voice = blend(self.studio.voice(first, session), self.studio.voice(second, session), share)
            output = Path(folder) / f"{first} to {second} {share:.2f}.wav"
            self.studio.converter.convert_file(SOURCE_CLIP, voice, output)
            yield str(output)


def _any_name(dropdown):
    """gradio would refuse a program the voices that came after the page was built. This one hands on every name; who
    gets it knows the voices of now."""
    dropdown.preprocess = lambda name: name and str(name)
    return dropdown
