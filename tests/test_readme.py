"""The README is true: its code blocks run, the files it names exist, its figures are those of the evaluation."""

import re
import shlex

import pytest
from reports import make_result

import vc
from vc import cli
from vc.conversion import DEFAULT_MODEL
from vc.evaluation.result import save_result

SET_UP = ("sh recipes/quickstart.sh", "sh tests/run.sh", "pip install", "git clone", "cd ")


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def readme(repository):
    return (repository / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def workplace(repository, clips, tmp_path, monkeypatch):
    """A folder with the files that the README's commands speak of."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VC_VOICES", str(tmp_path / "voices"))
    (tmp_path / "configs").symlink_to(repository / "configs")
    (tmp_path / "recordings").symlink_to(clips)
    (tmp_path / "talks" / "monday").mkdir(parents=True)
    for name, clip in {"talk.wav": "kathleen/aurora", "anna1.wav": "nathalie/katje", "anna2.wav": "nathalie/student",
                       "talks/monday/first.wav": "flemishguy/kwallen"}.items():
        from vc.audio import load_audio, save_audio

        save_audio(tmp_path / name, load_audio(clips / f"{clip}.flac", 16000), 16000)
    for name in "small", "large":
        save_result(tmp_path / "reports" / name, make_result(name=name))
    return tmp_path


def test_its_commands_run_in_their_order(readme, workplace, capsys):
    commands = [line.split("  #")[0].strip() for block in blocks(readme, "sh") for line in block.splitlines()]
    commands = [command for command in commands if command and not command.startswith(SET_UP)]
    assert len(commands) >= 8
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "vc", command
        assert cli.main(arguments) == 0, (command, capsys.readouterr().err)
    for output in ("out.wav", "converted/monday/first.wav", "anna.flac", "runs/tiny/best.safetensors",
                   "compare.html"):
        assert (workplace / output).exists(), output


def test_its_python_runs(readme, workplace):
    (block,) = blocks(readme, "python")
    exec(compile(block, "README.md", "exec"), {})
    assert (workplace / "out.wav").exists()


def test_the_names_in_the_package_that_it_speaks_of_exist(readme):
    names = re.findall(r"\bvc\.(\w+)", readme)
    assert {"load", "audio_label"} <= set(names)
    assert [name for name in names if name not in vc.__all__] == []


def test_the_files_it_links_to_exist(readme, repository):
    links = [link for link in re.findall(r"\]\(([^)#]+)", readme) if "://" not in link]
    assert len(links) >= 5
    assert [link for link in links if not (repository / link).exists()] == []


def test_the_default_model_fits_the_package():
    assert DEFAULT_MODEL.stat().st_size < 40e6
    assert DEFAULT_MODEL.with_suffix(".md").exists()
