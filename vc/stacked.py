"""The auto-encoder of the textbooks: a vector through layers down to a code, and through as many layers up again.

A baseline beside principal components, which a linear one of the same size must reach (Baldi and Hornik 1989, "Neural
networks and principal component analysis"), and the place where two older ways can be tried: tied weights, and greedy
pre-training layer by layer (Hinton and Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks";
with auto-encoders in place of Boltzmann machines, Bengio et al. 2007, "Greedy layer-wise training of deep networks").
V is the number of vectors, D of numbers in one, K in its code.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from vc.registry import make

ACTIVATIONS = {"linear": nn.Identity, "gelu": nn.GELU, "sigmoid": nn.Sigmoid}


class StackedAutoEncoder(nn.Module):
    """Vectors (V, D) -> vectors (V, D), by way of codes (V, K).

    sizes: numbers in each layer, from D to K. activation: a name in ACTIVATIONS, which follows each layer but the code
    and the last. tied: the way up uses the weights of the way down, transposed, with biases of its own. Raises
    ConfigError.
    """

    def __init__(self, sizes, activation="gelu", tied=False):
        super().__init__()
        assert len(sizes) >= 2
        self.depth, self.tied = len(sizes) - 1, tied
        self.activation = make("activation", ACTIVATIONS, activation, {})
        steps = list(zip(sizes[:-1], sizes[1:]))
        self.down = nn.ModuleList(nn.Linear(wide, narrow) for wide, narrow in steps)
        self.up_bias = nn.ParameterList(torch.zeros(wide) for wide, _ in steps)
        self.up_weight = None if tied else nn.ParameterList(layer.weight.detach().T.clone() for layer in self.down)

    def forward(self, x):
        return self.decode(self.encode(x))

    def encode(self, x):
        """(V, D) -> codes (V, K)."""
        for number in range(self.depth):
            x = self.descend(x, number)
        return x

    def decode(self, code):
        """Codes (V, K) -> (V, D)."""
        for number in reversed(range(self.depth)):
            code = self.ascend(code, number)
        return code

    def descend(self, x, number):
        """Down one layer; number 0 begins at the vectors."""
        x = self.down[number](x)
        return x if number == self.depth - 1 else self.activation(x)

    def ascend(self, h, number):
        """Up again through the layer that `descend` goes down."""
        weight = self.down[number].weight.T if self.tied else self.up_weight[number]
        h = F.linear(h, weight, self.up_bias[number])
        return h if number == 0 else self.activation(h)

    def layer_parameters(self, number):
        """What `descend` and `ascend` of one layer learn."""
        own = [*self.down[number].parameters(), self.up_bias[number]]
        return own if self.tied else [*own, self.up_weight[number]]


def train_whole(model, draw, steps, learning_rate=1e-3):
    """All layers at once, on the mean squared error of the vectors. draw: step -> vectors (V, D)."""
    _descend_gradient(model.parameters(), lambda step: _error(model, draw(step)), steps, learning_rate)


def train_greedily(model, draw, steps, learning_rate=1e-3):
    """One layer after the other, `steps` each: every layer learns to rebuild what the finished ones below it make of
    the vectors, and then stands still. `train_whole` is meant to follow."""
    for number in range(model.depth):
        def loss(step, number=number):
            with torch.no_grad():
                below = draw(step)
                for finished in range(number):
                    below = model.descend(below, finished)
            return F.mse_loss(model.ascend(model.descend(below, number), number), below)

        _descend_gradient(model.layer_parameters(number), loss, steps, learning_rate)


@torch.no_grad()
def squared_error(model, vectors):
    """Mean squared error of vectors (V, D), a number."""
    parts = vectors.split(4096)
    return sum(_error(model, part).item() * len(part) for part in parts) / len(vectors)


def _error(model, vectors):
    return F.mse_loss(model(vectors), vectors)


def _descend_gradient(parameters, loss_at, steps, learning_rate):
    """Adam, its rate falling to 0 by a cosine, so that the noise of the batches dies out."""
    optimiser = torch.optim.Adam(parameters, lr=learning_rate)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * (1 + math.cos(math.pi * step / steps)) / 2
        optimiser.zero_grad(set_to_none=True)
        loss_at(step).backward()
        optimiser.step()
