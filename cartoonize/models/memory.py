"""Recognises the errors of all allocators."""

import torch

_OUT_OF_MEMORY = (
    "can't allocate memory", "Cannot allocate memory", "not enough memory", "out of memory",
    "ALLOC_FAILED", "ALLOCATION_FAILED", "StatusAllocFailed",
    "Unable to find a valid cuDNN algorithm", "unable to find an engine to execute this computation",
    "Invalid buffer size", "less than INT_MAX elements", "32-bit index math",
    "OUT_OF_DEVICE_MEMORY", "OUT_OF_HOST_MEMORY", "OUT_OF_RESOURCES",
)  # fmt: skip
"""Signs in a RuntimeError that a call was too large.

They come from: the allocators of CPUs on Linux and Windows; the libraries of NVIDIA and AMD, which allocate
memory by themselves; cuDNN, if no algorithm has enough memory; Metal, and kernels that count in 32 bits, if a
tensor is too large; Intel's GPUs.
"""


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether the error means that memory was missing; not every allocator has an exception for that."""
    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in _OUT_OF_MEMORY)
