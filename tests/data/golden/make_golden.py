"""Writes golden.safetensors beside it: a model's weights, an input, and what the model makes of it.

Run it only when the model is meant to give other results, and say why in the commit:

    python tests/data/golden/make_golden.py
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

from vc.config import Config, ModelConfig
from vc.features import LogMel
from vc.model import AutoEncoder

CONFIG = Config(model=ModelConfig(width=12, encoder_blocks=2, decoder_blocks=2, kernel=3, content_dims=4,
                                  speaker_dims=6))


def outputs(model, wave):
    """What is compared: {name: tensor}."""
    log_mel = LogMel(CONFIG.mel)(wave[None])
    embedding = model.encode(log_mel)
    f0 = torch.linspace(80, 400, log_mel.shape[2])[None] * (torch.arange(log_mel.shape[2]) % 5 > 0)
    decoded = model.decode(embedding.content, embedding.speaker.flip(1), f0)
    return {"log_mel": log_mel, "content": embedding.content, "speaker": embedding.speaker, "decoded": decoded}


if __name__ == "__main__":
    torch.manual_seed(0)
    model = AutoEncoder(CONFIG).eval().requires_grad_(False)
    model.band_mean.fill_(-5.0)
    model.band_std.fill_(2.0)
    wave = torch.randn(4000).cumsum(0) * 0.01
    found = {name: tensor.contiguous() for name, tensor in outputs(model, wave).items()}
    weights = {f"weights.{name}": tensor for name, tensor in model.state_dict().items()}
    save_file({**found, **weights, "wave": wave}, Path(__file__).parent / "golden.safetensors")
