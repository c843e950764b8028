"""ncnn, which reaches GPUs of all vendors by Vulkan: style files on GPUs, .param files on GPUs and CPUs."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..options import RuntimeOptions
from ..registry import register
from .gpus import is_installed, list_gpus

if TYPE_CHECKING:
    from .backend import NcnnBackend


@register("ncnn", suffixes=(".param",), devices=("cpu", "vulkan"))
def load_param(path: Path, device: str, precision: str, _options: RuntimeOptions) -> "NcnnBackend":
    """Load a file of `cartoonize export-ncnn`; "auto" is a GPU if there is one, and otherwise the CPU.

    Raises:
        ModelError: the file is damaged, or of another program.
        BackendError: the device or precision is not available.
    """
    from .backend import NcnnBackend
    from .files import read_network

    network = read_network(path)
    if device == "auto":
        device = "cpu" if all(gpu.is_software for gpu in list_gpus()) else "vulkan"
    return NcnnBackend(network, device, precision)


# "": as for PyTorch, any file that no other backend claims may be a style file.
@register("vulkan", suffixes=(".safetensors", ""), devices=("vulkan",), priority=2)
def load_vulkan(style: Path, device: str, precision: str, _options: RuntimeOptions) -> "NcnnBackend | None":
    """Load a style file on a GPU; None if the device is "auto" and another one is better, see trial.py.

    Raises:
        ModelError: the file is damaged.
        BackendError: the GPU or the precision is not available.
    """
    if device == "auto":
        if precision not in ("auto", "fp16", "fp32") or not is_installed():
            return None
        from .trial import is_faster_than_cpu

        if not is_faster_than_cpu(style):
            return None
        device = "vulkan"
    from ...styles.card import read_header
    from .backend import NcnnBackend
    from .files import read_style

    backend, header = NcnnBackend(read_style(style), device, precision), read_header(style)
    backend.card, backend.network = header.card, header.network
    return backend
