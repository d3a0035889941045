"""Model files: what is saved comes back identical; what is damaged or foreign is refused in our words."""

import json
import subprocess
import sys

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from vc.checkpoint import Checkpoint, _digest, load_model, save_checkpoint, save_model
from vc.config import Config, ModelConfig
from vc.errors import CheckpointError
from vc.model import AutoEncoder

CONFIG = Config(model=ModelConfig(width=8, encoder_blocks=1, decoder_blocks=1, kernel=3, content_dims=3,
                                  speaker_dims=4))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return AutoEncoder(CONFIG).eval()


@pytest.fixture
def path(model, tmp_path):
    save_model(tmp_path / "model.safetensors", model, step=5, dtype=torch.float32)
    return tmp_path / "model.safetensors"


def rewrite(path, metadata=None, tensors=None):
    """The same file with another header or other tensors, well-formed."""
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    save_file(tensors or load_file(path), path, metadata=header | (metadata or {}))


def refusal(path):
    with pytest.raises(CheckpointError) as error:
        load_model(path)
    return str(error.value)


def test_round_trip_gives_the_identical_output(model, path):
    loaded, checkpoint = load_model(path)
    log_mel = torch.randn(1, 128, 20)
    for ours, theirs in zip(*(([m.encode(log_mel).content, m.encode(log_mel).speaker]) for m in (model, loaded))):
        assert torch.equal(ours, theirs)
    assert (checkpoint.step, checkpoint.config) == (5, CONFIG)


def test_half_precision_stays_close(model, tmp_path):
    save_model(tmp_path / "half.safetensors", model, step=5)
    loaded, _ = load_model(tmp_path / "half.safetensors")
    assert all(parameter.dtype == torch.float32 for parameter in loaded.parameters())
    log_mel = torch.randn(1, 128, 20)
    torch.testing.assert_close(loaded.encode(log_mel).content, model.encode(log_mel).content, atol=5e-3, rtol=0)


