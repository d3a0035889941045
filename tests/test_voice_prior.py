"""Inventing voices: the mixture by hand, draws by seed, what is refused, the command line."""

import math
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vc import conversion
from vc.audio import save_audio
from vc.cepstrum import Spread
from vc.checkpoint import load_checkpoint, save_checkpoint
from vc.conversion import Converter, load
from vc.errors import CheckpointError, VoiceError
from vc.evaluation import intervals
from vc.evaluation.table import cell
from vc.pitch import track_pitch
from vc.pitch_range import PitchRange, pitch_range
from vc.spectrum import LongTermSpectrum
from vc.vocoders import GriffinLim
from vc.voice_prior import (
    DEFAULT_PRIOR,
    FIELDS,
    SEMITONE,
    VoicePrior,
    load_prior,
    save_prior,
    values_of,
    voice_of_values,
)
from vc.voices import Voice, VoiceLibrary, blend

sys.path.insert(0, str(Path(__file__).parent.parent / "recipes" / "voices"))  # as when the script runs

import fit  # noqa: E402
import measure  # noqa: E402

LOW, HIGH = math.log(100.0), math.log(200.0)


def doubles(values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.fixture
def prior():
    """Two kinds of voices: low ones whose one direction rises by 2 a neper, high ones whose falls by 1."""
    return VoicePrior(weights=doubles([0.25, 0.75]), means=doubles([[LOW, -1.0], [HIGH, 3.0]]),
                      covariances=doubles([[[0.01, 0.02], [0.02, 1.0]], [[0.01, -0.01], [-0.01, 1.0]]]),
                      centre=doubles([1.0, 0.0, -4.0, -5.0, 0.0, 0.1, -1.6]),
                      basis=doubles([[0.0], [0.1], [0.5], [-0.5], [0.0], [0.02], [0.0]]),
                      pitch_limits=doubles([math.log(80.0), math.log(300.0)]), speaker_dims=2)


@pytest.fixture
def one_kind(prior):
    """Its low voices alone."""
    return replace(prior, weights=doubles([1.0]), means=prior.means[:1], covariances=prior.covariances[:1])


def test_the_limits_of_a_pitch_that_are_told_are_taken(prior):
    for voice in map(prior.invent, range(20)):
        for asked in (-48.0, 48.0):
            with pytest.raises(VoiceError, match="known speakers do at 80 to 300 Hz; give") as refusal:
                prior.higher(voice, asked)
            lowest, highest = map(float, re.findall(r"[+-]\d+\.\d", str(refusal.value).partition("give")[2]))
            assert prior.higher(voice, lowest).pitch.mean.exp() < 81
            assert prior.higher(voice, highest).pitch.mean.exp() > 298


def test_the_values_of_a_voice_make_the_voice_again():
    voice = Voice("a", torch.tensor([0.6, 0.8]), 3.0, LongTermSpectrum(torch.tensor([-4.0, -5.0, -6.0]),
                                                                       torch.tensor([1.0, 1.1, 0.9]), 7),
                  PitchRange(torch.tensor(5.0), torch.tensor(0.2)))
    values = values_of(voice)
    assert values.tolist() == pytest.approx([0.6, 0.8, -4, -5, -6, 0, math.log(1.1), math.log(0.9), math.log(0.2)])
    again = voice_of_values(values, voice.pitch.mean, 2, "b")
    assert (again.name, again.seconds, again.spectrum.frames) == ("b", 0.0, 0)
    for one, other in ((again.speaker, voice.speaker), (again.spectrum.mean, voice.spectrum.mean),
                       (again.spectrum.std, voice.spectrum.std), (again.pitch.spread, voice.pitch.spread)):
        torch.testing.assert_close(one, other)


def test_the_speaker_half_of_a_voice_has_length_one(prior):
    assert all(prior.invent(seed).speaker.norm().item() == pytest.approx(1) for seed in range(5))


def test_draws_have_the_components_shares_means_and_covariances(prior):
    """Pitch tells the components apart, the third value the direction: -4 + 0.5 z."""
    voices = [prior.invent(seed) for seed in range(3000)]
    points = np.array([(voice.pitch.mean.item(), (voice.spectrum.mean[0].item() + 4) / 0.5) for voice in voices])
    low = points[:, 0] < (LOW + HIGH) / 2
    assert low.mean() == pytest.approx(0.25, abs=0.03)
    for k, drawn in enumerate((points[low], points[~low])):
        assert drawn.mean(0) == pytest.approx(prior.means[k].numpy(), abs=0.15)
        assert np.cov(drawn.T) == pytest.approx(prior.covariances[k].numpy(), abs=0.12)
        assert np.cov(drawn.T)[0] == pytest.approx(prior.covariances[k, 0].numpy(), abs=0.004)


def test_a_seed_gives_the_same_voice_and_another_another(prior):
    torch.manual_seed(1)
    first = prior.invent(7, "a")
    torch.manual_seed(2)
    again, other = prior.invent(7, "b"), prior.invent(8)
    assert torch.equal(values_of(first), values_of(again)) and first.pitch.mean == again.pitch.mean
    assert (first.name, again.name) == ("a", "b")
    assert not torch.equal(values_of(first), values_of(other)) and first.pitch.mean != other.pitch.mean


def test_what_is_expected_at_a_pitch_by_hand(prior, one_kind):
    pitch = doubles(LOW + 0.1)
    assert one_kind.expected(pitch).tolist() == pytest.approx([-1 + 2 * 0.1])
    middle = doubles((LOW + HIGH) / 2)  # as far from both, so that only the weights speak
    half = (HIGH - LOW) / 2
    assert prior.expected(middle).tolist() == pytest.approx([0.25 * (-1 + 2 * half) + 0.75 * (3 + half)])
    assert prior.expected(doubles(LOW)).item() == pytest.approx(-1.0, abs=1e-6)


def test_unequal_spreads_of_pitch_weigh_the_components(prior):
    """Densities at the first mean: 1 / sqrt(0.01), and exp(-d^2 / 2 / 0.09) / sqrt(0.09)."""
    covariances = prior.covariances.clone()
    covariances[1, 0, 0] = 0.09
    distance = HIGH - LOW
    shares = np.array([0.25 / 0.1, 0.75 / 0.3 * math.exp(-distance ** 2 / 0.18)])
    shares /= shares.sum()
    expected = shares @ [-1.0, 3 - distance * -0.01 / 0.09]
    assert replace(prior, covariances=covariances).expected(doubles(LOW)).item() == pytest.approx(expected)


def test_a_higher_voice_goes_the_way_that_high_voices_are(one_kind):
    voice = one_kind.invent(0, "anna")
    higher = one_kind.higher(voice, 3.0)
    assert (higher.name, higher.pitch.mean.item()) == ("anna", pytest.approx(voice.pitch.mean.item() + 3 * SEMITONE))
    step = 2 * 3 * SEMITONE  # along the direction
    torch.testing.assert_close(higher.spectrum.mean - voice.spectrum.mean, torch.tensor([0.5, -0.5]) * step)
    torch.testing.assert_close(higher.spectrum.std / voice.spectrum.std, torch.tensor([0.0, 0.02 * step]).exp())
    back = one_kind.higher(higher, -3.0)
    torch.testing.assert_close(back.spectrum.mean, voice.spectrum.mean)


def test_a_real_voice_keeps_how_much_was_heard_of_it(one_kind):
    voice = replace(one_kind.invent(0), seconds=9.0,
                    spectrum=LongTermSpectrum(torch.tensor([-1.0, -2.0]), torch.tensor([1.0, 1.0]), 77))
    moved = one_kind.higher(voice, 1.0)
    assert (moved.seconds, moved.spectrum.frames) == (9.0, 77)


def test_a_real_voice_keeps_its_maps_and_its_spread_goes_with_its_bands(one_kind):
    """Of two bands the envelope is none and all is fine structure, so the first coefficient is their mean."""
    heard = replace(one_kind.invent(0), maps=torch.ones(2, 3))
    heard = replace(heard, spectrum=replace(heard.spectrum, spread=Spread(torch.zeros(0, 0), torch.tensor([0.5, 0.0]))))
    moved = one_kind.higher(heard, 3.0)
    stretch = moved.spectrum.std / heard.spectrum.std
    expected = torch.stack([stretch.mean(), (stretch[0] - stretch[1]).abs() / 2]) * 0.5
    torch.testing.assert_close(moved.spectrum.spread.fine, expected)
    assert torch.equal(moved.maps, heard.maps)
    assert one_kind.higher(one_kind.invent(0), 3.0).spectrum.spread is None


def test_a_pitch_that_nobody_has_is_refused(prior):
    voice = replace(prior.invent(0), pitch=PitchRange(torch.tensor(HIGH), torch.tensor(0.2)))
    prior.higher(voice, 7.0)
    with pytest.raises(VoiceError, match=r"\+12 semitones: this voice would speak at 400 Hz, the known speakers do at "
                                         r"80 to 300 Hz; give -15\.8 to \+7\.0 semitones"):
        prior.higher(voice, 12.0)
    with pytest.raises(VoiceError, match="-16 semitones"):
        prior.higher(voice, -16.0)


def test_a_voice_without_pitch_cannot_be_moved(prior):
    voice = replace(prior.invent(0, "whisper"), pitch=PitchRange(torch.tensor(torch.nan), torch.tensor(torch.nan)))
    with pytest.raises(VoiceError, match="whisper: nothing voiced was heard"):
        prior.higher(voice, 1.0)


# Fitting


@pytest.fixture(scope="module")
def people():
    """150 voices of 12 numbers: low ones and high ones, whose other values differ along two directions."""
    rng = np.random.default_rng(0)
    high = np.arange(150) % 2
    pitch = np.where(high, HIGH, LOW) + 0.05 * rng.standard_normal(150)
    along = rng.standard_normal((150, 2)) + 3.0 * high[:, None] * [1, -1]
    values = along @ rng.standard_normal((2, 12)) + 0.05 * rng.standard_normal((150, 12)) + 5.0
    return values, pitch


def test_a_fit_holds_the_mean_and_covariance_of_the_voices(people):
    values, pitch = people
    prior = fit.Fit(values, pitch, fit.Setting(2, 1, 1e-6)).prior(np.ones(12), np.array([1.0, 2.0]), 5)
    (mean,), (covariance,) = prior.means.numpy(), prior.covariances.numpy()
    assert mean[0] == pytest.approx(pitch.mean())
    assert prior.centre.numpy() + prior.basis.numpy() @ mean[1:] == pytest.approx(values.mean(0))
    joint = np.cov(np.column_stack([pitch, values]).T, bias=True)
    forward = np.zeros((13, 3))
    forward[0, 0], forward[1:, 1:] = 1, prior.basis.numpy()
    assert forward @ covariance @ forward.T == pytest.approx(joint, abs=0.05)


def test_pitch_is_not_shrunk_and_the_rest_is(people):
    values, pitch = people
    prior = fit.Fit(values, pitch, fit.Setting(2, 1, 0.5)).prior(np.ones(12), np.array([1.0, 2.0]), 5)
    covariance = prior.covariances[0]
    assert covariance[0, 0].item() == pytest.approx(pitch.var())
    assert covariance.diagonal()[1:].tolist() == pytest.approx([1.5, 1.5], rel=0.02)


def test_units_scale_the_values_only(people):
    values, pitch = people
    units = np.linspace(1, 3, 12)
    setting, limits = fit.Setting(2, 1, 1e-6), np.array([1.0, 2.0])
    prior = fit.Fit(values / units, pitch, setting).prior(units, limits, 5)
    basis = prior.basis.numpy()
    assert prior.centre.numpy() + basis @ prior.means[0, 1:].numpy() == pytest.approx(values.mean(0))
    spread = basis @ prior.covariances[0, 1:, 1:].numpy() @ basis.T
    assert spread == pytest.approx(np.cov(values.T, bias=True), abs=0.05)


def test_the_likelihood_is_that_of_the_gaussian_it_describes(people):
    """One component with shrinkage 0 is principal components' own Gaussian, joined with pitch."""
    values, pitch = people
    fitted = fit.Fit(values, pitch, fit.Setting(2, 1, 1e-9))
    prior = fitted.prior(np.ones(12), np.array([1.0, 2.0]), 5)
    forward = np.zeros((13, 3))
    forward[0, 0], forward[1:, 1:] = 1, prior.basis.numpy()
    covariance = forward @ prior.covariances[0].numpy() @ forward.T
    across = np.eye(12) - np.linalg.pinv(prior.basis.numpy().T) @ prior.basis.numpy().T
    covariance[1:, 1:] += fitted.directions.noise_variance_ * across
    offsets = np.column_stack([pitch, values]) - np.concatenate([[pitch.mean()], values.mean(0)])
    squares = np.einsum("vi,ij,vj->v", offsets, np.linalg.inv(covariance), offsets)
    expected = -(squares + np.linalg.slogdet(2 * np.pi * covariance)[1]) / 2
    assert fitted.log_likelihood(values, pitch) == pytest.approx(expected, rel=1e-4)


def test_those_left_out_choose_two_kinds_of_voices(people, monkeypatch):
    monkeypatch.setattr(fit, "DIRECTIONS", (1, 2))
    monkeypatch.setattr(fit, "COMPONENTS", (1, 2))
    monkeypatch.setattr(fit, "SHRINKAGE", (0.001,))
    assert fit.choose(*people) == fit.Setting(2, 2, 0.001)


def test_units_make_the_parts_weigh_as_told():
    values = np.random.default_rng(0).standard_normal((50, 9)) * np.array([1, 1, 5, 5, 5, 2, 2, 2, 7])
    parts = np.split(values / fit.units_of(values, 2), [2, 5, 8], axis=1)
    assert [part.var(0).sum() ** 0.5 for part in parts] == pytest.approx(list(fit.WEIGHTS.values()))


# Files


@pytest.fixture(scope="module")
def packaged():
    converter = load(device="cpu")
    return Converter(converter.model, GriffinLim(converter.mel, iterations=2), converter.step, converter.fingerprint)


def fitting(prior, converter):
    """The mixture over as many values as the voices of a converter have."""
    values = len(load_prior(converter).centre)
    return replace(prior, speaker_dims=converter.model.config.model.speaker_dims, centre=doubles([0.0] * values),
                   basis=doubles([[0.0]] * values))


def test_a_prior_comes_back_from_its_file(prior, packaged, tmp_path):
    fitted = fitting(prior, packaged)
    save_prior(tmp_path / "p.safetensors", fitted, packaged, 9)
    again = load_prior(packaged, tmp_path / "p.safetensors")
    for field in FIELDS:
        torch.testing.assert_close(getattr(again, field), getattr(fitted, field), atol=2e-4, rtol=1e-3)
    assert load_checkpoint(tmp_path / "p.safetensors", kinds=("prior",)).extra["speakers"] == 9


def test_the_packaged_prior_belongs_to_the_packaged_model_and_is_small(packaged):
    prior = load_prior(packaged)  # refused after a new model: run recipes/voices/fit.py
    assert DEFAULT_PRIOR.stat().st_size < 300e3
    voice = prior.invent(0)
    assert voice.speaker.shape == (packaged.model.config.model.speaker_dims,)
    assert voice.spectrum.mean.shape == (packaged.mel.bands,)


def test_packaged_voices_lie_where_voices_do(packaged, clips):
    prior = load_prior(packaged)
    pitch_hz = np.array([prior.invent(seed).pitch.mean.exp().item() for seed in range(200)])
    assert 60 < pitch_hz.min() and pitch_hz.max() < 450
    low_hz, high_hz = prior.pitch_limits.exp().tolist()
    assert low_hz * 0.999 < pitch_hz.min() and pitch_hz.max() < high_hz * 1.001
    assert (pitch_hz < 150).mean() > 0.1 and (pitch_hz > 180).mean() > 0.1
    speakers = torch.stack([prior.invent(seed).speaker for seed in range(30)])
    assert (speakers @ speakers.T - torch.eye(30)).max() < 0.9


def test_low_and_high_invented_voices_speak_so(packaged, source):
    prior = load_prior(packaged)
    low, high = sorted((prior.invent(seed) for seed in range(10)), key=lambda voice: voice.pitch.mean)[::9]
    heard = [pitch_range(torch.from_numpy(track_pitch(packaged.convert(source, voice), packaged.sample_rate,
                                                      packaged.mel.hop_samples))).mean for voice in (low, high)]
    assert high.pitch.mean - low.pitch.mean > 6 * SEMITONE
    assert heard[1] - heard[0] > 3 * SEMITONE
    assert heard[1] == pytest.approx(high.pitch.mean.item(), abs=2 * SEMITONE)


def test_near_its_ends_the_way_between_two_voices_sounds_like_them(packaged, source, target):
    prior, survey = load_prior(packaged), packaged.survey(source)
    (frames, _), = packaged.windows(source, survey)
    content, own = packaged.listen(frames), pitch_range(survey.f0)
    invented, real = prior.invent(3), packaged.voice_of(target)

    def distance(one, other):
        one, other = (packaged.say(content, voice, own)[0] for voice in (one, other))
        return ((one - other).abs() / packaged.model.band_std).mean().item()

    assert distance(invented, real) > 0.4
    for end, share in (invented, 0.0), (real, 1.0):
        assert distance(blend(invented, real, share), end) == 0
        assert distance(blend(invented, real, abs(share - 0.01)), end) < 0.02
    assert distance(prior.higher(real, 0.01), real) < 0.01
    steps = [distance(blend(invented, real, i / 8), blend(invented, real, (i + 1) / 8)) for i in range(8)]
    assert max(steps) < 0.2


def test_another_models_prior_and_other_files_are_refused(packaged, tiny_model, tmp_path):
    tiny = load(tiny_model, "cpu")
    with pytest.raises(VoiceError, match="was fitted on the voices of another model; fit one for this"):
        load_prior(tiny)
    with pytest.raises(CheckpointError, match="holds a model, expected a prior"):
        load_prior(tiny, tiny_model)
    with pytest.raises(CheckpointError, match="no such file"):
        load_prior(tiny, tmp_path / "none.safetensors")


@pytest.mark.parametrize(("extra", "change", "message"), [
    ({}, {}, "its model is missing or not that of a prior"),
    ({"model": 5}, {}, "its model is missing or not that of a prior"),
    (None, {"means": torch.zeros(2)}, "its means is missing or not that of a prior"),
    (None, {"centre": torch.zeros(3)}, "its centre is missing or not that of a prior"),
    (None, {"weights": torch.tensor([-1.0, 2.0])}, "are those of no distribution"),
    (None, {"covariances": torch.zeros(2, 2, 2)}, "are those of no distribution"),
    (None, {"basis": None}, "its basis is missing or not that of a prior")])
def test_a_prior_that_a_stranger_sealed_is_refused(prior, packaged, tmp_path, extra, change, message):
    path = tmp_path / "p.safetensors"
    save_prior(path, fitting(prior, packaged), packaged, 9)
    whole = load_checkpoint(path, kinds=("prior",))
    tensors = {name: tensor for name, tensor in (whole.tensors | change).items() if tensor is not None}
    save_checkpoint(path, replace(whole, extra=whole.extra if extra is None else extra, tensors=tensors))
    with pytest.raises(CheckpointError, match=message):
        load_prior(packaged, path)


def test_the_interval_of_cosines_between_voices_is_that_of_voices_drawn_anew():
    """Each cosine is of two voices: told by each voice's mean to the others, the interval is half as wide."""
    points = np.random.default_rng(0).standard_normal((6, 4))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    cosines, others = points @ points.T, ~np.eye(6, dtype=bool)
    sides = intervals.sides_of((), 6)
    drawn = [np.repeat(np.arange(6), times.astype(int)) for times in intervals.resampled_counts(sides)]
    resampled = [cosines[np.ix_(one, one)][one[:, None] != one].mean() for one in drawn if len(set(one)) > 1]
    expected = intervals.percentiles(cosines[others].mean(), resampled, sides)
    highest = max(cosines[i, others[i]].mean() for i in range(6))
    assert measure.cell(measure.against_the_rest(list(points))) == f"{cell(expected, 3)}, {highest:.3f}"


# The command line


@pytest.fixture
def library(packaged, tmp_path, monkeypatch):
    """An empty one. The packaged model is not read anew for each call."""
    monkeypatch.setattr(conversion, "load", lambda model, *options: load(model, *options) if model else packaged)
    monkeypatch.setenv("VC_VOICES", str(tmp_path / "voices"))
    return VoiceLibrary()


def invent(call, *arguments):
    return call("voice", "invent", *arguments, "--device", "cpu")


def test_an_invented_voice_is_enrolled_and_spoken_with(call, library, packaged, source, tmp_path):
    ended = invent(call, "nobody", "--seed", "5")
    voice = library.get("nobody", packaged)
    assert (ended.code, ended.err) == (0, "")
    pitch_hz = voice.pitch.mean.exp().item()
    assert ended.out == f"{library.folder}/nobody.safetensors: nobody, seed 5, speaks at {pitch_hz:.0f} Hz\n"
    torch.testing.assert_close(voice.speaker, load_prior(packaged).invent(5).speaker)
    assert call("convert", source, "--target", "nobody", "-o", tmp_path / "o.wav", "--device", "cpu").code == 0
    invent(call, "nobody", "--seed", "6").assert_refused("nobody: a voice of this name is enrolled already")
    assert invent(call, "nobody", "--seed", "6", "--force").code == 0
    assert not torch.equal(library.get("nobody", packaged).speaker, voice.speaker)


def test_the_seed_that_is_told_gives_the_voice_again(call, library, packaged):
    (seed,) = re.findall(r"seed (\d+)", invent(call, "one").out)
    (other,) = re.findall(r"seed (\d+)", invent(call, "other").out)
    invent(call, "again", "--seed", seed)
    assert torch.equal(library.get("one", packaged).speaker, library.get("again", packaged).speaker)
    assert seed != other


def test_pitch_like_and_between(call, library, packaged, target):
    prior, real = load_prior(packaged), packaged.voice_of(target)
    drawn = prior.invent(3)
    invent(call, "higher", "--seed", "3", "--pitch", "-2")
    torch.testing.assert_close(library.get("higher", packaged).speaker, prior.higher(drawn, -2.0).speaker)
    ended = invent(call, "like", "--seed", "3", "--like", target, "--share", "0.8")
    assert f"seed 3, 0.8 of the way to {target}" in ended.out
    torch.testing.assert_close(library.get("like", packaged).speaker, blend(drawn, real, 0.8).speaker)
    invent(call, "between", "--between", "higher", target)
    torch.testing.assert_close(library.get("between", packaged).speaker,
                               blend(prior.higher(drawn, -2.0), real, 0.5).speaker, atol=1e-5, rtol=0)


@pytest.mark.parametrize("arguments, message", [
    ("--share 1.5 --like a", "argument --share: 1.5: expected a number from 0 to 1"),
    ("--share 0.5", "argument --share: needs --like or --between"),
    ("--like a --between b c", "argument --like: not allowed with argument --between"),
    ("--seed 1 --between b c", "argument --between: not allowed with argument --seed"),
    ("--pitch high", "argument --pitch: high: expected a number from -48 to 48"),
    ("--pitch nan", "argument --pitch: nan: expected"),
    ("--seed -1", "argument --seed: -1: expected a whole number from 0 to 4294967295"),
])
def test_a_wrong_call_exits_with_2(call, library, arguments, message):
    ended = invent(call, "x", *arguments.split())
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert library.names() == []


def test_what_cannot_be_invented_is_refused(call, library, tiny_model):
    invent(call, "x", "--model", tiny_model).assert_refused("was fitted on the voices of another model", "--prior")
    invent(call, "x", "--seed", "3", "--pitch", "30").assert_refused("+30 semitones: this voice would speak at")
    invent(call, "x", "--like", "nobody").assert_refused("nobody: neither a file nor an enrolled voice")
    invent(call, "x.wav").assert_refused("not a name for a voice")
    assert library.names() == []


def test_between_two_voices_of_a_model_without_a_prior(call, library, tiny_model, source, target):
    ended = invent(call, "mixed", "--between", source, target, "--share", "0.25", "--model", tiny_model)
    assert (ended.code, ended.err) == (0, "")
    assert library.names() == ["mixed"]


def test_a_recording_without_pitch_leaves_an_invented_voice_the_pitch_it_has(call, library, packaged, target, tmp_path):
    noise, hiss = np.random.default_rng(0).normal(0, 0.05, 48000).astype(np.float32), tmp_path / "hiss.wav"
    save_audio(hiss, noise, 16000)
    assert packaged.voice_of(hiss).pitch.mean.isnan()
    drawn_hz = load_prior(packaged).invent(3).pitch.mean.exp().item()
    assert invent(call, "like", "--seed", "3", "--like", hiss).out.endswith(f", speaks at {drawn_hz:.0f} Hz\n")
    assert re.search(r", speaks at \d+ Hz\n$", invent(call, "some", "--between", hiss, target, "--share", "0.05").out)
    assert invent(call, "none", "--between", hiss, hiss).out.endswith(", without a pitch\n")
