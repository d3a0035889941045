"""`vc info`: what a model file holds."""

from pathlib import Path

from vc.commands.shared import add_command, nonempty, packaged


def add(commands):
    """The parser of `vc info`."""
    parser = add_command(commands, "info", _info, help="what a model or vocoder file holds")
    parser.add_argument("model", nargs="?", type=nonempty, metavar="MODEL",
                        help="a file that `vc train` wrote, or default or neural: the model or vocoder in the package "
                             "(default: default)")


def _info(options):
    from vc.checkpoint import load_checkpoint

    path = packaged(options.model)
    checkpoint = load_checkpoint(path, kinds=("model", "vocoder", "training"))
    config = checkpoint.config
    sizes, lines = (_describe_vocoder if config.task == "vocoder" else _describe_converter)(path, config)
    print(f"file         {path} ({Path(path).stat().st_size / 1e6:.1f} MB, {checkpoint.kind})")
    print(f"fingerprint  {checkpoint.fingerprint[:12]}")
    print(f"steps        {checkpoint.step}")
    print("parameters   " + ", ".join(f"{name} {size / 1e6:.2f} M" for name, size in sizes.items()))
    for line in lines:
        print(line)
    print(f"mel          {', '.join(f'{name} {value:g}' for name, value in config.mel.model_dump().items())}")
    return 0


def _describe_converter(path, config):
    """Sizes of its parts, {name: parameters}, and lines to print."""
    from vc.checkpoint import load_model

    model, _ = load_model(path)
    return ({"encoder": _size(model.encoder), "decoder": _size(model.decoder)},
            [f"content half {config.model.content_dims} dims, {_describe_code(config, model.encoder.bottleneck)}",
             f"speaker half {config.model.speaker_dims} dims"])


def _describe_code(config, bottleneck):
    """The bottleneck with all its settings, how often it speaks and, where that is bounded, how much it says."""
    from vc.registry import default_settings

    settings = default_settings(type(bottleneck)) | config.model.bottleneck_settings
    told = "".join(f" {name}={value}" for name, value in settings.items())
    frames_per_s = config.mel.sample_rate_hz / config.mel.hop_samples / config.model.stride
    bits = f", {bottleneck.bits_per_frame * frames_per_s:g} bits a second" if bottleneck.cardinalities else ""
    return f"{config.model.bottleneck}{told}, {frames_per_s:g} frames a second{bits}"


def _describe_vocoder(path, config):
    from vc.vocoders.neural import load_vocoder

    generator, _ = load_vocoder(path)
    frame_ms = 1000 * config.mel.hop_samples / config.mel.sample_rate_hz
    made, recorded = (len(generator.shares(recorded)) for recorded in (False, True))
    ahead = generator.network.context_frames[1] + generator.agreement_frames(recorded=False)
    return ({"generator": _size(generator)},
            [f"generator    {config.vocoder.blocks} blocks of {config.vocoder.width} channels, {made} rounds of "
             f"Griffin-Lim ({recorded} for a recording's mel), looks {ahead * frame_ms:g} ms ahead"])


def _size(module):
    return sum(parameter.numel() for parameter in module.parameters())
