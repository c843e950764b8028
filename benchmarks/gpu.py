"""Checks and measures everything on a GPU, in one command that ends within minutes.

    python benchmarks/gpu.py --out results/ --minutes 9
    python benchmarks/gpu.py --out results/ --tiny --device cpu          (whether the command itself works)

It needs PyTorch, OpenCV, Pillow, scikit-image, safetensors, Typer and Rich, but no installation, no network,
and no PyAV. The tests also need pytest, the training msgspec and TensorBoard. Each step runs in a separate
process with a time limit (gpu_steps/). Its result is written to OUT/results.json at once. A step that fails
or hangs stops no other. At last come the trainings of --train, each for an equal share of the time left.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from gpu_steps import STEPS, TINY, Sizes, StepOptions

ROOT = Path(__file__).resolve().parents[1]
SLOW = 4  # the factor of all limits at tiny size, which busy machines of CI run


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
    parser.add_argument("--seconds", type=float, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.step:
        run_step(options)
    else:
        run_all(options)


def run_step(options: argparse.Namespace) -> None:
    """Run a step, and print its result as the last line."""
    measure = import_module(f"gpu_steps.{STEPS[options.step].module}").__dict__[f"measure_{options.step}"]
    sizes = TINY if options.tiny else Sizes()
    given = StepOptions(options.out.resolve(), options.device, sizes, options.tiny, options.seconds)
    print(json.dumps(measure(given)))


def run_all(options: argparse.Namespace) -> None:
    """Run each step as a process, then the trainings; what they write is in OUT."""
    deadline = time.monotonic() + 60 * options.minutes
    results: dict[str, Any] = {}
    with package_tree() as tree:
        folders = [str(tree), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, folders))}
        for name in options.steps:
            limit = STEPS[name].seconds * (SLOW if options.tiny else 1)
            seconds = min(limit, deadline - time.monotonic())
            command = [sys.executable, __file__, "--step", name, "--seconds", str(seconds)]
            command += ["--out", str(options.out), "--device", options.device]
            printed, code = run_limited(
                [*command, *(["--tiny"] if options.tiny else [])], seconds, environment
            )
            result = parse(printed, code)
            if STEPS[name].wanted and not options.tiny:
                result["wanted"] = STEPS[name].wanted
            write_result(options.out, results, name, result)
        for number, arguments in enumerate(options.train):
            seconds = (deadline - time.monotonic()) / (len(options.train) - number)
            command = [sys.executable, "-m", "cartoonize", "train", *arguments.split()]
            printed, code = run_limited([*command, "--save-every", "60"], seconds, environment)
            result = {"exit_code": code, "last": printed.splitlines()[-3:]}
            write_result(options.out, results, f"train {arguments}", result)


def run_limited(command: list[str], seconds: float, environment: dict[str, str]) -> tuple[str, int | None]:
    """Run a process, after `seconds` stop it as Ctrl-C does; its output, and its exit code if it ended.

    It is the first of a group of processes, which ends as a whole.
    """
    if seconds < 1:
        return "no time was left", None
    process = subprocess.Popen(  # noqa: S603  # this file, or the trainings of whoever calls it
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=ROOT,
        start_new_session=True,
    )  # fmt: skip
    try:
        return process.communicate(timeout=seconds)[0], process.returncode
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)  # a training saves its checkpoint
    try:
        return process.communicate(timeout=20)[0], None
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
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


if __name__ == "__main__":
    main()
