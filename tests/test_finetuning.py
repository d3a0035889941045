"""Fine-tuning: one speaker is enough, what was learnt before stays, runs resume, mistakes are told in one line."""

import shutil

import numpy as np
import pytest
import torch
from helpers import contents, save_untrained, save_untrained_vocoder
from safetensors.torch import load_file

from vc.audio import load_audio, save_audio
from vc.checkpoint import load_model
from vc.config import Config, load_config
from vc.conversion import DEFAULT_MODEL, model_path
from vc.data.preparation import prepare
from vc.distributed import Crew
from vc.errors import ConfigError
from vc.features import LogMel
from vc.finetuning import finetune
from vc.guard import Guard
from vc.training import Trainer

QUICK = ("train.steps=8", "train.batch=4", "train.warmup_steps=0", "train.learning_rate=0.003", "train.log_every=4",
         "data.segment_s=0.5", "data.reference_s=0.5")


@pytest.fixture(scope="module")
def data(clips, tmp_path_factory):
    """One speaker, prepared."""
    folder = tmp_path_factory.mktemp("data")
    prepare(clips / "kathleen", folder, layout="speaker", progress=False)
    return folder


@pytest.fixture
def tune(data, tiny_model, tmp_path):
    """Fine-tune the tiny model, quickly; returns the model that came out."""
    def run(name, *overrides):
        return load_model(finetune(tiny_model, data, tmp_path / name, (*QUICK, *overrides), progress=False))[0]
    return run


@torch.no_grad()
def conversions(model, clips):
    """What a model makes of speakers that are not tuned to: standardised log-mels (3, M, T)."""
    waves = [load_audio(clips / name, 16000)[:16000] for name in
             ("kerstin/burg.flac", "nathalie/katje.flac", "flemishguy/kwallen.flac")]
    log_mel = LogMel(model.config.mel)(torch.from_numpy(np.stack(waves)))
    halves = model.encode(log_mel)
    f0 = torch.full((3, log_mel.shape[2]), 140.0)
    return model.decode(halves.content, halves.speaker.roll(1, 0), f0)


def test_the_command_needs_no_more_than_a_folder_of_recordings(call, clips, tiny_model, source, tmp_path):
    run = tmp_path / "run"
    done = call("finetune", tiny_model, clips / "kathleen", "-o", run, "--device", "cpu", *QUICK)
    assert (done.code, done.out) == (0, f"{run / 'best.safetensors'}\n"), done
    assert {"config.json", "last.safetensors", "best.safetensors", "data/store.json"} <= set(contents(run))
    start, tuned = load_file(tiny_model), load_file(run / "best.safetensors")
    assert start.keys() == tuned.keys()
    changed = {name for name in start if not torch.equal(start[name], tuned[name])}
    assert changed and all(name.startswith("decoder.") for name in changed)
    assert call("convert", source, "--target", clips / "kathleen" / "again.flac", "--model", run / "best.safetensors",
                "-o", tmp_path / "out.wav").code == 0


def test_other_voices_stay_with_a_guard_and_go_without(tune, tiny_model, clips):
    before = conversions(load_model(tiny_model)[0], clips)
    moved = {weight: (conversions(tune(f"weight{weight}", f"guard.weight={weight}", "train.steps=12"), clips)
                      - before).abs().mean().item() for weight in (0, 3)}
    assert 0 < moved[3] < 0.5 * moved[0]


def test_a_guard_says_nothing_of_the_model_that_it_remembers(tiny_model):
    model = load_model(tiny_model)[0].requires_grad_(True)
    guard = Guard(Config(guard=dict(weight=2.0)).guard, model)
    content, speaker = torch.rand(4, 8, 10), torch.nn.functional.normalize(torch.randn(4, 16), dim=1)
    f0 = torch.full((4, 20), 150.0)

    def loss():
        return guard(model, content, speaker, f0, torch.Generator().manual_seed(0))

    assert loss() == 0
    with torch.no_grad():
        model.decoder.to_mel.bias += 1
    assert loss() > 0
    loss().backward()
    assert all(parameter.grad is None for part in (model.encoder, guard) for parameter in part.parameters())
    assert model.decoder.to_mel.bias.grad.abs().max() > 0
    guard.remember(model)
    assert loss() == 0


