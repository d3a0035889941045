"""Fixtures that several test files share. One torch thread: the suite shares two cores with whatever else runs."""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers import Call, quick_converter, save_untrained

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def the_same_random_numbers():
    """A test that draws some draws the same in every run."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def repository():
    """Root of the source tree."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def clips(repository):
    """Folder of short real recordings: four speakers, two utterances each."""
    return repository / "tests" / "data" / "clips"


@pytest.fixture(scope="session")
def corpus(clips, tmp_path_factory):
    """Folder of the clips, prepared for training."""
    from vc.data.preparation import prepare

    folder = tmp_path_factory.mktemp("corpus")
    prepare(clips, folder, layout="speaker", progress=False)
    return folder


@pytest.fixture(scope="session")
def tiny_model(repository, tmp_path_factory):
    """File of an untrained model of configs/tiny.yaml: enough for everything but the sound."""
    return save_untrained(tmp_path_factory.mktemp("model") / "tiny.safetensors", repository)


@pytest.fixture(scope="session")
def converter(tiny_model):
    """Of the untrained model; its vocoder takes two rounds."""
    return quick_converter(tiny_model)


@pytest.fixture
def source(clips):
    """A recording to convert: 1.84 s of a woman's English."""
    return clips / "kathleen" / "aurora.flac"


@pytest.fixture
def target(clips):
    """A recording of the voice to convert into: another woman's German."""
    return clips / "kerstin" / "burg.flac"


# The command line


@pytest.fixture
def call(capsys, monkeypatch):
    """Call the command line in this process, which spares the seconds that a new one needs to import torch.

    The vocoder takes two rounds instead of sixty: what it says plays no part here.
    """
    from vc import cli
    from vc.vocoders import VOCODERS, GriffinLim

    monkeypatch.setitem(VOCODERS, "griffin-lim", functools.partial(GriffinLim, iterations=2))

    def run(*arguments):
        capsys.readouterr()
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
        return Call(code, *capsys.readouterr())

    return run


@pytest.fixture
def convert(call, tiny_model):
    """`vc convert` with the untrained model."""
    return lambda *arguments: call("convert", *arguments, "--model", tiny_model, "--device", "cpu")


@pytest.fixture(scope="session")
def vc_process(repository):
    """Call the command line as a user does, in a process of its own. environment: what differs from ours."""
    def run(*arguments, cwd=None, environment=None):
        result = subprocess.run([sys.executable, "-m", "vc", *arguments], cwd=cwd, capture_output=True, timeout=300,
                                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(repository),
                                     **(environment or {})})
        return Call(result.returncode, result.stdout.decode(), result.stderr.decode())
    return run


@pytest.fixture
def disk(tmp_path):
    """Makes a small disk (a tmpfs) of so many kB, or one that can only be read; skips where mounting is not allowed."""
    mounted = []

    def mount(size_kb=4096, writable=True):
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        options = f"size={size_kb}k" + ("" if writable else ",ro")
        if not shutil.which("mount") or subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
                                                       capture_output=True).returncode:
            pytest.skip("mounting a tmpfs is not allowed here")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
