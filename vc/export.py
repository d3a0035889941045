"""Converter and vocoder as ONNX graphs, for runtimes without torch.

A converter becomes two graphs: the encoder, log_mel (1, M, T) -> content (1, C, T'), speaker (1, S), and the decoder,
content, speaker and f0 (1, T) -> log_mel (1, M, T). A vocoder becomes one: log_mel and f0 -> wave (1, N), N being
(T - 1) * hop. Each file says in its metadata what it needs to be used: `mel` (settings of vc.config.MelConfig, JSON),
`fingerprint` of the model, and a `description` of inputs and outputs. recipes/export converts with them.
ONNX knows no complex numbers and no inverse STFT, so here both are written out in real ones.
"""

import importlib.util
import warnings
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from vc.errors import VcError
from vc.files import replacing
from vc.vocoders import phases
from vc.vocoders.generator import MOMENTUM, PARTS

OPSET = 17
TRACED_FRAMES = 24
GRAPHS = {"converter": ("-encoder", "-decoder"), "vocoder": ("",)}  # what follows the name that was asked for
LOG_MEL = "log_mel (1, M, T): ln(max(mel filters @ |STFT|, floor)) of a recording at a speech level of -26 dBFS"
F0 = "f0 (1, T): Hz, 0 where unvoiced, as vc.pitch tracks it, moved into the target's range by vc.pitch_range"
DESCRIPTIONS = {
    "encoder": f"{LOG_MEL} -> content (1, C, T'), what is said; speaker (1, S), who says it, of unit length",
    "decoder": f"content (1, C, T') of the source; speaker (1, S) of the target; {F0} -> {LOG_MEL}",
    "vocoder": f"{LOG_MEL}; {F0}, 0 throughout where unknown -> wave (1, (T - 1) * hop_samples)",
}


def graph_files(task, path):
    """Paths of the graphs that a model becomes, by its config's task: PATH-encoder.onnx and PATH-decoder.onnx of a
    converter, PATH.onnx of a vocoder, whether or not `path` ends in .onnx already."""
    path = Path(path)
    return [path.with_name(f"{path.name.removesuffix('.onnx')}{part}.onnx") for part in GRAPHS[task]]


def export_converter(model, path, fingerprint=""):
    """Write the files that `graph_files` names, in place of those that exist, and the folders they miss; returns their
    paths. fingerprint: the model's, for the metadata. Raises VcError where onnx is missing, or the place cannot be
    written."""
    log_mel = torch.zeros(1, model.config.mel.bands, TRACED_FRAMES)
    embedding = model.encode(log_mel)
    encoder, decoder = graph_files("converter", path)
    _write(_EncoderGraph(model), (log_mel,), encoder, {"log_mel": 2}, {"content": 2, "speaker": None},
           _metadata("encoder", model, fingerprint))
    f0 = torch.full((1, TRACED_FRAMES), 150.0)
    _write(_DecoderGraph(model), (embedding.content, embedding.speaker, f0), decoder,
           {"content": 2, "speaker": None, "f0": 1}, {"log_mel": 2}, _metadata("decoder", model, fingerprint))
    return [encoder, decoder]


def export_vocoder(generator, path, fingerprint=""):
    """Write the generator as one graph, for mels that a model made, with no recording beside them that would tell how
    its noise turns. The rest is as with `export_converter`."""
    log_mel = torch.zeros(1, generator.config.mel.bands, TRACED_FRAMES)
    f0 = torch.full((1, TRACED_FRAMES), 150.0)
    file, = graph_files("vocoder", path)
    _write(VocoderGraph(generator), (log_mel, f0), file, {"log_mel": 2, "f0": 1}, {"wave": 1},
           _metadata("vocoder", generator, fingerprint))
    return [file]


class _EncoderGraph(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, log_mel):
        embedding = self.model.encode(log_mel)
        return embedding.content, embedding.speaker


class _DecoderGraph(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, content, speaker, f0):
        return self.model.decode(content, speaker, f0)


