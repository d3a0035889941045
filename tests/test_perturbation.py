"""Moving the voice: what moves where, and that nothing moves when nothing is asked for."""

import math

import pytest
import torch

from vc.config import MelConfig, PerturbConfig, load_config
from vc.data.batches import Batch
from vc.data.perturbation import Perturbation
from vc.features import LogMel, band_centres_hz
from vc.objective import Objective
from vc.source_filter import SourceFilter

MEL = MelConfig()
STILL = dict(pitch_semitones=0, formant_ratio=1, warp_ratio=1, equaliser_db=0, level_db=0)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def harmonic_tone(f0_hz):
    """A buzz of 30 harmonics whose spectrum falls off: log-mel (1, M, T)."""
    time = torch.arange(8000) / 16000
    wave = sum(torch.sin(2 * math.pi * f0_hz * k * time) / k for k in range(1, 31) if f0_hz * k < 7500)
    return LogMel(MEL)(0.1 * wave[None])


def spacing_of_harmonics_hz(log_mel):
    """From the peaks among the bands below 1 kHz, which are evenly spaced in Hz."""
    frame = log_mel[0, :43, 20]
    peaks = [i for i in range(1, 42) if frame[i] > frame[i - 1] and frame[i] >= frame[i + 1]]
    gaps = torch.tensor(peaks).diff().float()
    centres = band_centres_hz(MEL)
    return float(gaps.mean() * (centres[1] - centres[0]))


def test_nothing_asked_nothing_moved():
    log_mel = harmonic_tone(200)
    moved = Perturbation(MEL, PerturbConfig(**STILL))(log_mel, seeded())
    torch.testing.assert_close(moved, log_mel, atol=1e-3, rtol=0)


def test_pitch_moves_the_harmonics():
    settings = PerturbConfig(**STILL | {"pitch_semitones": 5})
    ratio = 2 ** (5 / 12 * (torch.rand(1, 11, generator=seeded(3))[0, 2].item() * 2 - 1))
    assert abs(math.log2(ratio)) > 0.15
    moved = Perturbation(MEL, settings)(harmonic_tone(250), seeded(3))
    assert spacing_of_harmonics_hz(harmonic_tone(250)) == pytest.approx(250, rel=0.06)
    assert spacing_of_harmonics_hz(moved) == pytest.approx(250 * ratio, rel=0.06)


def test_formants_move_without_the_harmonics():
    settings = PerturbConfig(**STILL | {"formant_ratio": 1.25})
    log_mel = harmonic_tone(250)
    moved = Perturbation(MEL, settings)(log_mel, seeded(3))
    assert (moved - log_mel).abs().mean() > 0.05
    assert spacing_of_harmonics_hz(moved) == pytest.approx(spacing_of_harmonics_hz(log_mel), rel=0.06)


def test_a_warp_moves_pitch_and_formants_alike():
    ratio = 1.2 ** (torch.rand(1, 10, generator=seeded(3))[:, 0] * 2 - 1)
    assert abs(math.log2(ratio)) > 0.02
    move = Perturbation(MEL, PerturbConfig(**STILL | {"warp_ratio": 1.2})).draw(1, seeded(3))
    torch.testing.assert_close(move.pitch, ratio)
    torch.testing.assert_close(move.matrix, SourceFilter(MEL).moved(ratio, ratio))


def test_ratios_by_hand(monkeypatch):
    """Warp, formants and pitch each have a draw of their own, over the whole of their range."""
    asked = []
    monkeypatch.setattr(SourceFilter, "moved", lambda self, *ratios: asked.append(ratios) or torch.zeros(1, 1, 1))
    settings = PerturbConfig(**STILL | {"warp_ratio": 1.1, "formant_ratio": 1.25, "pitch_semitones": 5})
    move = Perturbation(MEL, settings).draw(500, seeded())
    (formant, pitch), = asked
    warp, formants, semitones = (torch.rand(500, 11, generator=seeded()) * 2 - 1)[:, :3].unbind(1)
    torch.testing.assert_close(formant, 1.1 ** warp * 1.25 ** formants)
    torch.testing.assert_close(pitch, 1.1 ** warp * 2 ** (5 * semitones / 12))
    torch.testing.assert_close(move.pitch, pitch)


def test_level_by_hand():
    settings = PerturbConfig(**STILL | {"level_db": 6})
    draw = torch.rand(1, 11, generator=seeded(1))[0, 3].item() * 2 - 1
    log_mel = torch.zeros(1, 128, 3)
    expected = log_mel + 6 * draw * math.log(10) / 20
    torch.testing.assert_close(Perturbation(MEL, settings)(log_mel, seeded(1)), expected, atol=1e-4, rtol=0)


def test_the_equaliser_is_smooth_and_bounded():
    settings = PerturbConfig(**STILL | {"equaliser_db": 9})
    curve_db = Perturbation(MEL, settings)(torch.zeros(8, 128, 1), seeded())[:, :, 0] * 20 / math.log(10)
    assert curve_db.abs().max() <= 9.01
    assert curve_db.abs().max() > 1
    assert curve_db.diff(dim=1).abs().max() < 2


def test_a_strong_equaliser_is_no_flatter_than_a_weak_one():
    """Which share of the curve's energy is a mere level."""
    settings = PerturbConfig(**STILL | {"equaliser_db": 9})
    curve = Perturbation(MEL, settings).draw(4000, seeded()).gain[:, :, 0]
    strength = curve.abs().amax(1)
    flat = curve.mean(1).square() / curve.square().mean(1)
    strong, weak = (flat[chosen].mean().item() for chosen in (strength > strength.quantile(0.8),
                                                              strength < strength.quantile(0.2)))
    assert strong == pytest.approx(weak, abs=0.03)


def test_every_item_is_moved_differently_and_repeatably():
    log_mel = harmonic_tone(200).expand(3, -1, -1)
    perturb = Perturbation(MEL, PerturbConfig())
    moved = perturb(log_mel, seeded())
    assert (moved[0] - moved[1]).abs().mean() > 0.05
    assert torch.equal(moved, perturb(log_mel, seeded()))


def test_never_below_the_floor():
    moved = Perturbation(MEL, PerturbConfig())(torch.full((4, 128, 5), math.log(MEL.floor)), seeded())
    assert moved.min() >= math.log(MEL.floor)


def test_only_what_is_said_is_moved_and_not_who_says_it(repository):
    """The encoder hears references in their own voice."""
    objective = Objective(load_config(repository / "configs" / "tiny.yaml"), speakers=2)
    wave, f0 = 0.1 * torch.randn(2, 8000), torch.full((2, 41), 150.0)
    _, clean, heard, wanted, reference, _ = objective._prepare(Batch(wave, wave, torch.arange(2), f0, f0), seeded())
    assert (heard - clean).abs().mean() > 0.05
    assert torch.equal(reference, wanted) and torch.equal(wanted, clean)
