"""Fixtures that several test files share. One torch thread: the suite shares two cores with whatever else runs."""

from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def repository():
    """Root of the source tree."""
    return Path(__file__).parent.parent
