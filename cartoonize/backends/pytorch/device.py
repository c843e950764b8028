"""The device that PyTorch computes on: the CPU, or a GPU of any kind, by `torch.accelerator`.

No other module names a kind of GPU for PyTorch. To support another kind, add its row to KINDS here and its
name to DEVICES in core/choices.py.
"""

import os
import platform
import re
import shutil
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

import torch

from ...core import cpus
from ...core.errors import BackendError
from ..tiles import CPU_BUDGET

CPU = torch.device("cpu")
GPU_SHARE = 0.5  # of the free memory of a GPU, for activations


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

_OUT_OF_MEMORY = (
    "can't allocate memory", "not enough memory", "out of memory",
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

_precision_lock = Lock()


def gpu_is_available() -> bool:
    """Whether there is a GPU that PyTorch can use, of a kind that is known here."""
    return bool(gpus())


def gpus() -> list[torch.device]:
    """Return the GPUs that PyTorch can use."""
    kind = torch.accelerator.current_accelerator(check_available=True)
    if kind is None or kind.type not in KINDS:
        return []
    return [torch.device(kind.type, number) for number in range(torch.accelerator.device_count())]


def choose_device(name: str) -> torch.device:
    """Return the device of that name; "auto" is the GPU if there is one of a kind that is `automatic`.

    Raises:
        BackendError: it is not available.
    """
    kind = name.partition(":")[0]
    if kind not in ("auto", "cpu", *KINDS):
        raise BackendError(f"PyTorch does not run on {kind}; choose cpu, {', '.join(KINDS)}.")
    available = gpus()
    if name == "auto":
        automatic = bool(available) and KINDS[available[0].type].automatic
        return torch.device(available[0].type) if automatic else CPU
    device = torch.device(name)
    if device.type == "cpu":
        return device
    if not available or available[0].type != device.type:
        raise BackendError(f"{name} was requested, but {_reason_without(device.type)}.")
    if (device.index or 0) >= len(available):
        raise BackendError(f"{name} was requested, but the number of GPUs is {len(available)}.")
    return device


def _reason_without(kind: str) -> str:
    built_for = torch.accelerator.current_accelerator()
    if built_for is None or built_for.type != kind:
        return f"this build of PyTorch has no {KINDS[kind].title}"
    return "PyTorch finds no GPU"


def choose_precision(device: torch.device, precision: str) -> str:
    """Return the precision to compute in; "auto" is the fastest that the device has in hardware.

    Raises:
        BackendError: fp16 on a CPU, where it is emulated and slower than fp32.
    """
    if precision == "fp16" and device.type == "cpu":
        raise BackendError("CPUs do not compute in fp16; use --precision bf16 or fp32, or a GPU.")
    if precision != "auto":
        return precision
    if device.type == "cpu":
        # Elsewhere bf16 is emulated, and slower than fp32.
        return "bf16" if {"AVX512 bf16", "AMX"} & set(cpu_features()) else "fp32"
    return "bf16" if KINDS[device.type].has_bf16(device) else "fp16"


def device_name(device: torch.device) -> str:
    """Return the name of the device for people."""
    if device.type == "cpu":
        return f"{_cpu_model()} ({cpus.count_threads()} threads)"
    name_of = getattr(torch.get_device_module(device), "get_device_name", None)  # Metal's has none
    return str(name_of(device)) if name_of else f"{_cpu_model()} GPU"


def memory_budget(device: torch.device) -> float:
    """Return the bytes that the activations of one call may take."""
    if device.type == "cpu":
        return CPU_BUDGET
    free, _ = gpu_memory(device)
    return GPU_SHARE * free


def gpu_memory(device: torch.device) -> tuple[int, int]:
    """Return the bytes that are free on a GPU, and its bytes in all."""
    return KINDS[device.type].memory(device)


def has_streams(device: torch.device) -> bool:
    """Return whether a device copies pictures from and to pinned memory while it computes."""
    return device.type != "cpu" and KINDS[device.type].has_streams


def current_device(device: torch.device) -> AbstractContextManager[object]:
    """Make a GPU with a number the current one of this thread, in a `with` block.

    PyTorch's helpers use the current GPU. If it were the first one in all processes of a training on several
    GPUs, each process would take some of its memory.
    """
    if device.type == "cpu" or device.index is None:
        return nullcontext()
    return torch.accelerator.device_index(device.index)


@contextmanager
def exact_convolutions(device: torch.device) -> Iterator[None]:
    """Have cuDNN compute convolutions of float32 in float32, in a `with` block.

    By default it rounds their input to 10 bits (TF32), from Ampere on. The setting is of the whole process,
    so other calls of this function wait.
    """
    if device.type != "cuda":
        yield
        return
    convolutions = torch.backends.cudnn.conv  # type: ignore[attr-defined]  # PyTorch makes it at import
    with _precision_lock:
        before = convolutions.fp32_precision
        convolutions.fp32_precision = "ieee"
        try:
            yield
        finally:
            convolutions.fp32_precision = before


def can_compile(device: torch.device) -> bool:
    """Whether `torch.compile` can make kernels for a device.

    For GPUs it uses Triton, which is a part of some builds of PyTorch only. Triton runs a C compiler when a
    program starts, as triton/runtime/build.py chooses it.
    """
    if device.type == "cpu":
        return True
    compilers = filter(None, (os.environ.get("CC"), "gcc", "clang"))
    has_compiler = any(shutil.which(name.split()[0]) for name in compilers)
    has_headers = Path(sysconfig.get_path("include"), "Python.h").exists()
    return find_spec("triton") is not None and has_compiler and has_headers


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all work; a CPU always has."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def release_memory(device: torch.device) -> None:
    """Return cached memory to the GPU, after a call that did not fit; the memory of CPUs is not cached."""
    if device.type != "cpu":
        torch.accelerator.empty_cache()


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether the error means that memory was missing; not every allocator has an exception for that."""
    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in _OUT_OF_MEMORY)


def cpu_features() -> list[str]:
    """Return the vector width of this CPU, and which short numbers it computes in hardware."""
    has = torch.cpu.get_capabilities()
    return [
        torch.backends.cpu.get_cpu_capability(),
        *(["AVX512 bf16"] if has.get("avx512_bf16") else []),
        *(["VNNI"] if has.get("avx512_vnni") else []),  # int8
        *(["AMX"] if has.get("amx_tile") else []),
    ]


def gpu_capability(gpu: torch.device) -> str:
    """Return the compute capability of an NVIDIA GPU, as "9.0", or the architecture of one of AMD."""
    if gpu.type != "cuda":
        return ""
    if torch.version.hip:
        return str(torch.cuda.get_device_properties(gpu).gcnArchName)
    return "{}.{}".format(*torch.cuda.get_device_capability(gpu))


def build_name() -> str:
    """Return the platform that this build of PyTorch is for, as "CUDA 13.0" or "cpu"."""
    if torch.version.hip:
        return f"ROCm {torch.version.hip}"
    if torch.version.cuda:
        return f"CUDA {torch.version.cuda}"
    built_for = torch.accelerator.current_accelerator()
    return KINDS[built_for.type].title if built_for is not None and built_for.type in KINDS else "cpu"


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
