"""Turns the errors of all allocators into one."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from ...models.memory import is_out_of_memory
from ..tiles import OutOfMemory
from . import device as devices
from . import hardware

T = TypeVar("T")


def call_within_memory(device: torch.device, shape: Sequence[int], compute: Callable[[], T]) -> T:
    """Return what `compute` returns for pictures of a shape, (N, H, W, 3).

    Raises:
        OutOfMemory: the device has too little memory.
    """
    try:
        return compute()
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    # Outside of the handler, the error no longer refers to the tensors of the failed call.
    devices.release_memory(device)
    size = f"{shape[0]} x {shape[2]}x{shape[1]}"
    raise OutOfMemory(f"{hardware.device_name(device)} has too little memory for {size} pixels at once.")
