"""What is heard of a voice: folders stand for the recordings in them, and one that cannot be used spoils no others."""

import logging
import os

from vc.commands.strangers import warn_of_strange
from vc.errors import VcError

_log = logging.getLogger(__name__)


def heard_references(paths, converter, threshold=None):
    """The speech of the references among files and folders, a list of float32 (N,). The others are left out with a
    warning each; so are told those that sound strange, see vc.commands.strangers. Raises the first refusal where none
    is left, and that of a name which nothing has: it was meant to be something."""
    heard, refusals = [], []
    for path in _files(paths, refusals):
        try:
            speech = converter.speech_of(path)
        except VcError as refusal:
            if not os.path.lexists(path):
                raise
            refusals.append(refusal)
        else:
            heard.append(speech)
            warn_of_strange(converter, path, threshold, speech)
    if not heard:
        raise refusals[0]
    for refusal in refusals:
        _log.warning("%s; it is left out", refusal)
    return heard


def _files(paths, refusals):
    """All files that the paths name; what a folder is refused for goes to `refusals`."""
    from vc.data.layouts import recordings_at

    for path in paths:
        try:
            yield from recordings_at(path)
        except VcError as refusal:
            refusals.append(refusal)
