"""Convert: a recording in the voice of somebody else."""

from pathlib import Path

import gradio as gr

from vc.demo.cards import ON_LOAD, TEMPLATE, gallery_cards
from vc.demo.drawing import mel_panels
from vc.demo.examples import Examples
from vc.demo.judge import badge
from vc.demo.refusals import refusals, require
from vc.demo.remarks import remarks_shown
from vc.demo.uploads import recording, result

GALLERY, OWN = "A voice of the gallery", "Recordings that I give"


class ConvertTab:
    """Its components, and what they do. `gallery`, whose value is the name of the chosen voice, other tabs use too."""

    def __init__(self, studio, session):
        self.studio, self.session = studio, session
        self.examples = Examples(studio)
        gr.Markdown("Say something, choose a voice, and hear the same sentence from somebody else.")
        with gr.Row(equal_height=False):
            with gr.Column():
                self.source = recording("1. What is said", elem_id="source")
                example_buttons = self._example_buttons()
                with gr.Accordion("Which words are these? (optional)", open=False):
                    self.said = gr.Textbox(label="The English text", lines=2,
                                           info="Then the page counts the words that a machine still understands.")
            with gr.Column():
                self.kind = gr.Radio([GALLERY, OWN], value=GALLERY, label="2. In whose voice")
                self.gallery = gr.HTML(next(iter(studio.gallery)), html_template=TEMPLATE, js_on_load=ON_LOAD,
                                       cards=gallery_cards(studio, {}), elem_id="gallery")
                with gr.Column(visible=False) as self.own:
                    gr.Markdown("One to three recordings of **one** person, five seconds or more each. "
                                "Only of somebody who agreed.")
                    self.references = [recording(f"Recording {number}") for number in (1, 2, 3)]
        with gr.Row():
            self.button = gr.Button("Convert", variant="primary", scale=4, elem_id="convert")
            self.cancel = gr.Button("Cancel", scale=1, min_width=90, elem_id="cancel")
        self.output = result("3. The result", "result")
        self.badge = gr.HTML()
        self.pictures = gr.HTML(elem_id="pictures")
        self._connect(example_buttons)

    def _example_buttons(self):
        gr.Markdown("Or hear an example:")
        with gr.Row(elem_classes="vc-examples"):
            return [gr.Button(example.title, size="sm", min_width=90) for example in self.examples.all]

    def _connect(self, example_buttons):
        inputs = [self.source, self.kind, self.gallery, *self.references, self.session]
        heard = gr.State()  # source and target of the result; what the page has chosen may be others by then
        running = self.button.click(self._convert, inputs, [self.output, heard], api_name="convert",
                                    concurrency_id="work",
                                    api_description="Say `source` in another voice; gives a wav file.")
        drawing = running.success(self._draw, [self.output, heard], self.pictures, api_visibility="private",
                                  concurrency_id="work", show_progress="hidden")
        judging = running.success(self._judge, [self.output, self.said, heard], self.badge, api_visibility="private",
                                  concurrency_id="work", show_progress="hidden")
        self.button.click(lambda: ("", ""), None, [self.badge, self.pictures], api_visibility="private", queue=False,
                          show_progress="hidden")
        self.cancel.click(None, cancels=[running], api_visibility="private")
        self.kind.change(lambda kind: (gr.HTML(visible=kind == GALLERY), gr.Column(visible=kind == OWN)), self.kind,
                         [self.gallery, self.own], api_visibility="private", queue=False, show_progress="hidden")
        for example, button in zip(self.examples.all, example_buttons, strict=True):
            button.click(lambda example=example: self._example(example), None,
                         [self.source, self.kind, self.gallery, self.said, self.output, self.badge, self.pictures],
                         api_visibility="private", show_progress="hidden", cancels=[running, drawing, judging])

    def _convert(self, source, kind, voice, reference_1, reference_2, reference_3, session,
                 progress=gr.Progress()):  # noqa: B008 - how gradio is told to show progress
        require(source, "Record or upload something to say first.")
        references = [reference_1, reference_2, reference_3]
        with refusals(), remarks_shown([source, *references]), self.studio.private_folder() as folder:
            target = self._target(kind, voice, references, session)
            output = Path(folder) / f"{Path(source).stem[:60]} as {target.name or 'recorded'}.wav"
            progress(0, desc="Listening")
            for step in self.studio.conversion_steps(source, target, output):
                progress(step.done_s / step.total_s, desc="Speaking")
                yield gr.skip(), gr.skip()  # where Cancel takes hold
            yield str(output), (source, self._target_recording(kind, voice, reference_1 or reference_2 or reference_3))

    def _target(self, kind, voice, references, session):
        if kind == GALLERY:
            return self.studio.voice(voice, session)
        given = [path for path in references if path]
        require(given, "Record or upload at least one recording of the target voice.")
        return self.studio.voice_of(given)

    def _target_recording(self, kind, voice, reference):
        """What the target sounds like, or None for an enrolled voice, whose recordings are not kept."""
        if kind == OWN:
            return reference
        return self.studio.people[voice].clip if voice in self.studio.people else None

    def _draw(self, output, heard):
        source, target = heard
        recordings = {"Source": source, "Target": target, "Result": output}
        with refusals():
            return mel_panels(self.studio, {title: path for title, path in recordings.items() if path})

    def _judge(self, output, said, heard):
        with refusals():
            self.studio.check(output)
        return badge(*heard, output, said, [person.text for person in self.studio.people.values()])

    def _example(self, example):
        shown = self.examples.result(example)
        return (str(example.source), GALLERY, example.voice, example.said, shown.output, shown.badge, shown.pictures)
