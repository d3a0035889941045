"""Components that take recordings from visitors' machines, and from nowhere else.

gradio would also take an address in place of a file, from a program that calls, and fetch it from the server's side.
"""

import gradio as gr

from vc.data.layouts import AUDIO_SUFFIXES
from vc.demo.refusals import refusal


class _OwnFilesOnly:
    """Mixed into a component of gradio."""

    is_template = True  # on the page it is its parent

    async def async_move_resource_to_block_cache(self, url_or_file_path):
        if "://" in str(url_or_file_path):
            raise refusal("a recording must be uploaded; addresses are not fetched")
        return await super().async_move_resource_to_block_cache(url_or_file_path)


class Recording(_OwnFilesOnly, gr.Audio):
    """Recorded or uploaded; handlers get its path."""

    def get_block_name(self):
        return "audio"


class Files(_OwnFilesOnly, gr.File):
    """Any number of files; handlers get their paths."""

    def get_block_name(self):
        return "file"


def recording(label, value=None, **layout):
    """A Recording to be given. layout: visible, elem_id."""
    return Recording(value, label=label, sources=["upload", "microphone"], type="filepath", editable=False, buttons=[],
                     **layout)


def result(label, elem_id=None):
    """A player with a download button and no share button."""
    return gr.Audio(label=label, type="filepath", interactive=False, editable=False, buttons=["download"],
                    elem_id=elem_id)


def audio_files(label, elem_id):
    """Several recordings at once."""
    return Files(label=label, file_count="multiple", file_types=sorted(AUDIO_SUFFIXES), type="filepath", height=180,
                 elem_id=elem_id)
