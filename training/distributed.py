"""Several processes, one training: `torchrun --standalone --nproc-per-node=4 -m cartoonize -- train ...`.

The two dashes alone keep torchrun from reading `--run` as an abbreviation of an option of its own.
Every process takes its share of each batch, and gradients are averaged before each step, so that the weights
stay equal. Batch norm takes its statistics from a process's own share, as DistributedDataParallel does; the
running ones, which the style file needs, are averaged.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn

from ..errors import TrainingError


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
    """Average gradients and running statistics over the processes: one all-reduce of one flat buffer."""
    if not dist.is_initialized():
        return
    tensors = [weight.grad for weight in network.parameters() if weight.grad is not None]
    tensors += [buffer for buffer in network.buffers() if buffer.is_floating_point()]
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for tensor, mean in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))
