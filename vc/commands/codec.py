"""`vc encode` and `vc decode`: speech as a small file and back."""

from pathlib import Path

from vc.commands.shared import (add_command, add_device, add_model, add_vocoder, checked_output, load_converter,
                                nonempty, resolve_target)
from vc.errors import AudioError, CodecError


def add(commands):
    """The parsers of `vc encode` and `vc decode`."""
    encoding = add_command(commands, "encode", _encode, help="speech as a small file of codes")
    encoding.add_argument("source", type=nonempty, metavar="SOURCE", help="an audio file")
    encoding.add_argument("-o", "--output", type=nonempty, metavar="OUT",
                          help="default: SOURCE with the suffix .vcs, in this folder")
    decoding = add_command(commands, "decode", _decode, help="such a file as speech again")
    decoding.add_argument("source", type=nonempty, metavar="FILE", help="what `vc encode` wrote")
    decoding.add_argument("--target", nargs="+", type=nonempty, metavar="REF",
                          help="speak in the voice of these recordings, or of an enrolled voice (default: its own)")
    decoding.add_argument("-o", "--output", type=nonempty, metavar="OUT",
                          help="an audio file (default: FILE with the suffix .wav, in this folder)")
    for parser in (encoding, decoding):
        parser.add_argument("--force", action="store_true", help="replace a file that exists")
        add_model(parser)
        add_device(parser)
    add_vocoder(decoding)


def _encode(options):
    from vc.codec import SUFFIX, encode_file
    from vc.codec.file import content_bits, frame_bits
    from vc.conversion import load
    from vc.data.layouts import AUDIO_SUFFIXES

    output = checked_output(options.output or Path(options.source).stem + SUFFIX, options.force, CodecError,
                            [options.source, options.model])
    if output.suffix.lower() in AUDIO_SUFFIXES:
        raise CodecError(f"{output}: names an audio file, but codes are no audio; expected another suffix, for "
                         f"instance {SUFFIX}")
    converter = load(options.model, options.device)
    encoded = encode_file(converter, options.source, output, options.force)
    size, seconds = output.stat().st_size, encoded.samples / converter.sample_rate
    frames_s = converter.sample_rate / converter.mel.hop_samples / converter.model.encoder.stride
    print(f"{output}: {seconds:.2f} s of audio in {size} bytes, {8 * size / seconds:.0f} bits/s (codes before packing "
          f"{content_bits(encoded) / seconds:.0f} bits/s with held edges, "
          f"{frame_bits(encoded) * frames_s:.0f} without)")
    return 0


def _decode(options):
    from vc.codec import decode_file, read_encoded

    if not options.output:
        read_encoded(options.source)  # refuses a recording, whose own name the result would take
    output = checked_output(options.output or f"{Path(options.source).stem}.wav", options.force, AudioError,
                            [options.source, *(options.target or []), options.model, options.vocoder])
    converter = load_converter(options)
    target = resolve_target(options.target, converter) if options.target else None
    seconds = decode_file(converter, options.source, output, options.force, target)
    print(f"{output}: {seconds:.2f} s of audio")
    return 0
