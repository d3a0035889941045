"""Batch: several recordings into one voice, a zip file back."""

import zipfile
from pathlib import Path

import gradio as gr

from vc.demo.refusals import readable, refusal, refusals, require
from vc.demo.remarks import remarks
from vc.demo.settings import MAX_FILES
from vc.demo.uploads import audio_files
from vc.errors import VcError


class BatchTab:
    """Its components, and what they do. gallery: the convert tab's, which holds the chosen voice."""

    def __init__(self, studio, session, gallery):
        self.studio = studio
        gr.Markdown(f"Up to {MAX_FILES} recordings in the voice that is chosen under Convert, as one zip file.")
        self.files = audio_files("Recordings", "batch-files")
        with gr.Row():
            button = gr.Button("Convert all", variant="primary", scale=4, elem_id="batch")
            cancel = gr.Button("Cancel", scale=1, min_width=90)
        self.archive = gr.File(label="All results", interactive=False)
        self.report = gr.Markdown(elem_id="batch-report")
        running = button.click(self._convert_all, [self.files, gallery, session], [self.archive, self.report],
                               api_name="batch", concurrency_id="work",
                               api_description="Say several files in one voice; gives a zip file and a report.")
        cancel.click(None, cancels=[running], api_visibility="private")

    def _convert_all(self, files, voice, session, progress=gr.Progress()):  # noqa: B008
        require(files, "Choose some recordings first.")
        if len(files) > MAX_FILES:
            raise refusal(f"{len(files)} files are more than the {MAX_FILES} that one batch takes; choose fewer.")
        with refusals():
            target = self.studio.voice(voice, session)
        lines, made = [], []
        with self.studio.private_folder() as folder:
            for number, source in enumerate(files):
                progress(number / len(files), desc=Path(source).name)
                output = Path(folder) / f"{number + 1:02d} {Path(source).stem[:60]} as {target.name}.wav"
                try:
                    with remarks([source]) as heard:
                        for _ in self.studio.conversion_steps(source, target, output):
                            yield gr.skip(), gr.skip()
                    made.append(output)
                    name = Path(source).name
                    lines.append("; ".join([f"- {name}: done", *(said.removeprefix(f"{name}: ") for said in heard)]))
                except VcError as error:
                    lines.append(f"- {readable(error)}")
            if not made:
                raise refusal("None of the files could be converted. " + " ".join(lines))
            archive = Path(folder) / f"as {target.name}.zip"
            with zipfile.ZipFile(archive, "w") as file:
                for output in made:
                    file.write(output, output.name)
            yield str(archive), "\n".join(lines)
