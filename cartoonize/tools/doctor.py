"""What this installation can do, and what keeps it from doing more: `cartoonize doctor`.

Every part is looked at by itself. What is broken is reported, and the rest is looked at all the same.
"""

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import import_module
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

from ..core import cpus
from ..core.choices import ENCODERS, HARDWARE_ENCODERS
from ..core.errors import CartoonizeError, ModelError
from ..styles import DEFAULT, user
from ..version import __version__

DECODERS = ("h264", "hevc", "av1", "vp9", "vp8", "mpeg4", "mpeg2video", "prores", "dnxhd", "mjpeg")
"""What people's videos are mostly in."""

# What is imported when drawing and training, and what else than installing it anew mends it.
_MODULES = {
    "numpy": "numpy", "PIL": "pillow", "av": "av", "torch": "torch", "onnxruntime": "onnxruntime",
    "cv2": "opencv-python",
}  # fmt: skip
_HEADLESS = "pip uninstall -y opencv-python && pip install opencv-python-headless"


@dataclass(slots=True)
class Diagnosis:
    """What was found, in JSON's types. No name of the user is in it, and no path that tells one.

    `packages` holds those that are needed, and the versions that are here; `extras` what is missing of each.
    An encoder in hardware is true only if it opens on this machine. Memory and room are in bytes. `problems`
    are pairs: what is wrong, and the command that mends it.
    """

    versions: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    extras: dict[str, list[str]] = field(default_factory=dict)
    cpu: dict[str, Any] = field(default_factory=dict)
    gpus: list[dict[str, Any]] = field(default_factory=list)
    decoders: dict[str, bool] = field(default_factory=dict)
    encoders: dict[str, bool] = field(default_factory=dict)
    back_ends: dict[str, str] = field(default_factory=dict)
    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    styles: dict[str, int] = field(default_factory=dict)
    drawing: dict[str, Any] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)

    @property
    def draws(self) -> bool:
        """Whether a picture could be drawn by the default style."""
        return bool(self.drawing.get("ok"))


def diagnose() -> Diagnosis:
    """Look at all of it, and draw a small picture; takes two or three seconds."""
    found = Diagnosis(versions=_versions(), folders=_folders())
    _try(_packages, found)
    sound = {name for name in _MODULES if _imports(name, found)}
    for needed, probe in (("torch", _devices), ("onnxruntime", _onnx), ("av", _codecs)):
        if needed in sound:
            _try(probe, found)
    _own_styles(found)
    _draw(found)
    return found


def _try(probe: Callable[[Diagnosis], None], found: Diagnosis) -> None:
    try:
        probe(found)
    except Exception as error:  # noqa: BLE001  # what a broken installation raises cannot be foreseen
        found.problems.append((_told(error), ""))


def _told(error: Exception) -> str:
    return _anonymous(
        str(error) if isinstance(error, CartoonizeError) else f"{type(error).__name__}: {error}"
    )


def _anonymous(text: str) -> str:
    """Without the user's home folder, whose name is mostly that of the user."""
    home = Path.home()
    return text if home == Path(home.anchor) else text.replace(str(home), "~")


def _versions() -> dict[str, str]:
    return {"cartoonize": __version__, "Python": platform.python_version(), "system": platform.platform()}


def _packages(found: Diagnosis) -> None:
    """What the package says that it needs, against what is installed."""
    from . import requirements

    try:
        for need in requirements.needs():
            found.packages[need.name] = need.here
            if not need.fits:
                found.problems.append((f"{need.name} is {need.here or 'missing'}.", need.mending))
        for extra in requirements.extras():
            found.extras[extra] = [need.name for need in requirements.needs(extra) if not need.fits]
    except PackageNotFoundError:
        found.problems.append(("cartoonize runs from its sources, without being installed.", "pip install ."))
    if twins := requirements.twins():
        again = f"pip uninstall -y {' '.join(twins)} && pip install {twins[0]}"
        found.problems.append((f"{' and '.join(twins)} are installed, and write over each other.", again))


def _imports(module: str, found: Diagnosis) -> bool:
    """Whether it can be imported; what is not installed at all has been told already."""
    try:
        import_module(module)
    except Exception as error:  # noqa: BLE001  # what a broken installation raises cannot be foreseen
        package = _MODULES[module]
        again = _HEADLESS if module == "cv2" else f"pip install --force-reinstall {package}"
        if not any(text.startswith(f"{package} is missing") for text, _ in found.problems):
            found.problems.append((_anonymous(f"{package} cannot be imported: {error}"), again))
        return False
    return True


