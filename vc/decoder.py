"""Content half, speaker half and pitch back to log-mel: content is the input, the speaker sets every normalisation, and
the pitch draws the harmonics."""

from torch import nn

from vc.cores import make_core
from vc.layers import AdaptiveBlock, only_valid
from vc.rates import make_up


class Decoder(nn.Module):
    """content (B, C, T'), speaker (B, S) and harmonics (B, M + 1, T) -> standardised log-mel (B, M, T), and what the
    last layer saw of it (B, W, T).

    Most blocks run at the content's frame rate; one more, after the frames have been spread out again, at the mel's.
    What comes out is an envelope plus, band by band, so much of the harmonics' picture: source and filter, which
    multiply in a spectrum and add in its logarithm. A model without pitch draws all itself.

    core: a name in vc.cores.CORES, which mixes the content's frames in each block; the last block only smooths what was
    spread out, by convolution whatever the core. up: a name in vc.rates.UP.
    """

    def __init__(self, bands, width, blocks, kernel, stride, content_dims, speaker_dims, pitch,
                 core="convolution", up="shuffled"):
        super().__init__()

        def block(core):
            return AdaptiveBlock(make_core(core, width, kernel), width, speaker_dims)

        self.bands, self.stride, self.pitch = bands, stride, pitch
        self.from_content = nn.Conv1d(content_dims, width, kernel, padding=kernel // 2)
        if pitch:
            self.from_harmonics = nn.Conv1d(bands + 1, width, 2 * stride + 1, stride=stride, padding=stride)
            self.from_fine_harmonics = nn.Conv1d(bands + 1, width, kernel, padding=kernel // 2)
        self.blocks = nn.ModuleList(block(core) for _ in range(blocks))
        self.spread = make_up(up, width, stride)
        self.fine_block = block("convolution")
        self.to_mel = nn.Conv1d(width, 2 * bands if pitch else bands, kernel, padding=kernel // 2)

    def forward(self, content, speaker, harmonics, mask=None):
        """mask: (B, 1, T) of valid frames, or None when all are."""
        frames = harmonics.shape[2]
        coarse_mask = None if mask is None else mask[:, :, ::self.stride]
        h = self.from_content(only_valid(content, coarse_mask))
        if self.pitch:
            h = h + self.from_harmonics(only_valid(harmonics, mask))
        for block in self.blocks:
            h = block(h, speaker, coarse_mask)
        h = self.spread(h, frames, mask)
        if self.pitch:
            h = h + self.from_fine_harmonics(only_valid(harmonics, mask))
        seen = only_valid(self.fine_block(h, speaker, mask), mask)
        out = self.to_mel(seen)
        if not self.pitch:
            return out, seen
        envelope, depth = out.chunk(2, dim=1)
        return envelope + depth * harmonics[:, :self.bands], seen
