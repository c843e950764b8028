"""Checks and measures everything on a GPU, in one command that ends within minutes.

    python benchmarks/gpu.py --out results/ --minutes 9
    python benchmarks/gpu.py --out results/ --tiny --device cpu          (whether the command itself works)

It needs no installation, network or PyAV; msgspec and platformdirs must be importable. Each step runs in a
separate process with a time limit. Its result is written to OUT/results.json at once, and a step that
fails or hangs stops no other: tests marked `gpu`, the rate of matrix products, the networks, the effects as
they are and by `torch.compile`, the chain from frame to frame, the rate of training, profiles, and at last
the trainings of --train, each for an equal share of the time that is left.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

STEPS = {  # name: seconds that it may take
    "tests": 100,
    "matrix": 30,
    "network": 60,
    "style": 60,
    "effects": 90,
    "chain": 60,
    "training": 90,
    "profile": 60,
}
WANTED = {  # what an H100 or H200 should reach
    "network": ("of_matrix_rate", 0.6),
    "style": ("frames_per_s", 1000),
    "chain": ("frames_per_s", 400),
    "training": ("crops_per_s", 3000),
}


@dataclass(frozen=True)
class Sizes:
    """How large the work is: `tiny` only shows that the command works."""

    lines: tuple[int, int] = (1080, 1920)
    width: int = 64
    batch: int = 8
    matrix: int = 8192
    rounds: int = 5
    crops: int = 20_000


TINY = Sizes(lines=(48, 64), width=4, batch=2, matrix=64, rounds=2, crops=32)


def main() -> None:
    """Run all steps, or the one of --step in this process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the folder for results")
    parser.add_argument("--minutes", type=float, default=9, help="for all steps and trainings together")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--tiny", action="store_true", help="small pictures and networks")
    parser.add_argument("--steps", nargs="*", choices=STEPS, default=list(STEPS))
    parser.add_argument("--train", action="append", default=[], metavar="ARGUMENTS",
                        help="a training: the words after `cartoonize train`; may be repeated")  # fmt: skip
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.step:
        step: Callable[..., dict[str, Any]] = globals()[f"measure_{options.step}"]
        print(json.dumps(step(options, TINY if options.tiny else Sizes())))
    else:
        run_all(options)


def run_all(options: argparse.Namespace) -> None:
    """Run each step as a process, then the trainings; what they write is in OUT."""
    deadline = time.monotonic() + 60 * options.minutes
    results: dict[str, Any] = {}
    with package_tree() as tree:
        folders = [str(tree), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, folders))}
        for name in options.steps:
            seconds = min(STEPS[name], deadline - time.monotonic())
            command = [sys.executable, __file__, "--step", name, "--out", str(options.out)]
            command += ["--device", options.device, *(["--tiny"] if options.tiny else [])]
            printed, code = run_limited(command, seconds, environment)
            result = parse(printed, code)
            if name in WANTED and not options.tiny:
                result["wanted"] = dict([WANTED[name]])
            write_result(options.out, results, name, result)
        for number, arguments in enumerate(options.train):
            seconds = (deadline - time.monotonic()) / (len(options.train) - number)
            command = [sys.executable, "-m", "cartoonize", "train", *arguments.split()]
            printed, code = run_limited([*command, "--save-every", "60"], seconds, environment)
            result = {"exit_code": code, "last": printed.splitlines()[-3:]}
            write_result(options.out, results, f"train {arguments}", result)


def run_limited(command: list[str], seconds: float, environment: dict[str, str]) -> tuple[str, int | None]:
    """Run a process, after `seconds` stop it as Ctrl-C does; its output, and its exit code if it ended."""
    if seconds < 1:
        return "no time was left", None
    process = subprocess.Popen(  # noqa: S603  # this file, or the trainings of whoever calls it
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=ROOT
    )
    try:
        return process.communicate(timeout=seconds)[0], process.returncode
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)  # a training saves its checkpoint
    try:
        return process.communicate(timeout=20)[0], None
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0], None


def parse(printed: str, code: int | None) -> dict[str, Any]:
    """Return the result that a step printed on its last line; the end of its output if it failed."""
    if code == 0:
        result: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return result
    reason = "it did not end in time" if code is None else f"exit code {code}"
    return {"failed": reason, "output": printed.splitlines()[-25:]}


