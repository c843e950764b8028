"""Where a style has a network in 8-bit integers: NAME.int8.onnx beside NAME.safetensors, for CPUs.

`cartoonize export-onnx STYLE NAME.int8.onnx --precision int8` writes it; drawing with it needs no PyTorch.
"""

from pathlib import Path

from ..core.errors import BackendError
from ..styles.card import weights_sha256
from .onnx import OnnxBackend
from .providers import has_driver


def file_beside(style: Path) -> Path:
    """Where the int8 file of a style file is looked for."""
    return style.with_name(f"{style.stem}.int8.onnx")


def beside(style: Path, device: str, *, needed: bool) -> OnnxBackend | None:
    """The network in integers of a style file; None if there is none, or the device is not a CPU.

    One that was exported from other weights counts for none.

    Raises:
        BackendError: it is `needed`, and is not to be had.
    """
    path = file_beside(style)
    if device.startswith("cuda"):
        if needed:
            raise BackendError("Networks in int8 are for CPUs; on a GPU leave --precision out.")
        return None
    if path.is_file() and (needed or device == "cpu" or not _has_gpu()):
        backend = OnnxBackend(path, "cpu", "int8")
        if backend.about.get("weights_sha256") == weights_sha256(style):
            return backend
        backend.close()
    if needed:
        why = "was exported from other weights" if path.is_file() else "does not exist"
        raise BackendError(
            f"int8 needs a file of its own, and {path} {why}. What writes it, of swift networks: "
            f"cartoonize export-onnx {style} {path} --precision int8"
        )
    return None


def _has_gpu() -> bool:
    """Whether PyTorch would take a GPU; it is only asked, and imported, where there is a driver."""
    if not has_driver():
        return False
    import torch

    return torch.cuda.is_available()
