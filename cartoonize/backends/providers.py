"""ONNX Runtime's execution providers: chooses one, sets its options, and reports which ones really run."""

import ctypes
import hashlib
import re
import sys
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from ..core.choices import ProviderName
from ..core.errors import BackendError
from ..core.messages import unknown_choice_message
from ..core.onnx_runtime import load_onnxruntime

if TYPE_CHECKING:
    import onnxruntime as ort

Provider = tuple[str, dict[str, str]]
"""ONNX Runtime's name of a provider, and its options."""
Providers = tuple[Provider, ...]
CPU: Providers = (("CPUExecutionProvider", {}),)
_CLASSES = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
_OPTIONS = {
    # The newer format of Apple's networks; any of CPU, GPU and Neural Engine.
    "coreml": {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL"},
    "directml": {"device_id": "0"},
}
_PACKAGES = {"directml": "pip uninstall -y onnxruntime-gpu onnxruntime && pip install onnxruntime-directml"}
NVIDIA = ("tensorrt", "cuda")
PROFILE = {"min": (1, 32, 32), "opt": (4, 720, 1280), "max": (8, 2160, 3840)}
"""Pictures per call, height and width: the range of a TensorRT engine, and the shape to optimise for."""
_TENSORRT_PACKAGES = ("tensorrt", "tensorrt_cu13", "tensorrt_cu12")


def choose_provider(provider: str, device: str) -> str:
    """Return the provider that has to run; "auto" is "cuda" if there is such a GPU, and "cpu" otherwise.

    Raises:
        BackendError: it is not available, or provider and device contradict each other.
    """
    if provider not in get_args(ProviderName):
        raise BackendError(unknown_choice_message("provider", provider, get_args(ProviderName)))
    kind = device.partition(":")[0]
    usable = {"auto", "cuda"} if provider in NVIDIA else {"auto", "cpu"} if provider == "cpu" else {"auto"}
    if provider != "auto" and kind not in usable:
        raise BackendError(f"The provider {provider} does not run on {device}; leave one of the two out.")
    option = f"--provider {provider}" if provider != "auto" else device
    name = kind if provider == "auto" else provider
    built = _CLASSES["cuda" if name == "auto" else name] in load_onnxruntime().get_available_providers()
    if name == "auto":
        return "cuda" if built and has_driver() else "cpu"
    if not built:
        command = f" To install one that has: {_PACKAGES[name]}" if name in _PACKAGES else ""
        raise BackendError(f"{option} was requested, but this build of ONNX Runtime has no {name}.{command}")
    if name in NVIDIA and not has_driver():
        raise BackendError(f"{option} was requested, but this machine has no NVIDIA driver; install it.")
    return name


def provider_settings(
    provider: str, device: str, model: Path, graph_input: "ort.NodeArg | None" = None, precision: str = ""
) -> Providers:
    """Return the providers to open a session with: the chosen one, then those for the nodes that it lacks.

    TensorRT builds an engine for known sizes, so it needs `graph_input`, the input of the graph.
    """
    number = device.partition(":")[2] or "0"
    # By default it rounds float32 to 10 bits, TF32, from Ampere on. TensorRT's provider has no such option.
    cuda: Provider = (_CLASSES["cuda"], {"device_id": number, "use_tf32": "0"})
    if provider == "cpu":
        return CPU
    if provider not in NVIDIA:
        return ((_CLASSES[provider], _OPTIONS[provider]), *CPU)
    if provider == "cuda" or graph_input is None:
        return (cuda, *CPU)
    return ((_CLASSES["tensorrt"], _tensorrt_options(number, model, graph_input, precision)), cuda, *CPU)


def _tensorrt_options(number: str, model: Path, graph_input: "ort.NodeArg", precision: str) -> dict[str, str]:
    shapes = {
        f"trt_profile_{bound}_shapes": f"{graph_input.name}:{_shape(graph_input.shape, sizes)}"
        for bound, sizes in PROFILE.items()
    }
    folder = engine_cache(
        model,
        gpu=gpu_name(int(number)),
        versions=library_versions(),
        precision=precision,
        shapes=";".join(shapes.values()),
    )
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "device_id": number,
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": str(folder),
        "trt_fp16_enable": str(precision == "fp16"),
        **shapes,
    }


def _shape(dimensions: list[int | str | None], sizes: tuple[int, int, int]) -> str:
    """Return the dimensions of a graph's input, with sizes for those that it leaves open."""
    channels_first = dimensions[1] == 3
    defaults = (sizes[0], 3, *sizes[1:]) if channels_first else (*sizes, 3)
    pairs = zip(dimensions, defaults, strict=True)
    return "x".join(str(side if isinstance(side, int) else default) for side, default in pairs)


def engine_cache(model: Path, *, gpu: str, versions: str, precision: str, shapes: str) -> Path:
    """Return the folder of TensorRT's engines for a model; an engine works for exactly these arguments only.

    Engines are made on this machine and read by it again; the folder is the user's own.
    """
    from platformdirs import user_cache_path  # here, so that other backends do not need it

    digest = hashlib.sha256(model.read_bytes())
    digest.update("\n".join((gpu, versions, precision, shapes)).encode())
    return user_cache_path("cartoonize", appauthor=False) / "tensorrt" / digest.hexdigest()[:32]


def library_versions() -> str:
    """Return the versions of CUDA and TensorRT, as far as they are known."""
    versions = [f"cuda {load_onnxruntime().cuda_version}"]
    for package in _TENSORRT_PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(versions)


def assigned_providers(session: "ort.InferenceSession") -> str:
    """Return the number of nodes on each provider, as the session reports it: "cuda 7/10, cpu 3/10"."""
    counts: Counter[str] = Counter()
    for subgraph in session.get_provider_graph_assignment_info():
        counts[subgraph.ep_name] += len(subgraph.get_nodes())
    total = sum(counts.values())
    shares = [f"{short_name(name)} {count}/{total}" for name, count in counts.most_common()]
    return shares[0].partition(" ")[0] if len(shares) == 1 else ", ".join(shares)


def short_name(name: str) -> str:
    """Return the word of `--provider` for ONNX Runtime's name of a provider; that name if there is none."""
    return next((word for word, title in _CLASSES.items() if title == name), name)


def has_driver() -> bool:
    """Whether there is an NVIDIA driver; ONNX Runtime lists CUDA without one, and fails later."""
    return _driver() is not None


def gpu_name(number: int) -> str:
    """Return the driver's name of a GPU; empty if the driver does not answer."""
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
