"""The file of an index: safetensors with a checksum, as all that `vc` writes. Loading executes nothing."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vc.checkpoint import Checkpoint, kind_of, load_checkpoint, require_contents, save_checkpoint
from vc.errors import CheckpointError, SearchError
from vc.search.passages import Passage

FORMAT = 2
INDEX_NAME = "vc-index.safetensors"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A recording of the library as it was when it was heard. changed_ns: when anything of it last was, its name for
    instance; unlike modified_ns nobody sets it back. passages: list of Passage, empty where nobody speaks."""

    size_bytes: int
    modified_ns: int
    changed_ns: int
    seconds: float
    passages: list


def save_entries(path, entries, converter):
    """Write {path within the library: Entry}, atomically. Raises CheckpointError where it cannot be written."""
    passages = [passage for entry in entries.values() for passage in entry.passages]
    files = [[name, entry.size_bytes, entry.modified_ns, entry.changed_ns, entry.seconds,
              [[passage.start_s, passage.seconds, passage.content.shape[1]] for passage in entry.passages]]
             for name, entry in entries.items()]
    tensors = {}
    if passages:
        tensors = {"speaker": np.stack([passage.speaker for passage in passages]),
                   **{name: np.concatenate([getattr(passage, name) for passage in passages], axis=1)
                      for name in ("content", "whispered")}}
    extra = {"format": FORMAT, "model": converter.fingerprint, "files": files}
    save_checkpoint(path, Checkpoint("index", converter.model.config, converter.step, extra,
                                     {name: torch.from_numpy(tensor) for name, tensor in tensors.items()}))


def is_index(path):
    """Whether a file may be replaced by an index: it is one, whatever its version, or a damaged file of that name."""
    path = Path(path)
    try:
        return kind_of(path) == "index"
    except CheckpointError:
        return path.name == INDEX_NAME and path.is_file()


def load_entries(path, converter):
    """{path within the library: Entry} that `save_entries` wrote, none of an older format. Raises SearchError for an
    index that is damaged, another model's or of a newer format, see `is_index`."""
    try:
        checkpoint = load_checkpoint(path, kinds=("index",))
        require_contents(path, checkpoint, {"format": int, "model": str, "files": list})
    except CheckpointError as error:
        raise SearchError(f"{error}; --renew makes the index anew") from None
    extra = checkpoint.extra
    if extra["model"] != converter.fingerprint:
        raise SearchError(f"{path}: an index of the model {extra['model'][:12]}, this one is "
                          f"{converter.fingerprint[:12]}; give that model, another --index, or --renew")
    if extra["format"] < FORMAT:
        _log.warning("%s: an index of format %d; its recordings are heard anew", path, extra["format"])
        return {}
    if extra["format"] > FORMAT:
        raise SearchError(f"{path}: an index of format {extra['format']}, this program reads {FORMAT}; give --renew")
    try:
        return _entries(checkpoint, converter.model.config.model)
    except (ValueError, LookupError, TypeError, AttributeError):
        raise SearchError(f"{path}: holds other than an index does, though its checksum fits; --renew makes the index "
                          f"anew") from None


def _entries(checkpoint, sizes):
    """{path within the library: Entry}. sizes: the ModelConfig. Raises about any error where something is not what
    `save_entries` writes."""
    tensors = {name: tensor.numpy() for name, tensor in checkpoint.tensors.items()}
    entries, place, frame = {}, 0, 0
    for name, size_bytes, modified_ns, changed_ns, seconds, spans in checkpoint.extra["files"]:
        if not (isinstance(name, str) and isinstance(seconds + size_bytes + modified_ns + changed_ns, (int, float))):
            raise TypeError
        passages = []
        for start_s, passage_s, frames in spans:
            if type(frames) is not int or frames < 1 or not isinstance(start_s + passage_s, (int, float)):
                raise TypeError
            content, whispered = (tensors[kind][:, frame:frame + frames] for kind in ("content", "whispered"))
            passages.append(Passage(start_s, passage_s, tensors["speaker"][place], content, whispered))
            place, frame = place + 1, frame + frames
        entries[name] = Entry(size_bytes, modified_ns, changed_ns, seconds, passages)
    if place and not (tensors["speaker"].shape == (place, sizes.speaker_dims)
                      and tensors["content"].shape == (sizes.content_dims, frame)
                      and tensors["whispered"].ndim == 2 and tensors["whispered"].shape[1] == frame):
        raise ValueError
    return entries
