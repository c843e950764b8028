"""Style files in PyTorch, on CPUs and NVIDIA GPUs."""

import platform
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..core import cpus
from ..core.errors import BackendError
from ..core.frames import Images
from ..models.checkpoint import load_style
from ..models.cost import multiplications
from ..models.deploy import deploy
from .closable import Closable
from .thread_pool import MOST, ThreadPool
from .tiles import CPU_BUDGET, OutOfMemory, TiledBackend

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
GPU_LANES = 2  # one copies while the other computes


class PyTorchBackend(Closable):
    """A generator on a device: channels-last, convolutions in the chosen precision, norms in float32.

    A batch is spread over lanes. On a GPU each has a stream, so that one copies pictures from or to pinned
    memory while another computes.
    """

    runtime, reading = "pytorch", ""

    def __init__(self, path: Path, device: str, precision: str) -> None:
        target = choose_device(device)
        self.precision = choose_precision(target, precision)
        generator, self.header = load_style(path)
        dtype = _DTYPES[self.precision]
        self.device = device_name(target)
        self._target = target
        self.generator = generator
        model = deploy(generator, dtype)
        self._model = model.to(target, memory_format=torch.channels_last)  # type: ignore[call-overload]
        threads, on_cpu = _threads(), target.type == "cpu"
        count = min(threads, MOST) if on_cpu else GPU_LANES
        self._lanes = ThreadPool(
            self._draw, count=count, cores=threads, shared=not on_cpu, opened=partial(_open_lane, target)
        )
        self.batch = (2 if on_cpu else 4) * count
        limit = int(_memory_budget(target) / (generator.floats_per_pixel * dtype.itemsize))
        self._run = TiledBackend(self._lanes, limit=limit, reach=generator.reach, stride=generator.stride)

    @property
    def notices(self) -> list[str]:
        """What a user has to be told of how it ran."""
        return self._run.notices

    def gflop(self, height: int, width: int) -> float:
        """See LoadedBackend."""
        return 2e-9 * multiplications(self.generator, height, width)

    def __call__(self, images: Images) -> Images:
        """(N, H, W, 3) uint8 -> the same; what is too large for the memory is done in parts."""
        self._check_open()
        return self._run(images)

    def close(self) -> None:
        """See LoadedBackend."""
        super().close()
        self._lanes.close()

    @torch.inference_mode()
    def _draw(self, images: Images, threads: int) -> Images:
        if not images.flags.writeable:
            images = images.copy()  # PyTorch warns of arrays that it might write to, though nothing here does
        given = torch.from_numpy(images)
        try:
            result = self._on_cpu(given, threads) if self._target.type == "cpu" else self._on_gpu(given)
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            size = f"{images.shape[0]} x {images.shape[2]}x{images.shape[1]}"
        else:
            # The result is NHWC already, so this copies nothing; later stages rely on the layout.
            return np.ascontiguousarray(result.numpy())
        # Out here, where the error no longer holds the tensors of the call that failed.
        if self._target.type == "cuda":
            torch.cuda.empty_cache()
        raise OutOfMemory(f"{self.device} has too little memory for {size} pixels at once.")

    def _on_cpu(self, images: Tensor, threads: int) -> Tensor:
        use_threads(threads)
        drawn: Tensor = self._model(images)
        return drawn

    def _on_gpu(self, images: Tensor) -> Tensor:
        """One wait a call: all else is queued on the calling thread's stream."""
        drawn = self._model(images.pin_memory().to(self._target, non_blocking=True))
        result: Tensor = drawn.to("cpu", non_blocking=True)  # into pinned memory
        torch.cuda.current_stream(self._target).synchronize()
        return result


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


def use_threads(count: int) -> None:
    """Have PyTorch compute with so many threads in the calling thread."""
    # When a thread first asks for its number or computes, PyTorch replaces that number by the one which any
    # thread set last. Ask first: otherwise a lane with one core could draw with an OpenMP team of its own.
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)


def _open_lane(target: torch.device) -> None:
    if target.type == "cuda":
        torch.cuda.synchronize(target)  # the weights are copied on another stream
        torch.cuda.set_stream(torch.cuda.Stream(target))  # type: ignore[no-untyped-call]  # of this thread


def _threads() -> int:
    """PyTorch's own number, but no more than there are cores for: it does not ask for quotas."""
    return min(torch.get_num_threads(), cpus.count_cores())


def device_name(device: torch.device) -> str:
    """What people call the device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_cpu_model()} ({_threads()} threads)"


def cpu_features() -> list[str]:
    """What of this CPU makes drawing fast: its vectors, and which short numbers it computes in hardware."""
    return [
        torch.backends.cpu.get_cpu_capability(),
        *(["AVX512 bf16"] if torch.cpu._is_avx512_bf16_supported() else []),  # noqa: SLF001
        *(["VNNI"] if torch.cpu._is_vnni_supported() else []),  # noqa: SLF001  # int8
        *(["AMX"] if torch.cpu._is_amx_tile_supported() else []),  # noqa: SLF001
    ]


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # Elsewhere bf16 is emulated, and slower than fp32.
    return bool({"AVX512 bf16", "AMX"} & set(cpu_features()))


def _is_out_of_memory(error: RuntimeError) -> bool:
    """PyTorch has an exception for GPUs only; the CPU's allocator raises a plain RuntimeError."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


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
