"""A sound as a picture: its log-mel as a PNG, its pitch as a line to lay over it."""

import math
import struct
import zlib

import numpy as np
import torch

from vc.config import MelConfig
from vc.evaluation.pitch import HIGHEST_HZ, LOWEST_HZ, world_pitch
from vc.features import LogMel, hz_to_mel

MEL = MelConfig()
RANGE_DB = 65.0
SHADES = 48  # more than the eye tells apart, few enough to compress well
# From silence to the loudest: night blue, blue, teal, sand, nearly white.
_RAMP = ((13, 17, 38), (32, 51, 107), (36, 112, 138), (133, 186, 150), (236, 222, 170), (255, 250, 236))
PITCH_HOP_S = 0.005


def mel_picture(audio):
    """float32 (N,) at MEL's rate -> PNG, a pixel a frame and band, low bands at the bottom."""
    log_mel = LogMel(MEL)(torch.from_numpy(audio)[None])[0].numpy()
    depth = (log_mel.max() - log_mel) * (20 / math.log(10)) / RANGE_DB
    return png(1 - depth[::-1], _RAMP)


def picture_duration_s(audio):
    """How much time the picture's width stands for."""
    return (len(audio) // MEL.hop_samples + 1) * MEL.hop_samples / MEL.sample_rate_hz


def band_height(frequency_hz):
    """Where a frequency lies in the picture, in percent from its top."""
    low, high = hz_to_mel(MEL.min_hz), hz_to_mel(MEL.max_hz)
    return 100 * (1 - (hz_to_mel(frequency_hz) - low) / (high - low))


def pitch_height(frequency_hz):
    """Where a pitch lies on its own, logarithmic axis, in percent from the top."""
    return 100 * (1 - math.log(frequency_hz / LOWEST_HZ) / math.log(HIGHEST_HZ / LOWEST_HZ))


def pitch_hz(audio):
    """Pitch every PITCH_HOP_S, 0 where there is none: float64 (frames,). None where pyworld is not installed."""
    try:
        return world_pitch(audio, MEL.sample_rate_hz, 1000 * PITCH_HOP_S)[0]
    except ImportError:
        return None


def pitch_path(pitch, duration_s):
    """The line through a pitch (frames,), as an SVG path over a field of 100 by 100; broken where nothing is voiced."""
    path, drawn = [], False
    for number, frequency_hz in enumerate(pitch):
        voiced = LOWEST_HZ <= frequency_hz <= HIGHEST_HZ
        if voiced:
            # A frame of the mel is centred on its time, so the picture begins half a hop before the sound.
            time_s = number * PITCH_HOP_S + MEL.hop_samples / MEL.sample_rate_hz / 2
            path.append(f"{'L' if drawn else 'M'}{100 * time_s / duration_s:.2f} {pitch_height(frequency_hz):.1f}")
        drawn = voiced
    return "".join(path)


def png(shares, ramp):
    """(height, width), 0 for the first colour of a ramp of (red, green, blue) and 1 for its last -> bytes of a PNG."""
    height, width = shares.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter, 0 for none
    rows[:, 1:] = np.rint(shares.clip(0, 1) * (SHADES - 1))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # 8 bits, by palette, not interlaced
    chunks = {b"IHDR": header, b"PLTE": _palette(ramp).tobytes(), b"IDAT": zlib.compress(rows.tobytes(), 9),
              b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(*chunk) for chunk in chunks.items())


def _palette(ramp):
    """SHADES colours along the ramp: uint8 (SHADES, 3)."""
    places, shades = np.linspace(0, 1, len(ramp)), np.linspace(0, 1, SHADES)
    return np.rint(np.stack([np.interp(shades, places, channel) for channel in zip(*ramp)], axis=1)).astype(np.uint8)


def _png_chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
