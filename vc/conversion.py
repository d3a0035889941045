"""The one converter: the command line, Python, the demo, the recipes and the benchmarks all call it.

Any length of source in bounded memory: the waveform is read in blocks, the model works on windows that overlap, their
mels are cross-faded, and the vocoder carries on from what it said last. The halves do not depend on the level of a
recording: it is brought to the training data's level before the encoder and put back after the vocoder.
"""

import contextlib
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import vc
from vc import adaptation, assets
from vc.audio import AudioWriter, load_audio, stream_audio
from vc.background import noise_behind, stands_out, without_noise
from vc.bottlenecks import Squeezed
from vc.checkpoint import load_model
from vc.data.layouts import recordings_at
from vc.detail import Detail, detail_of, with_detail
from vc.device import choose_device
from vc.errors import AudioError
from vc.features import LogMel
from vc.level import (
    LevelMeter,
    at_level,
    level_gain,
    require_speech,
    restore_level,
    restoring_gain,
    trim_silence,
    without_offset,
)
from vc.model import Drawing
from vc.noise_suppressor import NoiseSuppressor
from vc.pitch import track_pitch
from vc.pitch_postfilter import PitchPostfilter
from vc.pitch_range import move_pitch, pitch_range
from vc.source_filter import SourceFilter
from vc.spectrum import frame_levels_db, long_term_spectrum, match_spectrum
from vc.survey import survey_source
from vc.vocoders import make_vocoder
from vc.vocoders.base import nothing_known
from vc.voices import Voice
from vc.windows import sliding_windows

DEFAULT_MODEL = assets.FOLDER / "default.safetensors"

WINDOW_S, OVERLAP_S = 24.0, 4.0
REFERENCE_WINDOW_S = 10.0
MIN_REFERENCE_S = 0.5
EDGE_FRAMES = 8
HEADROOM_DB = 6.0
BLOCK_SAMPLES = 65536
# Between these levels of a source frame, far below speech at the nominal level, the result fades by up to GATE_DB.
GATE_OPEN_DBFS, GATE_SHUT_DBFS, GATE_DB = -66.0, -81.0, 90.0


def load(model=None, device="auto", vocoder=None, refined=True):
    """A Converter from a model file, by default (None or "default") the model that ships with the package.

    device: auto, cpu, cuda or mps. vocoder: a name in vc.vocoders.VOCODERS or a file that holds one, by default
    what vc.vocoders.default_vocoder says. refined: False gives what the two halves say by themselves, without
    vc.adaptation, vc.detail and vc.spectrum. Raises CheckpointError, ConfigError.
    """
    device = choose_device(device)
    model, checkpoint = load_model(model_path(model))
    return Converter(model.to(device), make_vocoder(vocoder, model.config.mel, device), checkpoint.step,
                     checkpoint.fingerprint, refined)


def model_path(model=None):
    """The file of a model; None and "default" mean the one that ships with the package."""
    return DEFAULT_MODEL if model is None or str(model) == "default" else Path(model)


@dataclass(frozen=True)
class Progress:
    """How far a conversion is, in seconds of sound."""

    done_s: float
    total_s: float


@dataclass(frozen=True)
class Halves:
    """What the encoder makes of a recording. log_mel: (M, T), at the nominal level. content: content half (C, T').
    speaker: speaker half (S,)."""

    log_mel: torch.Tensor
    content: torch.Tensor
    speaker: torch.Tensor


@dataclass(frozen=True)
class Piece:
    """What is heard in a piece of a reference. log_mel: (M, T). content: content half (C, T'). speaker: speaker half
    (S,). speech: which frames are speech (T,), bool. noise: power behind it in each band (M, 1). f0: of all frames in
    Hz (T,)."""

    log_mel: torch.Tensor
    content: torch.Tensor
    speaker: torch.Tensor
    speech: torch.Tensor
    noise: torch.Tensor
    f0: torch.Tensor
    seconds: float


