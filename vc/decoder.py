"""Content half and speaker half back to log-mel: content is the input, the speaker sets every normalisation."""

from torch import nn

from vc.layers import AdaptiveBlock


class Decoder(nn.Module):
    """content (B, C, T') and speaker (B, S) -> standardised log-mel (B, M, frames).

    Most blocks run at the content's frame rate; one more, after the frames have been spread out again, at the mel's.
    """

    def __init__(self, bands, width, blocks, kernel, stride, content_dims, speaker_dims):
        super().__init__()
        self.stride = stride
        self.from_content = nn.Conv1d(content_dims, width, kernel, padding=kernel // 2)
        self.blocks = nn.ModuleList(AdaptiveBlock(width, kernel, speaker_dims) for _ in range(blocks))
        self.spread = nn.Conv1d(width, width * stride, 1)
        self.fine_block = AdaptiveBlock(width, kernel, speaker_dims)
        self.to_mel = nn.Conv1d(width, bands, kernel, padding=kernel // 2)

    def forward(self, content, speaker, frames, mask=None):
        """frames: how many mel frames to return, at most T' * stride. mask: (B, 1, frames) or None."""
        coarse_mask = None if mask is None else mask[:, :, ::self.stride]
        h = self.from_content(content if mask is None else content * coarse_mask)
        for block in self.blocks:
            h = block(h, speaker, coarse_mask)
        B, C, T = h.shape
        h = self.spread(h).view(B, C, self.stride, T).transpose(2, 3).reshape(B, C, T * self.stride)
        h = self.fine_block(h[:, :, :frames], speaker, mask)
        return self.to_mel(h if mask is None else h * mask)
