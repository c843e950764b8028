"""Runtimes: each file here makes functions from pictures to pictures (frames.Backend) out of style files."""

import re
from typing import TYPE_CHECKING, Protocol, Self, get_args

from ..core import cpus
from ..core.choices import DEVICES, Precision, did_you_mean
from ..core.errors import BackendError
from ..core.frames import Images
from ..styles import DEFAULT, ENGINES, find_style

if TYPE_CHECKING:
    from .onnx import OnnxOptions


class LoadedBackend(Protocol):
    """A Backend that says what runs. Whoever loads it closes it, by `close` or a `with` block.

    `batch` is the number of pictures a call that suits the device; `notices` is what a user has to be told.
    `reading` is how a network was understood that does not say it of itself; empty for all others.
    """

    runtime: str
    device: str
    precision: str
    batch: int
    reading: str

    @property
    def notices(self) -> list[str]: ...

    def gflop(self, height: int, width: int) -> float | None:
        """Billions of additions and multiplications of the convolutions for a picture; None if unknown."""
        ...

    def __call__(self, images: Images) -> Images: ...

    def close(self) -> None:
        """End all threads and wait for them; a closed back end draws no more. Closing again does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def load(
    style: str = DEFAULT,
    *,
    device: str = "auto",
    precision: Precision = "auto",
    onnx: "OnnxOptions | None" = None,
) -> LoadedBackend:
    """Load a style as a function on pictures, (N, H, W, 3) uint8 RGB -> the same, of any size.

    It owns threads until it is closed: `with load("pepper") as draw: ...`. Where PyTorch is not imported yet,
    its threads will sleep while they wait (see cpus.py).

    Args:
        style: a built-in name, a style file (.safetensors), a network of this or another program (.onnx), a
            folder of engines (`cartoonize export-tensorrt`) or of a training run, or "null", which gives
            back what it gets, on no device.
        device: "cpu", "cuda", "cuda:N", or "auto", which takes the GPU when there is one.
        precision: "fp32", "bf16", "fp16", "int8", or "auto": the fastest that the device computes in
            hardware. 8-bit integers are for CPUs, and need a file of their own beside the style's (see
            integers.py), as the built-in styles for video have.
        onnx: what else can be said of an .onnx file.

    Raises:
        ModelError: there is no such style, or its file is damaged.
        BackendError: the device or precision is not to be had. Nothing else runs in its place.
    """
    cpus.set_passive_waiting()
    check_device(device)
    if precision not in get_args(Precision):
        known = get_args(Precision)
        raise BackendError(
            f"Unknown precision {precision!r}: choose {', '.join(known)}.{did_you_mean(precision, known)}"
        )
    if style == "null":
        from .null import NullBackend

        return NullBackend()
    path = find_style(style)
    if path.suffix.lower() == ".onnx":
        from .onnx import OnnxBackend

        return OnnxBackend(path, device, precision, onnx)
    if onnx is not None:
        raise BackendError(
            f"Providers, ranges and channel orders are those of .onnx files, and {style} is none."
        )
    if path.name == ENGINES:
        from .tensorrt import TensorRTBackend

        return TensorRTBackend(path, device, precision)
    if precision in ("auto", "int8"):
        from .int8 import beside

        found = beside(path, device, needed=precision == "int8")
        if found is not None:
            return found
    from .pytorch import PyTorchBackend

    return PyTorchBackend(path, device, precision)


def check_device(device: str) -> None:
    """Raise BackendError unless the name is "auto", "cpu", "cuda" or "cuda:N"."""
    if not re.fullmatch(r"auto|cpu|cuda(:[0-9]{1,2})?", device):
        raise BackendError(
            f"Unknown device {device!r}: choose auto, cpu, cuda or cuda:N.{did_you_mean(device, DEVICES)}"
        )
