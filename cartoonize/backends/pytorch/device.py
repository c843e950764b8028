"""The device that PyTorch computes on: the CPU, or a GPU of any kind, by `torch.accelerator`.

It chooses the device and the precision, and measures its memory. gpu_kinds.py has what differs between kinds
of GPU, hardware.py what describes the hardware.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock

import torch

from ...core.errors import BackendError
from ..tiles import CPU_BUDGET
from .gpu_kinds import KINDS
from .hardware import cpu_features

CPU = torch.device("cpu")
GPU_SHARE = 0.5  # of the free memory of a GPU, for activations

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
        raise BackendError(
            f"{name} was requested, but {_reason_without(device.type)}; `cartoonize doctor` lists devices."
        )
    if (device.index or 0) >= len(available):
        raise BackendError(
            f"{name} was requested, but the number of GPUs is {len(available)}: the last is {available[-1]}."
        )
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


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all work; a CPU always has."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def release_memory(device: torch.device) -> None:
    """Return cached memory to the GPU, after a call that did not fit; the memory of CPUs is not cached."""
    if device.type != "cpu":
        # torch.accelerator.empty_cache fails on Metal in some versions (PyTorch issue 186430).
        torch.get_device_module(device).empty_cache()


def make_event(device: torch.device) -> torch.Event:
    """Return an event of a GPU. On CUDA, a thread that waits for it sleeps; torch.Event cannot do that."""
    if device.type == "cuda":
        return torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
    return torch.Event(device)
