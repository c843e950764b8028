"""Style files in PyTorch, on CPUs and NVIDIA GPUs."""

import platform
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..errors import BackendError
from ..frames import Images
from ..models import FrameModel, Generator
from ..models.checkpoint import load_style
from .tiles import tiled

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
CPU_BUDGET = 3 << 29  # bytes of activations; larger pictures are worked on in tiles


class PyTorchBackend:
    """A generator on a device: channels-last, convolutions in the chosen precision, norms in float32."""

    runtime = "pytorch"

    def __init__(self, path: Path, device: str, precision: str) -> None:
        target = choose_device(device)
        self.precision = choose_precision(target, precision)
        generator, self.header = load_style(path)
        dtype = _DTYPES[self.precision]
        self.device = device_name(target)
        self._target = target
        self._model = _prepare(generator, target, dtype)
        self.batch = 1 if target.type == "cpu" else 4
        limit = int(_memory_budget(target) / (generator.floats_per_pixel * dtype.itemsize))
        self._run = tiled(self._whole, limit=limit, reach=generator.reach, stride=generator.stride)

    def __call__(self, images: Images) -> Images:
        """(N, H, W, 3) uint8 -> the same; pictures too large for the memory are tiled."""
        return self._run(images)

    @torch.inference_mode()
    def _whole(self, images: Images) -> Images:
        try:
            result: Images = self._model(torch.from_numpy(images).to(self._target)).cpu().numpy()
        except torch.OutOfMemoryError as error:
            size = f"{images.shape[0]} pictures of {images.shape[2]}x{images.shape[1]}"
            raise BackendError(
                f"{self.device} has too little memory for {size}; try smaller batches."
            ) from error
        # The result is NHWC already, so this copies nothing; later stages rely on the layout.
        return np.ascontiguousarray(result)


def choose_device(device: str) -> torch.device:
    """The device of that name; "auto" is the GPU when there is one.

    Raises:
        BackendError: CUDA was asked for and is not to be had.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    target = torch.device(device)
    if target.type == "cuda" and not torch.cuda.is_available():
        reason = "this build of PyTorch has no CUDA" if torch.version.cuda is None else "PyTorch finds no GPU"
        raise BackendError(f"{device} was asked for, but {reason}.")
    if target.type == "cuda" and (target.index or 0) >= torch.cuda.device_count():
        raise BackendError(f"{device} was asked for, but there are {torch.cuda.device_count()} GPUs.")
    return target


def choose_precision(device: torch.device, precision: str) -> str:
    """The precision to compute in; "auto" is the fastest that the device has in hardware.

    Raises:
        BackendError: fp16 on a CPU, where it is emulated and slower than fp32.
    """
    if precision == "auto":
        return "bf16" if _has_bf16(device) else "fp16" if device.type == "cuda" else "fp32"
    if precision == "fp16" and device.type == "cpu":
        raise BackendError("CPUs do not compute in fp16; use --precision bf16 or fp32, or a GPU.")
    return precision


def device_name(device: torch.device) -> str:
    """What people call the device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_cpu_model()} ({torch.get_num_threads()} threads)"


def _prepare(generator: Generator, device: torch.device, dtype: torch.dtype) -> FrameModel:
    for module in generator.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.to(dtype)
    return FrameModel(generator, dtype).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # Elsewhere bf16 is emulated, and slower than fp32.
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()  # noqa: SLF001


def _memory_budget(device: torch.device) -> float:
    if device.type == "cuda":
        return 0.5 * torch.cuda.mem_get_info(device)[0]
    return CPU_BUDGET


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
