"""Enrolled voices: a small file that holds the speaker half, the long-term spectrum, the range of F0 and the decoder's
adaptation of somebody's recordings, and not the recordings.

No word can be read from it, but who has the file knows how this person sounds: it is personal data."""

import os
import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch.nn import functional as F

from vc.cepstrum import Spread
from vc.checkpoint import Checkpoint, load_checkpoint, require_contents, save_checkpoint
from vc.data.layouts import AUDIO_SUFFIXES
from vc.errors import VoiceError
from vc.pitch_range import PitchRange
from vc.source_filter import envelope_size
from vc.spectrum import LongTermSpectrum

NAME = re.compile(r"[\w][\w .-]{0,63}")
NAME_BYTES = 255 - len(".safetensors")  # what most disks take, less the suffix


@dataclass(frozen=True)
class Voice:
    """speaker: the speaker half (S,), of unit length. seconds: how much speech it was taken from. spectrum and pitch:
    the long-term spectrum and the range of F0 of that speech. maps: what corrects the decoder in this voice
    (M, W + 1), see vc.adaptation; None where nobody spoke it, as for an invented voice."""

    name: str
    speaker: torch.Tensor
    seconds: float
    spectrum: LongTermSpectrum
    pitch: PitchRange
    maps: torch.Tensor | None = None


class VoiceLibrary:
    """A folder of voices of one model. By default VC_VOICES, else the user's data folder.

    A voice means something only to the model that made it, so each file names its model by fingerprint. Raises
    VoiceError where a file is in the folder's place.
    """

    def __init__(self, folder=None):
        self.folder = Path(folder or default_folder())

    def add(self, voice: Voice, converter, force=False):
        """Keep a voice; returns the path of its file. Raises VoiceError for a bad name or one that exists."""
        path = self._path(voice.name)
        if path.exists() and not force:
            raise VoiceError(f"{voice.name}: a voice of this name is enrolled already; choose another name or give "
                             f"--force to replace it")
        save_voice(path, voice, converter)
        return path

    def get(self, name, converter) -> Voice:
        """The voice called `name`. Raises VoiceError where there is none, or it is another model's."""
        if not self._path(name).exists():
            known = ", ".join(self.names()) or "none yet"
            raise VoiceError(f"{name}: neither a file nor an enrolled voice (enrolled: {known}); give a recording, or "
                             f"enrol one with `vc voice add {name} RECORDING`")
        return load_voice(self._path(name), converter)

    def remove(self, name):
        """Forget a voice. Raises VoiceError where there is none of this name."""
        try:
            self._path(name).unlink()
        except FileNotFoundError:
            raise VoiceError(f"{name}: no voice of this name is enrolled; enrolled: "
                             f"{', '.join(self.names()) or 'none yet'}") from None

    def names(self):
        """Names of all enrolled voices, sorted."""
        return sorted(self._files())

    def read(self, name) -> Checkpoint:
        """The file of an enrolled voice, whatever model it belongs to. Raises CheckpointError."""
        checkpoint = _read(self._path(name))
        require_contents(self._path(name), checkpoint, shapes=_shapes(checkpoint, checkpoint.config))
        return checkpoint

    def _path(self, name):
        if not is_voice_name(name):
            raise VoiceError(f"{name!r}: not a name for a voice; expected up to 64 letters, digits, spaces, dots, "
                             f"dashes or underscores ({NAME_BYTES} bytes), beginning with a letter or digit, without "
                             f"an audio file's suffix")
        return self._files().get(composed(name), self.folder / f"{composed(name)}.safetensors")

    def _files(self):
        """{name: path} of all enrolled voices; a disk may spell a name otherwise."""
        if self.folder.is_file():
            raise VoiceError(f"{self.folder}: a file, expected the folder that voices are kept in; let VC_VOICES name "
                             f"a folder")
        return {composed(path.stem): path for path in self.folder.glob("*.safetensors") if is_voice_name(path.stem)}


def save_voice(path, voice: Voice, converter):
    """Write a voice as a file of its own, which only the user may read. Raises CheckpointError when it cannot be
    written."""
    extra = {"name": voice.name, "seconds": voice.seconds, "model": converter.fingerprint,
             "frames": voice.spectrum.frames}
    spread, tensors = voice.spectrum.spread, voice_tensors(voice)
    if voice.maps is not None:
        tensors["maps"] = voice.maps
    if spread is not None:
        tensors |= {"envelope_spread": spread.envelope, "fine_spread": spread.fine}
        extra["spread_share"] = spread.share
    save_checkpoint(path, Checkpoint("voice", converter.model.config, converter.step, extra, tensors), private=True)


def voice_tensors(voice: Voice):
    """What a voice consists of, but for its maps and the spread of its cepstrum: {name: tensor}."""
    return {"speaker": voice.speaker, "band_mean": voice.spectrum.mean, "band_std": voice.spectrum.std,
            "pitch_mean": voice.pitch.mean, "pitch_spread": voice.pitch.spread}


def voice_from(tensors, name="", seconds=0.0, frames=0) -> Voice:
    """The voice that consists of what voice_tensors gave. frames: of speech behind its spectrum."""
    return Voice(name, tensors["speaker"], seconds,
                 LongTermSpectrum(tensors["band_mean"], tensors["band_std"], frames),
                 PitchRange(tensors["pitch_mean"], tensors["pitch_spread"]))