def write_result(out: Path, results: dict[str, Any], name: str, result: dict[str, Any]) -> None:
    """Add a result to OUT/results.json, and print it."""
    results[name] = result
    (out / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    print(f"{name}: {json.dumps(result)}", flush=True)


@contextmanager
def package_tree() -> Iterator[Path]:
    """A folder with the package as it is installed: with training/ and export/ inside it."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "cartoonize"
        package.mkdir()
        for path in (*(ROOT / "cartoonize").iterdir(), ROOT / "training", ROOT / "export"):
            (package / path.name).symlink_to(path)
        yield Path(folder)


def measure_tests(options: argparse.Namespace, _sizes: Sizes) -> dict[str, Any]:
    """The tests marked `gpu`, as pytest counts them; their output is in OUT/tests.txt."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-m",
        "gpu",
        "-rs",
        "tests/gpu",
        "tests/backends/pytorch",
        "--color=no",
    ]
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, cwd=ROOT, check=False
    )
    (options.out / "tests.txt").write_text(done.stdout + done.stderr)
    return {"exit_code": done.returncode, "summary": done.stdout.strip().splitlines()[-1:]}


def measure_matrix(options: argparse.Namespace, sizes: Sizes) -> dict[str, Any]:
    """TFLOP/s of a bf16 matrix product, against which the networks are measured."""
    import torch

    device = choose(options.device)
    a, b = (torch.randn(sizes.matrix, sizes.matrix, device=device, dtype=torch.bfloat16) for _ in range(2))
    seconds = median_seconds(lambda: a @ b, device, sizes.rounds)
    return {"device": name_of(device), "tflops": 2e-12 * sizes.matrix**3 / seconds}


def measure_network(options: argparse.Namespace, sizes: Sizes) -> dict[str, Any]:
    """The deck's generator alone, on frames that are in the device's memory."""
    import torch

    from cartoonize.models import ARCHITECTURES
    from cartoonize.models.cost import multiplications
    from cartoonize.models.deploy import deploy

    device = choose(options.device)
    generator = ARCHITECTURES["cartoongan"](width=sizes.width).eval()
    tflop = 2e-12 * multiplications(generator, *sizes.lines)
    model = deploy(generator, torch.bfloat16).to(device, memory_format=torch.channels_last)
    frames = torch.randint(0, 256, (sizes.batch, *sizes.lines, 3), dtype=torch.uint8, device=device)
    with torch.inference_mode():
        seconds = median_seconds(lambda: model(frames), device, sizes.rounds)
    rate = tflop * sizes.batch / seconds
    peak = measure_matrix(options, sizes)["tflops"]
    return {
        "device": name_of(device),
        "frames_per_s": round(sizes.batch / seconds, 3),
        "tflop_per_frame": tflop,
        "tflops": rate,
        "of_matrix_rate": rate / peak,
    }


def measure_style(options: argparse.Namespace, sizes: Sizes) -> dict[str, Any]:
    """`pepper` from bytes to bytes in the host's pinned memory, by the backend that the command uses."""
    import torch

    from cartoonize import load

    with load("pepper", device=options.device) as backend:
        count = 8 * backend.batch
        pinned = torch.empty(count, *sizes.lines, 3, dtype=torch.uint8, pin_memory=backend.runs_effects)
        frames = pinned.random_().numpy()
        backend(frames[: backend.batch])
        seconds = statistics.median(timed(lambda: backend(frames)) for _ in range(sizes.rounds))
        return {
            "device": backend.device,
            "precision": backend.precision,
            "frames_per_s": round(count / seconds, 2),
        }


def measure_effects(options: argparse.Namespace, sizes: Sizes) -> dict[str, Any]:
    """The stabilizer and the enlargement to `lines`, on drawings that are in the device's memory.

    As they are, and with `torch.compile` for the step of the stabilizer; at tiny size that is only traced.
    """
    import torch

    from cartoonize.effects.pytorch import stabilizer
    from cartoonize.effects.pytorch.chain import TensorChain

    device = choose(options.device)
    height, width = sizes.lines
    shape = (sizes.batch, *drawn_lines(sizes), 3)
    drawings = torch.randint(0, 256, shape, dtype=torch.uint8, device=device)
    result: dict[str, Any] = {"device": name_of(device)}
    with torch.inference_mode():
        for way in ("as_it_is", "compiled"):
            if way == "compiled":
                stabilizer.stabilize = torch.compile(
                    stabilizer.stabilize, fullgraph=True, backend="eager" if options.tiny else "inductor"
                )
            chain = TensorChain([stabilizer.TensorStabilizer()], enlarges=True)
            apply = partial(chain, drawings, drawings, (width, height))
            seconds = median_seconds(apply, device, sizes.rounds)
            result[f"frames_per_s_{way}"] = round(sizes.batch / seconds, 1)
    return result


