"""What the log says of visitors' recordings (silent, cut short), on the page."""

import contextlib
import logging

import gradio as gr

from vc.demo.refusals import readable


@contextlib.contextmanager
def remarks(recordings):
    """The list of what is logged about recordings within the `with` block, without the server's folders."""
    listener, log = _Listener(recordings), logging.getLogger("vc")
    log.addHandler(listener)
    try:
        yield listener.heard
    finally:
        log.removeHandler(listener)


@contextlib.contextmanager
def remarks_shown(recordings):
    """The same, as messages on the page at the end of the block."""
    with remarks(recordings) as heard:
        yield
    for remark in heard:
        gr.Warning(remark)


class _Listener(logging.Handler):
    """Keeps the warnings that begin with one of the paths, each once: a recording is read several times."""

    def __init__(self, recordings):
        super().__init__(logging.WARNING)
        self.beginnings, self.heard = tuple(f"{recording}: " for recording in recordings), []

    def emit(self, record):
        message = record.getMessage()
        if message.startswith(self.beginnings) and readable(message) not in self.heard:
            self.heard.append(readable(message))
