"""The file format of encoded speech.

    4 bytes    "vcs1": the format and its version
    32 bytes   SHA-256 of all that follows
    4 bytes    length of the first of two zlib streams, little-endian
    stream 1   a header, one line of JSON; the voice, two bytes a number; the codes of each window, in bits
    stream 2   the contours of all windows, one byte a frame: differences from frame to frame, which zlib finds small
"""

import hashlib
import json
import math
import zlib
from dataclasses import dataclass

import numpy as np

from vc.errors import CodecError

MAGIC = b"vcs1"
DIGEST_BYTES, LENGTH_BYTES = 32, 4
CONTOURS = ("f0", "level")
MOST_BYTES = 2**26  # of a stream, unpacked: more than a day of speech takes
MOST_VALUES = 2**32  # of a code


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
    try:
        return _parsed(body)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, zlib.error):
        raise CodecError(f"{origin}: not what `vc encode` writes, though its checksum fits; encode the recording "
                         f"again") from None


def _parsed(body):
    """The Encoded in the two streams. Raises about anything but a CodecError where they hold something else."""
    cut = LENGTH_BYTES + int.from_bytes(body[:LENGTH_BYTES], "little")
    first, second = _inflated(body[LENGTH_BYTES:cut]), _inflated(body[cut:])
    line, _, rest = first.partition(b"\n")
    header, reader = json.loads(line), _Reader(rest)
    model, samples, level_db, offset_db = (header[name] for name in ("model", "samples", "level_db", "offset_db"))
    cardinalities, sizes = tuple(header["cardinalities"]), [tuple(size) for size in header["windows"]]
    whole = [samples, *cardinalities, *header["voice"].values(), *(number for size in sizes for number in size)]
    if not (isinstance(model, str) and all(type(number) is int and number >= 0 for number in whole) and sizes
            and math.isfinite(level_db) and math.isfinite(offset_db)
            and cardinalities and all(2 <= cardinality <= MOST_VALUES for cardinality in cardinalities)):
        raise ValueError
    voice = {name: np.frombuffer(reader.take(2 * length), "<f2") for name, length in header["voice"].items()}
    codes = [_from_bits(reader, frames, cardinalities) for _, frames, _ in sizes]
    reader = _Reader(second)
    contours = {name: [np.cumsum(np.frombuffer(reader.take(length), np.uint8), dtype=np.uint8)
                       for _, _, length in sizes] for name in CONTOURS}
    windows = [Window(size[0], *parts) for size, *parts in zip(sizes, codes, *contours.values(), strict=True)]
    return Encoded(model, samples, level_db, offset_db, cardinalities, voice, windows)


def _inflated(stream):
    """What a zlib stream packs. Raises ValueError for more than MOST_BYTES, or a stream that breaks off."""
    inflater = zlib.decompressobj()
    content = inflater.decompress(stream, MOST_BYTES)
    if not inflater.eof:
        raise ValueError
    return content


def content_bits(encoded):
    """How many bits the codes of the content half take before zlib packs them; in the file they may be fewer. With
    those of the held edges of each window, which the decoder needs too."""
    return sum(window.codes.shape[1] for window in encoded.windows) * frame_bits(encoded)


def frame_bits(encoded):
    """How many bits the codes of one content frame take before zlib packs them."""
    return sum(map(width_bits, encoded.cardinalities))


class _Reader:
    """Takes bytes off the front. Raises ValueError where there are not so many."""

    def __init__(self, content):
        self._content, self._place = content, 0

    def take(self, count):
        self._place += count
        if self._place > len(self._content):
            raise ValueError
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
    """Inverse of _to_bits: int64 (K, T'). Raises ValueError for bits that stand for no value."""
    widths = [width_bits(cardinality) for cardinality in cardinalities]
    bits = np.unpackbits(np.frombuffer(reader.take(-(-sum(widths) * frames // 8)), np.uint8))
    codes, place = [], 0
    for width in widths:
        part = bits[place:place + width * frames].reshape(frames, width)
        codes.append(part @ (1 << np.arange(width)[::-1]))
        place += width * frames
    if frames and any(row.max() >= cardinality for row, cardinality in zip(codes, cardinalities, strict=True)):
        raise ValueError
    return np.stack(codes)