def measure_chain(options: argparse.Namespace, sizes: Sizes) -> dict[str, Any]:
    """Frames in memory at the draw size -> network -> effects -> frames of `lines`, as `video` makes them."""
    import numpy as np

    from cartoonize import Frame, load, stream
    from cartoonize.effects.look import Look
    from cartoonize.run.pipeline import StageWaits

    (height, width), drawn = sizes.lines, drawn_lines(sizes)
    wide = np.random.default_rng(0).integers(0, 256, (drawn[0], drawn[1] + 64, 3), dtype=np.uint8)
    count = 32 * sizes.rounds
    waits = StageWaits()
    with load("pepper", device=options.device) as backend:
        pan = [np.ascontiguousarray(wide[:, i : i + drawn[1]]) for i in range(64)]
        frames = (Frame(pan[i % 64], pts=i, full_size=(width, height)) for i in range(count))
        began = time.perf_counter()
        for _ in stream(frames, backend, batch=backend.batch, effects=Look().effects(), waits=waits):
            pass
        seconds = time.perf_counter() - began
        return {
            "device": backend.device,
            "frames_per_s": round(count / seconds, 2),
            "waited_for": {
                stage: round(getattr(waits, stage), 2) for stage in ("decode", "network", "encode")
            },
        }


def measure_training(options: argparse.Namespace, sizes: Sizes) -> dict[str, Any]:
    """Crops of 160 pixels per second while `swift` is distilled, by the command that users run."""
    import numpy as np
    from PIL import Image

    size = 32 if options.tiny else 160
    with tempfile.TemporaryDirectory() as folder:
        pairs, run = Path(folder) / "pairs", Path(folder) / "run"
        rng = np.random.default_rng(0)
        for part in ("photo", "target"):
            (pairs / part).mkdir(parents=True)
            for number in range(4 if options.tiny else 64):
                pixels = rng.integers(0, 256, (4 * size // 8, 4 * size // 8, 3), dtype=np.uint8)
                picture = Image.fromarray(pixels).resize((4 * size, 4 * size), Image.Resampling.BICUBIC)
                picture.save(pairs / part / f"{number}.png", compress_level=1)
        recipe = Path(folder) / "recipe.toml"
        batch = 4 if options.tiny else 64
        recipe.write_text(f'base = "pepper"\nsize = {size}\nbatch = {batch}\nlate_losses_at = 1.0\n')
        command = ["-m", "cartoonize", "train", "distil", "--preset", str(recipe), "--pairs", str(pairs)]
        command += ["--style", str(pairs / "target"), "--run", str(run), "--images", str(sizes.crops)]
        command += ["--log-every", str(batch), "--device", options.device]
        command = [sys.executable, *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)  # noqa: S603
        lines = [
            json.loads(line) for line in (run / "distil" / "stats.jsonl").read_text().splitlines() if line
        ]
    settled = lines[len(lines) // 2 :]
    return {
        "crops_per_s": round(statistics.median(line["images_per_s"] for line in settled), 1),
        "waiting": round(statistics.median(line["waiting"] for line in settled), 4),
    }


def measure_profile(options: argparse.Namespace, sizes: Sizes) -> dict[str, Any]:
    """What the device spends its time on while `pepper` draws, copies included; the table is in OUT."""
    import torch
    from torch.profiler import profile

    from cartoonize.models.checkpoint import load_style
    from cartoonize.models.deploy import deploy
    from cartoonize.styles import find_style

    device = choose(options.device)
    generator, _ = load_style(find_style("pepper"))
    model = deploy(generator, torch.bfloat16).to(device, memory_format=torch.channels_last)
    frames = torch.zeros(sizes.batch, *sizes.lines, 3, dtype=torch.uint8, pin_memory=device.type != "cpu")
    with torch.inference_mode():
        model(frames.to(device)).cpu()
        with profile(activities=torch.profiler.supported_activities()) as profiler:
            for _ in range(sizes.rounds):
                model(frames.to(device, non_blocking=True)).cpu()
    key = "cpu_time_total" if device.type == "cpu" else "device_time_total"
    (options.out / "profile.txt").write_text(profiler.key_averages().table(sort_by=key, row_limit=25))
    return {"device": name_of(device), "file": "profile.txt"}


def drawn_lines(sizes: Sizes) -> tuple[int, int]:
    """Height and width at which frames of `lines` are drawn by default."""
    from cartoonize.core.draw_size import draw_size

    return draw_size(*reversed(sizes.lines), "normal")[::-1]


def choose(name: str) -> Any:
    """Return the torch.device of a name."""
    from cartoonize.backends.pytorch.device import choose_device

    return choose_device(name)


def name_of(device: Any) -> str:
    """Return what people call a device."""
    from cartoonize.backends.pytorch.device import device_name

    return device_name(device)


def median_seconds(work: Callable[[], object], device: Any, rounds: int) -> float:
    """Return the median time of a call, after one that is not counted."""
    from cartoonize.backends.pytorch.device import synchronize

    def once() -> None:
        work()
        synchronize(device)

    once()
    return statistics.median(timed(once) for _ in repeat(None, rounds))


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
