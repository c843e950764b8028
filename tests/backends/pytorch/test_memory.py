"""The errors of all allocators."""

import pytest
import torch

from cartoonize.models.memory import is_out_of_memory


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: 1 GB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] data. DefaultCPUAllocator: not enough memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB, other allocations: 1 GB)"),
        RuntimeError("Invalid buffer size: 30.00 GiB"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
        RuntimeError("GET was unable to find an engine to execute this computation"),
        RuntimeError("upsample_bilinear2d_nhwc only supports input tensors with less than INT_MAX elements"),
        RuntimeError("level_zero: UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY"),
        RuntimeError("input tensor must fit into 32-bit index math"),
    ],
)
def test_out_of_memory_of_every_allocator(error):
    """The lack of memory is recognised in the errors of all allocators."""
    assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("The size of tensor a (3) must match"))
