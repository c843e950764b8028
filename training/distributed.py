"""Training by several processes: `torchrun --standalone --nproc-per-node=4 -m cartoonize -- train ...`.

Without the separate `--`, torchrun would read `--run` as an abbreviation of one of its options.
Every process takes its share of each batch, and gradients are averaged before each step, so that the weights
stay equal. Batch norm computes its statistics over the shares of all processes, so that they learn the same
as one process with the whole batch.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist

# Imported early: its functions take the process group that exists at import time as their default and never
# release it. Imported later, as optimisers do, they keep Gloo's threads alive beyond the group, which now and
# then aborts the process at its end, after a successful training.
import torch.distributed.nn
from torch import Tensor, nn

from ..core.errors import TrainingError


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """The rank of this process, the number of processes, and the device on which they exchange numbers."""

    rank: int = 0
    world: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def share(self, batch: int) -> int:
        """The number of pictures of a batch that this process takes.

        Raises:
            TrainingError: the batch cannot be shared equally.
        """
        if batch % self.world:
            raise TrainingError(
                f"A batch of {batch} cannot be shared by {self.world} processes: pass a --batch that is a "
                f"multiple of {self.world}."
            )
        return batch // self.world

    def any(self, condition: bool) -> bool:
        """Whether a condition holds in any process. All must call this equally often: each waits for all."""
        if self.world == 1:
            return condition
        holds = torch.tensor(float(condition), device=self.device)
        dist.all_reduce(holds, dist.ReduceOp.MAX)
        return bool(holds)


def process_count() -> int:
    """The number of processes that torchrun started, this one among them; 0 without torchrun."""
    return int(os.environ.get("WORLD_SIZE", "0"))


@contextmanager
def join_process_group(device: torch.device) -> Iterator[ProcessGroup]:
    """Join the processes that torchrun started; without torchrun, a group of one."""
    if not process_count():
        yield ProcessGroup()
        return
    dist.init_process_group(dist.get_default_backend_for_device(device))
    try:
        yield ProcessGroup(dist.get_rank(), dist.get_world_size(), device)
    finally:
        dist.destroy_process_group()


def local_device(device: torch.device) -> torch.device:
    """The GPU of this process for a GPU without a number under torchrun; any other device unchanged."""
    if device.type != "cpu" and device.index is None and "LOCAL_RANK" in os.environ:
        return torch.device(device.type, int(os.environ["LOCAL_RANK"]))
    return device


@torch.no_grad()
def average_gradients(network: nn.Module) -> None:
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

    Sums and sums of squares are added over the processes in float32, in the forward and the backward pass.
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
        self._update_running(mean.detach(), variance.detach() * (count / (count - 1)))
        scale: Tensor = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        normed: Tensor = wide * scale[:, None, None] + shift[:, None, None]
        return normed.to(x.dtype)

    def _update_running(self, mean: Tensor, variance: Tensor) -> None:
        """Update the running statistics as nn.BatchNorm2d does."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked += 1


def sync_batch_norm(network: nn.Module) -> nn.Module:
    """Replace batch norm by SharedBatchNorm if there are several processes."""
    if dist.is_initialized():
        for parent in list(network.modules()):
            for name, child in parent.named_children():
                if type(child) is nn.BatchNorm2d:
                    shared = SharedBatchNorm(child.num_features, child.eps, child.momentum)
                    shared.load_state_dict(child.state_dict())
                    setattr(parent, name, shared)
    return network