def test_strangers_speak_up_to_an_octave_higher_and_lower(tiny_model, monkeypatch):
    model = load_model(tiny_model)[0]
    guard, asked = Guard(Config(guard=dict(weight=1.0, share=0.5)).guard, model), []
    monkeypatch.setattr(type(model), "decode", lambda self, content, speaker, f0: asked.append(f0) or f0[:, None])
    f0 = torch.tensor([150.0, 0.0, 200.0]).repeat(400, 1)
    guard(model, torch.rand(400, 8, 3), torch.randn(400, 16), f0, torch.Generator().manual_seed(0))
    wanted, heard = asked
    assert torch.equal(wanted, heard) and heard.shape == (200, 3)  # of both models the same, of half of the batch
    octaves = torch.log2(heard[:, 0] / 150)
    torch.testing.assert_close(octaves, torch.log2(heard[:, 2] / 200))
    assert not heard[:, 1].any()
    assert -1 <= octaves.min() < -0.9 and 0.9 < octaves.max() <= 1 and octaves.mean().abs() < 0.15


def test_strangers_lie_at_all_distances(tiny_model):
    guard = Guard(Config(guard=dict(weight=1.0)).guard, load_model(tiny_model)[0])
    speaker = torch.nn.functional.normalize(torch.randn(1, 16), dim=1).expand(500, 16)
    strangers = guard._strangers(speaker, torch.Generator().manual_seed(0))
    assert torch.allclose(strangers.norm(dim=1), torch.ones(500), atol=1e-5)
    likeness = (strangers * speaker).sum(1)
    assert likeness.min() < 0.1 and likeness.max() > 0.99 and 0.4 < likeness.mean() < 0.8


def test_processes_hear_different_strangers_and_together_those_of_one(tiny_model):
    model, settings = load_model(tiny_model)[0], Config(guard=dict(weight=1.0)).guard
    speaker = torch.nn.functional.normalize(torch.randn(6, 16), dim=1)

    def strangers(crew):
        return Guard(settings, model, crew)._strangers(crew.share(speaker), torch.Generator().manual_seed(0))

    torch.testing.assert_close(torch.stack([strangers(Crew(rank, 2)) for rank in (0, 1)], dim=1).flatten(0, 1),
                               strangers(Crew()))


def test_a_run_resumes_without_the_model_it_began_with(tiny_model, data, tmp_path):
    start = shutil.copy(tiny_model, tmp_path / "start.safetensors")
    quick = (*QUICK, "train.precision=float32")
    finetune(start, data, tmp_path / "whole", quick, progress=False)
    settings = load_model(tmp_path / "whole" / "last.safetensors")[1].config
    halves = Trainer(settings, tmp_path / "halves", progress=False)
    for _ in range(3):
        halves.advance()
    halves.save()
    halves.close()
    (tmp_path / "start.safetensors").unlink()
    resumed = Trainer(settings, tmp_path / "halves", resume=True, progress=False)
    resumed.run()
    resumed.close()
    whole, halved = load_file(tmp_path / "whole/last.safetensors"), load_file(tmp_path / "halves/last.safetensors")
    assert [name for name in whole if not torch.equal(whole[name], halved[name])] == []
    assert any(name.startswith("objective.guard.start.") for name in whole)


def test_prepared_speech_is_used_where_it_lies(tune, tmp_path):
    tune("run", "train.steps=1")
    assert not (tmp_path / "run" / "data").exists()


def test_default_is_the_model_in_the_package():
    assert model_path("default") == model_path() == DEFAULT_MODEL


def test_the_packaged_model_can_be_tuned_where_its_noise_is_not(call, data, tmp_path, monkeypatch, caplog):
    """It was trained with noise that lay on another machine."""
    monkeypatch.chdir(tmp_path)
    quick = ("--device", "cpu", *QUICK, "train.steps=1", "train.batch=2")
    done = call("finetune", "default", data, "-o", "run", *quick)
    assert done.code == 0, done
    assert caplog.messages == ["data/noise: not here, so the model is tuned without corruptions.noise; give "
                               "corruptions.noise.path=FOLDER to have it"]
    done = call("finetune", "default", data, "-o", "other", *quick, "corruptions.noise.path=nowhere")
    done.assert_refused("nowhere: cannot be listed", folder=tmp_path / "other")


