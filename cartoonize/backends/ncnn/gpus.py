"""The GPUs that Vulkan drivers offer, in the order of ncnn, and which of them is used."""

import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from threading import Lock
from types import ModuleType
from typing import Any

from ...core import cpus
from ...core.errors import BackendError
from ...core.isolated import call_isolated

KINDS = ("discrete", "integrated", "virtual", "software")
"""By ncnn's numbers, and in the order of preference."""
VENDORS = {0x10DE: "nvidia", 0x1002: "amd", 0x8086: "intel", 0x106B: "apple"}
"""By their numbers at the PCI Special Interest Group, which Vulkan uses."""
_SOFTWARE = ("llvmpipe", "lavapipe", "swiftshader", "basic render", "warp")
_LOG_LINE = re.compile(rb"^\[[0-9]+ .*\] |^vk[A-Z]\w+ failed|not a conformant [vV]ulkan implementation")
_lock = Lock()


@dataclass(frozen=True, slots=True)
class VulkanGpu:
    """A GPU of Vulkan, or a driver that computes on the CPU.

    Attributes:
        number: as in "vulkan:1".
        name: the driver's name of it.
        kind: one of KINDS.
        vendor: one of VENDORS; empty for others.
        memory: bytes that are free for this process.
        has_fp16: whether it stores numbers in 16 bits.
    """

    number: int
    name: str
    kind: str
    vendor: str
    memory: int
    has_fp16: bool

    @property
    def is_software(self) -> bool:
        """Whether it is no GPU, but a driver that computes on the CPU."""
        return self.kind == "software"


def is_installed() -> bool:
    """Whether the package ncnn is installed."""
    return find_spec("ncnn") is not None


def import_ncnn() -> ModuleType:
    """Import `ncnn`.

    Raises:
        BackendError: it is not installed, or cannot be imported.
    """
    try:
        with cpus.passive_waiting():
            import ncnn
    except (ImportError, OSError) as error:  # OSError comes from a library that it loads
        raise BackendError(
            f'Vulkan and ncnn files need another package: pip install "cartoonize[vulkan]" ({error}).'
        ) from error
    module: ModuleType = ncnn
    return module


@cache
def list_gpus() -> tuple[VulkanGpu, ...]:
    """Return all GPUs, those that are no GPUs included; empty if there is no driver.

    Raises:
        BackendError: ncnn is not installed.
    """
    ncnn = import_ncnn()
    with _lock, hidden_log():
        ncnn.create_gpu_instance()
        return tuple(_describe(ncnn, number) for number in range(ncnn.get_gpu_count()))


def choose_gpu(device: str) -> VulkanGpu:
    """Return the GPU of "vulkan:N"; for "vulkan" the best one by KINDS, and a software driver only last.

    Raises:
        BackendError: there is none.
    """
    gpus, number = list_gpus(), device.partition(":")[2]
    if not gpus:
        raise BackendError(
            f"{device} was requested, but no Vulkan driver is installed. On Linux, install your "
            "distribution's Vulkan driver, as mesa-vulkan-drivers; elsewhere, the driver of the GPU's vendor."
        )
    if not number:
        return best_gpu(gpus)
    if int(number) >= len(gpus):
        raise BackendError(
            f"{device} was requested, but the number of Vulkan devices is {len(gpus)}: the last one is "
            f"vulkan:{len(gpus) - 1}."
        )
    return gpus[int(number)]


def best_gpu(gpus: Iterable[VulkanGpu]) -> VulkanGpu:
    """Return the first GPU of the preferred kind: a graphics card before a GPU inside the processor."""
    return min(gpus, key=lambda gpu: KINDS.index(gpu.kind))


def free_memory(gpu: VulkanGpu) -> int:
    """Return the bytes of a GPU that are free for this process now."""
    return int(import_ncnn().get_gpu_device(gpu.number).get_heap_budget()) << 20


def describe_gpus() -> list[dict[str, Any]]:
    """Return the GPUs in JSON's types."""
    return [asdict(gpu) for gpu in list_gpus()]


def list_gpus_isolated() -> list[VulkanGpu]:
    """Return the GPUs, listed in another process, because a broken driver may crash.

    Raises:
        BackendError: as `list_gpus`, or the driver crashed.
    """
    return [VulkanGpu(**gpu) for gpu in call_isolated(f"{__name__}:describe_gpus", timeout=60)]


def _describe(ncnn: Any, number: int) -> VulkanGpu:
    info = ncnn.get_gpu_info(number)
    name = re.sub(r"\s+", " ", info.device_name())
    software = info.type() not in range(3) or any(sign in name.lower() for sign in _SOFTWARE)
    kind = "software" if software else KINDS[info.type()]
    memory = int(ncnn.get_gpu_device(number).get_heap_budget()) << 20
    vendor = VENDORS.get(info.vendor_id(), "")
    return VulkanGpu(number, name, kind, vendor, memory, _stores_halves(ncnn, number))


def _stores_halves(ncnn: Any, number: int) -> bool:
    """Whether the option for float16 has an effect: ncnn ignores it if the GPU does not support it."""
    import numpy as np

    net = ncnn.Net()
    net.opt.use_vulkan_compute = net.opt.use_fp16_packed = net.opt.use_fp16_storage = True
    net.set_vulkan_device(number)
    # The least network that runs on the GPU, on a number that float16 rounds.
    net.load_param_mem("7767517\n2 2\nInput in 0 1 in\nReLU out 1 1 in out 0=0.0\n")
    net.load_model_mem(b"")
    extractor = net.create_extractor()
    extractor.input("in", ncnn.Mat(np.full((4, 4, 4), 0.1, np.float32)).clone())
    code, result = extractor.extract("out")
    return code == 0 and abs(float(np.asarray(result)[0, 0, 0]) - 0.1) > 1e-6


@contextmanager
def hidden_log() -> Iterator[None]:
    """Hide lines that ncnn and drivers log directly to standard error.

    All other lines that arrive meanwhile are written afterwards.
    """
    try:
        before = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    with tempfile.TemporaryFile() as log:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(log.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)
            log.seek(0)
            for line in log:
                if line.strip() and not _LOG_LINE.search(line):
                    os.write(2, line)
