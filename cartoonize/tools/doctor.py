"""`cartoonize doctor`: checks which features of this installation work, and what the others need.

The checks are independent. If one finds a broken library, it reports that, and the others still run.
"""

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction
from importlib import import_module
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

from ..core import cpus
from ..core.choices import ENCODERS, HARDWARE_ENCODERS
from ..core.errors import BackendError, ModelError
from ..core.onnx_runtime import load_onnxruntime
from ..styles import DEFAULT, user
from ..version import __version__
from .diagnosis import Diagnosis, describe_error, hide_home

DECODERS = ("h264", "hevc", "av1", "vp9", "vp8", "mpeg4", "mpeg2video", "prores", "dnxhd", "mjpeg")
"""The codecs of most videos that people have."""

# The modules that conversion and training import, and the packages that they come from.
_PACKAGES = {
    "numpy": "numpy", "PIL": "pillow", "av": "av", "torch": "torch", "onnxruntime": "onnxruntime",
    "cv2": "opencv-python",
}  # fmt: skip
# On servers, opencv-python lacks the libraries of a desktop; reinstalling it would not help.
_INSTALL_HEADLESS_OPENCV = "pip uninstall -y opencv-python && pip install opencv-python-headless"


def diagnose() -> Diagnosis:
    """Run all checks and convert a small picture. This takes two or three seconds."""
    diagnosis = Diagnosis(versions=_versions(), folders=_folders())
    _run(check_packages, diagnosis)
    importable = {module for module in _PACKAGES if _check_import(module, diagnosis)}
    for module, check in (("torch", _check_devices), ("onnxruntime", _check_onnx), ("av", _check_codecs)):
        if module in importable:
            _run(check, diagnosis)
    _run(_check_vulkan, diagnosis)
    _check_styles(diagnosis)
    _check_conversion(diagnosis)
    return diagnosis


def _run(check: Callable[[Diagnosis], None], diagnosis: Diagnosis) -> None:
    try:
        check(diagnosis)
    except Exception as error:  # noqa: BLE001  # a broken installation may raise anything
        diagnosis.report(describe_error(error))


def _versions() -> dict[str, str]:
    return {"cartoonize": __version__, "python": platform.python_version(), "system": platform.platform()}


def check_packages(diagnosis: Diagnosis) -> None:
    """Compare the packages that cartoonize needs with those that are installed."""
    from . import requirements

    try:
        for requirement in requirements.check_requirements():
            diagnosis.packages[requirement.name] = requirement.installed
            if not requirement.satisfied:
                state = requirement.installed or "missing"
                diagnosis.report(f"{requirement.name} is {state}.", requirement.install_command)
        for extra in requirements.extras():
            if packages := requirements.check_requirements(extra):  # none if an extra adds nothing here
                diagnosis.extras[extra] = [package.name for package in packages if not package.satisfied]
    except PackageNotFoundError:
        diagnosis.report("cartoonize runs from its sources, without being installed.", "pip install .")
    if conflict := requirements.conflicting_packages():
        command = f"pip uninstall -y {' '.join(conflict)} && pip install {conflict[0]}"
        diagnosis.report(f"{' and '.join(conflict)} are both installed, and overwrite each other.", command)


def _check_import(module: str, diagnosis: Diagnosis) -> bool:
    """Whether a module can be imported. `check_packages` reports missing packages."""
    try:
        import_module(module)
    except Exception as error:  # noqa: BLE001  # a broken installation may raise anything
        package = _PACKAGES[module]
        if not any(problem.text.startswith(f"{package} is missing") for problem in diagnosis.problems):
            reinstall = f"pip install --force-reinstall {package}"
            command = _INSTALL_HEADLESS_OPENCV if module == "cv2" else reinstall
            diagnosis.report(hide_home(f"{package} cannot be imported: {error}"), command)
        return False
    return True


def _check_devices(diagnosis: Diagnosis) -> None:
    from ..backends.providers import has_driver
    from ..backends.pytorch import device as devices
    from ..backends.pytorch import hardware
    from .requirements import installed_version

    diagnosis.cpu = {
        "name": hardware.device_name(devices.CPU),
        "cores": cpus.count_cores(),
        "features": hardware.cpu_features(),
        "precision": devices.choose_precision(devices.CPU, "auto"),
    }
    build = hardware.build_name()
    diagnosis.backends["pytorch"] = build
    diagnosis.backends["tensorrt"] = installed_version("tensorrt") or "not installed"
    for gpu in devices.gpus():
        free, total = devices.gpu_memory(gpu)
        diagnosis.gpus.append(
            {
                "device": str(gpu),
                "name": hardware.device_name(gpu),
                "memory": total,
                "free": free,
                "capability": hardware.gpu_capability(gpu),
                "precision": devices.choose_precision(gpu, "auto"),
            }
        )
    if has_driver() and not devices.gpu_is_available():
        reason = "has no CUDA" if build == "cpu" else f"with {build} finds no GPU"
        command = "pip install --force-reinstall torch torchvision"
        diagnosis.report(f"An NVIDIA driver is installed, but this PyTorch {reason}.", command)


