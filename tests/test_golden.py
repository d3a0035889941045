"""Fixed weights and a fixed input give the stored output, so that a refactoring that changes the model is noticed."""

import runpy

import pytest
import torch
from safetensors.torch import load_file

from vc.model import AutoEncoder


@pytest.mark.parametrize("name", ["log_mel", "content", "speaker", "decoded"])
def test_the_model_gives_the_stored_output(repository, name):
    folder = repository / "tests" / "data" / "golden"
    stored = load_file(folder / "golden.safetensors")  # a missing file fails
    golden = runpy.run_path(str(folder / "make_golden.py"))
    model = AutoEncoder(golden["CONFIG"]).eval().requires_grad_(False)
    model.load_state_dict({key.removeprefix("weights."): tensor for key, tensor in stored.items()
                           if key.startswith("weights.")})
    torch.testing.assert_close(golden["outputs"](model, stored["wave"])[name], stored[name], atol=1e-4, rtol=1e-4)
