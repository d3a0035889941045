"""`vc info`: what a model file holds."""

from pathlib import Path

from vc.commands.shared import add_command


def add(commands):
    """The parser of `vc info`."""
    parser = add_command(commands, "info", _info, help="what a model file holds")
    parser.add_argument("model", nargs="?", metavar="MODEL", help="default: the model in the package")


def _info(options):
    from vc.checkpoint import load_model
    from vc.conversion import DEFAULT_MODEL

    path = options.model or DEFAULT_MODEL
    model, checkpoint = load_model(path)
    sizes = {name: sum(parameter.numel() for parameter in part.parameters())
             for name, part in (("encoder", model.encoder), ("decoder", model.decoder))}
    config = checkpoint.config
    print(f"file         {path} ({Path(path).stat().st_size / 1e6:.1f} MB, {checkpoint.kind})")
    print(f"fingerprint  {checkpoint.fingerprint[:12]}")
    print(f"steps        {checkpoint.step}")
    print("parameters   " + ", ".join(f"{name} {size / 1e6:.2f} M" for name, size in sizes.items()))
    print(f"content half {config.model.content_dims} dims, {config.model.bottleneck}, "
          f"{config.mel.sample_rate_hz / config.mel.hop_samples / config.model.stride:g} frames a second")
    print(f"speaker half {config.model.speaker_dims} dims")
    print(f"mel          {', '.join(f'{name} {value:g}' for name, value in config.mel.model_dump().items())}")
    return 0