def _check_vulkan(diagnosis: Diagnosis) -> None:
    from ..backends.ncnn.gpus import is_installed, list_gpus_isolated
    from .requirements import installed_version

    diagnosis.backends["ncnn"] = installed_version("ncnn") or "not installed"
    if not is_installed():
        return
    try:
        diagnosis.vulkan = [asdict(gpu) for gpu in list_gpus_isolated()]
    except BackendError as error:
        diagnosis.report(f"Vulkan does not work: {error}")


def _check_codecs(diagnosis: Diagnosis) -> None:
    import av

    diagnosis.versions["ffmpeg"] = av.ffmpeg_version_info
    # FFmpeg's own decoder of AV1 needs a GPU; libdav1d does not.
    diagnosis.decoders = {
        name: ("libdav1d" if name == "av1" else name) in av.codecs_available for name in DECODERS
    }
    for name in ENCODERS:
        available = name in av.codecs_available
        diagnosis.encoders[name] = available and (name not in HARDWARE_ENCODERS or _opens(name))
    if not diagnosis.encoders["libx264"]:
        diagnosis.report("FFmpeg lacks libx264, the default encoder.", "pip install --force-reinstall av")


def _opens(encoder: str) -> bool:
    """Whether an encoder in hardware finds its hardware."""
    import av

    try:
        context = av.CodecContext.create(encoder, "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width = context.height = 256
        context.pix_fmt, context.time_base = "nv12", Fraction(1, 25)
        context.open()
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _check_onnx(diagnosis: Diagnosis) -> None:
    from ..backends.providers import has_driver

    providers = [
        name.removesuffix("ExecutionProvider") for name in load_onnxruntime().get_available_providers()
    ]
    usable = [name for name in providers if has_driver() or name not in ("CUDA", "Tensorrt")]
    diagnosis.backends["onnxruntime"] = ", ".join(usable).lower()
    if has_driver() and "CUDA" not in providers:
        command = "pip uninstall -y onnxruntime && pip install onnxruntime-gpu"
        diagnosis.report("An NVIDIA driver is installed, but this ONNX Runtime has no CUDA.", command)


def _folders() -> dict[str, dict[str, Any]]:
    from platformdirs import user_cache_path

    paths = {
        "styles": user.folder(),
        "tensorrt_engines": user_cache_path("cartoonize", appauthor=False) / "tensorrt",
        "temporary": Path(tempfile.gettempdir()),
    }
    folders = {name: {"path": hide_home(str(path)), **_space(path)} for name, path in paths.items()}
    return folders | {"current": _space(Path())}


def _space(path: Path) -> dict[str, Any]:
    """The free space of a folder and whether it is writable, or of the folder in which it would be made."""
    existing = next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.is_dir())
    return {"free": shutil.disk_usage(existing).free, "writable": os.access(existing, os.W_OK)}


def _check_styles(diagnosis: Diagnosis) -> None:
    unusable = 0
    for name in user.names():
        try:
            user.verify_file(name)
        except ModelError as error:
            unusable += 1
            diagnosis.report(hide_home(str(error)), f"cartoonize styles remove {name}")
    diagnosis.styles = {"own": len(user.names()), "unusable": unusable}


def _check_conversion(diagnosis: Diagnosis) -> None:
    diagnosis.conversion = {"style": DEFAULT, "ok": False}
    try:
        diagnosis.conversion |= _convert_picture()
    except Exception as error:  # noqa: BLE001  # a broken installation may raise anything
        diagnosis.conversion["error"] = describe_error(error)


def _convert_picture() -> dict[str, Any]:
    """Convert a small picture from file to file, as `cartoonize image` does."""
    from PIL import Image, ImageChops

    from ..run.job import stylize

    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.png", Path(folder) / "out.png"
        Image.radial_gradient("L").resize((96, 64)).convert("RGB").save(source)
        report = stylize(source, target)
        with Image.open(source) as before, Image.open(target) as after:
            difference = ImageChops.difference(before, after.convert("RGB")).getbbox()
            changed = before.size == after.size and difference is not None
    return {
        "ok": changed,
        "device": report.device,
        "precision": report.precision,
        "seconds": round(time.perf_counter() - started, 2),
    }
