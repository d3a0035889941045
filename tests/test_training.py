"""The loop: it learns, it repeats, it resumes bit for bit after kill -9, it stops at a loss that is not finite."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from helpers import log_lines
from safetensors.torch import load_file

from vc.bottlenecks import BOTTLENECKS
from vc.checkpoint import load_checkpoint
from vc.config import Config, load_config
from vc.data.batches import Batch
from vc.data.store import StoreWriter
from vc.errors import CheckpointError, DataError, TrainingError
from vc.evaluation import checkup
from vc.monitor import Monitor
from vc.objective import Objective
from vc.pitch import track_pitch
from vc.training import Trainer, learning_rate_at, train


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A prepared corpus of six buzzing speakers, each with a pitch and a timbre of his own."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    with StoreWriter(folder, 16000) as store:
        for speaker in range(6):
            for number in range(6):
                sound = buzz(rng, 90 + 40 * speaker, 0.3 + 0.1 * speaker)
                store.add(f"s{speaker}/{number}.wav", f"s{speaker}", sound, track_pitch(sound, 16000, 160)[:-1])
    return folder


def buzz(rng, f0_hz, tilt):
    """0.8 s of a gliding harmonic sound in syllables: int16 (N,)."""
    time_s = np.arange(12800) / 16000
    phase = 2 * np.pi * np.cumsum(f0_hz * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(1, 3) * time_s))) / 16000
    sound = sum(np.sin(k * phase) * k ** -(1 + tilt) for k in range(1, 20))
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * rng.uniform(3, 5) * time_s + rng.uniform(0, 6))
    return np.int16(2000 * sound * syllables)


@pytest.fixture
def config(data, repository):
    def tiny(*overrides):
        return load_config(repository / "configs" / "tiny.yaml", [f"data.path={data}", *overrides])
    return tiny


def readings(run):
    """Losses by step from a run's log, without the speeds."""
    lines = log_lines(run)
    return [{key: value for key, value in line.items() if not key.startswith("speed/")} for line in lines]


def assert_same_state(one, other):
    ours, theirs = load_file(one), load_file(other)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


@pytest.mark.parametrize("bottleneck", BOTTLENECKS)
def test_one_batch_is_overfitted(bottleneck):
    """The reconstruction error of one batch falls by 90 %; with the perturbation off, nothing else can be learnt."""
    torch.manual_seed(0)
    still = dict(pitch_semitones=0, formant_ratio=1, warp_ratio=1, equaliser_db=0, level_db=0)
    config = Config(model=dict(width=64, encoder_blocks=2, decoder_blocks=2, kernel=3, content_dims=32,
                               speaker_dims=16, bottleneck=bottleneck),
                    adversary=dict(form="none"), perturb=still, train=dict(consistency_from=10**6))
    rng = np.random.default_rng(1)
    voices = [torch.from_numpy(buzz(rng, f0, 0.5).astype(np.float32) / 32768) for f0 in (120, 210)]
    waves = torch.stack(voices)[:, :6400]
    f0 = torch.from_numpy(np.stack([track_pitch(wave, 16000, 200) for wave in waves.numpy()]))
    batch = Batch(waves, waves, torch.arange(2), f0, f0)
    objective = Objective(config, speakers=2)
    optimiser = torch.optim.Adam(objective.main_parameters(), lr=3e-3)
    log_mel = objective.log_mel(waves)
    objective.model.band_mean.copy_(log_mel.mean((0, 2))[:, None])
    objective.model.band_std.copy_(log_mel.std((0, 2))[:, None].clamp(min=0.1))
    first = None
    for step in range(300):
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * (1 - step / 300)
        outcome = objective(batch, step, torch.Generator().manual_seed(0))
        optimiser.zero_grad()
        outcome.total.backward()
        optimiser.step()
        first = first or outcome.terms["reconstruction"].item()
    assert outcome.terms["reconstruction"].item() < 0.1 * first