def _devices(found: Diagnosis) -> None:
    from ..backends.providers import has_driver
    from ..backends.pytorch import device as devices
    from .requirements import installed

    found.cpu = {
        "name": devices.device_name(devices.CPU),
        "cores": cpus.count_cores(),
        "features": devices.cpu_features(),
        "precision": devices.choose_precision(devices.CPU, "auto"),
    }
    build = devices.build_name()
    found.back_ends["pytorch"] = build
    found.back_ends["tensorrt"] = installed("tensorrt") or "not installed"
    for gpu in devices.gpus():
        free, total = devices.gpu_memory(gpu)
        found.gpus.append(
            {
                "device": str(gpu),
                "name": devices.device_name(gpu),
                "memory": total,
                "free": free,
                "capability": devices.gpu_capability(gpu),
                "precision": devices.choose_precision(gpu, "auto"),
            }
        )
    if has_driver() and not devices.gpu_is_available():
        reason = "has no CUDA" if build == "cpu" else f"with {build} finds no GPU"
        command = "pip install --force-reinstall torch torchvision"
        found.problems.append((f"There is an NVIDIA driver, but this PyTorch {reason}.", command))


def _codecs(found: Diagnosis) -> None:
    import av

    found.versions["FFmpeg"] = av.ffmpeg_version_info
    # FFmpeg's own decoder of AV1 needs a GPU.
    found.decoders = {
        name: ("libdav1d" if name == "av1" else name) in av.codecs_available for name in DECODERS
    }
    for name in ENCODERS:
        there = name in av.codecs_available
        found.encoders[name] = there and (name not in HARDWARE_ENCODERS or _opens(name))
    if not found.encoders["libx264"]:
        found.problems.append(
            ("FFmpeg has no libx264, the usual encoder.", "pip install --force-reinstall av")
        )


def _opens(name: str) -> bool:
    """Whether an encoder in hardware finds its hardware."""
    import av

    try:
        context = av.CodecContext.create(name, "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width = context.height = 256
        context.pix_fmt, context.time_base = "nv12", Fraction(1, 25)
        context.open()
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _onnx(found: Diagnosis) -> None:
    import onnxruntime as ort

    from ..backends.providers import has_driver

    providers = [name.removesuffix("ExecutionProvider") for name in ort.get_available_providers()]
    usable = [name for name in providers if has_driver() or name not in ("CUDA", "Tensorrt")]
    found.back_ends["onnxruntime"] = ", ".join(usable).lower()
    if has_driver() and "CUDA" not in providers:
        again = "pip uninstall -y onnxruntime && pip install onnxruntime-gpu"
        found.problems.append(("There is an NVIDIA driver, but this ONNX Runtime has no CUDA.", again))


def _folders() -> dict[str, dict[str, Any]]:
    """Where files are kept, and how much room there is; what stands for the user's home is shown as ~."""
    from platformdirs import user_cache_path

    places = {
        "your styles": user.folder(),
        "TensorRT engines": user_cache_path("cartoonize", appauthor=False) / "tensorrt",
        "temporary files": Path(tempfile.gettempdir()),
    }
    told = {name: {"path": _anonymous(str(path)), **_room(path)} for name, path in places.items()}
    return told | {"current folder": _room(Path())}


def _room(path: Path) -> dict[str, Any]:
    """Of a folder, or of the one in which it would be made."""
    there = next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.is_dir())
    return {"free": shutil.disk_usage(there).free, "writable": os.access(there, os.W_OK)}


def _own_styles(found: Diagnosis) -> None:
    changed = 0
    for name in user.names():
        try:
            user.verify_file(name)
        except ModelError as error:
            changed += 1
            found.problems.append((_anonymous(str(error)), f"cartoonize styles remove {name}"))
    found.styles = {"yours": len(user.names()), "unusable": changed}


def _draw(found: Diagnosis) -> None:
    found.drawing = {"style": DEFAULT, "ok": False}
    try:
        found.drawing |= _drawn()
    except Exception as error:  # noqa: BLE001  # what a broken installation raises cannot be foreseen
        found.drawing["error"] = _told(error)


def _drawn() -> dict[str, Any]:
    """A small picture, from file to file, as `cartoonize image` draws it."""
    from PIL import Image, ImageChops

    from ..run.job import stylize

    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.png", Path(folder) / "out.png"
        Image.radial_gradient("L").resize((96, 64)).convert("RGB").save(source)
        report = stylize(source, target)
        with Image.open(source) as before, Image.open(target) as after:
            changed = (
                before.size == after.size and ImageChops.difference(before, after.convert("RGB")).getbbox()
            )
    return {
        "ok": bool(changed),
        "device": report.device,
        "precision": report.precision,
        "seconds": round(time.perf_counter() - started, 2),
    }
