"""Components that take recordings from visitors' machines, and from nowhere else; and the player for results."""

import gradio as gr

from vc.data.layouts import AUDIO_SUFFIXES
from vc.demo.refusals import refusal


def recording(label, value=None, elem_id=None):
    """One recording, uploaded or made with the microphone; handlers get its path."""
    return _uploads_only(gr.Audio(value, label=label, sources=["upload", "microphone"], type="filepath", editable=False,
                                  buttons=[], elem_id=elem_id))


def audio_files(label, elem_id=None):
    """Several recordings at once; handlers get their paths."""
    return _uploads_only(gr.File(label=label, file_count="multiple", file_types=sorted(AUDIO_SUFFIXES), type="filepath",
                                 height=180, elem_id=elem_id))


def result(label, elem_id=None):
    """A player with a download button and no share button. What it plays goes on to handlers, so it comes from no
    address either."""
    return _uploads_only(gr.Audio(label=label, type="filepath", interactive=False, editable=False,
                                  buttons=["download"], elem_id=elem_id))


def _uploads_only(component):
    """gradio would also take an address in place of a file, from a program that calls, and fetch it from the server's
    side. This component refuses. (A subclass would say so more plainly, but gradio writes a .pyi beside each.)"""
    take = component.async_move_resource_to_block_cache

    async def take_upload(place):
        if "://" in str(place):
            raise refusal("a recording must be uploaded; addresses are not fetched")
        return await take(place)

    component.async_move_resource_to_block_cache = take_upload
    return component
