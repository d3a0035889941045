"""Recurrent networks, which carry a state from frame to frame."""

from typing import final

from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from vc.cores.base import Core
from vc.errors import ConfigError


@final
class Lstm(Core):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), which hears only what came before, then a linear
    layer."""

    def __init__(self, width, kernel):
        super().__init__()
        self.first = _Recurrence(nn.LSTM(width, width, batch_first=True))
        self.second = _Pointwise(width, width, 1)


@final
class Gru(Core):
    """Gated recurrent units (Cho et al. 2014, arXiv 1406.1078) in both directions, half of the channels each, then a
    linear layer. Raises ConfigError for an odd width."""

    def __init__(self, width, kernel):
        super().__init__()
        if width % 2:
            raise ConfigError(f"model.width: got {width}; a gru gives each direction half of it, choose an even one")
        self.first = _Recurrence(nn.GRU(width, width // 2, batch_first=True, bidirectional=True))
        self.second = _Pointwise(width, width, 1)


class _Recurrence(nn.Module):
    """A recurrent network over (B, C, T)."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x, mask=None):
        x = x.transpose(1, 2)
        if mask is None:
            states = self.network(x)[0]
        else:
            # Packed, the backward direction begins at each item's own last frame.
            lengths = mask.sum((1, 2)).long().cpu()
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            states, _ = pad_packed_sequence(self.network(packed)[0], batch_first=True, total_length=x.shape[1])
        return states.transpose(1, 2)


class _Pointwise(nn.Conv1d):
    def forward(self, x, mask=None):
        return super().forward(x)
