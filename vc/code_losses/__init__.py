"""What shapes the content half beside the reconstruction. To add a code loss: subclass `CodeLoss` in a file of its own
and name it in CODE_LOSSES. A config asks for one by `code_losses.NAME.weight`; its settings, the constructor's
keyword-only parameters, stand beside the weight.
"""

from torch import nn

from vc.code_losses.base import CodeLoss, Coding
from vc.code_losses.contractive import Contractive
from vc.code_losses.information import Information
from vc.code_losses.invariance import Invariance
from vc.code_losses.neighbours import Neighbours
from vc.code_losses.sparsity import SparseKL, SparseL1
from vc.errors import ConfigError
from vc.registry import fits, make

__all__ = ["CODE_LOSSES", "CodeLoss", "Coding", "make_code_losses"]

CODE_LOSSES = {"sparse_l1": SparseL1, "sparse_kl": SparseKL, "contractive": Contractive, "information": Information,
               "invariance": Invariance, "neighbours": Neighbours}


def make_code_losses(wanted, bands, content_dims, bottleneck):
    """nn.ModuleDict of the code losses that `wanted`, {name: {"weight": ..., setting: value}}, names.

    bottleneck: the name of the one whose codes they shape. Raises ConfigError.
    """
    losses = nn.ModuleDict()
    for name, settings in wanted.items():
        weight = settings.get("weight", 0.0)
        if not fits(weight, 1.0) or not weight > 0:
            raise ConfigError(f"code_losses.{name}: got a weight of {weight!r}, expected one above 0; leave it out to "
                              f"have none")
        settings = {key: value for key, value in settings.items() if key != "weight"}
        loss = make("code loss", CODE_LOSSES, name, settings, bands, content_dims)
        if loss.bottlenecks and bottleneck not in loss.bottlenecks:
            raise ConfigError(f"code_losses.{name}: has no meaning for the codes of model.bottleneck={bottleneck}; "
                              f"expected {' or '.join(loss.bottlenecks)}")
        losses[name] = loss
    return losses
