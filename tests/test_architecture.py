"""Data flows one way: no module imports one of a higher layer."""

import ast
from pathlib import Path

import pytest

import vc

ROOT = Path(vc.__file__).parent
LAYERS = [
    {"errors", "assets"},
    {"config", "files", "workers", "registry", "distributed"},
    {"audio", "level", "device", "windows", "pitch", "pitch_range"},
    {"features", "harmonics", "layers", "spectrum", "bounds", "source_filter", "cepstrum", "adaptation", "detail"},
    {"bottlenecks", "cores", "rates", "encoder", "decoder", "adversaries", "realism", "discriminators",
     "code_losses", "latent_critic"},
    {"model", "losses", "stacked"},
    {"checkpoint", "data"},
    {"vocoders"},
    {"background", "lowest_harmonics", "pitch_postfilter", "noise_suppressor"},
    {"objective", "own_voice", "vocoder_losses", "vocoder_objective", "vocoder_validation", "probing", "validation",
     "monitor", "training", "voices", "voice_prior", "conversion", "survey", "codec", "jobs", "search", "familiarity",
     "calibration", "evaluation",
     "export", "guard", "finetuning"},
    {"demo"},
    {"commands"},
    {"cli", "__main__", "__init__"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
MODULES = sorted(ROOT.rglob("*.py"))


def part(path):
    """The name in LAYERS that a file belongs to: its own, or its sub-package's."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path):
    """Parts of the package that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("vc."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.ImportFrom) and node.module == "vc":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("vc."))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    own = part(path)
    assert own in RANK, f"{own} has no layer yet; give it one in this test"
    for imported in imports(path):
        assert RANK[imported] <= RANK[own], f"{own} (layer {RANK[own]}) imports {imported} (layer {RANK[imported]})"


def test_the_check_sees_imports():
    assert "features" in set(imports(ROOT / "conversion.py"))
    assert "losses" in set(imports(ROOT / "objective.py"))
