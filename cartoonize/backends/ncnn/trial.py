"""Decides whether "auto" uses a GPU by Vulkan: only if it draws faster than the CPU, in a remembered trial.

The trial runs in a separate process: if the driver crashes, the CPU draws.
"""

import contextlib
import json
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ...core import cpus
from ...core.atomic import AtomicFile
from ...core.errors import BackendError, MediaError
from ...core.isolated import call_isolated
from ...styles.card import read_header
from ...version import __version__

REPEAT_AFTER = 30 * 24 * 3600  # seconds: drivers and GPUs change
REPEAT_FAILED_AFTER = 24 * 3600  # memory may have been short, or a driver half installed
TIMEOUT = 120.0
SIZE = 360, 640  # height and width of the pictures
_MAX_FILE = 1 << 20


def is_faster_than_cpu(style: Path) -> bool:
    """Whether a GPU draws a style faster by Vulkan than the CPU; a GPU of CUDA is preferred to both."""
    from ..pytorch import auto_is_gpu

    if auto_is_gpu():
        return False
    trials, key = _read(), _key(style)
    if not _is_valid(trials.get(key)):
        trials[key] = _run_trial(style)
        _write(trials)
    seconds: dict[str, float] = trials[key]
    return 0 < seconds["vulkan"] < seconds["cpu"]


def measure(style: str) -> dict[str, Any]:
    """Return the name of the best GPU, and its and the CPU's seconds for a picture; 0 without a GPU."""
    from .. import load
    from .gpus import choose_gpu, list_gpus

    if all(gpu.is_software for gpu in list_gpus()):
        return {"gpu": "", "vulkan": 0.0, "cpu": 0.0}
    seconds = {}
    for device in ("vulkan", "cpu"):
        with load(style, device=device) as backend:
            seconds[device] = _time(backend)
    return {"gpu": choose_gpu("vulkan").name, **seconds}


def _time(backend: Any) -> float:
    """Return the seconds for a picture: the best of three batches, after one that is not measured."""
    noise = np.random.default_rng(0).integers(0, 256, (backend.batch, *SIZE, 3), dtype=np.uint8)
    rounds = []
    for _ in range(4):
        started = time.perf_counter()
        backend(noise)
        rounds.append((time.perf_counter() - started) / len(noise))
    return min(rounds[1:])


def _run_trial(style: Path) -> dict[str, Any]:
    try:
        result: dict[str, Any] = call_isolated(f"{__name__}:measure", timeout=TIMEOUT, style=str(style))
    except BackendError as error:
        result = {"gpu": "", "vulkan": 0.0, "cpu": 0.0, "error": str(error)}
    return {**result, "time": time.time()}


def _key(style: Path) -> str:
    """Describe everything that the result depends on, except the GPU, which only a driver can name."""
    header = read_header(style)
    config = json.dumps(header.config, sort_keys=True)
    return f"{header.architecture} {config} {cpus.count_threads()} {version('ncnn')} {__version__}"


def _path() -> Path:
    from platformdirs import user_cache_path  # here, so that other backends do not need it

    return user_cache_path("cartoonize", appauthor=False) / "vulkan-trials.json"


def _read() -> dict[str, Any]:
    """Return the trials so far; none if the file is missing or damaged."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        if _path().stat().st_size <= _MAX_FILE:
            trials = json.loads(_path().read_text(encoding="utf-8"))
            return trials if isinstance(trials, dict) else {}
    return {}


def _write(trials: dict[str, Any]) -> None:
    """Keep the trials that are still valid; a cache that cannot be written to is no error."""
    valid = {key: trial for key, trial in trials.items() if _is_valid(trial)}
    with contextlib.suppress(OSError, MediaError):
        _path().parent.mkdir(parents=True, exist_ok=True)
        with AtomicFile(_path(), overwrite=True) as file:
            file.path.write_text(json.dumps(valid, indent=1), encoding="utf-8")


def _is_valid(trial: Any) -> bool:
    if not isinstance(trial, dict):
        return False
    numbers = [trial.get(name) for name in ("vulkan", "cpu", "time")]
    if not all(isinstance(number, int | float) for number in numbers):
        return False
    age: float = time.time() - trial["time"]
    return 0 <= age < (REPEAT_FAILED_AFTER if trial.get("error") else REPEAT_AFTER)
