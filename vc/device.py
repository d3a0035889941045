"""Choosing where to compute, by name."""

from vc.errors import ConfigError

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(name="auto"):
    """torch.device for one of DEVICES; "auto" takes a GPU where there is one. Raises ConfigError."""
    import torch

    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(device for device in ("cuda", "mps", "cpu") if available[device])
    if name not in available:
        raise ConfigError(f"unknown device {name!r}; choose one of {', '.join(DEVICES)}")
    if not available[name]:
        raise ConfigError(f"device {name} was asked for but torch finds none here; use --device auto or cpu")
    return torch.device(name)


def has_fast_bfloat16(device):
    """Whether matrix products in bfloat16 are faster than in float32 on this torch.device."""
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    # torch has no public question for the processor's matrix instructions; where the private ones go, float32 it is.
    checks = (getattr(torch.cpu, name, None) for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"))
    return device.type == "cpu" and any(check() for check in checks if check)
