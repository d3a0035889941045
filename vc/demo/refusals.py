"""Our errors, on the page: the one line, with file names but not the server's folders."""

import contextlib
import os
import re

import gradio as gr

from vc.errors import VcError


@contextlib.contextmanager
def refusals():
    """What raises VcError within becomes a message on the page (and an AppError for a program that calls)."""
    try:
        yield
    except VcError as error:
        raise refusal(readable(error)) from None


def refusal(message):
    """The exception that shows `message` on the page."""
    return gr.Error(message, print_exception=False)  # its title is lost on the way to the page (gradio 6.31)


def readable(error):
    """The error's text without the folders in which visitors' files lie."""
    folder = re.escape(os.path.dirname(os.environ["GRADIO_TEMP_DIR"]))
    return re.sub(folder + r"(?:/[^/\s:]+)*/", "", str(error))


def require(value, message):
    """Refuse where nothing was given."""
    if not value:
        raise refusal(message)
