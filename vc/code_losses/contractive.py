"""The contractive auto-encoder: the code hardly moves when the input moves a little (Rifai et al. 2011, ICML)."""

from typing import final

import torch

from vc.code_losses.base import CodeLoss
from vc.registry import expect


@final
class Contractive(CodeLoss):
    """Squared Frobenius norm of the Jacobian d code / d input, over how many numbers the code has: the squared length
    of the gradient of one of them, on average.

    Of a deep encoder the whole Jacobian would be a backward pass for each number of the code. Hutchinson's estimate
    (1990, Communications in Statistics 19) takes one: of v with random signs, |J^T v|^2 has the squared norm as its
    mean. items: how many of the batch it is taken of, for the sake of time.
    """

    def __init__(self, bands, content_dims, *, items=4):
        super().__init__(bands, content_dims)
        expect("code_losses.contractive.items", items, items >= 1, "at least 1 item of the batch")
        self.items = items

    def forward(self, coding):
        with torch.enable_grad():
            inputs = coding.inputs[:self.items].detach().requires_grad_()
            content = coding.encode(inputs)
            signs = torch.randint(2, content.shape, device=content.device).to(content) * 2 - 1
            # Items do not see each other, so one pass gives the gradients of all.
            gradient, = torch.autograd.grad(content, inputs, signs, create_graph=True)
        return gradient.float().square().sum() / content.numel()
