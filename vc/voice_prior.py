"""Voices that nobody has: drawn from a distribution over whole voices, fitted on those of many speakers.

A voice is a point: its speaker half, long-term spectrum and range of F0 together, so that what belongs together is
drawn together, and a high voice gets the colour that high voices have. The points of many speakers are reduced to their
main directions, and a Gaussian mixture describes them there (recipes/voices fits it). Drawing needs torch alone.

R is the number of values of a voice without its mean of F0, D that of coordinates, K that of components.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch.nn import functional as F

from vc import assets
from vc.cepstrum import with_bands_stretched
from vc.checkpoint import Checkpoint, load_checkpoint, require_contents, save_checkpoint
from vc.errors import CheckpointError, VoiceError
from vc.pitch_range import LEAST_SPREAD, PitchRange
from vc.spectrum import LongTermSpectrum
from vc.voices import Voice

DEFAULT_PRIOR = assets.FOLDER / "default.prior.safetensors"

SEMITONE = math.log(2) / 12  # in nepers, as log-F0 is
LEAST_STD = 1e-3  # of a band in nepers: one that never changes has no logarithm
FIELDS = ("weights", "means", "covariances", "centre", "basis", "pitch_limits")


@dataclass(frozen=True)
class VoicePrior:
    """A Gaussian mixture over voices.

    weights: (K,). means: (K, D) and covariances: (K, D, D), of coordinates; the first is the mean of log-F0, the
    others lie along the columns of basis. centre: (R,) and basis: (R, D - 1), see `values_of`. pitch_limits: lowest and
    highest mean of log-F0 among the speakers (2,). All these float64. speaker_dims: S.
    """

    weights: torch.Tensor
    means: torch.Tensor
    covariances: torch.Tensor
    centre: torch.Tensor
    basis: torch.Tensor
    pitch_limits: torch.Tensor
    speaker_dims: int

    def invent(self, seed, name="") -> Voice:
        """A voice drawn from the mixture, its mean F0 held to those of known speakers; the same seed gives the same
        voice."""
        generator = torch.Generator().manual_seed(seed)
        component = torch.multinomial(self.weights, 1, generator=generator).item()
        noise = torch.randn(self.means.shape[1], dtype=torch.float64, generator=generator)
        point = self.means[component] + torch.linalg.cholesky(self.covariances[component]) @ noise
        pitch = point[0].clamp(*self.pitch_limits)
        return voice_of_values(self.centre + self.basis @ point[1:], pitch, self.speaker_dims, name)

    def higher(self, voice: Voice, semitones) -> Voice:
        """The voice with its mean F0 moved by `semitones`, lower where negative, and all else moved along.

        It moves by what the mixture expects of voices at the new pitch against the old one; how the voice differs from
        the others at its pitch stays, and so do its maps, though they were fitted where it was. Raises VoiceError for a
        pitch that no speaker had.
        """
        self._require_pitch(voice, semitones)
        pitch = voice.pitch.mean.double()
        moved = pitch + semitones * SEMITONE
        step = self.expected(moved) - self.expected(pitch)
        there = voice_of_values(values_of(voice) + self.basis @ step, moved, self.speaker_dims, voice.name)
        spread = voice.spectrum.spread
        if spread is not None:  # bands that spread more together do so alone
            spread = with_bands_stretched(spread, there.spectrum.std / voice.spectrum.std.clamp(min=LEAST_STD))
        return replace(there, seconds=voice.seconds, maps=voice.maps,
                       spectrum=replace(there.spectrum, frames=voice.spectrum.frames, spread=spread))

    def expected(self, pitch):
        """Mean of the other coordinates (D - 1,) among voices whose mean log-F0 is `pitch`, a scalar tensor."""
        offset, variance = pitch - self.means[:, 0], self.covariances[:, 0, 0]
        shares = torch.softmax(self.weights.log() - (offset.square() / variance + variance.log()) / 2, dim=0)
        slopes = self.covariances[:, 1:, 0] / variance[:, None]
        return shares @ (self.means[:, 1:] + slopes * offset[:, None])

    def _require_pitch(self, voice, semitones):
        if not voice.pitch.mean.isfinite():
            raise VoiceError(f"{voice.name or 'voice'}: nothing voiced was heard in its recordings, so it has no pitch "
                             f"to move; give recordings of ordinary speech")
        lowest, highest = ((self.pitch_limits - voice.pitch.mean) / SEMITONE).tolist()
        if not lowest <= semitones <= highest:
            low_hz, high_hz = self.pitch_limits.exp().tolist()
            wanted_hz = (voice.pitch.mean + semitones * SEMITONE).exp().item()
            lowest, highest = math.ceil(10 * lowest) / 10, math.floor(10 * highest) / 10  # inwards: both are taken
            raise VoiceError(f"{semitones:+g} semitones: this voice would speak at {wanted_hz:.0f} Hz, "
                             f"the known speakers do at {low_hz:.0f} to {high_hz:.0f} Hz; give "
                             f"{lowest:+z.1f} to {highest:+z.1f} semitones")


def values_of(voice: Voice):
    """A voice without its mean of F0 as numbers (R,), float64: the speaker half, mean and logarithm of the deviation of
    each band, and the logarithm of the deviation of log-F0."""
    log_std = voice.spectrum.std.clamp(min=LEAST_STD).log()
    log_spread = voice.pitch.spread.clamp(min=LEAST_SPREAD).log()
    return torch.cat([voice.speaker, voice.spectrum.mean, log_std, log_spread[None]]).double()


def voice_of_values(values, pitch, speaker_dims, name="") -> Voice:
    """The voice whose `values_of` are these (R,), but for its speaker half, which is brought to length 1. pitch: its
    mean log-F0, a scalar tensor."""
    bands = (len(values) - speaker_dims - 1) // 2
    speaker, mean, log_std, log_spread = values.float().split([speaker_dims, bands, bands, 1])
    return Voice(name, F.normalize(speaker, dim=0), 0.0, LongTermSpectrum(mean, log_std.exp(), 0),
                 PitchRange(pitch.float(), log_spread[0].exp()))


def save_prior(path, prior: VoicePrior, converter, speakers):
    """Write a prior over the voices of a converter's model. Raises CheckpointError."""
    tensors = {field: getattr(prior, field).float() for field in FIELDS}
    tensors["basis"] = tensors["basis"].half()
    save_checkpoint(path, Checkpoint("prior", converter.model.config, converter.step,
                                     {"model": converter.fingerprint, "speakers": speakers}, tensors))


