"""Model files: safetensors with the config, a version, the step and a checksum in the header.

Loading executes nothing: a safetensors file is numbers and text. Every file is written under another name and moved
into place, so that a kill leaves the old file or the new one, never half of one.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch.overrides import TorchFunctionMode

from vc.config import Config, check_config
from vc.errors import CheckpointError
from vc.files import write_atomically
from vc.model import AutoEncoder

FORMAT = "vc-checkpoint"
VERSION = 1
# What draws the weights of new layers.
DRAWN = {"uniform_", "normal_", "trunc_normal_", "kaiming_uniform_", "kaiming_normal_", "xavier_uniform_",
         "xavier_normal_", "orthogonal_"}
# Of the numbers in tensors; torch knows more that it cannot calculate with.
TYPES = {torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int8, torch.int16, torch.int32, torch.int64,
         torch.uint8, torch.bool}


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds. kind: "model", "vocoder", "training", "voice", "prior" or "index". extra: what its kind adds,
    as plain JSON.

    fingerprint: the file's checksum, set by loading; it names a model wherever something is bound to it.
    """

    kind: str
    config: Config
    step: int
    extra: dict
    tensors: dict
    fingerprint: str = ""


def save_checkpoint(path, checkpoint: Checkpoint, private=False):
    """Write atomically. private: only the user may read the file, and its folder where that has to be made. Raises
    CheckpointError when the file cannot be written."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    header = {"format": FORMAT, "version": str(VERSION), "kind": checkpoint.kind, "step": str(checkpoint.step),
              "config": checkpoint.config.model_dump_json(), "extra": json.dumps(checkpoint.extra, sort_keys=True)}
    header["sha256"] = _digest(header, tensors)
    try:
        write_atomically(Path(path), save(tensors, metadata=header), private)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written ({error.strerror}); free space or choose another "
                              f"place, nothing was changed") from None


def load_checkpoint(path, kinds=("model", "training")) -> Checkpoint:
    """Read a file of one of `kinds` to the CPU and check it.

    Raises CheckpointError for a file that is missing, not ours, damaged, of another version or of another kind.
    """
    path = Path(path)
    header = _read_header(path)
    if header.get("version") != str(VERSION):
        raise CheckpointError(f"{path}: written in version {header.get('version')} of the format, this program reads "
                              f"version {VERSION}; use the release that wrote it, or train again")
    if header.get("kind") not in kinds:
        raise CheckpointError(f"{path}: holds a {header.get('kind')}, expected a {' or '.join(kinds)}")
    tensors = _read_tensors(path)
    if header.get("sha256") != _digest(header, tensors):
        raise CheckpointError(f"{path}: the checksum does not match, the file was damaged after it was written; "
                              f"copy or download it again")
    try:
        settings, step, extra = json.loads(header["config"]), int(header["step"]), json.loads(header["extra"])
        if not isinstance(extra, dict):
            raise ValueError
    except (ValueError, LookupError, RecursionError):
        raise CheckpointError(f"{path}: its header's config, step or extra cannot be read; use the file that `vc` "
                              f"wrote") from None
    return Checkpoint(header["kind"], check_config(settings, origin=str(path)), step, extra, tensors,
                      header["sha256"])


def require_contents(path, checkpoint, extra=None, shapes=None):
    """Raise CheckpointError where a file does not hold what its kind has: whoever made it may have sealed anything.

    extra: {key: type or types}. shapes: {name of a tensor of real numbers: its shape, a tuple}.
    """
    def is_as(name, shape):
        tensor = checkpoint.tensors.get(name)
        return tensor is not None and tensor.is_floating_point() and tuple(tensor.shape) == shape

    wrong = [key for key, kind in (extra or {}).items()
             if not isinstance(checkpoint.extra.get(key), kind) or isinstance(checkpoint.extra[key], bool)]
    wrong += [name for name, shape in (shapes or {}).items() if not is_as(name, shape)]
    if wrong:
        raise CheckpointError(f"{path}: its {wrong[0]} is missing or not that of a {checkpoint.kind}; use a file that "
                              f"`vc` wrote")


def kind_of(path):
    """The kind that a file's header names, whatever its version; the rest of the file is not looked at. Raises
    CheckpointError for a file that is missing, not ours or without a readable header."""
    return _read_header(Path(path)).get("kind")


def save_model(path, model, step, extra=None, dtype=torch.float16, kind="model"):
    """Write a model for use, in half precision unless told otherwise. kind: "model" or "vocoder"."""
    tensors = {name: tensor.to(dtype) for name, tensor in model.state_dict().items()}
    save_checkpoint(path, Checkpoint(kind, model.config, step, extra or {}, tensors))


def load_model(path):
    """AutoEncoder in float32 on the CPU, ready for conversion, and its Checkpoint.

    A training state gives its averaged weights. Raises CheckpointError.
    """
    checkpoint = load_checkpoint(path)
    if checkpoint.config.task != "converter":
        raise CheckpointError(f"{path}: holds the training of a {checkpoint.config.task}, expected a converter's; give "
                              f"it as the vocoder")
    return build(AutoEncoder, checkpoint, path), checkpoint


def build(kind, checkpoint, path):
    """A model of a class, made of a Config alone, with the trained weights of a file, ready for use. The sizes that
    config and file speak of are compared before there is memory for them: any file may say that its model is a large
    one."""
    weights = trained_weights(checkpoint)
    try:
        with _Bare("meta"):
            sizes = kind(checkpoint.config)
    except (RuntimeError, TypeError, OverflowError):  # beyond what torch can count
        raise CheckpointError(f"{path}: its config is that of a model larger than any memory; use a file that `vc` "
                              f"wrote") from None
    _require_fit(sizes, weights, path)
    with _Bare("cpu"):
        model = kind(checkpoint.config)
    model.load_state_dict(weights)
    return model.eval().requires_grad_(False)


class _Bare(TorchFunctionMode):
    """Within, nobody draws the weights that a new model would begin with, for others take their place, and they lie on
    a device, "meta" for sizes without numbers. (Everything on it by `torch.device` takes torch seconds to import.)"""

    def __init__(self, device):
        super().__init__()
        self.device = device

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in (torch.empty, torch.randn):
            return torch.empty(*args, **kwargs | {"device": self.device})
        if getattr(function, "__name__", "") in DRAWN:
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return function(*args, **kwargs)


def trained_weights(checkpoint):
    """A model's tensors in float32; of a training state the averaged ones."""
    weights = tensors_under(checkpoint.tensors, "average.") if checkpoint.kind == "training" else checkpoint.tensors
    return {name: tensor.float() for name, tensor in weights.items()}


