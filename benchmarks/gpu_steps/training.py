"""The rate of training, by the command that users run."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import StepOptions


def measure_training(options: StepOptions) -> Iterator[dict[str, Any]]:
    """Crops of 160 pixels per second while `swift` is distilled, without and with compiled networks.

    Each training gets a share of the time, and is then killed. Compiling takes most of the second share.
    """
    best = 0.0
    with tempfile.TemporaryDirectory() as folder:
        _write_pairs(Path(folder), options)
        for way, share in (("no-compile", 0.35), ("compile", 0.45)):
            if way == "compile" and not _can_compile(options):
                continue
            figures = _train(Path(folder), f"--{way}", share * options.seconds, options)
            best = max(best, figures.get("crops_per_s", 0.0))
            yield {"crops_per_s": best, way: figures}
    if not best:
        raise RuntimeError("No training had a result.")


def _can_compile(options: StepOptions) -> bool:
    from cartoonize.backends.pytorch.hardware import can_compile

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
    # A line of the log writes to files: not after each step.
    command += ["--log-every", str(batch if options.is_tiny else 10 * batch), "--device", options.device]
    if options.is_tiny:
        command += ["--workers", "0"]
    printed = folder / "printed.txt"
    # In the session of this step: gpu.py ends it too if the step takes too long.
    with printed.open("w") as file, suppress(subprocess.TimeoutExpired):
        subprocess.run(  # noqa: S603  # the command above
            command, stdout=file, stderr=subprocess.STDOUT, timeout=seconds, check=False
        )
    stats = run / "distil" / "stats.jsonl"
    lines = [json.loads(line) for line in stats.read_text().splitlines()] if stats.exists() else []
    if not lines:
        return {"failed": "no line of the log", "output": printed.read_text().splitlines()[-10:]}
    settled = lines[len(lines) // 2 :]
    return {
        "crops_per_s": round(statistics.median(line["images_per_s"] for line in settled), 1),
        "waiting": round(statistics.median(line["waiting"] for line in settled), 4),
        "steps": len(lines),
    }
