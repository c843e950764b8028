"""The kinds of GPU that PyTorch computes on, and the properties in which they differ.

To support another kind, add its row to KINDS here and its name to DEVICES in core/choices.py. PyTorch calls
the GPUs of NVIDIA and those of AMD "cuda".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class GpuKind:
    """A kind of GPU: the properties in which kinds differ.

    Attributes:
        title: the platform, for error messages.
        automatic: whether "auto" selects it; untested kinds run only if they are named.
        has_streams: whether it copies pictures from and to pinned memory while it computes.
        has_bf16: whether a device computes in bfloat16 in hardware.
        memory: bytes that are free on a device, and its bytes in all.
    """

    title: str
    automatic: bool
    has_streams: bool
    has_bf16: Callable[[torch.device], bool]
    memory: Callable[[torch.device], tuple[int, int]]


def _memory_of_mac(_device: torch.device) -> tuple[int, int]:
    """Apple GPUs share the CPU's memory: the most that the system recommends, less what is allocated."""
    total = torch.mps.recommended_max_memory()
    return max(0, total - torch.mps.driver_allocated_memory()), total


def _has_bf16(gpu: torch.device) -> bool:
    """NVIDIA's GPUs have it from Ampere on, AMD's from CDNA and RDNA 3 on; PyTorch calls both "cuda"."""
    if torch.version.hip:
        architecture = torch.cuda.get_device_properties(gpu).gcnArchName
        return re.match("gfx(908|90a|94|95|11|12)", architecture) is not None
    return torch.cuda.get_device_capability(gpu) >= (8, 0)


def _has_bf16_xpu(gpu: torch.device) -> bool:
    return bool(torch.xpu.get_device_properties(gpu).has_bfloat16_conversions)


_memory = torch.accelerator.get_memory_info


def _memory_of_xpu(gpu: torch.device) -> tuple[int, int]:
    """If a driver of Intel does not say how much memory is free, all that is not allocated here counts."""
    try:
        return _memory(gpu)
    except RuntimeError:
        total = int(torch.xpu.get_device_properties(gpu).total_memory)
        return max(0, total - torch.xpu.memory_allocated(gpu)), total


KINDS = {
    "cuda": GpuKind("CUDA", automatic=True, has_streams=True, has_bf16=_has_bf16, memory=_memory),
    # Metal has one stream, and the first generation only emulates bfloat16.
    "mps": GpuKind(
        "Metal", automatic=False, has_streams=False, has_bf16=lambda _: False, memory=_memory_of_mac
    ),
    "xpu": GpuKind("XPU", automatic=False, has_streams=True, has_bf16=_has_bf16_xpu, memory=_memory_of_xpu),
}
