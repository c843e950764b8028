"""The rate of training, by the command that users run."""

import json
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from . import StepOptions


def measure_training(options: StepOptions) -> dict[str, Any]:
    """Crops of 160 pixels per second while `swift` is distilled, without and with compiled networks.

    Each training gets a share of the time, and is then stopped as by Ctrl-C. Compiling takes most of the
    second share.
    """
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        _write_pairs(Path(folder), options)
        for way, share in (("no-compile", 0.35), ("compile", 0.45)):
            if way == "compile" and not _can_compile(options):
                continue
            figures[way] = _train(Path(folder), f"--{way}", share * options.seconds, options)
    rates = [figure["crops_per_s"] for figure in figures.values() if "crops_per_s" in figure]
    if not rates:
        raise RuntimeError(f"No training had a result: {figures}")
    return {"crops_per_s": max(rates), **figures}


def _can_compile(options: StepOptions) -> bool:
    from cartoonize.backends.pytorch.device import can_compile

    from .timing import choose

    return not options.is_tiny and can_compile(choose(options.device))


def _write_pairs(folder: Path, options: StepOptions) -> None:
    """Soft noise, as photos and as their targets, and a recipe."""
    import numpy as np
    from PIL import Image

    size, count, batch = (32, 4, 4) if options.is_tiny else (160, 64, 64)
    rng = np.random.default_rng(0)
    for part in ("photo", "target"):
        (folder / "pairs" / part).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (4 * size // 8, 4 * size // 8, 3), dtype=np.uint8)
            picture = Image.fromarray(pixels).resize((4 * size, 4 * size), Image.Resampling.BICUBIC)
            picture.save(folder / "pairs" / part / f"{number}.png", compress_level=1)
    text = f'base = "pepper"\nsize = {size}\nbatch = {batch}\nlate_losses_at = 1.0\n'
    (folder / "recipe.toml").write_text(text)


def _train(folder: Path, way: str, seconds: float, options: StepOptions) -> dict[str, Any]:
    """Train until all crops were seen or the time is over; the rate in the second half."""
    run, batch = folder / way.strip("-"), 4 if options.is_tiny else 64
    command = [sys.executable, "-m", "cartoonize", "train", "distil", way, "--run", str(run)]
    command += ["--preset", str(folder / "recipe.toml"), "--pairs", str(folder / "pairs")]
    command += ["--style", str(folder / "pairs" / "target"), "--images", str(options.sizes.crops)]
    command += ["--log-every", str(batch), "--device", options.device]
    if options.is_tiny:
        command += ["--workers", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603
    try:
        printed, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate()
    stats = run / "distil" / "stats.jsonl"
    lines = [json.loads(line) for line in stats.read_text().splitlines()] if stats.exists() else []
    if not lines:
        return {"failed": f"exit code {process.returncode}", "output": printed.splitlines()[-10:]}
    settled = lines[len(lines) // 2 :]
    return {
        "crops_per_s": round(statistics.median(line["images_per_s"] for line in settled), 1),
        "waiting": round(statistics.median(line["waiting"] for line in settled), 4),
        "steps": len(lines),
    }