class VocoderGraph(nn.Module):
    """What Generator does with a mel that a model made, in real numbers. Its spectra are pairs (real, imaginary), each
    (1, F, T)."""

    def __init__(self, generator):
        super().__init__()
        self.generator = generator
        size, window = generator.fft_samples, generator.short_time.window
        bins = torch.arange(size // 2 + 1, dtype=torch.float64)[:, None]
        # Counted from the middle of the frame, as the turns are, which spares the change of sign from bin to bin.
        angle = 2 * torch.pi * bins * (torch.arange(size, dtype=torch.float64) - size // 2) / size
        share = torch.full_like(bins, 2.0 / size)
        share[0] = share[-1] = 1.0 / size
        for name, wave in (("real", torch.cos(angle)), ("imaginary", -torch.sin(angle))):
            self.register_buffer(f"analysis_{name}", (wave * window)[:, None].float())
            self.register_buffer(f"synthesis_{name}", (share * wave * window)[:, None].float())
        self.register_buffer("squared_window", window.square()[None, None])
        turn = phases.centre_turn(torch.zeros(1, size // 2 + 1, 1), generator.hop_samples / size)
        self.register_buffer("centre_real", turn.real.contiguous())
        self.register_buffer("centre_imaginary", turn.imag.contiguous())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch would rather export otherwise, but only a script keeps its loops
            self._follow = torch.jit.script(_follow)

    def forward(self, log_mel, f0):
        generator = self.generator
        magnitude = generator.inverse(log_mel)
        answer = generator.network((log_mel - generator.band_mean) / generator.band_std)
        _, time_real, time_imaginary, step_real, step_imaginary, trust = answer.chunk(PARTS, dim=1)
        length, angle = generator.harmonic_turns(f0, trust)
        time_real = time_real + length * torch.cos(angle)
        time_imaginary = time_imaginary + length * torch.sin(angle)
        past = _times((time_real, time_imaginary), (self.centre_real, self.centre_imaginary))
        below = (step_real[:, 1:], step_imaginary[:, 1:])
        real, imaginary = self._follow(magnitude, past[0], past[1], F.pad(below[0], (0, 0, 1, 0)),
                                       F.pad(below[1], (0, 0, 1, 0)), F.pad(below[0], (0, 0, 0, 1)),
                                       F.pad(-below[1], (0, 0, 0, 1)), phases.SWEEPS, phases.TINY)
        spectrum, last = (real, imaginary), (0.0, 0.0)
        for say in generator.shares(recorded=False):
            rebuilt = self.stft(self.istft(spectrum))
            drawn = _drawn_by_neighbours(spectrum, past, below)
            ahead = [new - old * (MOMENTUM / (1 + MOMENTUM)) + say * draw
                     for new, old, draw in zip(rebuilt, last, drawn)]
            scale = magnitude * torch.rsqrt(ahead[0].square() + ahead[1].square() + phases.TINY**2)
            spectrum, last = (scale * ahead[0], scale * ahead[1]), rebuilt
        return self.istft(spectrum)

    def stft(self, wave):
        """Waveform (1, N) -> spectrum."""
        size, hop = self.generator.fft_samples, self.generator.hop_samples
        padded = F.pad(wave[:, None], (size // 2, size // 2))
        return F.conv1d(padded, self.analysis_real, stride=hop), F.conv1d(padded, self.analysis_imaginary, stride=hop)

    def istft(self, spectrum):
        """Spectrum -> waveform (1, (T - 1) * hop)."""
        size, hop = self.generator.fft_samples, self.generator.hop_samples
        wave = (F.conv_transpose1d(spectrum[0], self.synthesis_real, stride=hop)
                + F.conv_transpose1d(spectrum[1], self.synthesis_imaginary, stride=hop))
        weight = F.conv_transpose1d(torch.ones_like(spectrum[0][:, :1]), self.squared_window, stride=hop)
        return wave[:, 0, size // 2:-(size // 2)] / weight[:, 0, size // 2:-(size // 2)]


def _times(one, other):
    return one[0] * other[0] - one[1] * other[1], one[0] * other[1] + one[1] * other[0]


def _drawn_by_neighbours(spectrum, past, below):
    """phases.Links.draw; past: turns in time with those of the bins' centres, below: turns in frequency."""
    def conjugate(pair):
        return pair[0], -pair[1]

    past = tuple(x[:, :, 1:] for x in past)
    parts = (((1, 0), _times(tuple(x[:, :, :-1] for x in spectrum), past)),
             ((0, 1), _times(tuple(x[:, :, 1:] for x in spectrum), conjugate(past))),
             ((0, 0, 1, 0), _times(tuple(x[:, :-1] for x in spectrum), below)),
             ((0, 0, 0, 1), _times(tuple(x[:, 1:] for x in spectrum), conjugate(below))))
    return [sum(F.pad(part[half], padding) for padding, part in parts) for half in (0, 1)]


def _follow(magnitude, past_real, past_imaginary, below_real, below_imaginary, above_real, above_imaginary,
            sweeps: int, tiny: float):
    """Generator.follow, as a loop that the exporter keeps a loop."""
    real = torch.zeros_like(magnitude[:, :, 0])
    imaginary = torch.zeros_like(real)
    spectrum_real = torch.zeros_like(magnitude[:, :, :0])
    spectrum_imaginary = torch.zeros_like(magnitude[:, :, :0])
    for t in range(magnitude.shape[2]):
        level = magnitude[:, :, t]
        held_real = real * past_real[:, :, t] - imaginary * past_imaginary[:, :, t] + tiny
        held_imaginary = real * past_imaginary[:, :, t] + imaginary * past_real[:, :, t]
        scale = level / torch.sqrt(held_real * held_real + held_imaginary * held_imaginary + 1e-30)
        real, imaginary = scale * held_real, scale * held_imaginary
        for _ in range(sweeps):
            low_real = torch.cat([real[:, -1:], real[:, :-1]], 1)
            low_imaginary = torch.cat([imaginary[:, -1:], imaginary[:, :-1]], 1)
            high_real = torch.cat([real[:, 1:], real[:, :1]], 1)
            high_imaginary = torch.cat([imaginary[:, 1:], imaginary[:, :1]], 1)
            drawn_real = (held_real + below_real[:, :, t] * low_real - below_imaginary[:, :, t] * low_imaginary
                          + above_real[:, :, t] * high_real - above_imaginary[:, :, t] * high_imaginary)
            drawn_imaginary = (held_imaginary + below_real[:, :, t] * low_imaginary
                               + below_imaginary[:, :, t] * low_real + above_real[:, :, t] * high_imaginary
                               + above_imaginary[:, :, t] * high_real)
            scale = level / torch.sqrt(drawn_real * drawn_real + drawn_imaginary * drawn_imaginary + 1e-30)
            real, imaginary = scale * drawn_real, scale * drawn_imaginary
        spectrum_real = torch.cat([spectrum_real, real[:, :, None]], 2)
        spectrum_imaginary = torch.cat([spectrum_imaginary, imaginary[:, :, None]], 2)
    return spectrum_real, spectrum_imaginary


def _metadata(part, model, fingerprint):
    """What a graph says of itself: {name: text}."""
    return {"description": DESCRIPTIONS[part], "mel": model.config.mel.model_dump_json(), "fingerprint": fingerprint}


def _write(graph, inputs, path, input_axes, output_axes, metadata):
    """axes: {name: its dimension that may have any length, or None}. metadata: {name: text}."""
    if importlib.util.find_spec("onnx") is None:
        raise VcError("exporting needs onnx, which is not installed; pip install vc[export]")
    axes = {name: {axis: f"{name}_length"} for name, axis in (input_axes | output_axes).items() if axis is not None}
    try:
        with replacing(path) as draft, warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of shapes that tracing takes for constants; the test compares lengths
            torch.onnx.export(graph.eval(), inputs, str(draft), input_names=list(input_axes),
                              output_names=list(output_axes), dynamic_axes=axes, opset_version=OPSET, dynamo=False)
            _label(draft, metadata)
    except OSError as error:
        raise VcError(f"{path}: cannot be written ({error.strerror}); choose another place") from None


def _label(path, metadata):
    """Put texts, {name: text}, into a graph's file."""
    import onnx

    graph = onnx.load(path)
    onnx.helper.set_model_props(graph, metadata)
    onnx.save(graph, path)
