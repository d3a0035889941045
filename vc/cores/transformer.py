"""Self-attention, in which each frame chooses what it hears (Vaswani et al. 2017, arXiv 1706.03762).

Training sees segments of two seconds and conversion windows of 24 s, so nothing may depend on a frame's place in the
segment. Positions are rotations of queries and keys, of which only the difference of two frames remains (Su et al.
2021, arXiv 2104.09864), and a frame hears no further than REACH frames to each side: every distance that occurs in a
long window has occurred in training.
"""

from typing import final

import torch
from torch import nn
from torch.nn import functional as F

from vc.cores.base import Core

HEAD_DIMS = 32
REACH = 32
SLOWEST_FRAMES = 1000.0  # in which the slowest rotation turns by one radian


@final
class Transformer(Core):
    """Attention, added to its input, then two linear layers. The normalisations are the block's own."""

    def __init__(self, width, kernel):
        super().__init__()
        self.first = _LocalAttention(width)
        self.second = _FeedForward(width)


class _LocalAttention(nn.Module):
    """x (B, C, T) plus what each frame hears within REACH. Heads are as many as HEAD_DIMS fit into C, at least one."""

    def __init__(self, width):
        super().__init__()
        self.heads = max(1, width // HEAD_DIMS)
        self.query_key_value = nn.Conv1d(width, 3 * self.heads * HEAD_DIMS, 1, bias=False)
        self.joined = nn.Conv1d(self.heads * HEAD_DIMS, width, 1)

    def forward(self, x, mask=None):
        B, _, T = x.shape
        query, key, value = self.query_key_value(x).view(B, 3, self.heads, HEAD_DIMS, T).transpose(3, 4).unbind(1)
        place = torch.arange(T, device=x.device)
        heard = (place[:, None] - place[None]).abs() <= REACH
        if mask is not None:
            # A frame behind the mask hears itself, since attention to nothing at all is not a number.
            heard = heard & (mask > 0)[:, :, None] | torch.eye(T, dtype=torch.bool, device=x.device)
        answer = F.scaled_dot_product_attention(_rotate(query, place), _rotate(key, place), value, attn_mask=heard)
        return x + self.joined(answer.transpose(2, 3).reshape(B, self.heads * HEAD_DIMS, T))


class _FeedForward(nn.Sequential):
    def __init__(self, width):
        super().__init__(nn.Conv1d(width, 2 * width, 1), nn.GELU(), nn.Conv1d(2 * width, width, 1))

    def forward(self, x, mask=None):
        return super().forward(x)


def _rotate(x, place):
    """Turn the pairs of dimensions of x (..., T, D) by angles that grow with the place (T,), each pair at its own
    pace."""
    even, odd = x.chunk(2, dim=-1)
    pairs = even.shape[-1]
    pace = SLOWEST_FRAMES ** (-torch.arange(pairs, device=x.device) / (pairs - 1))
    angle = place[:, None] * pace
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    return torch.cat([even * cos - odd * sin, even * sin + odd * cos], dim=-1)
