"""Real-time factor of the exported ONNX graphs on one core, beside torch's of the same step."""

import tempfile
from pathlib import Path

import torch
from converting import least_cpu_s
from figures import Figure

from vc.audio import load_audio
from vc.checkpoint import load_model
from vc.export import export_converter, export_vocoder
from vc.features import LogMel
from vc.pitch import track_pitch
from vc.vocoders.neural import load_vocoder


@torch.no_grad()
def measure(options):
    """Figures of encoder, decoder and, where --vocoder names one, the neural vocoder."""
    torch.set_num_threads(1)
    model, _ = load_model(options.model)
    rate = model.config.mel.sample_rate_hz
    audio = torch.from_numpy(load_audio(options.clip, rate))
    log_mel, seconds = LogMel(model.config.mel)(audio[None]), len(audio) / rate
    embedding = model.encode(log_mel)
    f0 = torch.from_numpy(track_pitch(audio.numpy(), rate, model.config.mel.hop_samples))[None]
    inputs = {"content": embedding.content, "speaker": embedding.speaker, "f0": f0}
    with tempfile.TemporaryDirectory() as folder:
        encoder, decoder = export_converter(model, Path(folder) / "model.onnx")
        figures = [*_compared("encoder", encoder, {"log_mel": log_mel}, lambda: model.encode(log_mel), seconds),
                   *_compared("decoder", decoder, inputs, lambda: model.decode(*inputs.values()), seconds)]
        if options.vocoder:
            generator, _ = load_vocoder(options.vocoder)
            graph, = export_vocoder(generator, Path(folder) / "vocoder.onnx")
            figures += _compared("neural vocoder", graph, {"log_mel": log_mel, "f0": f0},
                                 lambda: generator(log_mel, f0), seconds)
    return figures


def _compared(name, path, inputs, in_torch, seconds):
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    arrays = {key: tensor.numpy() for key, tensor in inputs.items()}
    yield Figure("export", f"{name}, ONNX, real-time factor", least_cpu_s(lambda: session.run(None, arrays)) / seconds,
                 note=f"torch {least_cpu_s(in_torch) / seconds:.3g}; {path.stat().st_size / 1e6:.1f} MB")
