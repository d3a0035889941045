"""The family of auto-encoders side by side: recipes/autoencoders/table.py."""

import runpy
import sys

import pytest
from reports import make_result

from vc.evaluation.result import save_result


@pytest.fixture
def table(repository, monkeypatch):
    folder = repository / "recipes" / "autoencoders"
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "run", raising=False)
    yield runpy.run_path(str(folder / "table.py"))
    sys.modules.pop("run", None)


def row(name):
    return {"member": name, "idea": f"What {name} shows.", "steps": 600, "parameters": 1300000, "reconstruction": 0.36}


def test_members_are_compared_with_the_reference_pair_by_pair(table, tmp_path):
    """What a member says is better by a constant: so is the difference, and its interval has no width."""
    for name, shift in ("plain", 0.3), ("small", 0.0):
        save_result(tmp_path / name / "report", make_result(shift=shift, name=name))
    rows = [row("plain"), row("small")]
    found = table["differences"](rows, tmp_path)
    assert list(found) == ["plain"]
    assert table["compared"](found) == {"plain": ["+0.300 [+0.300, +0.300]", "+0.3 [+0.3, +0.3]", "-", "-"]}
    lines = table["markdown"](rows, found).splitlines()
    assert "| plain | +0.300 [+0.300, +0.300] | +0.3 [+0.3, +0.3] | - | - |" in lines
    assert any(line.startswith("| [small](samples/small.ogg) | 0.360 | - |") for line in lines)


@pytest.mark.parametrize("names", [["small"], ["plain", "vq"]])
def test_nothing_is_compared_without_the_reference_and_another(table, tmp_path, names):
    rows = [row(name) for name in names]
    assert table["differences"](rows, tmp_path) == {}
    assert "More than" not in table["markdown"](rows, {})
