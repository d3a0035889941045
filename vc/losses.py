"""The losses, each under the name that the config, the log and the tests use."""

import torch
from torch import nn
from torch.nn import functional as F


def reconstruction(log_mel, target, band_std):
    """Mean absolute error between two log-mels (B, M, T), in standard deviations of each band (M, 1)."""
    return ((log_mel - target) / band_std).abs().mean()


def speaker_consistency(speaker, wanted):
    """What goes in as speaker half comes out again: mean of 1 - cosine between two halves (B, S), in [0, 2]."""
    return (1 - F.cosine_similarity(speaker, wanted)).mean()


def content_consistency(content, wanted):
    """The converted mel still says the same: mean absolute difference of two content halves (B, C, T')."""
    return (content - wanted).abs().mean()


class SpeakerClassification(nn.Module):
    """Softmax over the training speakers with an additive margin on the cosine (Wang et al. 2018, arXiv 1801.05599):
    makes speaker halves of one person lie closer to each other than to anybody else's, by `margin`."""

    def __init__(self, speaker_dims, speakers, margin=0.2, scale=30.0):
        super().__init__()
        self.margin, self.scale = margin, scale
        self.centres = nn.Parameter(torch.randn(speakers, speaker_dims))

    def forward(self, speaker, speaker_ids):
        """speaker: (B, S), speaker_ids: (B,) -> scalar cross-entropy in nats."""
        with torch.autocast(speaker.device.type, enabled=False):  # bfloat16 has steps of 0.1 after scaling
            cosine = F.normalize(speaker.float(), dim=1) @ F.normalize(self.centres, dim=1).T
            margin = self.margin * F.one_hot(speaker_ids, len(self.centres))
            return F.cross_entropy(self.scale * (cosine - margin), speaker_ids)
