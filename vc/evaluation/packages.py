"""The packages of the extra `evaluate`: asked for before any work is done, imported when first used."""

import importlib.util

from vc.errors import EvaluationError


def require_packages(purpose, *modules):
    """Raise EvaluationError that names the first of `modules` which is not installed; nothing is imported."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise EvaluationError(f"{purpose} needs {module}, which is not installed; pip install vc[evaluate]")
