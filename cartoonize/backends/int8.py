"""Styles in 8-bit integers, for CPUs: the file NAME.int8.onnx beside NAME.safetensors.

`cartoonize export-onnx STYLE NAME.int8.onnx --precision int8` writes it, and its hash into the header of the
style. Drawing with it needs no PyTorch.
"""

from pathlib import Path

from ..core.errors import BackendError
from ..styles import label_style
from ..styles.card import int8_path, read_header
from ..styles.user import sha256_of
from .onnx import OnnxBackend
from .options import RuntimeOptions
from .pytorch import auto_is_gpu
from .registry import register


@register("int8", suffixes=(".safetensors",), devices=("cpu",), priority=1)
def load_int8(style: Path, device: str, precision: str, options: RuntimeOptions) -> OnnxBackend | None:
    """Load the int8 file of a style file. Return None to leave the style to another backend.

    That happens if there is no such file, or the user or the machine prefers another precision or a GPU. The
    file is used only if the header of the style names its hash. So nobody can put another graph beside a
    style, and an old graph never draws for weights that have changed.

    Raises:
        BackendError: the precision is int8, and there is no such file.
    """
    if precision not in ("auto", "int8"):
        return None
    path, required = int8_path(style), precision == "int8"
    if path.is_file() and (required or device == "cpu" or not auto_is_gpu()):
        header = read_header(style)
        if _has_hash(path, header.int8_sha256):
            backend = OnnxBackend(path, "cpu", "int8", options)
            backend.card, backend.network = header.card, header.network
            return backend
    if required:
        raise BackendError(_describe_missing(style, path))
    return None


def _describe_missing(style: Path, int8_file: Path) -> str:
    """Why a style cannot be drawn in int8, and what to do."""
    label = label_style(style)
    if not read_header(style).int8_sha256 and label != str(style):
        return f"The style {label} has no int8 file: leave --precision out, or choose another style."
    reason = "is not the file that the style names" if int8_file.is_file() else "does not exist"
    if label != str(style):  # installed or added: to write the file would change the header of the style
        return f"The int8 file of the style {label} {reason}: leave --precision out, or install it again."
    return (
        f"int8 needs a file of its own, and {int8_file} {reason}. To write it, for swift networks: "
        f"cartoonize export-onnx {label} {int8_file} --precision int8"
    )


def _has_hash(path: Path, sha256: str) -> bool:
    try:
        return sha256_of(path) == sha256
    except OSError as error:
        raise BackendError(f"Cannot read {path}: {error.strerror}.") from error
