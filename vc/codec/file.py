"""The file format of encoded speech.

    4 bytes    "vcs1": the format and its version
    32 bytes   SHA-256 of all that follows
    4 bytes    length of the first of two zlib streams, little-endian
    stream 1   a header, one line of JSON; the voice, two bytes a number; the codes of each window, in bits
    stream 2   the contours of all windows, one byte a frame: differences from frame to frame, which zlib finds small
"""

import hashlib
import json
import zlib
from dataclasses import dataclass

import numpy as np

from vc.errors import CodecError

MAGIC = b"vcs1"
DIGEST_BYTES, LENGTH_BYTES = 32, 4
CONTOURS = ("f0", "level")


@dataclass(frozen=True)
class Window:
    """frames: mel frames T. codes: (K, T') of whole numbers. f0 and level: uint8, a value a content frame
    (ceil(T / stride),), see vc.codec.scales."""

    frames: int
    codes: np.ndarray
    f0: np.ndarray
    level: np.ndarray


@dataclass(frozen=True)
class Encoded:
    """A recording as a file holds it. model: its fingerprint. samples, level_db: length and speech level of the
    recording. offset_db: log-mel energy of a frame less its level. cardinalities: how many values each
    of the K codes of a frame can take. voice: {name: float16 (n,)}."""

    model: str
    samples: int
    level_db: float
    offset_db: float
    cardinalities: tuple
    voice: dict
    windows: list


def pack(encoded):
    """The bytes of an Encoded."""
    header = {"model": encoded.model, "samples": encoded.samples, "level_db": encoded.level_db,
              "offset_db": encoded.offset_db, "cardinalities": list(encoded.cardinalities),
              "voice": {name: len(values) for name, values in encoded.voice.items()},
              "windows": [[window.frames, window.codes.shape[1], len(window.f0)] for window in encoded.windows]}
    parts = [json.dumps(header, separators=(",", ":")).encode() + b"\n",
             *(values.astype("<f2").tobytes() for values in encoded.voice.values()),
             *(_to_bits(window.codes, encoded.cardinalities) for window in encoded.windows)]
    contours = [np.diff(getattr(window, name), prepend=np.uint8(0)).tobytes()
                for name in CONTOURS for window in encoded.windows]
    first, second = (zlib.compress(b"".join(stream), 9) for stream in (parts, contours))
    body = len(first).to_bytes(LENGTH_BYTES, "little") + first + second
    return MAGIC + hashlib.sha256(body).digest() + body


def unpack(content, origin) -> Encoded:
    """The Encoded in some bytes; `origin` names them in errors. Raises CodecError for what `pack` did not write."""
    if content[:len(MAGIC) - 1] != MAGIC[:-1]:
        raise CodecError(f"{origin}: not a file that `vc encode` wrote; give such a one")
    if content[:len(MAGIC)] != MAGIC:
        raise CodecError(f"{origin}: format version {content[3:4].decode('ascii', 'replace')}, this vc reads "
                         f"{MAGIC[3:].decode()}; encode the recording again, or use the vc that wrote it")
    digest, body = content[len(MAGIC):][:DIGEST_BYTES], content[len(MAGIC) + DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise CodecError(f"{origin}: damaged, its checksum does not fit; copy it again or encode the recording again")
    cut = LENGTH_BYTES + int.from_bytes(body[:LENGTH_BYTES], "little")
    first, second = zlib.decompress(body[LENGTH_BYTES:cut]), zlib.decompress(body[cut:])
    line, _, rest = first.partition(b"\n")
    header, reader = json.loads(line), _Reader(rest)
    voice = {name: np.frombuffer(reader.take(2 * length), "<f2") for name, length in header["voice"].items()}
    cardinalities, sizes = tuple(header["cardinalities"]), header["windows"]
    codes = [_from_bits(reader, frames, cardinalities) for _, frames, _ in sizes]
    reader = _Reader(second)
    contours = {name: [np.cumsum(np.frombuffer(reader.take(length), np.uint8), dtype=np.uint8)
                       for _, _, length in sizes] for name in CONTOURS}
    windows = [Window(size[0], *parts) for size, *parts in zip(sizes, codes, *contours.values(), strict=True)]
    return Encoded(header["model"], header["samples"], header["level_db"], header["offset_db"], cardinalities, voice,
                   windows)


def content_bits(encoded):
    """How many bits the codes of the content half take before zlib packs them; in the file they may be fewer. With
    those of the held edges of each window, which the decoder needs too."""
    return sum(window.codes.shape[1] for window in encoded.windows) * frame_bits(encoded)


def frame_bits(encoded):
    """How many bits the codes of one content frame take before zlib packs them."""
    return sum(map(width_bits, encoded.cardinalities))


class _Reader:
    """Takes bytes off the front."""

    def __init__(self, content):
        self._content, self._place = content, 0

    def take(self, count):
        self._place += count
        return self._content[self._place - count:self._place]


def width_bits(cardinality):
    """How many bits tell one of so many values."""
    return (cardinality - 1).bit_length()


def _to_bits(codes, cardinalities):
    """Codes (K, T') as bytes, one code after the other, each frame's in its width, most significant bit first."""
    bits = [(row[:, None] >> np.arange(width_bits(cardinality))[::-1]) & 1
            for row, cardinality in zip(codes, cardinalities, strict=True)]
    return np.packbits(np.concatenate([part.reshape(-1) for part in bits]).astype(np.uint8)).tobytes()


def _from_bits(reader, frames, cardinalities):
    """Inverse of _to_bits: int64 (K, T')."""
    widths = [width_bits(cardinality) for cardinality in cardinalities]
    bits = np.unpackbits(np.frombuffer(reader.take(-(-sum(widths) * frames // 8)), np.uint8)).astype(np.int64)
    codes, place = [], 0
    for width in widths:
        part = bits[place:place + width * frames].reshape(frames, width)
        codes.append(part @ (1 << np.arange(width)[::-1]))
        place += width * frames
    return np.stack(codes)
