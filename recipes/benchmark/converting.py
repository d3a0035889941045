"""Real-time factor of `convert`, whole and by stage, beside yardsticks of the same run and machine."""

import contextlib
import tempfile
import time
from pathlib import Path

import torch
from figures import Figure
from sources import write_repeated

from vc.audio import load_audio
from vc.conversion import load
from vc.features import LogMel
from vc.pitch import track_pitch
from vc.vocoders.griffin_lim import ITERATIONS, MOMENTUM, GriffinLim

SECONDS, ROUNDS = 60, 5
MATRIX = 1024


def measure(options):
    """Figures of the fastest of ROUNDS conversions of a minute, after one that warms up."""
    torch.set_num_threads(1)
    converter, clock = load(options.model, "cpu"), StageClock()
    voice = converter.voice_of(options.target)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "minute.wav"
        write_repeated(source, options.clip, SECONDS, converter.sample_rate)
        watch_stages(converter, clock)
        rounds = [_one_round(converter, source, voice, clock) for _ in range(1 + ROUNDS)][1:]
    stages = min(rounds, key=lambda stages: stages["all"])
    gflops = matrix_gflops()
    figures = [
        Figure("convert", "whole, real-time factor", stages["all"] / SECONDS, aim=0.25,
               note=f"CPU seconds a second of sound; by the clock {min(r['wall'] for r in rounds) / SECONDS:.3f}"),
        Figure("convert", "model alone (encode, decode)", stages["model"] / SECONDS, aim=0.02),
        Figure("convert", "vocoder (neural)", stages["vocoder"] / SECONDS),
        Figure("convert", "reading, mel, level", (stages["all"] - stages["model"] - stages["vocoder"]) / SECONDS),
        Figure("convert", "yardstick: fp32 matrix product", gflops, "GFLOP/s", note=f"{MATRIX} x {MATRIX}"),
        Figure("convert", "whole, in yardsticks", stages["all"] / SECONDS * gflops, "GFLOP a second of sound",
               note="what the matrix product does in the same time"),
    ]
    return figures + _vocoders(converter, options.clip)


class StageClock:
    """CPU seconds by stage. A stage that begins within another does not count for the outer one."""

    def __init__(self):
        self.seconds, self._running, self._since = {}, [], 0.0

    @contextlib.contextmanager
    def stage(self, name):
        self._charge()
        self._running.append(name)
        try:
            yield
        finally:
            self._charge()
            self._running.pop()

    def timed(self, name, function):
        """`function`, whose calls count for the stage."""
        def wrapped(*arguments, **keywords):
            with self.stage(name):
                return function(*arguments, **keywords)
        return wrapped

    def each(self, name, iterator):
        """`iterator`, whose steps count for the stage; what its consumer does between them does not."""
        end = object()
        while True:
            with self.stage(name):
                item = next(iterator, end)
            if item is end:
                return
            yield item

    def _charge(self):
        now = time.process_time()
        if self._running:
            name = self._running[-1]
            self.seconds[name] = self.seconds.get(name, 0.0) + now - self._since
        self._since = now


def watch_stages(converter, clock):
    """Make this converter's model and vocoder count their time; what the vocoder waits for is `before`."""
    stream = converter.vocoder.stream
    converter.vocoder.stream = lambda chunks, recorded: clock.each("vocoder", stream(clock.each("before", chunks),
                                                                                     recorded))
    converter.model.encode = clock.timed("model", converter.model.encode)
    converter.model.draw = clock.timed("model", converter.model.draw)


def _one_round(converter, source, voice, clock):
    clock.seconds = {}
    wall, cpu = time.perf_counter(), time.process_time()
    converter.convert(source, voice)
    return clock.seconds | {"all": time.process_time() - cpu, "wall": time.perf_counter() - wall}


def matrix_gflops():
    """Billions of float32 operations a CPU second in a matrix product."""
    a = torch.rand(MATRIX, MATRIX)
    return 2 * MATRIX**3 / least_cpu_s(lambda: a @ a, rounds=20) / 1e9


@torch.no_grad()
def _vocoders(converter, clip):
    """The converter's vocoder, the package's Griffin-Lim and torchaudio's, on the same mel: each inverts the filters.
    The converter's takes it for a model's, as in conversion, and for the recording's that it is, which takes other
    rounds."""
    mel = converter.mel
    audio = load_audio(clip, mel.sample_rate_hz)
    log_mel = LogMel(mel)(torch.from_numpy(audio)[None])[0]
    f0 = torch.from_numpy(track_pitch(audio, mel.sample_rate_hz, mel.hop_samples))
    classical = GriffinLim(mel)
    made_s, recorded_s, classical_s = (least_cpu_s(work) for work in (
        lambda: converter.vocoder(log_mel, f0), lambda: converter.vocoder(log_mel, recorded=True),
        lambda: classical(log_mel)))
    figures = [Figure("convert", "vocoder, over the package's Griffin-Lim", made_s / classical_s, "of its time"),
               Figure("convert", "the same of a recording's mel, over the package's", recorded_s / classical_s,
                      "of its time")]
    try:
        import torchaudio
    except ImportError:
        return figures
    theirs = torchaudio.transforms.GriffinLim(mel.fft_samples, ITERATIONS, hop_length=mel.hop_samples, power=1.0,
                                              momentum=MOMENTUM)
    theirs_s = least_cpu_s(lambda: theirs(classical.linear_magnitude(log_mel)))
    return [*figures,
            Figure("convert", "vocoder, over torchaudio's Griffin-Lim", made_s / theirs_s, "of its time", aim=0.25,
                   note=f"{ITERATIONS} rounds, after our inversion of the mel filters"),
            Figure("convert", "the same of a recording's mel, over torchaudio's", recorded_s / theirs_s, "of its time",
                   aim=0.25),
            Figure("convert", "the package's Griffin-Lim, over torchaudio's", classical_s / theirs_s, "of its time",
                   note="as many rounds, in blocks")]


def least_cpu_s(function, rounds=3):
    times = []
    for _ in range(1 + rounds):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times[1:])
