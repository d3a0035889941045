"""The auto-encoder as one object: log-mel in, two halves, log-mel out. Training, conversion, evaluation and the demo
all stand on it."""

import torch
from torch import nn

from vc.config import Config
from vc.decoder import Decoder
from vc.encoder import Embedding, Encoder
from vc.harmonics import HarmonicComb
from vc.layers import frame_mask


class AutoEncoder(nn.Module):
    """Encoder and decoder with the mean and deviation of each mel band in the training data.

    Conversion is `decode(encode(source).content, encode(target).speaker, f0)`, f0 being the source's in the target's
    range (vc.pitch).
    """

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        sizes = config.model
        shared = dict(bands=config.mel.bands, width=sizes.width, kernel=sizes.kernel, stride=sizes.stride,
                      content_dims=sizes.content_dims, speaker_dims=sizes.speaker_dims)
        self.encoder = Encoder(**shared, blocks=sizes.encoder_blocks, bottleneck=sizes.bottleneck,
                               bottleneck_settings=sizes.bottleneck_settings,
                               instance_norm=sizes.instance_norm, core=sizes.encoder_core, down=sizes.down)
        self.decoder = Decoder(**shared, blocks=sizes.decoder_blocks, pitch=sizes.pitch,
                               core=sizes.decoder_core, up=sizes.up)
        self.harmonics = HarmonicComb(config.mel)
        self.register_buffer("band_mean", torch.zeros(config.mel.bands, 1))
        self.register_buffer("band_std", torch.ones(config.mel.bands, 1))

    def encode(self, log_mel, lengths=None) -> Embedding:
        """log_mel: (B, M, T). lengths: valid frames of each item (B,), or None when nothing is padded."""
        mask = None if lengths is None else frame_mask(lengths, log_mel.shape[2], log_mel.device)
        return self.encoder(self.standardise(log_mel), mask)

    def standardise(self, log_mel):
        """(B, M, T) with mean 0 and deviation 1 in each band over the training data."""
        return (log_mel - self.band_mean) / self.band_std

    def decode(self, content, speaker, f0, lengths=None):
        """content: (B, C, T'), speaker: (B, S), f0: (B, T) in Hz, 0 where unvoiced -> log-mel (B, M, T)."""
        mask = None if lengths is None else frame_mask(lengths, f0.shape[1], content.device)
        standardised = self.decoder(content, speaker, self.harmonics(f0), mask)
        return standardised.float() * self.band_std + self.band_mean
