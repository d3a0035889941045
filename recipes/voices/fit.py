"""Fit the prior that `vc voice invent` draws from, on the voices of all speakers of a prepared corpus.

    python recipes/voices/fit.py MODEL DATA -o FILE

How many directions, components and how much shrinkage is chosen by the likelihood of speakers who were left out of the
fit, five times a fifth of them.
"""

import argparse
import itertools
import sys
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from speakers import speech_by_speaker
from tqdm import tqdm

from vc.conversion import load
from vc.data.store import SpeechStore
from vc.errors import DataError, VcError
from vc.voice_prior import VoicePrior, save_prior, values_of

SECONDS, SHORTEST_S = 20.0, 1.0  # of each speaker
FOLDS = 5
DIRECTIONS, COMPONENTS, SHRINKAGE = (32, 64, 96, 128), (1, 2, 3, 4), (0.1, 0.2, 0.5)
# What each part of a voice counts in the choice of directions, as the root of its variance over speakers: the deviation
# of bands and of pitch are heard less than the speaker half and the mean spectrum.
WEIGHTS = {"speaker": 1.0, "band_mean": 1.0, "band_std": 0.5, "pitch_spread": 0.3}


@dataclass(frozen=True)
class Setting:
    """directions: kept of the principal ones. components: of the mixture. shrinkage: added to the variance along each
    of them, which is 1."""

    directions: int
    components: int
    shrinkage: float


class Fit:
    """Principal directions and a Gaussian mixture in them, of V voices.

    values: (V, R), divided by `units` (R,) so that directions can be compared. pitch: mean log-F0 (V,).
    """

    def __init__(self, values, pitch, setting):
        self.setting = setting
        self.directions = PCA(setting.directions, whiten=True, random_state=0).fit(values)
        self.pitch_mean, self.pitch_std = pitch.mean(), pitch.std()
        self.mixture = GaussianMixture(setting.components, reg_covar=setting.shrinkage, n_init=2, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the likelihood of others judges it
            self.mixture.fit(self._coordinates(values, pitch))
        # Pitch is one number in hundreds of voices and needs no shrinkage, which would make squeaks of high voices.
        self.mixture.covariances_[:, 0, 0] -= setting.shrinkage
        self.mixture.precisions_cholesky_ = np.linalg.inv(np.linalg.cholesky(self.mixture.covariances_)).mT

    def log_likelihood(self, values, pitch):
        """Of each voice, (V,), in nats: the mixture's along its directions, and a round Gaussian's across them."""
        coordinates = self._coordinates(values, pitch)
        across = ((values - self.directions.inverse_transform(coordinates[:, 1:])) ** 2).sum(1)
        dims, variance = values.shape[1] - self.setting.directions, self.directions.noise_variance_
        return (self.mixture.score_samples(coordinates) - np.log(self.directions.explained_variance_).sum() / 2
                - np.log(self.pitch_std) - (across / variance + dims * np.log(2 * np.pi * variance)) / 2)

    def prior(self, units, pitch_limits, speaker_dims) -> VoicePrior:
        """In the units of voices."""
        means, covariances = self.mixture.means_.copy(), self.mixture.covariances_.copy()
        means[:, 0] = self.pitch_mean + self.pitch_std * means[:, 0]
        covariances[:, 0, :] *= self.pitch_std
        covariances[:, :, 0] *= self.pitch_std
        basis = self.directions.components_ * np.sqrt(self.directions.explained_variance_)[:, None] * units
        return VoicePrior(*map(torch.from_numpy, (self.mixture.weights_, means, covariances,
                                                  self.directions.mean_ * units, basis.T, pitch_limits)), speaker_dims)

    def _coordinates(self, values, pitch):
        return np.column_stack([(pitch - self.pitch_mean) / self.pitch_std, self.directions.transform(values)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", metavar="MODEL", help="whose voices; vc/assets/default.safetensors, say")
    parser.add_argument("data", metavar="DATA", help="a folder that `vc prepare` wrote")
    parser.add_argument("-o", "--output", required=True, metavar="FILE",
                        help="vc/assets/default.prior.safetensors for the package's")
    options = parser.parse_args()
    torch.set_num_threads(1)
    converter = load(options.model, device="cpu")
    voices = voices_in(converter, SpeechStore(options.data))
    prior, setting = fit_prior(voices)
    save_prior(options.output, prior, converter, len(voices))
    print(f"{options.output}: {setting.components} component(s) in {setting.directions} directions, shrinkage "
          f"{setting.shrinkage:g}, of {len(voices)} speakers; model {converter.fingerprint[:12]}")


def voices_in(converter, store):
    """The voice of each speaker in whom voiced speech is heard. Raises DataError where they are too few, or at another
    rate than the converter's."""
    store.require_rate(converter.sample_rate)
    speech = speech_by_speaker(store, SECONDS, SHORTEST_S)
    heard = [converter.voice_in(audio, speaker) for speaker, audio in tqdm(speech.items(), "listening", unit="speaker")]
    voices = [voice for voice in heard if voice.pitch.mean.isfinite()]
    if len(voices) < 2 * min(DIRECTIONS):
        raise DataError(f"{store.folder}: voices of {len(voices)} speakers, expected at least {2 * min(DIRECTIONS)} to "
                        f"fit a distribution on; prepare recordings of more speakers")
    return voices


def fit_prior(voices):
    """VoicePrior fitted on a list of voices, and the Setting that those left out chose."""
    values = torch.stack([values_of(voice) for voice in voices]).numpy()
    pitch = torch.stack([voice.pitch.mean for voice in voices]).double().numpy()
    units = units_of(values, len(voices[0].speaker))
    setting = choose(values / units, pitch)
    limits = np.array([pitch.min(), pitch.max()])
    return Fit(values / units, pitch, setting).prior(units, limits, len(voices[0].speaker)), setting


def units_of(values, speaker_dims):
    """(R,): what each part of the voices (V, R) is divided by so that it counts as WEIGHTS say."""
    bands = (values.shape[1] - speaker_dims - 1) // 2
    sizes = np.array([speaker_dims, bands, bands, 1])
    parts = np.split(values, np.cumsum(sizes)[:-1], axis=1)
    units = [np.sqrt(part.var(axis=0).sum()) / weight for part, weight in zip(parts, WEIGHTS.values(), strict=True)]
    return np.repeat(units, sizes)


def choose(values, pitch):
    """The Setting under which voices (V, R) that were left out are the likeliest."""
    folds = np.random.default_rng(0).permutation(len(values)) % FOLDS
    fewest = len(values) - np.bincount(folds).max()
    settings = [Setting(*choice) for choice in itertools.product(DIRECTIONS, COMPONENTS, SHRINKAGE)
                if choice[0] < min(fewest, values.shape[1])]
    means = {}
    for setting in tqdm(settings, "choosing", unit="setting"):
        found = []
        for kept, left_out in ((folds != k, folds == k) for k in range(FOLDS)):
            fitted = Fit(values[kept], pitch[kept], setting)
            found.append(fitted.log_likelihood(values[left_out], pitch[left_out]))
        means[setting] = float(np.concatenate(found).mean())
    for setting, mean in sorted(means.items(), key=lambda item: -item[1])[:5]:
        print(f"{mean:8.1f} nats a left-out voice: {setting}", file=sys.stderr)
    return max(means, key=means.get)


if __name__ == "__main__":
    try:
        main()
    except VcError as error:
        sys.exit(f"fit: error: {error}")
