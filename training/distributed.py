"""Several processes, one training: `torchrun --standalone --nproc-per-node=4 -m cartoonize -- train ...`.

The two dashes alone keep torchrun from reading `--run` as an abbreviation of an option of its own.
Every process takes its share of each batch, and gradients are averaged before each step, so that the weights
stay equal. Batch norm takes its statistics from the shares of all processes, so that they learn what one
process with the whole batch would.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist

# Its functions have the group that there is at their import for a default, and keep it for ever. Imported
# later, as optimisers do, they would have Gloo's threads outlive the group, which now and then aborts the
# process at its end, after a training that went well.
import torch.distributed.nn
from torch import Tensor, nn

from ..core.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Ranks:
    """The number of this process, and how many there are."""

    rank: int = 0
    world: int = 1

    def share(self, batch: int) -> int:
        """How many pictures of a batch are this process's.

        Raises:
            TrainingError: the batch cannot be shared equally.
        """
        if batch % self.world:
            raise TrainingError(f"A batch of {batch} cannot be shared by {self.world} processes.")
        return batch // self.world


@contextmanager
def ranks(device: torch.device) -> Iterator[Ranks]:
    """Join the processes that torchrun started; alone where it did not."""
    if "WORLD_SIZE" not in os.environ:
        yield Ranks()
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def local_device(device: torch.device) -> torch.device:
    """For "cuda" under torchrun the GPU of this process; any other device as it is."""
    if device == torch.device("cuda") and "LOCAL_RANK" in os.environ:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return device


@torch.no_grad()
def average(network: nn.Module) -> None:
    """Average gradients over the processes: one all-reduce of one flat buffer."""
    if not dist.is_initialized():
        return
    tensors = [weight.grad for weight in network.parameters() if weight.grad is not None]
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for tensor, mean in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))


class _Sum(torch.autograd.Function):
    """The sum over the processes; its gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        return _Sum.forward(None, gradient)


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch norm whose batch is that of all processes; PyTorch's SyncBatchNorm runs on GPUs only.

    Sums and sums of squares are added up over the processes, forwards and backwards, in float32.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same; each process has its share of N."""
        if not self.training:
            return super().forward(x)
        wide = x.float()
        count = x.numel() / x.shape[1] * dist.get_world_size()
        sums = torch.stack([wide.sum((0, 2, 3)), wide.square().sum((0, 2, 3))])
        mean, square = _Sum.apply(sums) / count  # type: ignore[no-untyped-call]
        variance = square - mean.square()
        self._remember(mean.detach(), variance.detach() * (count / (count - 1)))
        scale: Tensor = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        normed: Tensor = wide * scale[:, None, None] + shift[:, None, None]
        return normed.to(x.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics as nn.BatchNorm2d does."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked += 1


def share_statistics(network: nn.Module) -> nn.Module:
    """Put SharedBatchNorm in the place of batch norm, where there are several processes."""
    if dist.is_initialized():
        for parent in list(network.modules()):
            for name, child in parent.named_children():
                if type(child) is nn.BatchNorm2d:
                    shared = SharedBatchNorm(child.num_features, child.eps, child.momentum)
                    shared.load_state_dict(child.state_dict())
                    setattr(parent, name, shared)
    return network
