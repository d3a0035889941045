"""What squeezes the content half. To add a bottleneck: subclass `Bottleneck` in a file of its own and name it in
BOTTLENECKS. Its settings are its constructor's keyword-only parameters; a config gives them as
`model.bottleneck_settings`.
"""

from vc.bottlenecks.base import Bottleneck, Squeezed
from vc.bottlenecks.binary import Binary
from vc.bottlenecks.continuous import Plain, Sigmoid
from vc.bottlenecks.one_hot import OneHot
from vc.bottlenecks.quantised import Quantised
from vc.bottlenecks.variational import Variational
from vc.registry import make

__all__ = ["BOTTLENECKS", "Bottleneck", "Squeezed", "make_bottleneck"]

BOTTLENECKS = {"plain": Plain, "sigmoid": Sigmoid, "vae": Variational, "vq": Quantised, "binary": Binary,
               "one_hot": OneHot}


def make_bottleneck(name, dims, settings) -> Bottleneck:
    """The bottleneck called `name` for codes of `dims` dimensions. Raises ConfigError."""
    return make("bottleneck", BOTTLENECKS, name, settings, dims)
