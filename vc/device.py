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
