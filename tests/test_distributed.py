"""Several processes that torchrun starts train as one process does with the same batch."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers import contents, log_lines

from vc.config import Config, load_config
from vc.data.preparation import prepare
from vc.distributed import Crew
from vc.errors import ConfigError
from vc.objective import Objective
from vc.training import Trainer, _refuse_unequal_shares

SETTINGS = ("train.steps=6", "train.batch=8", "train.consistency_from=0", "train.consistency_share=0.5",
            "train.log_every=1", "train.precision=float32", "train.validate_every=100", "train.learning_rate=0.01",
            "adversary.weight=1", "adversary.ramp_steps=1", "adversary.learning_rate=0.05", "realism.weight=0.5",
            "realism.width=4", "realism.learning_rate=0.02", "loss.adapted_reconstruction=4",
            "data.held_out_speakers=0")

# Both processes are on this machine, so nothing may depend on what its name resolves to.
TOGETHER = ("-m", "torch.distributed.run", "--nnodes=1", "--nproc-per-node=2", "--rdzv-backend=c10d",
            "--rdzv-endpoint=127.0.0.1:0", "--local-addr=127.0.0.1", "-m", "vc")
NO_NETWORK = ("DistNetworkError", "RendezvousConnectionError", "connectFullMesh failed")


@pytest.fixture(scope="module")
def runs(repository, clips, tmp_path_factory):
    """Folders of two runs of the same config, by one process and by two."""
    folder = tmp_path_factory.mktemp("runs")
    prepare(clips, folder / "data", progress=False)
    settings = (*SETTINGS, f"data.path={folder / 'data'}", "--device", "cpu")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(repository)} | _loopback()
    for name, launcher in {"one": ("-m", "vc"), "two": TOGETHER}.items():
        command = [sys.executable, *launcher, "train", str(repository / "configs" / "tiny.yaml"), *settings,
                   "-o", str(folder / name)]
        done = subprocess.run(command, timeout=1800, capture_output=True, text=True, env=environment)
        if done.returncode and any(sign in done.stderr for sign in NO_NETWORK):
            pytest.skip("two processes cannot meet, not even over this machine's own loopback")
        assert done.returncode == 0, f"{name}: {done.stderr[-4000:]}"
    return folder


def _loopback():
    """Gloo's name for the network that never leaves this machine, where it is told at all."""
    names = {name for _, name in socket.if_nameindex()}
    return {"GLOO_SOCKET_IFNAME": name for name in ("lo", "lo0") if name in names}


def losses(run: Path):
    lines = log_lines(run)
    return [{name: value for name, value in line.items() if name.startswith(("loss/", "adversary/", "realism/"))}
            for line in lines if "loss/total" in line]


def test_two_processes_lose_what_one_does(runs):
    one, two = losses(runs / "one"), losses(runs / "two")
    assert len(one) == len(two) == 6
    assert {"loss/speaker_consistency", "loss/adapted_reconstruction", "loss/realism", "loss/adversarial",
            "realism/discrimination"} <= one[0].keys()
    for step, (alone, shared) in enumerate(zip(one, two, strict=True)):
        # Such large steps carry rounding far: from the fourth on it may come to a percent.
        assert shared == pytest.approx(alone, rel=1e-4 if step < 3 else 0.05), step
    assert one[0]["loss/total"] != pytest.approx(one[2]["loss/total"], rel=0.05)  # it has moved far from its start


@pytest.mark.parametrize("bottleneck, alike", [("sigmoid", True), ("vae", False)])
def test_each_process_draws_its_own_noise_for_the_same_batch(runs, repository, monkeypatch, tmp_path, bottleneck,
                                                             alike):
    class Alone(Crew):
        """One of two, who takes the whole batch."""

        def share(self, values):
            return values

    losses = []
    for rank in (0, 1):
        monkeypatch.setattr("vc.training.join_crew", lambda device, rank=rank: Alone(rank, 1))
        trainer = Trainer(load_config(repository / "configs" / "tiny.yaml", [
            f"data.path={runs / 'data'}", "data.held_out_speakers=0", f"model.bottleneck={bottleneck}"]),
            tmp_path / str(rank), progress=False)
        losses.append(trainer.advance().terms["reconstruction"].item())
        trainer.close()
    assert (losses[0] == losses[1]) == alike


def test_only_the_first_process_writes(runs):
    written = [name for name in contents(runs / "two") if not name.startswith("events.")]
    assert written == ["best.safetensors", "config.json", "last.safetensors", "log.jsonl"]
    assert len(contents(runs / "two")) == 5


def test_shares_are_disjoint_and_whole():
    whole = torch.arange(8)
    assert [Crew(rank, 2).share(whole).tolist() for rank in (0, 1)] == [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert torch.equal(Crew().share(whole), whole)


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(ConfigError, match="train.batch: got 9, of which .*consistency_share converts 2 and .* for 2"):
        _refuse_unequal_shares(Config(train=dict(batch=9)), 2)
    with pytest.raises(ConfigError, match="converts 1 and .* for 2 processes; choose multiples of 2"):
        _refuse_unequal_shares(Config(train=dict(batch=4)), 2)
    with pytest.raises(ConfigError, match="strangers.share leaves 5, for 4 processes"):
        _refuse_unequal_shares(Config(train=dict(batch=16), strangers=dict(share=0.7)), 4)
    _refuse_unequal_shares(Config(train=dict(batch=16), strangers=dict(share=0.5)), 4)
    vocoder = dict(task="vocoder", strangers=dict(share=0.7))
    _refuse_unequal_shares(Config(train=dict(batch=4), **vocoder), 4)
    with pytest.raises(ConfigError, match="train.batch: got 6, for 4 processes; choose multiples of 4"):
        _refuse_unequal_shares(Config(train=dict(batch=6), **vocoder), 4)


def test_a_code_book_that_learns_from_whole_batches_is_refused():
    config = Config(model=dict(width=16, encoder_blocks=1, decoder_blocks=1, bottleneck="vq"))
    with pytest.raises(ConfigError, match="model.bottleneck: got vq, which learns from whole batches, for 2 processes"):
        Objective(config, speakers=2, crew=Crew(0, 2))
    Objective(config, speakers=2)