def test_a_training_state_gives_its_average(model, tmp_path):
    tensors = {f"average.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"objective.model.{name}": tensor + 1 for name, tensor in model.state_dict().items()}
    save_checkpoint(tmp_path / "last.safetensors", Checkpoint("training", CONFIG, 9, {}, tensors))
    loaded, _ = load_model(tmp_path / "last.safetensors")
    assert torch.equal(loaded.band_std, model.band_std)


def test_the_fingerprint_names_the_weights(model, path, tmp_path):
    first = load_model(path)[1].fingerprint
    save_model(tmp_path / "again.safetensors", model, step=5, dtype=torch.float32)
    assert load_model(tmp_path / "again.safetensors")[1].fingerprint == first
    with torch.no_grad():
        next(model.parameters()).view(-1)[0] += 1
    save_model(tmp_path / "other.safetensors", model, step=5, dtype=torch.float32)
    assert load_model(tmp_path / "other.safetensors")[1].fingerprint != first


@pytest.mark.parametrize("place", ["header", "tensors"])
def test_one_flipped_bit_is_noticed(path, place):
    content = bytearray(path.read_bytes())
    header_bytes = int.from_bytes(content[:8], "little")
    position = content.index(b'"step": "5"'.replace(b": ", b":")) + 8 if place == "header" else header_bytes + 8 + 100
    content[position] ^= 1
    path.write_bytes(content)
    assert "the checksum does not match" in refusal(path)


def test_numbers_read_as_others_are_noticed(path):
    """The same bytes under another type."""
    rewrite(path, tensors={name: tensor.view(torch.int32) for name, tensor in load_file(path).items()})
    assert "the checksum does not match" in refusal(path)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file(path, share):
    content = path.read_bytes()
    path.write_bytes(content[:int(len(content) * share)])
    assert "not a readable safetensors file" in refusal(path)


def test_another_version(path):
    rewrite(path, {"version": "99"})
    assert "version 99 of the format, this program reads version 1" in refusal(path)


def test_another_mel_in_the_header(path):
    with safe_open(path, framework="pt") as file:
        config = json.loads(file.metadata()["config"])
    config["mel"]["hop_samples"] = 160
    rewrite(path, {"config": json.dumps(config)})
    assert "the checksum does not match" in refusal(path)


@pytest.mark.parametrize("field, value", [("config", "{"), ("config", None), ("step", "x"), ("extra", ""),
                                          ("extra", "[1]"), ("config", "[" * 200000)])
def test_a_header_that_cannot_be_read(path, field, value):
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    header.pop(field)
    if value is not None:
        header[field] = value
    tensors = load_file(path)
    save_file(tensors, path, metadata=header | {"sha256": _digest(header, tensors)})
    assert refusal(path).endswith("its header's config, step or extra cannot be read; use the file that `vc` wrote")


@pytest.mark.parametrize("change, message", [
    (lambda tensors: tensors.pop("decoder.to_mel.bias"), "lacks the tensor decoder.to_mel.bias"),
    (lambda tensors: tensors.update(more=torch.zeros(1)), "has unknown the tensor more"),
    (lambda tensors: tensors.update({"band_mean": torch.zeros(64, 1)}), "has in another shape the tensor band_mean"),
])
def test_tensors_that_do_not_fit(model, tmp_path, change, message):
    tensors = dict(model.state_dict())
    change(tensors)
    save_checkpoint(tmp_path / "odd.safetensors", Checkpoint("model", CONFIG, 1, {}, tensors))
    assert message in refusal(tmp_path / "odd.safetensors")


def test_a_config_of_a_large_model_takes_no_memory_where_the_tensors_are_small(model, tmp_path, monkeypatch):
    made = []

    class Watched(AutoEncoder):
        def __init__(self, config):
            super().__init__(config)
            made.append((next(self.parameters()).is_meta, self.harmonics.pictures.is_meta))
    monkeypatch.setattr("vc.checkpoint.AutoEncoder", Watched)
    large = CONFIG.model_copy(update={"model": CONFIG.model.model_copy(update={"width": 256})})
    save_checkpoint(tmp_path / "large.safetensors", Checkpoint("model", large, 1, {}, model.state_dict()))
    assert "has in another shape the tensor decoder." in refusal(tmp_path / "large.safetensors")
    assert made == [(True, False)]
    save_model(tmp_path / "model.safetensors", model, step=5)
    assert not any(tensor.is_meta for tensor in load_model(tmp_path / "model.safetensors")[0].buffers())


def test_a_config_of_a_model_beyond_all_counting(model, tmp_path):
    sizes = CONFIG.model.model_copy(update={"bottleneck": "vq", "bottleneck_settings": {"codes": 10**30}})
    endless = Checkpoint("model", CONFIG.model_copy(update={"model": sizes}), 1, {}, model.state_dict())
    save_checkpoint(tmp_path / "endless.safetensors", endless)
    assert "larger than any memory" in refusal(tmp_path / "endless.safetensors")


def test_a_voice_is_no_model(tmp_path):
    save_checkpoint(tmp_path / "v.safetensors", Checkpoint("voice", CONFIG, 1, {}, {"speaker": torch.zeros(4)}))
    assert "holds a voice, expected a model or training" in refusal(tmp_path / "v.safetensors")


def test_foreign_files(tmp_path):
    save_file({"x": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    assert "of another program" in refusal(tmp_path / "foreign.safetensors")
    torch.save({"x": torch.zeros(2)}, tmp_path / "model.pt")
    assert "it is a pickle, which could execute code and is never loaded" in refusal(tmp_path / "model.pt")
    assert "no such file" in refusal(tmp_path / "nowhere.safetensors")
    assert "it is a folder" in refusal(tmp_path)


def test_a_failed_write_leaves_the_old_file(model, path, monkeypatch):
    before = path.read_bytes()

    def full_disk(_):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(CheckpointError, match="cannot be written .No space left on device."):
        save_model(path, model, step=6)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_loading_imports_no_compiler():
    """Which torch needs seconds for, as it does for some of what it can do without numbers."""
    script = "import sys, vc; vc.load(device='cpu'); print('torch._dynamo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