@dataclass(frozen=True)
class Frames:
    """A window of the source. log_mel: (M, T). level_db: of each frame in dBFS (T,). f0: in Hz (T,), 0 if unvoiced.
    spectrum: complex (F, T), see `LogMel.spectrum`; None of a mel that was made."""

    log_mel: torch.Tensor
    level_db: torch.Tensor
    f0: torch.Tensor
    spectrum: torch.Tensor | None = None


@dataclass(frozen=True)
class Content:
    """A window of the source as it passes through the bottleneck. squeezed: what came out of it, for one item, of more
    frames than the window by EDGE_FRAMES on each side. f0: in Hz (T,), 0 in pauses. level_db: of each frame in dBFS
    (T,). energy: of each frame of the log-mel, in nepers (T,). detail and unvoiced: what goes past the bottleneck, the
    latter the spectrum of the frames without pitch, complex (F, T), 0 in the others; None where the source is not at
    hand."""

    squeezed: Squeezed
    f0: torch.Tensor
    level_db: torch.Tensor
    energy: torch.Tensor
    detail: Detail | None = None
    unvoiced: torch.Tensor | None = None


class Converter:
    """Says one recording in the voice of another.

    Sources and references are paths of audio files. `sample_rate` is that of all results, in Hz.
    """

    def __init__(self, model, vocoder, step=0, fingerprint="", refined=True):
        self.model, self.vocoder = model, vocoder
        self.step, self.fingerprint = step, fingerprint
        self.refined = refined
        self.mel = model.config.mel
        self.sample_rate = self.mel.sample_rate_hz
        self.device = model.band_mean.device
        self._log_mel = LogMel(self.mel).to(self.device)
        self._parts = SourceFilter(self.mel, self.device)
        self._postfilter = PitchPostfilter(self.mel)
        self._suppressor = NoiseSuppressor(self.mel)

    def convert(self, source, target):
        """`source` in the voice of `target` (a path, a list of paths or a Voice): float32 (N,), as long as the source.

        Raises AudioError for a source or reference that cannot be read or is too short, and for a silent reference. A
        silent source gives silence.
        """
        voice, survey = self.voice_of(target), self.survey(source)
        return self._whole(source, survey, self._speaking_as(voice, survey))

    def resynthesise(self, source):
        """`source` through mel and vocoder alone, the ceiling of what conversion can sound like: float32 (N,)."""
        def as_heard(frames):
            return frames.log_mel, frames.f0, nothing_known(frames.log_mel, self.mel)

        return self._whole(source, self.survey(source), as_heard, recorded=True)

    def convert_file(self, source, target, output, force=False):
        """Like `convert`, into a file whose suffix says the format; returns its duration in seconds.

        The file appears when it is whole; memory stays bounded however long the source is. Its header carries
        `self.label`.
        """
        *_, last = self.conversion_steps(source, target, output, force)
        return last.total_s

    def conversion_steps(self, source, target, output, force=False):
        """Do what `convert_file` does and yield a Progress after each block of sound, the last when the file is there.

        Leaving off before that, by closing the iterator, leaves no file.
        """
        writer = self.writer(output, force)
        voice, survey = self.voice_of(target), self.survey(source)
        blocks = self._stream(source, survey, self._speaking_as(voice, survey))
        yield from self.writing_steps(blocks, survey, writer)

    def writer(self, output, force=False, label=None):
        """The AudioWriter of a result, which has refused what it refuses before there is any work. label: what its
        header says, `self.label` where none is given. Raises AudioError."""
        return AudioWriter(output, self.sample_rate, force, label or self.label)

    def writing_steps(self, blocks, survey, writer):
        """Write blocks of sound, float32 (n,), at the level and of the length that a Survey has; see
        `conversion_steps`."""
        meter, done = LevelMeter(self.sample_rate), 0
        total_s = survey.samples / self.sample_rate
        with writer, _spool(writer.path) as spool:
            # The gain that restores the level is known at the end only; until then the sound waits in a nameless file.
            for block in blocks:
                meter.update(block)
                spool.write(block.tobytes())
                done += len(block)
                if done < survey.samples:
                    yield Progress(done / self.sample_rate, total_s)
            gain = restoring_gain(meter, survey.level_db)
            spool.seek(0)
            while data := spool.read(4 * BLOCK_SAMPLES):
                writer.write(np.frombuffer(data, np.float32) * gain)
        yield Progress(total_s, total_s)

    @property
    def label(self):
        """What a converted file says of itself in its header."""
        return f"This is a converted voice, {self.made_by}; the person heard did not say this."

    @property
    def made_by(self):
        """Which program and model a file comes from."""
        return f"made by vc {vc.__version__} with the model {self.fingerprint[:12]}"

    @torch.no_grad()
    def halves(self, recording) -> Halves:
        """The two halves of one recording, which is held in memory whole. Raises AudioError."""
        audio = load_audio(recording, self.sample_rate)
        require_speech(audio, self.sample_rate, recording, MIN_REFERENCE_S)
        log_mel = self.log_mel(at_level(without_offset(audio, self.sample_rate), self.sample_rate))
        embedding = self.model.encode(log_mel[None].to(self.device))
        return Halves(log_mel, embedding.content[0].cpu(), embedding.speaker[0].cpu())

    @torch.no_grad()
    def log_mel(self, audio):
        """Log-mel (M, T) of sound at the converter's rate, float32 (N,)."""
        return self._log_mel(torch.from_numpy(audio).to(self.device)[None])[0].cpu()

    def voice_of(self, target, name="") -> Voice:
        """The speaker half of one or several recordings of one person; a Voice is returned as it is.

        A folder stands for all its recordings. Each counts by how long it is. Raises AudioError, DataError.
        """
        if isinstance(target, Voice):
            return target
        paths = [target] if isinstance(target, (str, Path)) else list(target)
        if not paths:
            raise AudioError("no reference recording was given; give at least one of the target speaker")
        recordings = [file for path in paths for file in recordings_at(path)]
        return self.voice_in(map(self.speech_of, recordings), name)

    def voice_in(self, speech, name="") -> Voice:
        """The voice in sound at the converter's rate, float32 (N,), or in several of them; each is brought to the
        level, edges are not trimmed."""
        sounds = [speech] if isinstance(speech, np.ndarray) else speech
        return self._voice_heard([piece for sound in sounds for piece in self._pieces_in(sound)], name)

    def speech_of(self, path):
        """The speech of one reference recording, without the pauses at its edges: float32 (N,). Raises AudioError where
        it cannot be a reference."""
        audio = load_audio(path, self.sample_rate)
        require_speech(audio, self.sample_rate, path, MIN_REFERENCE_S)
        speech = trim_silence(audio, self.sample_rate)
        if len(speech) < MIN_REFERENCE_S * self.sample_rate:
            raise AudioError(f"{path}: holds {len(speech) / self.sample_rate:.2f} s of speech, expected at least "
                             f"{MIN_REFERENCE_S:g} s; give a longer recording")
        return speech

    @torch.no_grad()
    def _pieces_in(self, audio):
        """What is heard in each window of a waveform, float32 (N,)."""
        audio = torch.from_numpy(at_level(without_offset(audio, self.sample_rate), self.sample_rate))
        for window in _even_split(audio.to(self.device), round(REFERENCE_WINDOW_S * self.sample_rate)):
            log_mel = self._log_mel(window[None])[0]
            embedding = self.model.encode(log_mel[None])
            level_db = frame_levels_db(window, self.mel.hop_samples)
            speech = stands_out(level_db)
            f0 = torch.from_numpy(track_pitch(window.cpu().numpy(), self.sample_rate, self.mel.hop_samples))
            yield Piece(log_mel.cpu(), embedding.content[0].cpu(), embedding.speaker[0].cpu(),
                        speech.cpu(), noise_behind(log_mel, level_db, speech).cpu(), f0,
                        len(window) / self.sample_rate)

    def _voice_heard(self, pieces, name):
        """The Voice that several pieces tell together, each by how long it is; their order does not matter."""
        # To the bit: sums are rounded by their order, and phases that follow each other make sound of the last digit.
        pieces = sorted(pieces, key=lambda piece: piece.log_mel.sum().item())
        speaker = F.normalize(sum(piece.speaker * piece.seconds for piece in pieces), dim=0)
        evidence, speech = 0, []
        for piece in pieces:
            told, spoken = self._told_by(piece, speaker)
            evidence = evidence + told
            speech.append(spoken)
        return Voice(name, speaker, sum(piece.seconds for piece in pieces), long_term_spectrum(speech),
                     pitch_range(torch.cat([piece.f0 for piece in pieces])), adaptation.solve(evidence)[0].cpu())

    @torch.no_grad()
    def _told_by(self, piece, speaker):
        """What a piece tells of what corrects the decoder in its voice, see `adaptation.evidence`, and the log-mel of
        its speech (M, t), both without what lies behind it."""
        drawn, speech = self._draw(piece.content, speaker, piece.f0), piece.speech
        log_mel = without_noise(piece.log_mel, drawn.log_mel[0].cpu(), piece.noise)
        wrong = log_mel.to(self.device) - drawn.log_mel[0]
        return adaptation.evidence(drawn.seen, wrong[None], speech[None].to(self.device)), log_mel[:, speech]

    def _draw(self, content, speaker, f0) -> Drawing:
        """Of one item: (C, T'), (S,), (T,)."""
        return self.model.draw(*(part[None].to(self.device) for part in (content, speaker, f0)))

    def survey(self, source):
        """Level, length and pitch of a recording, which has to be known before `windows`. Raises AudioError."""
        return survey_source(source, self.sample_rate, self.mel.hop_samples)

    def _whole(self, source, survey, transform, recorded=False):
        """The stream's blocks as one array, at the source's level."""
        blocks = list(self._stream(source, survey, transform, recorded))
        return restore_level(np.concatenate(blocks), self.sample_rate, survey.level_db)

    def _stream(self, source, survey, transform, recorded=False):
        """Blocks of sound at the nominal level, float32 (n,), N samples in all, with `transform` between mel and
        vocoder: Frames -> what `say` returns."""
        windows = ((transform(frames), is_last) for frames, is_last in self.windows(source, survey))
        return self.vocoded(windows, survey, recorded)

    @torch.no_grad()
    def vocoded(self, windows, survey, recorded=False):
        """Blocks of sound, float32 (n,), of windows with is_last, cut as `windows` cuts them, each what `say` returns.

        recorded: whether they are a recording's own, see vc.vocoders.base.
        """
        missing = survey.samples
        if survey.level_db == -math.inf:
            for begin in range(0, missing, BLOCK_SAMPLES):
                yield np.zeros(min(BLOCK_SAMPLES, missing - begin), np.float32)
            return
        overlap_frames = round(OVERLAP_S * self.sample_rate) // self.mel.hop_samples + 1
        chunks = _crossfaded(windows, overlap_frames)
        if recorded:
            waves = self.vocoder.stream(chunks, recorded)
        else:
            waves = self._suppressor.stream(self._postfilter.stream(self.vocoder, chunks))
        for wave in waves:
            block = wave[:missing].numpy()
            missing -= len(block)
            yield block

    @torch.no_grad()
    def windows(self, source, survey):
        """Frames and is_last, window by window, which overlap."""
        hop, gain = self.mel.hop_samples, level_gain(survey.level_db)
        size, overlap = (round(seconds * self.sample_rate) // hop * hop for seconds in (WINDOW_S, OVERLAP_S))
        blocks = ((torch.from_numpy(block) - survey.offset) * gain for block in stream_audio(source, self.sample_rate))
        f0 = F.pad(survey.f0, (0, 1))  # the windows' last frame may lie behind the recording's
        for number, (window, is_last) in enumerate(sliding_windows(_filled_up(blocks, hop), size, size - overlap)):
            start = number * (size - overlap) // hop
            yield self.frames(window.to(self.device), f0[start:start + len(window) // hop + 1].to(self.device)), is_last

    def frames(self, window, f0):
        """Frames of a waveform (N,) at the nominal level, with its F0 in Hz (T,)."""
        spectrum = self._log_mel.spectrum(window[None])
        return Frames(self._log_mel.of(spectrum)[0], frame_levels_db(window, self.mel.hop_samples), f0, spectrum[0])

    def _speaking_as(self, voice, survey):
        """What turns the frames of a recording into a voice's: Frames -> what `say` returns."""
        own = pitch_range(survey.f0)
        return lambda frames: self.say(self.listen(frames), voice, own)

    @torch.no_grad()
    def listen(self, frames, detailed=True) -> Content:
        """What the model keeps of a window of the source, but for the voice. detailed: with what goes past it."""
        held = self._hold_edges(frames.log_mel)
        # A breath or a hum far below speech is no voice, whatever the tracker says.
        f0 = frames.f0 * (frames.level_db > GATE_OPEN_DBFS)
        embedding = self.model.encode(held[None])
        goes_past = detailed and self.refined
        detail = self._detail(held, embedding, f0, frames.level_db) if goes_past else None
        unvoiced = frames.spectrum * (f0 == 0) if goes_past and frames.spectrum is not None else None
        return Content(embedding.squeezed, f0, frames.level_db, frame_energy(held[:, EDGE_FRAMES:-EDGE_FRAMES]), detail,
                       unvoiced)

    def _detail(self, log_mel, embedding, f0, level_db) -> Detail:
        """What the model loses of a window of the source but for what it always loses of this voice. log_mel: with its
        edges held (M, T + 2 EDGE_FRAMES). f0 and level_db: (T,)."""
        f0, speech = self._hold_edges(f0[None])[0], _held_speech(level_db)
        drawn = self._draw(embedding.content[0], embedding.speaker[0], f0)
        left_over = adaptation.unexplained(drawn.seen, log_mel - drawn.log_mel, speech[None])[0]
        return detail_of(log_mel, left_over, f0, speech, self._parts)

    @torch.no_grad()
    def say(self, content, voice, own_range):
        """Content in a voice: log-mel (M, T), the F0 in Hz (T,) that it is drawn at, 0 throughout of a model that
        draws its own, and the spectrum of the source where it has no pitch, complex (F, T), 0 elsewhere, for the
        vocoder. own_range: PitchRange of the source."""
        f0 = move_pitch(content.f0.cpu(), own_range, voice.pitch).to(self.device)
        held = self._hold_edges(f0[None])[0]
        drawn = self._draw(content.squeezed.z[0], voice.speaker, held)
        converted = self._refined(drawn, content, voice, held, own_range) if self.refined else drawn.log_mel[0]
        converted = converted[:, EDGE_FRAMES:-EDGE_FRAMES]
        # A source frame far below speech is a pause, and stays silent whatever the decoder makes of it.
        shut = ((GATE_OPEN_DBFS - content.level_db) / (GATE_OPEN_DBFS - GATE_SHUT_DBFS)).clamp(0, 1)
        gated = _held_down(converted, content.energy) - shut * (GATE_DB * math.log(10) / 20)
        unvoiced = nothing_known(gated, self.mel) if content.unvoiced is None else content.unvoiced
        return gated.clamp(min=math.log(self.mel.floor)), f0 * self.model.config.model.pitch, unvoiced

    def _refined(self, drawn, content, voice, f0, own_range):
        """What the decoder said, with what the target's recordings and the source's tell beyond the two halves."""
        speech, converted = _held_speech(content.level_db), drawn.log_mel[0]
        if voice.maps is not None:
            converted = drawn.adapted(voice.maps.to(self.device)[None], speech[None])[0]
        if content.detail is not None:
            interval = (voice.pitch.mean - own_range.mean).to(self.device)
            converted = with_detail(converted, content.detail, f0, interval, self._parts)
        return match_spectrum(converted, speech, voice.spectrum)

    def _hold_edges(self, frames):
        """What is known of frames (M, T), the first and last whole ones held on over EDGE_FRAMES more to each side.

        The outermost frames of a window hear silence beyond its ends, the convolutions see zeros there. Where a
        recording breaks off in a noise, the decoder answers that with a burst far louder than all speech.
        """
        partial = min(self.mel.fft_samples // 2 // self.mel.hop_samples, (frames.shape[1] - 1) // 2)
        whole = frames[:, partial:frames.shape[1] - partial]
        return F.pad(whole, (partial + EDGE_FRAMES, partial + EDGE_FRAMES), mode="replicate")


def _held_down(converted, energy):
    """Frames of `converted` (M, T) that exceed an energy (T,) in nepers by more than HEADROOM_DB, brought down to that.

    An error in a logarithm is a burst to the ear, and the peak that it makes would cost the whole recording level.
    """
    excess = frame_energy(converted) - energy - HEADROOM_DB * math.log(10) / 20
    return converted - excess.clamp(min=0)


def _held_speech(level_db):
    """Which frames are speech, of a window whose edges are held: (T,) in dBFS -> (T + 2 EDGE_FRAMES,), bool."""
    return F.pad(stands_out(level_db), (EDGE_FRAMES, EDGE_FRAMES))


def frame_energy(log_mel):
    """Level of each frame of a log-mel (M, T), in nepers: (T,)."""
    return torch.logsumexp(2 * log_mel, dim=0) / 2


def _crossfaded(windows, overlap_frames):
    """((log-mel (M, T), F0 (T,), unvoiced (F, T)), is_last) of overlapping windows -> chunks of them that add up to the
    whole. Both windows have the same F0 where they overlap, and but for a window's ends the same spectrum."""
    rising, tail = torch.linspace(0, 1, overlap_frames), None
    for (log_mel, f0, unvoiced), is_last in windows:
        if tail is not None:
            rising = rising.to(log_mel.device)
            joint = tail[0] * (1 - rising) + log_mel[:, :overlap_frames] * rising
            log_mel = torch.cat([joint, log_mel[:, overlap_frames:]], dim=1)
            half = overlap_frames // 2
            unvoiced = torch.cat([tail[1][:, :half], unvoiced[:, half:]], dim=1)
        if is_last:
            yield log_mel, f0, unvoiced
        else:
            yield log_mel[:, :-overlap_frames], f0[:-overlap_frames], unvoiced[:, :-overlap_frames]
            tail = log_mel[:, -overlap_frames:], unvoiced[:, -overlap_frames:]


def _filled_up(blocks, hop_samples):
    """The blocks, and zeros after them until the samples are a whole number of hops."""
    samples = 0
    for block in blocks:
        samples += len(block)
        yield block
    yield torch.zeros(-samples % hop_samples)


def _even_split(audio, longest):
    """Pieces of nearly equal length, none longer than `longest`, so that no short rest remains."""
    return audio.chunk(math.ceil(len(audio) / longest))


@contextlib.contextmanager
def _spool(output):
    """A nameless file on the output's disk, gone when the process is; its refusals in our words."""
    try:
        with tempfile.TemporaryFile(dir=output.parent, prefix=".vc-") as file:
            yield file
    except OSError as error:
        raise AudioError(f"{output}: cannot be written: {error.strerror or error}; free space or choose another "
                         f"folder") from None