def test_same_seed_same_losses_and_another_seed_others(config, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(config("train.steps=6", "train.log_every=1", f"train.seed={seed}"), tmp_path / name, progress=False)
    assert readings(tmp_path / "a") == readings(tmp_path / "b") != readings(tmp_path / "c")


@pytest.mark.parametrize("changes", [
    ["adversary.form=reversal", "model.bottleneck=vae"], ["adversary.form=alternating", "model.bottleneck=one_hot"],
    ["adversary.form=none", "model.bottleneck=vq"], ["model.bottleneck=plain", "critic.weight=0.1"]], ids=" ".join)
def test_resuming_equals_the_uninterrupted_run(config, tmp_path, changes):
    settings = config("train.steps=12", "train.save_every=4", "train.log_every=1", *changes)
    train(settings, tmp_path / "whole", progress=False)
    halves = Trainer(settings, tmp_path / "halves", progress=False)
    for _ in range(6):  # two steps past the last save, which are lost
        halves.monitor.log(halves.step + 1, {"lost": 1.0}, waited_s=0)
        halves.advance()
        if halves.step == 4:
            halves.save()
    halves.close()
    train(settings, tmp_path / "halves", resume=True, progress=False)
    assert_same_state(tmp_path / "whole" / "last.safetensors", tmp_path / "halves" / "last.safetensors")
    assert readings(tmp_path / "halves")[4:] == readings(tmp_path / "whole")[4:]


def test_resuming_after_kill_9(config, data, repository, tmp_path):
    command = [sys.executable, "-m", "vc", "train", str(repository / "configs" / "tiny.yaml"), f"data.path={data}",
               "train.steps=24", "train.save_every=3", "train.log_every=1", "train.validate_every=100",
               "train.probe_every=1000", "train.precision=float32", "--device", "cpu"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(repository)}
    killed = subprocess.Popen([*command, "-o", str(tmp_path / "killed")], env=environment, stderr=subprocess.DEVNULL)
    log = tmp_path / "killed" / "log.jsonl"
    deadline = time.monotonic() + 60
    while not (log.exists() and log.read_text().count("\n") >= 7):
        assert killed.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    torch.set_num_threads(1)
    settings = load_config(repository / "configs" / "tiny.yaml", command[5:10] + ["train.precision=float32"])
    train(settings, tmp_path / "killed", resume=True, progress=False)
    train(settings, tmp_path / "whole", progress=False)
    assert_same_state(tmp_path / "whole" / "last.safetensors", tmp_path / "killed" / "last.safetensors")


def test_a_run_writes_what_a_person_looks_at(config, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    best = train(config("train.probe_every=20"), tmp_path / "run", progress=False)
    assert best == tmp_path / "run" / "best.safetensors" and best.exists()
    events = EventAccumulator(str(tmp_path / "run"), size_guidance={"images": 0, "audio": 0}).Reload()
    tags = events.Tags()
    for name in ("loss/reconstruction", "loss/adversarial", "loss/speaker_consistency", "adversary/accuracy",
                 "validation/held_out_utterances/restoration", "speed/steps_per_s", "speed/data_wait_share"):
        assert name in tags["scalars"], name
    assert all(0 <= reading.value <= 1 for reading in events.Scalars("speed/data_wait_share"))
    assert tags["images"] and tags["audio"]


def test_the_best_model_is_the_one_that_converts_best(config, tmp_path, monkeypatch):
    """With data.validation_pairs; the first look finds the better model, whatever the restoration error says."""
    found = iter([checkup.Finding(0.8, 40.0), checkup.Finding(0.85, 60.0), checkup.Finding(0.6, 90.0)])
    monkeypatch.setattr(checkup.Checkup, "__init__", lambda self, pairs: None)
    monkeypatch.setattr(checkup.Checkup, "measure", lambda self, model: next(found))
    pairs = "data.validation_pairs=pairs.tsv"
    best = train(config("train.probe_every=1000", pairs), tmp_path / "run", progress=False)
    assert load_checkpoint(best).step == 10
    looks = [line for line in readings(tmp_path / "run") if "evaluation/wer" in line]
    assert [(line["evaluation/cosine_to_target"], line["evaluation/wer"]) for line in looks] == [(0.8, 40), (0.85, 60)]
    # A score of one kind is no mark for the other: whatever comes next is the best of its kind so far.
    train(config("train.steps=22", "data.validation_pairs=other.tsv"), tmp_path / "run", resume=True, progress=False)
    assert load_checkpoint(best).step == 22


def test_a_missing_list_of_pairs_stops_before_the_first_step(config, tmp_path):
    with pytest.raises(DataError, match="nowhere.tsv: no such pair list"):
        train(config("data.validation_pairs=nowhere.tsv"), tmp_path / "run", progress=False)


def test_a_loss_that_is_not_finite_stops_the_run(config, tmp_path):
    settings = config("train.save_every=2", "train.steps=50")
    trainer = Trainer(settings, tmp_path / "run", progress=False)
    for _ in range(2):
        trainer.advance()
    trainer.save()
    saved = (tmp_path / "run" / "last.safetensors").read_bytes()
    with torch.no_grad():
        trainer.objective.model.decoder.to_mel.bias[0] = float("nan")
    with pytest.raises(TrainingError, match=r"step 2: reconstruction.* is not finite; .*last.safetensors held before"):
        trainer.run()
    trainer.close()
    assert (tmp_path / "run" / "last.safetensors").read_bytes() == saved


@pytest.mark.parametrize("what", ["save", "log", "validate"])
def test_on_a_gpu_too_nothing_is_saved_that_is_not_finite(config, tmp_path, monkeypatch, what):
    """There not every step is looked at."""
    look, steps = Trainer._refuse_non_finite, []

    def as_on_a_gpu(trainer, *reading):
        steps.append(trainer.step)
        with monkeypatch.context() as patch:
            patch.setattr(trainer, "device", torch.device("cuda"))
            look(trainer, *reading)

    monkeypatch.setattr(Trainer, "_refuse_non_finite", as_on_a_gpu)
    seldom = (f"train.{each}_every={4 if each == what else 9}" for each in ("save", "log", "validate"))
    trainer = Trainer(config(*seldom), tmp_path / "run", progress=False)
    trainer.objective.model.decoder.to_mel.bias.data[0] = float("nan")
    with pytest.raises(TrainingError, match="step 3: .*begin anew, nothing was saved yet"):
        trainer.run()
    trainer.close()
    assert steps == [0, 1, 2, 3] and not trainer.last_path.exists() and not trainer.best_path.exists()


def test_a_run_killed_before_it_was_judged_is_judged_when_resumed(config, tmp_path):
    settings = config("train.steps=2")
    trainer = Trainer(settings, tmp_path / "run", progress=False)
    trainer.advance()
    trainer.advance()
    trainer.save()
    trainer.close()
    assert load_checkpoint(train(settings, tmp_path / "run", resume=True, progress=False)).step == 2


def test_what_was_best_by_another_measure_is_not_kept(config, tmp_path):
    """Without held-out recordings every model has a score that none can have with them."""
    nothing = "data.held_out_speakers=0", "data.held_out_utterances=0"
    train(config("train.steps=2", *nothing), tmp_path / "run", progress=False)
    best = train(config("train.steps=4", nothing[0], "data.held_out_utterances=0.5"), tmp_path / "run", resume=True,
                 progress=False)
    assert load_checkpoint(best).step == 4


@pytest.mark.parametrize("shares, said", [
    ((0.001, 0.001), "no utterance and no speaker is held out (36 recordings, data.held_out_utterances 0.001, "),
    ((0, 0.24), "only one speaker's speech is held out (36 recordings, "),
    ((0, 0), None),  # asked for
    ((0.5, 0), None)])
def test_a_run_that_nothing_validates_says_so_at_its_start(config, tmp_path, caplog, shares, said):
    settings = config(f"data.held_out_utterances={shares[0]}", f"data.held_out_speakers={shares[1]}")
    Trainer(settings, tmp_path / "run", progress=False).close()
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == (said is not None)
    if said:
        assert warnings[0].startswith(said) and "nothing validates, best.safetensors is the last state" in warnings[0]


def test_two_do_not_train_in_one_folder(config, tmp_path):
    settings = config("train.steps=2")
    first = Trainer(settings, tmp_path / "run", progress=False)
    with pytest.raises(TrainingError, match="run: another process is training there; wait until it ends or choose"):
        train(settings, tmp_path / "run", progress=False)
    first.run()
    first.close()
    train(config("train.steps=3"), tmp_path / "run", resume=True, progress=False)


def test_a_log_with_a_line_that_nobody_can_read_goes_on(config, tmp_path):
    train(config("train.steps=2", "train.log_every=1"), tmp_path / "run", progress=False)
    with open(tmp_path / "run" / "log.jsonl", "ab") as log:
        log.write(b'\0\0\xff\n[]\n{"step": "x"}\n{"ste')
    train(config("train.steps=3", "train.log_every=1"), tmp_path / "run", resume=True, progress=False)
    assert [line["step"] for line in readings(tmp_path / "run") if "loss/total" in line] == [1, 2, 3]


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_full_disk_costs_no_log_and_no_thread_complains(disk):
    folder = disk(size_kb=64)
    monitor = Monitor(folder, step=0, steps=9, progress=False)
    monitor.log(1, {"loss/total": 1.0}, waited_s=0)
    before = (folder / "log.jsonl").read_bytes()
    with pytest.raises(OSError), open(folder / "others", "wb", buffering=0) as others:
        while True:
            others.write(bytes(4096))
    with pytest.raises(TrainingError, match="cannot be written: No space left on device; free space, then continue"):
        for step in range(2, 200):  # until the last page of the log is full
            monitor.log(step, {"loss/total": 1.0}, waited_s=0)
    with contextlib.suppress(TrainingError):
        monitor.close()
    with pytest.raises(TrainingError, match="cannot be written"):
        Monitor(folder, step=9, steps=9, progress=False)
    assert (folder / "log.jsonl").read_bytes().startswith(before)


def test_a_run_is_not_overwritten_nor_mixed_up(config, data, tmp_path):
    train(config("train.steps=2"), tmp_path / "run", progress=False)
    with pytest.raises(CheckpointError, match="holds a training run already; continue it with --resume"):
        train(config("train.steps=2"), tmp_path / "run", progress=False)
    with pytest.raises(CheckpointError, match="trained with model.width=32, the config says 16"):
        train(config("model.width=16"), tmp_path / "run", resume=True, progress=False)
    with pytest.raises(CheckpointError, match="trained with adversary.form=reversal, the config says none"):
        train(config("adversary.form=none"), tmp_path / "run", resume=True, progress=False)
    with pytest.raises(CheckpointError, match="resume with the same prepared data"):
        train(config("data.held_out_speakers=0.7"), tmp_path / "run", resume=True, progress=False)
    with pytest.raises(DataError, match="prepared at 16000 Hz, the model hears 24000 Hz"):
        train(config("mel.sample_rate_hz=24000"), tmp_path / "other", progress=False)


def test_learning_rate_by_hand():
    settings = Config(train=dict(steps=110, warmup_steps=10, learning_rate=1.0, final_learning_rate=0.2)).train
    rates = [learning_rate_at(step, settings) for step in (0, 9, 10, 60, 110, 500)]
    assert rates == pytest.approx([0.1, 1.0, 1.0, 0.6, 0.2, 0.2])


def test_a_step_clips_decays_and_averages_by_hand(config, tmp_path):
    trainer = Trainer(config("train.steps=4", "train.clip_norm=0.01", "train.weight_decay=0.3",
                             "train.average_decay=0.08", "train.learning_rate=0.5"), tmp_path / "run", progress=False)
    norms, average = [], None
    watched = trainer.objective.model.decoder.to_mel.weight
    trainer.optimiser.register_step_pre_hook(lambda *_: norms.append(torch.nn.utils.get_total_norm(
        [parameter.grad for parameter in trainer.objective.main_parameters() if parameter.grad is not None]).item()))
    for decay in (0.0, 0.08, 0.08):  # at first the mean is as short as the run
        trainer.advance()
        average = watched.detach().clone() if average is None else torch.lerp(average, watched.detach(), 1 - decay)
    trainer.close()
    assert norms == pytest.approx([0.01] * 3, rel=1e-4)
    assert {group["weight_decay"] for group in trainer.optimiser.param_groups} == {0.3}
    torch.testing.assert_close(trainer.average.decoder.to_mel.weight, average)


def test_the_last_layer_is_fitted_to_the_reference(repository):
    """Each item's reference holds its own source, so the fit puts right what the untrained decoder gets wrong."""
    torch.manual_seed(0)
    settings = ["loss.reconstruction=0", "loss.adapted_reconstruction=1", "train.consistency_from=0",
                "adversary.form=none"]
    objective = Objective(load_config(repository / "configs" / "tiny.yaml", settings), speakers=2)
    waves = 0.1 * torch.randn(2, 8000) * torch.sin(torch.arange(8000) * torch.tensor([[1], [2]]) / 800).relu()
    f0 = torch.full((2, 41), 120.0)
    outcome = objective(Batch(waves, waves.repeat(1, 3), torch.arange(2), f0, f0.repeat(1, 3)[:, :121]), 0,
                        torch.Generator().manual_seed(0))
    assert outcome.terms["adapted_reconstruction"] < 0.9 * outcome.terms["reconstruction"]
    outcome.terms["adapted_reconstruction"].backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in objective.model.decoder.parameters())
    # What the fit is fitted to learns too: the reference's content half passes through the last block as well.
    assert objective.model.encoder.to_content.weight.grad.abs().max() > 0


def test_the_bottleneck_is_told_the_step(repository):
    """By which it anneals."""
    objective = Objective(load_config(repository / "configs" / "tiny.yaml", ["model.bottleneck=vae"]), speakers=2)
    waves, f0 = 0.1 * torch.randn(2, 8000), torch.full((2, 41), 120.0)
    objective(Batch(waves, waves, torch.arange(2), f0, f0), 7, torch.Generator().manual_seed(0))
    assert objective.model.encoder.bottleneck.step == 7


def test_consistency_asks_nothing_of_the_halves_it_is_asked_of(repository):
    """Nor of the maps: what a conversion is made from stands still, and only the decoder learns of it."""
    settings = ["loss.adapted_reconstruction=1", "train.consistency_from=0", "adversary.form=none"]
    objective = Objective(load_config(repository / "configs" / "tiny.yaml", settings), speakers=2)
    waves, f0 = 0.1 * torch.randn(2, 8000), torch.full((2, 41), 120.0)
    terms = objective(Batch(waves, waves, torch.arange(2), f0, f0), 0, torch.Generator().manual_seed(0)).terms
    (terms["speaker_consistency"] + terms["content_consistency"]).backward()
    assert all(parameter.grad is None for parameter in objective.model.encoder.parameters())
    assert objective.model.decoder.to_mel.weight.grad.abs().max() > 0


def test_all_of_a_voice_that_is_converted_into_is_the_next_speakers(repository):
    """Its half, its range of F0 and its maps, for a share of the batch."""
    config, drawn = load_config(repository / "configs" / "tiny.yaml", ["train.consistency_share=0.5"]), []
    objective = Objective(config, speakers=4)

    class Listening:
        def draw(self, *asked):
            drawn.extend(asked)
            return self

        def adapted(self, maps, speech):
            return maps

    content, speaker, maps = torch.rand(4, 8, 10), torch.rand(4, 16), torch.arange(4)
    source_f0, reference_f0 = torch.full((4, 41), 100.0), 100.0 * torch.arange(1, 5)[:, None].expand(4, 41)
    batch = Batch(torch.randn(4, 8000), None, None, source_f0, reference_f0)
    corrected, wanted = objective._convert_some(Listening(), content, speaker, maps, batch)
    said, voices, f0 = drawn
    assert torch.equal(said, content[:2]) and corrected.tolist() == [3, 0]
    assert torch.equal(voices, wanted) and torch.equal(wanted, speaker[[3, 0]])
    torch.testing.assert_close(f0, reference_f0[[3, 0]])


def test_the_judging_encoder_stands_still():
    """Consistency on converted mels trains the decoder and leaves the encoder alone."""
    config = Config(model=dict(width=16, encoder_blocks=1, decoder_blocks=1, kernel=3, content_dims=4, speaker_dims=8))
    objective = Objective(config, speakers=4)
    content, speaker = torch.rand(4, 4, 10), torch.nn.functional.normalize(torch.randn(4, 8), dim=1)
    f0 = torch.full((4, 20), 150.0)
    batch = Batch(None, None, None, f0, f0)
    converted, wanted = objective._convert_some(objective.model, content, speaker, None, batch)
    terms = objective._consistency(converted, content, wanted)
    sum(terms.values()).backward()
    assert all(parameter.grad is None for parameter in objective.model.encoder.parameters())
    assert all(parameter.grad.abs().max() > 0 for parameter in objective.model.decoder.parameters())
    assert all(parameter.requires_grad for parameter in objective.model.parameters())