def load_weights(module, weights, path):
    """Strict load_state_dict that reports in our words what does not fit."""
    _require_fit(module, weights, path)
    module.load_state_dict(weights)


def _require_fit(module, weights, path):
    expected = module.state_dict()
    missing, foreign = sorted(expected.keys() - weights.keys()), sorted(weights.keys() - expected.keys())
    shapes = [name for name in expected.keys() & weights.keys() if expected[name].shape != weights[name].shape]
    for problem, names in (("lacks", missing), ("has unknown", foreign), ("has in another shape", sorted(shapes))):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise CheckpointError(f"{path}: {problem} the tensor {names[0]}{more}; it belongs to another config or "
                                  f"release, use the file with its own config")


def require_same_mel(file, got, expected):
    """Raise CheckpointError where the mel of `file`, got, is not the expected one."""
    if got != expected:
        raise CheckpointError(f"{file}: got a mel with {_settings(got, expected)}, expected "
                              f"{_settings(expected, got)}; choose files that were trained with the same mel")


def _settings(mel, other):
    return ", ".join(f"{name}={value:g}" for name, value in mel.model_dump().items() if value != getattr(other, name))


def tensors_under(tensors, prefix):
    """The tensors whose names begin with prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _read_header(path):
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file; give a .safetensors file that `vc train` wrote") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a readable safetensors file ({_what_it_is(path, error)}); give a file that "
                              f"`vc train` wrote, or copy it again") from None
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{path}: a safetensors file of another program, expected one that `vc train` wrote")
    return header


def _read_tensors(path):
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: its tensors cannot be read ({' '.join(str(error).split())}); copy it "
                              f"again") from None
    for name, tensor in tensors.items():
        if tensor.dtype not in TYPES:
            raise CheckpointError(f"{path}: the tensor {name} is of {tensor.dtype}, which `vc` never writes; use a "
                                  f"file that `vc` wrote")
    return tensors


def _what_it_is(path, error):
    try:
        with open(path, "rb") as file:
            start = file.read(2)
    except IsADirectoryError:
        return "it is a folder"
    except OSError as refusal:
        return refusal.strerror
    if start == b"PK" or start[:1] == b"\x80":
        return "it is a pickle, which could execute code and is never loaded"
    return " ".join(str(error).split())


def _digest(header, tensors):
    """SHA-256 over the header, without its own field, and every tensor."""
    digest = hashlib.sha256(json.dumps({key: header[key] for key in sorted(header) if key != "sha256"}).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
    return digest.hexdigest()
