"""Training the vocoder in the common loop: it learns a clip, resumes bit for bit, stops, runs as a command."""

import numpy as np
import pytest
import torch
from helpers import log_lines, save_untrained
from safetensors.torch import load_file

from vc.audio import load_audio
from vc.config import load_config
from vc.data.batches import Batch
from vc.data.store import StoreWriter
from vc.discriminators import PERIODS, RESOLUTIONS, Discriminators, PeriodDiscriminator, ResolutionDiscriminator
from vc.errors import CheckpointError, ConfigError, TrainingError
from vc.pitch import track_pitch
from vc.training import Trainer, train
from vc.vocoder_losses import WaveformLosses
from vc.vocoder_objective import VocoderObjective
from vc.vocoders.neural import load_vocoder


@pytest.fixture(scope="module")
def data(tmp_path_factory, clips):
    folder = tmp_path_factory.mktemp("data")
    with StoreWriter(folder, 16000) as store:
        for path in sorted(clips.rglob("*.flac")):
            audio = load_audio(path, 16000)
            for number, start in enumerate(range(0, len(audio) - 8000, 8000)):
                piece = audio[start:start + 8000]
                store.add(f"{path.parent.name}/{path.stem}{number}.wav", path.parent.name, np.int16(piece * 32767),
                          track_pitch(piece, 16000, 160)[:-1])
    return folder


@pytest.fixture
def config(data, repository):
    def tiny(*overrides):
        return load_config(repository / "configs" / "vocoder-tiny.yaml",
                           [f"data.path={data}", "train.precision=float32", *overrides])
    return tiny


def test_overfits_one_clip(config, data):
    """What the turns leave open falls to a third."""
    settings = config("vocoder.width=128", "vocoder.mel=0", "vocoder.spectrum=0", "vocoder.adversarial=0",
                      "vocoder.gain_db=0")
    torch.manual_seed(0)
    objective = VocoderObjective(settings, speakers=1)
    wave = torch.from_numpy(np.fromfile(data / "audio.i16", dtype="<i2")[4000:8000]).float()[None] / 32768
    log_mel = objective.log_mel(wave)
    objective.model.band_mean.copy_(log_mel.mean(2).T)
    objective.model.band_std.copy_(log_mel.std(2).T.clamp(min=0.1))
    optimiser = torch.optim.Adam(objective.main_parameters(), lr=3e-3)
    f0, first = torch.zeros(1, log_mel.shape[2]), None
    for step in range(150):
        outcome = objective(Batch(wave, None, None, f0, None), step, torch.Generator().manual_seed(0))
        optimiser.zero_grad()
        outcome.total.backward()
        optimiser.step()
        terms = {name: term.item() for name, term in outcome.terms.items()}
        first = first or terms
    assert terms["turns_in_time"] < 0.33 * first["turns_in_time"]
    assert terms["turns_in_frequency"] < 0.33 * first["turns_in_frequency"]
    assert terms["magnitude"] < 0.5 * first["magnitude"]


@pytest.mark.parametrize("adversarial", [0.0, 0.1])
def test_resuming_equals_the_uninterrupted_run(config, tmp_path, adversarial):
    settings = config("train.steps=8", "train.log_every=1", "train.save_every=4", f"vocoder.adversarial={adversarial}")
    train(settings, tmp_path / "whole", progress=False)
    halves = Trainer(settings, tmp_path / "halves", progress=False)
    for _ in range(6):
        halves.advance()
        if halves.step == 4:
            halves.save()
    halves.close()
    train(settings, tmp_path / "halves", resume=True, progress=False)
    ours, theirs = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "halves"))
    assert ours.keys() == theirs.keys()
    assert any(name.startswith("adversary_optimiser.") for name in ours) == (adversarial > 0)
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


def test_the_best_file_is_a_vocoder_in_half_precision(config, tmp_path):
    best = train(config("train.steps=2", "data.held_out_utterances=0.4"), tmp_path / "run", progress=False)
    generator, checkpoint = load_vocoder(best)
    assert checkpoint.kind == "vocoder" and not generator.training
    assert all(tensor.dtype == torch.float16 for tensor in checkpoint.tensors.values())
    lines = log_lines(tmp_path / "run")
    assert any("loss/turns_in_time" in line for line in lines)
    assert any("validation/held_out_utterances/spectrum" in line for line in lines)


def test_a_loss_that_is_not_finite_stops_the_run(config, tmp_path):
    trainer = Trainer(config(), tmp_path / "run", progress=False)
    with torch.no_grad():
        trainer.objective.model.network.head.bias[0] = float("nan")
    with pytest.raises(TrainingError, match="magnitude.* is not finite"):
        trainer.run()
    trainer.close()


