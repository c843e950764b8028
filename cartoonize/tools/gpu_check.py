"""`cartoonize doctor --gpu`: draws one picture on every device, and compares the drawings with the CPU's.

Each device draws in a separate process: if a driver crashes or hangs, the others are still tried.
"""

import base64
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..backends import RuntimeOptions, load
from ..backends.ncnn.gpus import is_installed, list_gpus_isolated
from ..core.errors import BackendError
from ..core.frames import Image
from ..core.isolated import call_isolated
from ..core.onnx_runtime import load_onnxruntime
from ..core.sample_photos import open_photo
from ..styles import DEFAULT
from .requirements import installed_version

SIZE = 360, 640  # height and width of the picture
TIMEOUT = 300.0  # seconds for a device; some compile the network first
_ROUNDS = 3
_NVIDIA = ("cuda",)  # of the providers; TensorRT is left out, as it builds an engine for minutes
_PROVIDERS = {"cuda": "CUDA", "coreml": "CoreML", "directml": "Dml"}


@dataclass(frozen=True, slots=True)
class DeviceCheck:
    """A device that was tried.

    Attributes:
        device: as for `--device`, or "--provider NAME".
        name: of the hardware, as the runtime names it; empty if it failed.
        runtime: the library that drew.
        precision: what it computed in.
        difference: the largest difference from the CPU in float32, in grey levels; None if either failed.
        percentile: the 99.9th percentile of the differences.
        milliseconds: for a picture of 640x360, the best of three.
        error: why it failed; empty if it drew.
    """

    device: str
    name: str = ""
    runtime: str = ""
    precision: str = ""
    difference: int | None = None
    percentile: float | None = None
    milliseconds: float | None = None
    error: str = ""


def check_gpus() -> Iterator[DeviceCheck]:
    """Yield a result for the CPU, and then for every other device that this machine may have."""
    reference: Image | None = None
    with tempfile.TemporaryDirectory() as folder:
        for label, arguments in _candidates(Path(folder)):
            if isinstance(arguments, str):
                yield DeviceCheck(label, error=arguments)
                continue
            try:
                result = call_isolated(f"{__name__}:draw", timeout=TIMEOUT, **arguments)
            except BackendError as error:
                yield DeviceCheck(label, error=str(error))
                continue
            drawing = np.frombuffer(base64.b64decode(result.pop("drawing")), np.uint8).reshape((*SIZE, 3))
            reference = drawing if reference is None and label == "cpu" else reference
            yield DeviceCheck(label, **_compare(drawing, reference), **result)


def draw(style: str, device: str, precision: str = "auto", provider: str = "auto") -> dict[str, Any]:
    """Draw the picture, and return the drawing and what drew it, in JSON's types; for `call_isolated`."""
    chosen: Any = provider  # load checks it
    options: Any = {"precision": precision}
    picture = photo()[None]
    with load(style, device=device, options=RuntimeOptions(provider=chosen), **options) as backend:
        drawing, seconds = backend(picture)[0], []
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            backend(picture)
            seconds.append(time.perf_counter() - started)
        return {
            "name": backend.device,
            "runtime": backend.runtime,
            "precision": backend.precision,
            "milliseconds": round(1000 * min(seconds), 1),
            "drawing": base64.b64encode(drawing.tobytes()).decode(),
        }


def photo() -> Image:
    """Return the picture that all devices draw."""
    height, width = SIZE
    return np.asarray(open_photo("astronaut.png").resize((width, height)))


def versions() -> dict[str, str]:
    """Return the versions of the installed libraries that draw, by their packages."""
    packages = ("torch", "onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "ncnn")
    return {package: version for package in packages if (version := installed_version(package))}


def _candidates(folder: Path) -> Iterator[tuple[str, dict[str, Any] | str]]:
    """Yield each device with the arguments of `draw`, or with the reason why it cannot be tried."""
    yield "cpu", {"style": DEFAULT, "device": "cpu", "precision": "fp32"}
    yield "cpu, auto", {"style": DEFAULT, "device": "cpu"}
    from ..backends.pytorch.device import gpus

    for gpu in gpus():
        yield str(gpu), {"style": DEFAULT, "device": str(gpu)}
    yield from _vulkan_candidates()
    yield from _provider_candidates(folder)


def _vulkan_candidates() -> Iterator[tuple[str, dict[str, Any] | str]]:
    if not is_installed():
        yield "vulkan", 'Not installed: pip install "cartoonize[vulkan]"'
        return
    try:
        gpus = list_gpus_isolated()
    except BackendError as error:
        yield "vulkan", str(error)
        return
    for gpu in gpus:
        device = f"vulkan:{gpu.number}"
        yield device, {"style": DEFAULT, "device": device}
    if not gpus:
        yield "vulkan", "No Vulkan driver is installed."


def _provider_candidates(folder: Path) -> Iterator[tuple[str, dict[str, Any] | str]]:
    """Providers of ONNX Runtime, with a file that is exported for them."""
    from ..backends.providers import has_driver

    available = load_onnxruntime().get_available_providers()
    names = [
        name
        for name, title in _PROVIDERS.items()
        if f"{title}ExecutionProvider" in available and (has_driver() or name not in _NVIDIA)
    ]
    if not names:
        return
    path = folder / f"{DEFAULT}.onnx"
    missing = [package for package in ("onnx", "onnxscript") if find_spec(package) is None]
    if not missing:
        from ..export.onnx import export_onnx

        export_onnx(DEFAULT, path)
    for name in names:
        arguments = {"style": str(path), "device": "auto", "provider": name}
        yield (
            f"--provider {name}",
            'The file to try it with is missing: pip install "cartoonize[export]"' if missing else arguments,
        )


def _compare(drawing: Image, reference: Image | None) -> dict[str, Any]:
    if reference is None:
        return {}
    differences = np.abs(drawing.astype(np.int16) - reference)
    return {
        "difference": int(differences.max()),
        "percentile": round(float(np.percentile(differences, 99.9)), 1),
    }
