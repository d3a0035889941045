"""Speech as a small file and back: the content half as codes, the contours of pitch and level, and once the voice.

What the code of an auto-encoder is for in the lectures' chapter on compression; here the decoder can also read the file
out in another voice.
"""

import math
from pathlib import Path

import torch

from vc import conversion
from vc.bottlenecks import Squeezed
from vc.codec.codes import cardinalities_of, codes_of, content_of
from vc.codec.file import Encoded, Window, pack, unpack
from vc.codec.scales import f0_of, f0_steps, level_steps, levels_of
from vc.conversion import Content
from vc.errors import CodecError
from vc.files import in_our_words, write_atomically
from vc.pitch_range import pitch_range
from vc.survey import Survey
from vc.voices import Voice, voice_from, voice_tensors

SUFFIX = ".vcs"
NEPERS_PER_DB = math.log(10) / 20


def encode(converter, source) -> Encoded:
    """A recording as codes, contours and a voice.

    Raises AudioError, also for a silent recording, and CodecError for a model without codes.
    """
    cardinalities = cardinalities_of(converter.model)
    voice = converter.voice_in(converter.speech_of(source))  # which refuses silence, and folders
    survey = converter.survey(source)
    stride, windows, offsets = converter.model.encoder.stride, [], []
    for frames, _ in converter.windows(source, survey):
        content = converter.listen(frames, detailed=False)
        f0, level_db = (contour.cpu()[::stride].numpy() for contour in (content.f0, content.level_db))
        codes = codes_of(converter.model, content.squeezed)[0].cpu().numpy()
        windows.append(Window(len(content.f0), codes, f0_steps(f0), level_steps(level_db)))
        offsets.append((content.energy / NEPERS_PER_DB - content.level_db).cpu())
    offset_db = torch.cat(offsets).median().item()
    parts = {name: part.reshape(-1).numpy().astype("<f2") for name, part in voice_tensors(voice).items()}
    return Encoded(converter.fingerprint, survey.samples, survey.level_db, offset_db, cardinalities, parts, windows)


def decode_steps(converter, encoded, output, force=False, target=None):
    """Read an Encoded out into an audio file and yield a Progress after each block of sound, the last when the file is
    there. target: whose voice, see `Converter.voice_of`; by default the voice of the recording.

    Raises CodecError for another model's file, AudioError.
    """
    _require_same_model(converter, encoded)
    label = f"This is speech rebuilt from codes, {converter.made_by}." if target is None else converter.label
    writer = converter.writer(output, force, label)
    f0 = torch.cat([torch.from_numpy(f0_of(window.f0)) for window in encoded.windows])
    survey = Survey(encoded.level_db, encoded.samples, f0)
    voice = own_voice(encoded) if target is None else converter.voice_of(target)
    own, last = pitch_range(f0), len(encoded.windows) - 1
    windows = ((converter.say(_content(converter, encoded, window), voice, own), number == last)
               for number, window in enumerate(encoded.windows))
    yield from converter.writing_steps(converter.vocoded(windows, survey), survey, writer)


def own_voice(encoded) -> Voice:
    """The voice that an Encoded was spoken in."""
    return voice_from({name: torch.from_numpy(part.astype("float32")).squeeze()
                       for name, part in encoded.voice.items()})


def encode_file(converter, source, output, force=False):
    """`encode` into a file, whose missing folders are made; returns the Encoded. Raises also CodecError for a file that
    exists, unless `force` has it replaced, and for a place that cannot be written."""
    output = Path(output)
    if output.exists() and not force:
        raise CodecError(f"{output}: exists already; replace it by --force (in Python force=True), or "
                         f"choose another name")
    try:  # before the work, which would be lost
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CodecError(f"{output}: cannot make the folder {output.parent}: {error.strerror}; choose another "
                         f"place") from None
    encoded = encode(converter, source)
    with in_our_words(output, CodecError, "free space or choose another place"):
        write_atomically(output, pack(encoded))
    return encoded


def decode_file(converter, path, output, force=False, target=None):
    """Read an encoded file out into an audio file; returns its duration in seconds. Raises CodecError, AudioError."""
    *_, last = decode_steps(converter, read_encoded(path), output, force, target)
    return last.total_s


def read_encoded(path) -> Encoded:
    """What lies in an encoded file. Raises CodecError."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise CodecError(f"{path}: cannot be read ({error.strerror}); give a file that `vc encode` wrote") from None
    return unpack(content, path)


def _require_same_model(converter, encoded):
    if encoded.model != converter.fingerprint:
        raise CodecError(f"encoded with the model {encoded.model[:12]}, this one is {converter.fingerprint[:12]}; "
                         f"decode with the model it was encoded with, by --model")
    if not _fits(converter, encoded):
        raise CodecError("its codes, voice or windows are not as the model that it names makes them; encode the "
                         "recording again")


def _fits(converter, encoded):
    """Whether all in it has the sizes that `encode` gives it with this model."""
    mel, stride = converter.mel, converter.model.encoder.stride
    size, overlap = (round(seconds * converter.sample_rate) // mel.hop_samples
                     for seconds in (conversion.WINDOW_S, conversion.OVERLAP_S))
    frames = [window.frames for window in encoded.windows]
    voice = {"speaker": converter.model.config.model.speaker_dims, "band_mean": mel.bands, "band_std": mel.bands,
             "pitch_mean": 1, "pitch_spread": 1}
    return (encoded.cardinalities == cardinalities_of(converter.model)
            and {name: len(values) for name, values in encoded.voice.items()} == voice
            and all(count == size + 1 for count in frames[:-1])
            and (overlap + 1 if frames[:-1] else 0) < frames[-1] <= size + 1
            and encoded.samples <= mel.hop_samples * sum(frames)
            and all(len(window.f0) == -(-window.frames // stride)
                    and window.codes.shape[1] == -(-(window.frames + 2 * conversion.EDGE_FRAMES) // stride)
                    for window in encoded.windows))


def _content(converter, encoded, window):
    codes = torch.from_numpy(window.codes)[None].to(converter.device)
    f0, level_db = (contour.to(converter.device) for contour in _contours(window, converter.model.encoder.stride))
    energy = (level_db + encoded.offset_db) * NEPERS_PER_DB
    return Content(Squeezed(content_of(converter.model, codes)), f0, level_db, energy)


def _contours(window, stride):
    """F0 and level (T,), each value held over the mel frames of its content frame."""
    return [torch.from_numpy(contour).repeat_interleave(stride)[:window.frames]
            for contour in (f0_of(window.f0), levels_of(window.level))]