def test_another_run_is_not_mixed_up(config, repository, data, tmp_path):
    train(config("train.steps=2"), tmp_path / "run", progress=False)
    with pytest.raises(CheckpointError, match="trained with vocoder.width=32, the config says 16"):
        train(config("vocoder.width=16"), tmp_path / "run", resume=True, progress=False)
    with pytest.raises(CheckpointError, match="trained with task=vocoder, the config says converter"):
        train(load_config(repository / "configs" / "tiny.yaml", [f"data.path={data}"]), tmp_path / "run", resume=True,
              progress=False)


def test_it_can_hear_what_a_converter_makes(config, repository, tmp_path):
    """The second stage: of half of a batch a converter's reconstruction goes in, the recording stays the aim."""
    converter = save_untrained(tmp_path / "converter.safetensors", repository)
    second_stage = (f"vocoder.converter={converter}", "data.reference_s=1")
    objective = VocoderObjective(config(*second_stage, "vocoder.gain_db=0"), speakers=1)
    source, reference = torch.randn(4, 4800) * 0.1, torch.randn(4, 16000) * 0.1
    reference[2] = 0  # silence has no voice to speak in
    f0 = [torch.full((4, wave.shape[1] // 200 + 1), 150.0) for wave in (source, reference)]
    batch = Batch(source, reference, torch.arange(4), *f0)
    heard, told, target, recorded = objective.prepare(batch, torch.Generator().manual_seed(0))
    mel = objective.log_mel(source)
    assert torch.equal(target, source) and recorded.tolist() == [True, True, False, False]
    assert torch.equal(heard[:3], mel[:3])
    assert told[0].eq(0).all() and told[1:].eq(150).all()
    assert heard.isfinite().all() and (heard[3] - mel[3]).abs().mean() > 0.1
    assert not any("converter" in name for name in objective.state_dict())
    with pytest.raises(ConfigError, match="data.reference_s: got 0.4, expected at least 0.5 for vocoder.converter"):
        VocoderObjective(config(*second_stage, "data.reference_s=0.4"), speakers=1)
    other = save_untrained(tmp_path / "other.safetensors", repository, "mel.bands=80")
    with pytest.raises(CheckpointError, match="got a mel with bands=80, expected bands=128"):
        VocoderObjective(config(*second_stage, f"vocoder.converter={other}"), speakers=1)


@pytest.mark.parametrize("samples", [1, 7, 200, 4801])
def test_discriminators_at_odd_lengths(samples):
    wave = torch.randn(2, samples)
    for period in PERIODS:
        critique = PeriodDiscriminator(period, 4)(wave)
        assert critique.scores.shape[0] == 2 and critique.scores.shape[3] == period
    for size, hop in RESOLUTIONS:
        assert ResolutionDiscriminator(size, hop, 4)(wave).scores.shape[3] == samples // hop + 1


def test_discriminators_learn_to_tell_apart(config):
    torch.manual_seed(0)
    discriminators = Discriminators(config("vocoder.discriminator_learning_rate=0.002").vocoder)
    time_s = torch.arange(3200) / 16000
    for _ in range(15):
        tone = 0.3 * torch.sin(2 * torch.pi * (200 + 100 * torch.rand(4, 1)) * time_s)
        made = (0.3 * torch.randn(4, 3200)).requires_grad_()
        verdict = discriminators.judge(made, tone)
    verdict.adversarial.backward()
    assert verdict.discriminator < 0.4 and made.grad.abs().max() > 0


def test_waveform_losses_are_zero_for_the_same_wave(config):
    losses, wave = WaveformLosses(config().mel), torch.randn(2, 4000)
    assert all(term == 0 for term in losses(wave, wave).values())
    assert all(term > 0.1 for term in losses(wave, torch.randn(2, 4000)).values())


def test_the_command_line_trains_a_vocoder(vc_process, repository, data, tmp_path):
    result = vc_process("train", str(repository / "configs" / "vocoder-tiny.yaml"), f"data.path={data}",
                        "train.steps=2", "-o", str(tmp_path / "run"), "--device", "cpu")
    assert result.code == 0, result.err
    assert result.out.strip().endswith("best.safetensors")


def test_one_speaker_is_enough(config, clips, tmp_path):
    with StoreWriter(tmp_path / "data", 16000) as store:
        for number in range(3):
            audio = load_audio(clips / "kerstin" / "burg.flac", 16000)[number * 8000:][:16000]
            store.add(f"{number}.wav", "kerstin", np.int16(audio * 32767), track_pitch(audio, 16000, 160)[:-1])
    train(config("train.steps=1", f"data.path={tmp_path / 'data'}"), tmp_path / "run", progress=False)
