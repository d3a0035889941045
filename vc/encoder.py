"""One encoder over log-mel whose embedding has two halves: content (what was said) and speaker (who said it).

Each block ends in an instance normalisation. What stays flows on and becomes, through a narrow bottleneck, the
content half, a sequence. What the normalisations take out - mean and standard deviation of each channel over the
utterance - is gathered from all depths and becomes the speaker half, one vector. The idea that the statistics taken
out are the speaker code is AGAIN-VC's (Chen et al. 2021, arXiv 2011.00316).
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from vc.bottlenecks import Squeezed, make_bottleneck
from vc.cores import make_core
from vc.layers import instance_norm
from vc.rates import make_down


@dataclass(frozen=True)
class Embedding:
    """The two halves. content: (B, C, T'). speaker: (B, S), of unit length. unsqueezed: what went into the bottleneck
    (B, C, T'), and squeezed: all that came out."""

    content: torch.Tensor
    speaker: torch.Tensor
    unsqueezed: torch.Tensor
    squeezed: Squeezed


class Encoder(nn.Module):
    """Standardised log-mel (B, M, T) -> Embedding, with T' = ceil(T / stride) content frames.

    core: a name in vc.cores.CORES, which mixes the frames in each block. down: a name in vc.rates.DOWN.
    instance_norm=False leaves the statistics in what flows on (for showing what taking them out buys).
    """

    def __init__(self, bands, width, blocks, kernel, stride, content_dims, speaker_dims, bottleneck,
                 bottleneck_settings, instance_norm=True, core="convolution", down="strided"):
        super().__init__()
        self.stride = stride
        self.instance_norm = instance_norm
        self.stem = make_down(down, bands, width, stride)
        self.blocks = nn.ModuleList(make_core(core, width, kernel) for _ in range(blocks))
        self.to_content = nn.Conv1d(width, content_dims, 1)
        self.bottleneck = make_bottleneck(bottleneck, content_dims, bottleneck_settings)
        self.to_speaker = nn.Sequential(nn.Linear(2 * width * (blocks + 1), width), nn.GELU(),
                                        nn.Linear(width, speaker_dims))

    def forward(self, x, mask=None):
        """mask: (B, 1, T) of valid frames, or None when all are."""
        h = self.stem(x, mask)
        mask = None if mask is None else mask[:, :, ::self.stride]
        h, statistics = self._normalise(h, mask)
        gathered = [statistics]
        for block in self.blocks:
            h, statistics = self._normalise(h + block(h, mask), mask)
            gathered.append(statistics)
        content = self.to_content(h)
        if self.instance_norm:
            content = instance_norm(content, mask).x
        squeezed = self.bottleneck(content)
        speaker = F.normalize(self.to_speaker(torch.cat(gathered, dim=1)).float(), dim=1)
        return Embedding(squeezed.z, speaker, content, squeezed)

    def _normalise(self, h, mask):
        """What stays (B, C, T') and what was taken out (B, 2C)."""
        normalised = instance_norm(h, mask)
        statistics = torch.cat([normalised.mean, normalised.std.log()], dim=1)
        if self.instance_norm:
            return normalised.x, statistics
        return (h if mask is None else h * mask), statistics
