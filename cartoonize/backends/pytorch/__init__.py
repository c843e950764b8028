"""Style files in PyTorch, on CPUs and GPUs. Importing PyTorch takes seconds, so it happens only on demand."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ...core import cpus
from ...core.errors import BackendError
from ..options import RuntimeOptions
from ..providers import has_driver
from ..registry import register

if TYPE_CHECKING:
    from .backend import PyTorchBackend


# "": any other file is a style file with another name, or the error says what a style file is.
@register("pytorch", suffixes=(".safetensors", ""), devices=("cpu", "cuda", "mps", "xpu"))
def load_pytorch(
    path: Path,
    device: str,
    precision: str,
    options: RuntimeOptions | None = None,  # noqa: ARG001  # it has none
) -> "PyTorchBackend":
    """Load a style file; PyTorch is imported so that its threads sleep while they wait (see cpus.py).

    Raises:
        ModelError: the file is damaged.
        BackendError: the device or precision is not available.
    """
    if precision == "int8":  # on a CPU int8.py loads it
        raise BackendError("Networks in int8 are for CPUs; on a GPU leave --precision out.")
    with cpus.passive_waiting():
        import torch

        torch.get_num_threads()  # some OpenMP libraries read the environment only when they are first asked
    from .backend import PyTorchBackend

    return PyTorchBackend(path, device, precision)


def may_have_gpu() -> bool:
    """Whether it is worth importing PyTorch to look for a GPU that "auto" takes: NVIDIA's, or AMD's."""
    return has_driver() or is_built_for("hip")


def is_built_for(platform: str) -> bool:
    """Whether PyTorch is built for "cuda", "hip" (ROCm) or "xpu"; found out without importing it."""
    spec = find_spec("torch")
    for folder in spec.submodule_search_locations or () if spec else ():
        text = (Path(folder) / "version.py").read_text(encoding="utf-8")
        return re.search(rf"^{platform}\b.*= *['\"]", text, re.MULTILINE) is not None
    return False


def auto_is_gpu() -> bool:
    """Whether PyTorch runs on a GPU if the device is "auto". It is imported only where there may be one."""
    if not may_have_gpu():
        return False
    from .device import choose_device

    return choose_device("auto").type != "cpu"
