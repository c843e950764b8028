"""Backends: each module of this folder loads styles as functions on pictures; see registry.py."""

import re
from pathlib import Path
from typing import get_args

from ..core.choices import DEVICES, VENDORS, Precision
from ..core.errors import BackendError
from ..core.messages import did_you_mean, unknown_choice_message
from ..styles import DEFAULT, find_style
from .loaded_backend import LoadedBackend
from .options import RuntimeOptions
from .registry import Registration, backend_of_style, backends, backends_for, register
from .vendors import resolve_device

__all__ = [
    "LoadedBackend", "Registration", "RuntimeOptions", "backends", "check_device", "load",
    "register", "resolve_device",
]  # fmt: skip


def load(
    style: str = DEFAULT,
    *,
    device: str = "auto",
    precision: Precision = "auto",
    options: RuntimeOptions | None = None,
) -> LoadedBackend:
    """Load a style as a function on pictures: (N, H, W, 3) uint8 RGB -> the same, of any size.

    The function owns threads until it is closed: `with load("pepper") as backend: ...`.

    Args:
        style: the name of a style; a style file (.safetensors); an ONNX file of this or another program; an
            ncnn file (.param); the folder of a training run, or of engines (`cartoonize export-tensorrt`); or
            "null", which returns the pictures unchanged.
        device: "cpu"; a GPU, such as "cuda", "cuda:1", "mps" (Apple), "xpu" (Intel), "vulkan" or "vulkan:1"
            (any vendor); a vendor: "nvidia", "amd", "intel" or "apple"; or "auto". "auto" takes a GPU of
            NVIDIA or AMD if PyTorch supports it. Otherwise it takes a GPU by Vulkan if a trial shows that it
            is faster than the CPU.
        precision: "fp32", "bf16", "fp16", "int8", or "auto", the fastest one that the device has in hardware.
            "int8" is for CPUs and needs a second file beside the style file.
        options: further options of the runtime.

    Raises:
        ModelError: the style does not exist, or its file is damaged.
        BackendError: the device, the precision or an option is not available. Nothing else runs instead.
    """
    check_device(device)
    device = resolve_device(device)
    if precision not in get_args(Precision):
        raise BackendError(unknown_choice_message("precision", precision, get_args(Precision)))
    options = options or RuntimeOptions()
    backend = backend_of_style(style)
    path = Path(style) if backend else find_style(style)
    candidates = _on_device([backend] if backend else backends_for(path), device, style)
    for candidate in _with_options(candidates, options, style):
        loaded = candidate.load(path, device, precision, options)
        if loaded is not None:
            return loaded
    raise BackendError(f"No backend loads {path}.")


def _on_device(candidates: list[Registration], device: str, style: str) -> list[Registration]:
    """Return the backends that run on the device.

    Raises:
        BackendError: there are none.
    """
    kind = device.partition(":")[0]
    usable = [backend for backend in candidates if kind in ("auto", *backend.devices) or not backend.devices]
    if not usable:
        kinds = dict.fromkeys(kind for backend in candidates for kind in backend.devices)
        raise BackendError(f"{style} runs on {' or '.join(kinds)} only, not on {device}; leave --device out.")
    return usable


def _with_options(candidates: list[Registration], options: RuntimeOptions, style: str) -> list[Registration]:
    """Return the backends that accept all options which differ from their defaults.

    Raises:
        BackendError: there are none.
    """
    accepting = [backend for backend in candidates if options.changed <= backend.options]
    if not accepting:
        names = " and ".join(f"--{name.replace('_', '-')}" for name in sorted(options.changed))
        others = [backend for backend in backends().values() if options.changed <= backend.options]
        suffixes = ", ".join(suffix for backend in others for suffix in backend.suffixes)
        raise BackendError(f"{names} is for {suffixes} files, and {style} is not one; leave it out.")
    return accepting


def check_device(device: str) -> None:
    """Raise BackendError unless it is one of DEVICES or VENDORS, or a GPU with a number, as "cuda:1"."""
    if device in VENDORS:
        return
    kind, _, number = device.partition(":")
    numbered = kind not in ("auto", "cpu") and re.fullmatch("[0-9]{1,2}", number)
    if kind not in DEVICES or (":" in device and not numbered):
        suggestion = did_you_mean(device, (*DEVICES, *VENDORS))
        if kind.lower() == "gpu":
            suggestion = " Did you mean cuda or vulkan?"
        raise BackendError(
            f"There is no device {device!r}: choose {', '.join(DEVICES)}, or a GPU by its number, as cuda:1."
            f"{suggestion}"
        )
