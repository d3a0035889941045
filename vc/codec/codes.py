"""The content half as whole numbers, and back.

A discrete bottleneck has codes of its own. Of a sigmoid's values, which lie in (0, 1), each is rounded to one of
SIGMOID_VALUES, so that the model in the package can be used too; that was not trained for it.
"""

from vc.bottlenecks.continuous import Sigmoid
from vc.errors import CodecError

SIGMOID_VALUES = 16


def cardinalities_of(model):
    """How many values each code of a frame can take. Raises CodecError for a model whose code is neither discrete nor
    bounded."""
    bottleneck = model.encoder.bottleneck
    if bottleneck.cardinalities:
        return tuple(bottleneck.cardinalities)
    if isinstance(bottleneck, Sigmoid):
        return (SIGMOID_VALUES,) * model.config.model.content_dims
    raise CodecError(f"the model's content half is continuous (bottleneck {model.config.model.bottleneck}), expected a "
                     f"discrete one; train one of configs/autoencoders, for instance vq.yaml, and give it by --model")


def codes_of(model, squeezed):
    """Squeezed -> int64 (B, K, T')."""
    if model.encoder.bottleneck.cardinalities:
        return squeezed.codes
    return (squeezed.z * (SIGMOID_VALUES - 1)).round().long()


def content_of(model, codes):
    """int64 (B, K, T') -> content half (B, C, T')."""
    if model.encoder.bottleneck.cardinalities:
        return model.encoder.bottleneck.look_up(codes)
    return codes.float() / (SIGMOID_VALUES - 1)