def test_noise_at_hand_is_heard_again(call, data, repository, tmp_path, caplog):
    noise = tmp_path / "noise"
    noise.mkdir()
    save_audio(noise / "hiss.wav", np.random.default_rng(0).uniform(-0.1, 0.1, 16000).astype(np.float32), 16000)
    start = save_untrained(tmp_path / "start.safetensors", repository, f"corruptions.noise.path={noise}")
    done = call("finetune", start, data, "-o", tmp_path / "run", "--device", "cpu", *QUICK)
    assert (done.code, caplog.messages) == (0, []), done
    assert str(noise) in (tmp_path / "run" / "config.json").read_text()


def test_mistakes_are_told_before_anything_is_written(call, tiny_model, clips, data, repository, tmp_path):
    vocoder = save_untrained_vocoder(tmp_path / "vocoder.safetensors", repository)
    (tmp_path / "empty").mkdir()
    for model, source, more, message in (
            (tmp_path / "none.safetensors", data, (), "none.safetensors: no such file"),
            (vocoder, data, (), "holds a vocoder, expected a model or training"),
            (tiny_model, tmp_path / "nowhere", (), "nowhere: no such folder or table"),
            (tiny_model, tmp_path / "empty", (), "holds no audio file"),
            (tiny_model, clips / "kathleen", ("train.stops=3",), "train.stops; did you mean train.steps?"),
            (tiny_model, clips / "kathleen", ("guard.weight=-1",), "guard.weight: got -1"),
            (tiny_model, data, ("model.width=16",), "trained with model.width=32, the config says 16"),
            (tiny_model, data, ("mel.sample_rate_hz=24000",), "prepared at 16000 Hz, the model hears 24000 Hz")):
        done = call("finetune", model, source, "-o", tmp_path / "run", "--device", "cpu", *QUICK, *more)
        done.assert_refused(message, folder=tmp_path / "run")


def test_a_run_is_not_overwritten(call, tiny_model, clips, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "last.safetensors").write_bytes(b"of an earlier run")
    done = call("finetune", tiny_model, clips / "kathleen", "-o", run, "--device", "cpu", *QUICK)
    done.assert_refused("holds a training run already; continue it with --resume")
    assert contents(run) == ["last.safetensors"]  # nothing was prepared either


def test_a_file_in_the_place_of_the_run_is_refused(call, tiny_model, clips, data, tmp_path):
    """Before anything is prepared or trained, also where it stands in the way of the run's folder."""
    (tmp_path / "file").write_text("precious")
    for source in clips / "kathleen", data:
        start = "finetune", tiny_model, source, "--device", "cpu", *QUICK, "-o"
        call(*start, tmp_path / "file").assert_refused("file: is a file, expected the folder of a run; choose another")
        call(*start, tmp_path / "file" / "run").assert_refused("cannot be written: Not a directory; choose another")
    assert (tmp_path / "file").read_text() == "precious"


def test_what_would_be_passed_over_is_refused(call, tiny_model, clips, repository, tmp_path):
    start = "finetune", tiny_model, clips, "-o", tmp_path / "run", "data.held_out_speakers=0", "train.steps=1"
    call(*start, "data.path=elsewhere").assert_refused(f"data.path: the speech to tune to is {clips}; leave data.path")
    assert call(*start, *QUICK).code == 0
    other = save_untrained(tmp_path / "other.safetensors", repository)
    call("finetune", other, *start[2:], "--resume").assert_refused(f"began with {tiny_model}, not with {other}; leave")


def test_a_guard_without_a_model_to_keep_is_refused(clips, repository, tmp_path):
    prepare(clips, tmp_path / "data", progress=False)
    config = load_config(repository / "configs" / "tiny.yaml", [f"data.path={tmp_path / 'data'}", "guard.weight=1"])
    with pytest.raises(ConfigError, match="name that model with train.start_from=FILE"):
        Trainer(config, tmp_path / "run", progress=False)
