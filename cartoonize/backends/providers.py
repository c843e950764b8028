"""ONNX Runtime's execution providers: which are asked for, with what settings, and what really ran."""

import ctypes
import hashlib
import re
import sys
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from platformdirs import user_cache_path

from ..core.choices import ProviderName, did_you_mean
from ..core.errors import BackendError

if TYPE_CHECKING:
    import onnxruntime as ort

Provider = tuple[str, dict[str, str]]
_CLASSES = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
# Pictures a call, height and width for which a TensorRT engine is built, and for which it is made fastest.
PROFILE = {"min": (1, 32, 32), "opt": (4, 720, 1280), "max": (8, 2160, 3840)}
_TENSORRT_PACKAGES = ("tensorrt", "tensorrt_cu13", "tensorrt_cu12")


def choose(provider: str, device: str) -> str:
    """The provider that has to run: "tensorrt", "cuda" or "cpu"; "auto" is the GPU when there is one.

    Raises:
        BackendError: what was asked for is not to be had here, or the two contradict each other.
    """
    import onnxruntime as ort

    if provider not in get_args(ProviderName):
        known = get_args(ProviderName)
        raise BackendError(
            f"Unknown provider {provider!r}: choose {', '.join(known)}.{did_you_mean(provider, known)}"
        )
    on_gpu = device.startswith("cuda")
    if (provider == "cpu" and on_gpu) or (provider in ("tensorrt", "cuda") and device == "cpu"):
        raise BackendError(f"The provider {provider} does not run on {device}; leave one of the two out.")
    asked = f"--provider {provider}" if provider != "auto" else device
    wanted = provider if provider != "auto" else "cuda" if on_gpu else "auto" if device == "auto" else "cpu"
    built = _CLASSES["cuda" if wanted == "auto" else wanted] in ort.get_available_providers()
    if wanted == "auto":
        return "cuda" if built and has_driver() else "cpu"
    if not built:
        raise BackendError(f"{asked} was asked for, but this build of ONNX Runtime has no {wanted}.")
    if wanted != "cpu" and not has_driver():
        raise BackendError(f"{asked} was asked for, but this machine has no NVIDIA driver.")
    return wanted


def settings(
    chosen: str, device: str, model: Path, end: "ort.NodeArg | None" = None, precision: str = ""
) -> list[Provider]:
    """The providers to open a session with, in order: the chosen one, and what it leaves to others.

    `end` is the graph's input, whose sizes TensorRT wants to know beforehand.
    """
    number = device.partition(":")[2] or "0"
    cuda: Provider = (_CLASSES["cuda"], {"device_id": number})
    cpu: Provider = (_CLASSES["cpu"], {})
    if chosen == "cpu":
        return [cpu]
    if chosen == "cuda" or end is None:
        return [cuda, cpu]
    shapes = {
        f"trt_profile_{which}_shapes": f"{end.name}:{_shape(end.shape, sizes)}"
        for which, sizes in PROFILE.items()
    }
    folder = engine_cache(
        model,
        gpu=gpu_name(int(number)),
        versions=versions(),
        precision=precision,
        shapes=";".join(shapes.values()),
    )
    folder.mkdir(parents=True, exist_ok=True)
    tensorrt = {
        "device_id": number,
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": str(folder),
        "trt_fp16_enable": str(precision == "fp16"),
        **shapes,
    }
    return [(_CLASSES["tensorrt"], tensorrt), cuda, cpu]


def _shape(dimensions: list[int | str | None], sizes: tuple[int, int, int]) -> str:
    """The dimensions of a graph's input, with sizes for those that it leaves open."""
    first = dimensions[1] == 3
    wanted = (sizes[0], 3, *sizes[1:]) if first else (*sizes, 3)
    given = zip(dimensions, wanted, strict=True)
    return "x".join(str(side if isinstance(side, int) else size) for side, size in given)


def engine_cache(model: Path, *, gpu: str, versions: str, precision: str, shapes: str) -> Path:
    """Where TensorRT's engines for this model are kept: an engine is good for exactly these.

    Engines are made on this machine and read by it again; the folder is the user's own.
    """
    digest = hashlib.sha256(model.read_bytes())
    digest.update("\n".join((gpu, versions, precision, shapes)).encode())
    return user_cache_path("cartoonize", appauthor=False) / "tensorrt" / digest.hexdigest()[:32]


def versions() -> str:
    """Versions of CUDA and TensorRT, as far as they are known."""
    import onnxruntime as ort

    found = [f"cuda {ort.cuda_version}"]
    for package in _TENSORRT_PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def what_ran(session: "ort.InferenceSession") -> str:
    """Which providers run how many of a session's nodes, by its own report."""
    counts: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        counts[part.ep_name] += len(part.get_nodes())
    total = sum(counts.values())
    short = {name: key for key, name in _CLASSES.items()}
    shares = [f"{short.get(name, name)} {count}/{total}" for name, count in counts.most_common()]
    return shares[0].partition(" ")[0] if len(shares) == 1 else ", ".join(shares)


def has_driver() -> bool:
    """Whether there is an NVIDIA driver; ONNX Runtime lists CUDA without one, and complains later."""
    return _driver() is not None


def gpu_name(number: int) -> str:
    """What the driver calls a GPU; empty where it does not answer."""
    driver, device, name = _driver(), ctypes.c_int(), ctypes.create_string_buffer(256)
    if driver is None or driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), number):
        return ""
    driver.cuDeviceGetName(name, len(name), device)
    return re.sub(r"\s+", " ", name.value.decode(errors="replace"))


def _driver() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None
