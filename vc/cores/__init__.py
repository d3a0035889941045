"""What mixes the frames inside each residual block of encoder and decoder, the two chosen freely. To add a core:
subclass `Core` in a file of its own and name it in CORES.
"""

from vc.cores.base import Core
from vc.cores.convolution import Convolution
from vc.cores.recurrent import Gru, Lstm
from vc.cores.transformer import Transformer
from vc.registry import make

__all__ = ["CORES", "Core", "make_core"]

CORES = {"convolution": Convolution, "lstm": Lstm, "gru": Gru, "transformer": Transformer}


def make_core(name, width, kernel) -> Core:
    """The core called `name` for `width` channels; kernel: frames a convolution sees. Raises ConfigError."""
    return make("core", CORES, name, {}, width, kernel)
