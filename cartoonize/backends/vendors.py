"""Devices by the name of the vendor: through PyTorch where it is built for that GPU, otherwise by Vulkan."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from ..core.errors import BackendError
from .providers import has_driver
from .pytorch import is_built_for


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor of GPUs.

    Attributes:
        title: the name for people.
        pytorch: PyTorch's name of its GPUs.
        is_built_in: whether this PyTorch is built for them.
        build: what such a build is called.
    """

    title: str
    pytorch: str
    is_built_in: Callable[[], bool]
    build: str


_VENDORS = {
    "nvidia": Vendor("NVIDIA", "cuda", lambda: has_driver() and is_built_for("cuda"), "CUDA"),
    "amd": Vendor("AMD", "cuda", lambda: is_built_for("hip"), "ROCm"),
    "intel": Vendor("Intel", "xpu", lambda: is_built_for("xpu"), "XPU"),
    "apple": Vendor("Apple", "mps", lambda: sys.platform == "darwin", "Metal"),
}
"""By the words of core/choices.py, which are also those of Vulkan (see ncnn/gpus.py)."""


def resolve_device(device: str) -> str:
    """Return the device that the name of a vendor means, as "vulkan:1"; all other names as they are.

    Raises:
        BackendError: neither PyTorch nor Vulkan reaches a GPU of the vendor.
    """
    vendor = _VENDORS.get(device)
    if vendor is None:
        return device
    if vendor.is_built_in():
        return vendor.pytorch
    from .ncnn.gpus import best_gpu, is_installed, list_gpus

    missing = (
        f"{device} was requested, but PyTorch reaches no GPU of {vendor.title}: that takes a driver and a "
        f"PyTorch for {vendor.build}"
    )
    if not is_installed():
        raise BackendError(f'{missing}. Vulkan takes only the driver and: pip install "cartoonize[vulkan]"')
    gpus = [gpu for gpu in list_gpus() if gpu.vendor == device]
    if not gpus:
        raise BackendError(f"{missing}. No Vulkan driver finds one, either.")
    return f"vulkan:{best_gpu(gpus).number}"
