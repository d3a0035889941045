"""What a voice is remembered to sound like, sound by sound.

The speaker half is one point for all that a voice can do, and the decoder says every sound the way that voices near that
point mostly do. Where the target's own recordings are at hand, they tell what it got wrong: the decoder repeats them in
the target's own voice, and what is left over - the recorded mel less the repeated one - is kept beside the content
half it belongs to. Conversion looks up, for each frame of the source, where the target said something alike, and adds
what was left over there.

This is attention over the target's frames, with fixed instead of learned weights. Attention to the target: FragmentVC
(Lin et al. 2021, arXiv 2010.14150) and TriAAN-VC (Park et al. 2023, arXiv 2303.09057); nearest neighbours instead of a
trained layer: kNN-VC (Baas et al. 2023, arXiv 2305.18975), which puts the target's frames in the place of the source's,
and needs minutes of them. What is left over is small and smooth, so a few seconds do.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

NEAREST = 24  # frames that are remembered for one of the source
SOFTNESS = 1.5  # how fast a frame's share falls with its distance, in standard deviations of the code
BESIDE = 0.7  # what the frames before and after count, against the frame itself
VOICING = 10.0  # what a voiced and an unvoiced frame are apart, in standard deviations of the code
MOST_FRAMES = 1600  # of content; 40 s of speech at the default's rate


@dataclass(frozen=True)
class Memory:
    """N frames of a voice at the content's rate. keys: by which they are found (K, N), see `keys_of`. left_over: of
    their log-mels after the decoder's (M, N). Both in half precision, as an enrolled voice's file keeps them."""

    keys: torch.Tensor
    left_over: torch.Tensor

    def to(self, device):
        """The same on a device."""
        return Memory(self.keys.to(device), self.left_over.to(device))


def keys_of(content, voiced):
    """Content half (C, T') and share of voiced mel frames (T',), in [0, 1] -> what a frame is found by (3 C + 1, T').

    Content halves are compared in units of their deviation, which the instance normalisation before the bottleneck
    makes about the same for each of their dimensions and in every voice.
    """
    content = content / content.std().clamp(min=1e-3)
    before, after = F.pad(content, (1, 0))[:, :-1], F.pad(content, (0, 1))[:, 1:]
    return torch.cat([content, BESIDE * before, BESIDE * after, VOICING * voiced[None]])


def remember(content, log_mel, repeated, f0, speech, stride) -> Memory:
    """What the decoder gets wrong of a recording's speech. content: content half (C, T'). log_mel: recorded, and
    repeated by the decoder (M, T). f0: in Hz (T,). speech: which frames are (T,), bool."""
    speech = at_content_rate(speech[None], stride)[0] > 0.5
    keys = keys_of(content, at_content_rate(f0[None] > 0, stride)[0])
    return Memory(keys[:, speech].half(), at_content_rate(log_mel - repeated, stride)[:, speech].half())


def at_content_rate(frames, stride):
    """Means of `stride` mel frames each: (D, T) -> (D, ceil(T / stride)), of fewer at the end."""
    return F.avg_pool1d(frames[None].float(), stride, stride, ceil_mode=True, count_include_pad=False)[0]


def gather(memories) -> Memory:
    """Several as one, thinned out evenly to MOST_FRAMES and sorted, so that nobody can read off the order in which the
    frames were said."""
    keys, left_over = (torch.cat([getattr(memory, part) for memory in memories], dim=1)
                       for part in ("keys", "left_over"))
    kept = torch.linspace(0, keys.shape[1] - 1, min(keys.shape[1], MOST_FRAMES)).round().long()
    kept = kept[keys[0, kept].argsort()]
    return Memory(keys[:, kept], left_over[:, kept])


def recall(memory: Memory, content, f0, stride):
    """What to add to mel frames in this voice: content half (C, T') and F0 in Hz (T,) -> (M, T)."""
    keys = keys_of(content, at_content_rate(f0[None] > 0, stride)[0])
    return look_up(memory, keys).repeat_interleave(stride, dim=1)[:, :len(f0)]


def look_up(memory: Memory, keys):
    """What was left over where the voice said the like of keys (K, T'): (M, T'). Of an empty memory, zeros."""
    frames = memory.keys.shape[1]
    if frames == 0:
        return keys.new_zeros(len(memory.left_over), keys.shape[1])
    distance = torch.cdist(keys.T, memory.keys.float().T)
    nearest = distance.topk(min(NEAREST, frames), largest=False)
    shares = torch.softmax(-nearest.values / SOFTNESS, dim=1)
    return torch.einsum("tn,mtn->mt", shares, memory.left_over.float()[:, nearest.indices])
