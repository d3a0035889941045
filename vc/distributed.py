"""Training by several processes that torchrun starts, each on a processor or GPU of its own.

All of them make the whole batch, which is a function of (seed, step), and each takes its share of it through the model;
gradients are averaged before every optimiser's step. As long as every loss is a mean over items of equal weight, that
is what one process would do with the whole batch, to rounding. What the model itself draws at random (the noise of a
bottleneck, the moments of a code loss) each process draws on its own, so such a run is as good as one process's, not
the same. A share is every size-th item, so that the first so many items of a batch are spread over all.
"""

import os
from dataclasses import dataclass, fields, replace

import torch
from torch import distributed


@dataclass(frozen=True)
class Crew:
    """This process among those that train together. rank: from 0, the one that writes; size: how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self):
        return self.rank == 0

    def share(self, values):
        """This process's part of a batch: of a tensor (B, ...), or of each tensor in a dataclass."""
        if isinstance(values, torch.Tensor):
            return values[self.rank::self.size]
        return replace(values, **{field.name: self.share(getattr(values, field.name)) for field in fields(values)})

    def gather(self, values):
        """The batch (B, ...) whose parts (B / size, ...) the processes hold; of several, without gradient."""
        if self.size == 1:
            return values
        values = values.detach().contiguous()
        parts = [torch.empty_like(values) for _ in range(self.size)]
        distributed.all_gather(parts, values)
        return torch.stack(parts, dim=1).flatten(0, 1)

    def average(self, tensors):
        """Put the mean over all processes in each tensor's place."""
        tensors = list(tensors)
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1).float() for tensor in tensors])
        distributed.all_reduce(flat)
        for tensor, mean in zip(tensors, (flat / self.size).split([tensor.numel() for tensor in tensors])):
            tensor.copy_(mean.view_as(tensor))

    def average_gradients(self, parameters):
        self.average(parameter.grad for parameter in parameters if parameter.grad is not None)

    def disband(self):
        if self.size > 1:
            distributed.destroy_process_group()

    def average_before_steps(self, optimiser):
        """Have an optimiser that somebody else calls average its gradients first."""
        if self.size > 1:
            optimiser.register_step_pre_hook(lambda optimiser, *_: self.average_gradients(
                parameter for group in optimiser.param_groups for parameter in group["params"]))


def join_crew(device):
    """The Crew that torchrun's environment speaks of, a process alone without it. device: a torch.device."""
    size = int(os.environ.get("WORLD_SIZE") or 1)
    if size == 1:
        return Crew()
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Crew(distributed.get_rank(), size)
