"""How far the harmonics of a known pitch turn from frame to frame.

A mel shows the pitch too coarsely to say where the tenth harmonic will be a frame later; whoever drew the mel at that
pitch knows it. Harmonics that turn by whole multiples of one angle stay together as the pulses of a voice do. Vocoders
that are told the pitch make their excitation from it (Wang, Takaki and Yamagishi 2019, arXiv 1904.12088); here it only
has a say in the turns, the less the higher the harmonic, since an error of the pitch grows with its number.
"""

import math

import torch
from torch.nn import functional as F

PITCH_ERROR_HZ = 1.0


def harmonic_turns(f0, bins, sample_rate_hz, hop_samples):
    """F0 in Hz (B, T), 0 where unvoiced -> certainty, from 0 to 1, and angle, both (B, bins, T): by how much the
    harmonic next to each bin turns from the frame before, without what the bin's centre frequency turns by itself.
    Nothing is certain where one of the two frames is unvoiced."""
    before = F.pad(f0, (1, 0))[:, :-1]
    voiced = (f0 > 0) & (before > 0)
    between = torch.where(voiced, (f0 + before) / 2, 1.0).unsqueeze(1)
    centre_hz = torch.linspace(0, sample_rate_hz / 2, bins, device=f0.device)[:, None]
    number = (centre_hz / between).round().clamp(min=1)
    angle_of_a_hertz = 2 * math.pi * hop_samples / sample_rate_hz
    certainty = voiced.unsqueeze(1) * torch.exp(-(number * PITCH_ERROR_HZ * angle_of_a_hertz).square() / 2)
    return certainty, (number * between - centre_hz) * angle_of_a_hertz
