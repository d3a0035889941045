"""Voices that nobody has: who is moved, that all of an item moves together, and that nobody is asked for its name."""

import pytest
import torch

from vc.config import MelConfig, StrangersConfig, load_config
from vc.data.batches import Batch
from vc.data.strangers import Strangers, in_new_voice
from vc.objective import Objective


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(items=4):
    torch.manual_seed(0)
    source, reference = torch.randn(items, 16000) * 0.1, torch.randn(items, 16000) * 0.1
    f0 = torch.full((items, 81), 150.0)
    return Batch(source, reference, torch.arange(items), f0, f0.clone())


@pytest.mark.parametrize("share, known", [(0.5, 2), (0.25, 3), (0.0, 4), (0.9, 1)])
def test_the_last_items_are_strangers(share, known):
    strangers = Strangers(MelConfig(), StrangersConfig(share=share))
    log_mel = torch.randn(4, 128, 20).clamp(min=-9)
    move = strangers.draw(4, seeded())
    assert strangers.known(4) == known
    torch.testing.assert_close(move(log_mel)[:known], log_mel[:known])
    assert (move.pitch[:known] == 1).all() and (move.pitch[known:] != 1).all()
    assert all((moved - still).abs().mean() > 0.01 for moved, still in zip(move(log_mel)[known:], log_mel[known:]))


def test_f0_moves_with_the_voice():
    spoken = batch()
    move = Strangers(MelConfig(), StrangersConfig(share=0.5)).draw(4, seeded())
    moved = in_new_voice(spoken, move)
    for before, after in ((spoken.source_f0, moved.source_f0), (spoken.reference_f0, moved.reference_f0)):
        torch.testing.assert_close(after, before * move.pitch[:, None])
    assert move.pitch.log2().abs().max() <= 4 / 12


def test_source_target_and_reference_get_one_voice(repository):
    """With the same recording as source and reference, all three are moved alike."""
    still = [f"perturb.{name}={value}" for name, value in dict(
        pitch_semitones=0, formant_ratio=1, warp_ratio=1, equaliser_db=0, level_db=0).items()]
    config = load_config(repository / "configs" / "tiny.yaml", ["strangers.share=0.5", *still])
    objective, spoken = Objective(config, speakers=4), batch()
    spoken = Batch(spoken.source, spoken.source, spoken.speaker_ids, spoken.source_f0, spoken.reference_f0)
    _, clean, heard, _, reference, known = objective._prepare(spoken, seeded())
    assert known.tolist() == [True, True, False, False]
    torch.testing.assert_close(heard, clean, atol=2e-3, rtol=0)
    torch.testing.assert_close(reference, clean)
    unmoved = objective.log_mel(spoken.source)
    torch.testing.assert_close(clean[:2], unmoved[:2])
    assert (clean[2:] - unmoved[2:]).abs().mean() > 0.01


def test_strangers_have_no_name(repository):
    """Whatever a stranger's label says, the losses are the same."""
    config = load_config(repository / "configs" / "tiny.yaml", ["strangers.share=0.5", "train.consistency_from=0"])
    objective, spoken = Objective(config, speakers=4).eval(), batch()
    other = Batch(spoken.source, spoken.reference, torch.tensor([0, 1, 0, 0]), spoken.source_f0, spoken.reference_f0)
    one, two = (objective(heard, 10, seeded()).terms for heard in (spoken, other))
    for name in ("speaker_classification", "reconstruction"):
        torch.testing.assert_close(one[name], two[name])
    named = Batch(spoken.source, spoken.reference, torch.tensor([1, 0, 2, 3]), spoken.source_f0, spoken.reference_f0)
    assert objective(named, 10, seeded()).terms["speaker_classification"] != one["speaker_classification"]


def test_only_known_voices_are_judged(repository, monkeypatch):
    """The adversary hears what sources and references of known speakers say; what is judged real or not is theirs."""
    config = load_config(repository / "configs" / "tiny.yaml", [
        "strangers.share=0.5", "train.consistency_from=0", "adversary.references=true", "realism.weight=1",
        "realism.from_step=0"])
    objective, spoken, attacks, judged = Objective(config, speakers=4).eval(), batch(), [], []
    attack, judge = objective.adversary.attack, objective._judge
    monkeypatch.setattr(objective.adversary, "attack", lambda *heard: attacks.append(heard) or attack(*heard))
    monkeypatch.setattr(objective, "_judge", lambda *mels: judged.append(mels) or judge(*mels))
    objective(spoken, 10, seeded())
    ((_, references), speakers, _), (clean, rebuilt, _) = *attacks, *judged
    known = objective.log_mel(spoken.reference)[:2]
    torch.testing.assert_close(references, objective.model.encode(known).content, atol=1e-4, rtol=0)
    assert speakers.tolist() == [0, 1]
    torch.testing.assert_close(clean, objective.log_mel(spoken.source)[:2])
    assert len(rebuilt) == 2