def load_voice(path, converter) -> Voice:
    """The voice in a file that `save_voice` wrote, under the file's name. Raises CheckpointError for another file,
    VoiceError for another model's voice."""
    checkpoint = _read(path)
    name, extra = composed(Path(path).stem), checkpoint.extra
    if extra["model"] != converter.fingerprint:
        raise VoiceError(f"{name}: was enrolled with another model; enrol it again with this one, or convert with "
                         f"the model it was made with")
    require_contents(path, checkpoint, shapes=_shapes(checkpoint, converter.model.config))
    tensors = checkpoint.tensors
    voice = voice_from(tensors, name, extra["seconds"], extra["frames"])
    spread = None
    if "fine_spread" in tensors:
        spread = Spread(tensors["envelope_spread"], tensors["fine_spread"], extra.get("spread_share", 1.0))
    return replace(voice, maps=tensors.get("maps"), spectrum=replace(voice.spectrum, spread=spread))


def _read(path):
    checkpoint = load_checkpoint(path, kinds=("voice",))
    shares = {"spread_share": (int, float)} if "spread_share" in checkpoint.extra else {}
    require_contents(path, checkpoint, {"seconds": (int, float), "model": str, "frames": int} | shares)
    return checkpoint


def _shapes(checkpoint, config):
    """{name: shape} of the tensors that a voice of a model of this Config has, those that it may lack if it does not.
    """
    bands, size = config.mel.bands, envelope_size(config.mel.bands)
    shapes = {"speaker": (config.model.speaker_dims,), "band_mean": (bands,), "band_std": (bands,), "pitch_mean": (),
              "pitch_spread": ()}
    if "maps" in checkpoint.tensors:
        shapes["maps"] = (bands, config.model.width + 1)
    if "fine_spread" in checkpoint.tensors:
        shapes |= {"envelope_spread": (size, size), "fine_spread": (bands - size,)}
    return shapes


def blend(first: Voice, second: Voice, share, name="") -> Voice:
    """The voice that lies `share` of the way from `first` (0) to `second` (1), along the great circle between their
    speaker halves. The way begins and ends at the very voices. What was fitted to one of them alone, its maps and its
    spread, fades towards the other."""
    if share in (0, 1):
        return replace(second if share else first, name=name)
    cosine = torch.dot(first.speaker, second.speaker).clamp(-1, 1)
    angle = torch.arccos(cosine)
    if angle < 1e-3:  # the same direction: there is no way to go
        speaker = first.speaker
    else:
        mixed = torch.sin((1 - share) * angle) * first.speaker + torch.sin(share * angle) * second.speaker
        speaker = F.normalize(mixed, dim=0)
    return _between([first, second], [1 - share, share], speaker, name)


def mean_voice(voices, name="") -> Voice:
    """The voice in the middle of several. Raises VoiceError when none is given."""
    if not voices:
        raise VoiceError("no voice to take the mean of; give at least one")
    speaker = F.normalize(sum(voice.speaker for voice in voices), dim=0)
    return _between(voices, [1 / len(voices)] * len(voices), speaker, name)


def _between(voices, shares, speaker, name):
    """A Voice with this speaker half, and in all else between several; the shares add up to 1. Its pitch lies
    between the voices that have one; it is NaN where none of those with a share does."""
    def mixed(values):
        return sum(share * value for share, value in zip(shares, values, strict=True))

    spectrum = LongTermSpectrum(mixed([voice.spectrum.mean for voice in voices]),
                                mixed([voice.spectrum.std for voice in voices]),
                                *_spread_between([voice.spectrum for voice in voices], shares))
    heard = mixed([voice.pitch.mean.isfinite().float() for voice in voices])  # the share of those with a pitch
    pitch = PitchRange(mixed([voice.pitch.mean.nan_to_num() for voice in voices]) / heard,
                       mixed([voice.pitch.spread.nan_to_num() for voice in voices]) / heard)
    known = [(share, voice.maps) for share, voice in zip(shares, voices, strict=True) if voice.maps is not None]
    maps = sum(share * maps for share, maps in known) if known else None  # without maps nothing is corrected
    return Voice(name, speaker, sum(voice.seconds for voice in voices), spectrum, pitch, maps)


def _spread_between(spectra, shares):
    """How many frames tell it, and the Spread between the spectra that have one, each by its share; (0, None) where
    none has."""
    known = [(share * spectrum.spread.share, spectrum) for share, spectrum in zip(shares, spectra, strict=True)
             if spectrum.spread is not None]
    if not known:
        return 0, None
    whole = sum(part for part, _ in known)
    # The variance of a mean of estimates, each of whose variances falls with its frames.
    frames = round(whole**2 / sum(part**2 / max(1, spectrum.frames) for part, spectrum in known))
    return frames, Spread(sum(part * spectrum.spread.envelope for part, spectrum in known) / whole,
                          sum(part * spectrum.spread.fine for part, spectrum in known) / whole, whole)


def is_voice_name(text):
    """Whether `text` can name a voice. A path or the name of an audio file cannot, so that --target means one thing."""
    text = composed(text)
    # Many scripts write vowels as marks, which belong to no letter and may follow any.
    letters = text[:1] + "".join("_" if unicodedata.category(sign)[0] == "M" else sign for sign in text[1:])
    return (NAME.fullmatch(letters) is not None and len(text.encode()) <= NAME_BYTES
            and Path(text).suffix.lower() not in AUDIO_SUFFIXES)


def composed(name):
    """The one spelling of a name that Unicode lets one write in several, its marks within their letters or apart."""
    return unicodedata.normalize("NFC", name)


def default_folder():
    """VC_VOICES, or voices/ in the user's data folder of the system's convention."""
    if chosen := os.environ.get("VC_VOICES"):
        return Path(chosen)
    if os.name == "nt" and "LOCALAPPDATA" in os.environ:
        return Path(os.environ["LOCALAPPDATA"]) / "vc" / "voices"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "vc" / "voices"
