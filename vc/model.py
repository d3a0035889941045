"""The auto-encoder as one object: log-mel in, two halves, log-mel out. Training, conversion, evaluation and the demo
all stand on it."""

from dataclasses import dataclass

import torch
from torch import nn

from vc import adaptation
from vc.config import Config
from vc.decoder import Decoder
from vc.encoder import Embedding, Encoder
from vc.harmonics import HarmonicComb
from vc.layers import frame_mask


@dataclass(frozen=True)
class Drawing:
    """What the decoder says: log_mel (B, M, T), and what its last layer saw (B, W, T)."""

    log_mel: torch.Tensor
    seen: torch.Tensor

    def adapted(self, maps, speech):
        """The log-mel (B, M, T), its speech frames (B, T) corrected by the voices' maps (B, M, W + 1)."""
        return self.log_mel + adaptation.correction(maps, self.seen, speech)


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
        return self.draw(content, speaker, f0, lengths).log_mel

    def draw(self, content, speaker, f0, lengths=None) -> Drawing:
        """The same, with what the decoder's last layer saw."""
        mask = None if lengths is None else frame_mask(lengths, f0.shape[1], content.device)
        standardised, seen = self.decoder(content, speaker, self.harmonics(f0), mask)
        return Drawing(standardised.float() * self.band_std + self.band_mean, seen)

    def adapt(self, embedding, log_mel, f0, speech):
        """The maps (B, M, W + 1) that correct what the decoder says in the voices of recordings; see vc.adaptation.

        embedding: of the recordings, with their log_mel (B, M, T), f0 (B, T) in Hz and which frames are speech (B, T).
        """
        repeated = self.draw(embedding.content, embedding.speaker, f0)
        return adaptation.fit(repeated.seen, log_mel - repeated.log_mel, speech)