def load_prior(converter, path=None) -> VoicePrior:
    """The prior in a file, by default the one in the package. Raises CheckpointError for another file, VoiceError for
    another model's prior."""
    path = Path(path or DEFAULT_PRIOR)
    checkpoint = load_checkpoint(path, kinds=("prior",))
    require_contents(path, checkpoint, {"model": str})
    if checkpoint.extra["model"] != converter.fingerprint:
        raise VoiceError(f"{path.name}: was fitted on the voices of another model; fit one for this model with "
                         f"recipes/voices/fit.py and give it as --prior, or use the model it was fitted for")
    _require_mixture(path, checkpoint, converter.model.config)
    return VoicePrior(**{field: checkpoint.tensors[field].double() for field in FIELDS},
                      speaker_dims=converter.model.config.model.speaker_dims)


def _require_mixture(path, checkpoint, config):
    """Raise CheckpointError where nothing can be drawn from the tensors for a model of this Config."""
    tensors, values = checkpoint.tensors, config.model.speaker_dims + 2 * config.mel.bands + 1
    sizes = tensors["means"].shape if "means" in tensors else ()
    components, dims = sizes if len(sizes) == 2 and 0 not in sizes else (1, 1)
    require_contents(path, checkpoint, shapes={
        "means": (components, dims), "weights": (components,), "covariances": (components, dims, dims),
        "centre": (values,), "basis": (values, dims - 1), "pitch_limits": (2,)})
    finite = all(tensors[field].isfinite().all() for field in FIELDS)
    weights = tensors["weights"]
    if not (finite and weights.min() >= 0 and weights.sum() > 0
            and not torch.linalg.cholesky_ex(tensors["covariances"].double()).info.any()):
        raise CheckpointError(f"{path}: its weights or covariances are those of no distribution; fit one with "
                              f"recipes/voices/fit.py")
