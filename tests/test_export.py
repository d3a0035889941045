"""ONNX graphs say what the models say, sample by sample, at any length."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch
from helpers import contents, save_untrained_vocoder
from safetensors import safe_open

from vc.bottlenecks import BOTTLENECKS, make_bottleneck
from vc.checkpoint import load_checkpoint, load_model
from vc.export import VocoderGraph, export_converter
from vc.vocoders.neural import load_vocoder

onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime; pip install vc[export]")
pytest.importorskip("onnx", reason="needs onnx; pip install vc[export]")


@pytest.fixture(scope="module")
def vocoder(tmp_path_factory, repository):
    return save_untrained_vocoder(tmp_path_factory.mktemp("vocoder") / "vocoder.safetensors", repository)


def run(path, **inputs):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})


def noise(frames):
    return torch.randn(1, 128, frames, generator=torch.Generator().manual_seed(frames)) - 2


def contour(frames):
    """F0 in Hz, unvoiced in every fourth frame: (1, frames)."""
    return torch.linspace(80, 400, frames)[None] * (torch.arange(frames) % 4 > 0)


def test_the_inverse_stft_against_torchs(vocoder):
    generator, _ = load_vocoder(vocoder)
    wave = torch.randn(1, 4000)
    spectrum = generator.spectrum(wave)
    graph = VocoderGraph(generator)
    pair = graph.stft(wave)
    torch.testing.assert_close(torch.complex(*pair), spectrum, atol=2e-4, rtol=0)
    changed = spectrum * torch.rand(spectrum.shape)
    theirs = torch.istft(changed * generator.to_left_end, generator.fft_samples, generator.hop_samples,
                         window=generator.short_time.window, length=4000)
    torch.testing.assert_close(graph.istft((changed.real, changed.imag)), theirs, atol=1e-5, rtol=0)


def test_a_vocoder(call, vocoder, tmp_path):
    result = call("export", vocoder, "-o", tmp_path / "vocoder.onnx")
    assert result.code == 0 and result.out.strip() == str(tmp_path / "vocoder.onnx"), result
    generator, _ = load_vocoder(vocoder)
    for frames in (2, 9, 24, 32):  # differences in rounding grow from frame to frame
        wave, = run(tmp_path / "vocoder.onnx", log_mel=noise(frames), f0=contour(frames))
        assert wave.shape == (1, (frames - 1) * 200)
        np.testing.assert_allclose(wave, generator(noise(frames), contour(frames)).numpy(), atol=2e-3)


def test_a_converter(call, tiny_model, tmp_path):
    result = call("export", tiny_model, "-o", tmp_path / "model.onnx")
    assert result.code == 0 and result.out.split() == [str(tmp_path / f"model-{part}.onnx")
                                                       for part in ("encoder", "decoder")], result
    model, _ = load_model(tiny_model)
    for frames in (8, 24, 51):
        content, speaker = run(tmp_path / "model-encoder.onnx", log_mel=noise(frames))
        embedding = model.encode(noise(frames))
        np.testing.assert_allclose(content, embedding.content.numpy(), atol=1e-4)
        np.testing.assert_allclose(speaker, embedding.speaker.numpy(), atol=1e-4)
        decoded, = run(tmp_path / "model-decoder.onnx", content=embedding.content, speaker=embedding.speaker,
                       f0=contour(frames))
        wanted = model.decode(embedding.content, embedding.speaker, contour(frames)).numpy()
        np.testing.assert_allclose(decoded, wanted, atol=1e-3)


def test_graphs_say_what_they_need(call, tiny_model, vocoder, tmp_path):
    for name, model in ("model", tiny_model), ("vocoder", vocoder):
        assert call("export", model, "-o", tmp_path / name).code == 0
    for name, model, told in (("model-encoder", tiny_model, "log_mel (1, M, T): ln(max("),
                              ("model-decoder", tiny_model, "f0 (1, T): Hz, 0 where unvoiced"),
                              ("vocoder", vocoder, "wave (1, (T - 1) * hop_samples)")):
        session = onnxruntime.InferenceSession(str(tmp_path / f"{name}.onnx"), providers=["CPUExecutionProvider"])
        metadata, checkpoint = session.get_modelmeta().custom_metadata_map, load_checkpoint(model, ("model", "vocoder"))
        assert json.loads(metadata["mel"]) == checkpoint.config.mel.model_dump()
        assert metadata["fingerprint"] == checkpoint.fingerprint
        assert told in metadata["description"] and "\n" not in metadata["description"]


def test_the_recipe_converts_with_graphs(call, tiny_model, vocoder, repository, clips, tmp_path):
    for name, model in ("model", tiny_model), ("voc", vocoder):
        assert call("export", model, "-o", tmp_path / name).code == 0
    script = repository / "recipes" / "export" / "convert.py"
    source, target = clips / "kathleen" / "aurora.flac", clips / "nathalie" / "katje.flac"
    subprocess.run([sys.executable, script, source, target, tmp_path / "out.wav"], cwd=tmp_path, check=True)
    assert soundfile.info(tmp_path / "out.wav").duration == pytest.approx(soundfile.info(source).duration, abs=0.02)


def test_each_bottleneck(tiny_model, tmp_path):
    """Codes that are chosen come out the same to the last bit of their table."""
    model, _ = load_model(tiny_model)
    for name in BOTTLENECKS:
        torch.manual_seed(0)
        model.encoder.bottleneck = make_bottleneck(name, 8, {"codebooks": 2} if name == "vq" else {}).eval()
        export_converter(model, tmp_path / name)
        for frames in (9, 40):
            content, _ = run(tmp_path / f"{name}-encoder.onnx", log_mel=noise(frames))
            np.testing.assert_allclose(content, model.encode(noise(frames)).content.detach().numpy(), atol=1e-4)


def test_a_model_is_read_once(call, vocoder, tiny_model, tmp_path, monkeypatch):
    """Or graphs could be of another file than the fingerprint in them, where a training run goes on meanwhile."""
    read = []
    monkeypatch.setattr("vc.checkpoint.safe_open", lambda *file, **how: read.append(file) or safe_open(*file, **how))
    for name, model in ("model", tiny_model), ("vocoder", vocoder):
        assert call("export", model, "-o", tmp_path / name).code == 0
    assert read == [(tiny_model,)] * 2 + [(vocoder,)] * 2  # its header and its tensors


def test_only_the_suffix_of_a_graph_is_cut_off(call, vocoder, tiny_model, tmp_path):
    for name, model in ("model-v1.2", tiny_model), ("vocoder-v1.2", vocoder):
        assert call("export", model, "-o", tmp_path / name).code == 0
    assert contents(tmp_path) == ["model-v1.2-decoder.onnx", "model-v1.2-encoder.onnx", "vocoder-v1.2.onnx"]


def test_existing_graphs_need_force(call, vocoder, tiny_model, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("torch.onnx.export", None)  # it is told before the work
        for name, model in ("model-decoder.onnx", tiny_model), ("vocoder.onnx", vocoder):
            (tmp_path / name).write_text("precious")
            ended = call("export", model, "-o", tmp_path / name.replace("-decoder", ""))
            ended.assert_refused(f"{tmp_path / name}: exists already; give --force")
        call("export", tiny_model, "-o", tmp_path).assert_refused(f"{tmp_path}: is a folder, expected the name of a")
    assert call("export", vocoder, "-o", tmp_path / "vocoder.onnx", "--force").code == 0
    assert (tmp_path / "vocoder.onnx").stat().st_size > 1000
    assert contents(tmp_path) == ["model-decoder.onnx", "vocoder.onnx"]


def test_missing_folders_are_made(call, vocoder, tmp_path):
    assert call("export", vocoder, "-o", tmp_path / "new" / "one" / "vocoder.onnx").code == 0
    assert contents(tmp_path / "new" / "one") == ["vocoder.onnx"]


def test_a_place_that_cannot_be_written(call, vocoder, tmp_path):
    (tmp_path / "file").write_text("no folder")
    result = call("export", vocoder, "-o", tmp_path / "file" / "vocoder.onnx")
    result.assert_refused("cannot be written")
