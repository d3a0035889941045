"""The content half as whole numbers, and back.

A discrete bottleneck has codes of its own. Of a continuous one that is bounded, or whose dimensions the instance
normalisation gave mean 0 and deviation 1, each value is rounded to one of LEVELS, so that the model in the package can
be used too; that was not trained for it.
"""

from vc.bottlenecks.continuous import Plain, Sigmoid
from vc.errors import CodecError

LEVELS = 16
NORMALISED_RANGE = (-3.0, 3.0)  # a normal distribution leaves it with one value of 370


def cardinalities_of(model):
    """How many values each code of a frame can take. Raises CodecError for a model whose code can be anywhere."""
    bottleneck = model.encoder.bottleneck
    if bottleneck.cardinalities:
        return tuple(bottleneck.cardinalities)
    if _range_of(model) is not None:
        return (LEVELS,) * model.config.model.content_dims
    raise CodecError(f"the model's content half is continuous (bottleneck {model.config.model.bottleneck}), expected a "
                     f"discrete one; train one of configs/autoencoders, for instance vq.yaml, and give it by --model")


def codes_of(model, squeezed):
    """Squeezed -> int64 (B, K, T')."""
    if model.encoder.bottleneck.cardinalities:
        return squeezed.codes
    low, high = _range_of(model)
    return ((squeezed.z - low) / (high - low) * (LEVELS - 1)).round().clamp(0, LEVELS - 1).long()


def content_of(model, codes):
    """int64 (B, K, T') -> content half (B, C, T')."""
    if model.encoder.bottleneck.cardinalities:
        return model.encoder.bottleneck.look_up(codes)
    low, high = _range_of(model)
    return low + codes / (LEVELS - 1) * (high - low)


def _range_of(model):
    """Between which values a continuous code lies, or nearly always does; None where that is not known."""
    bottleneck = model.encoder.bottleneck
    if isinstance(bottleneck, Sigmoid):
        return 0.0, 1.0
    if isinstance(bottleneck, Plain) and model.config.model.instance_norm:
        return NORMALISED_RANGE
    return None
