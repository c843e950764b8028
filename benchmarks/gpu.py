r"""Checks and measures everything on a GPU, in one command that ends within minutes.

    python benchmarks/gpu.py --out results/
    python benchmarks/gpu.py --out results/ --train "run --style drawings/ --photos photos/"
    python benchmarks/gpu.py --out results/ --tiny --device cpu          (whether the command itself works)

It needs PyTorch, NumPy, OpenCV, Pillow, scikit-image, safetensors, Typer and Rich, but no installation of
this program, no network and no PyAV. Some steps need more packages (gpu_steps/__init__.py): the first line of
the output names the missing ones, and what is left out for that. For a machine without a network, take them
along as wheels:

    pip download --no-deps --only-binary=:all: --python-version 3.12 --platform manylinux_2_28_x86_64 \
        --platform manylinux2014_x86_64 --dest wheels/ msgspec platformdirs
    pip install --no-index --no-deps --target site/ wheels/*.whl                          (on that machine)
    PYTHONPATH=site/ python benchmarks/gpu.py --out results/

Each step runs in a separate process with a time limit. OUT/results.json holds each figure as soon as it is
measured, also those of a step that fails or hangs later, and no step stops another one. With --train, the
steps end after 55 % of the time, and the trainings share the rest. Every minute, what a training has made is
packed into OUT/training-1.tar.gz (styles, sheets, statistics) and OUT/training-1-checkpoint.tar.gz.
"""

import argparse
import sys
import tempfile
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from gpu_steps import OPTIONAL, REQUIRED, STEPS, TINY, TRAINING_NEEDS, Sizes, StepOptions
from gpu_steps.figures import read_figures, record
from gpu_steps.processes import package_environment, run_limited
from gpu_steps.trainings import run_trainings

SLOW = 4  # the factor of all limits at tiny size, which busy machines of CI run
STEPS_SHARE = 0.55  # of the time, if there are trainings
LINES = 25  # of the output of a step that failed


def main() -> None:
    """Run all steps, or the one of --step in this process."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
    options.out = options.out.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.step:
        run_step(options)
    else:
        run_all(options)


def run_step(options: argparse.Namespace) -> None:
    """Run a step; each figure that it yields is in the results at once."""
    measure = import_module(f"gpu_steps.{STEPS[options.step].module}").__dict__[f"measure_{options.step}"]
    sizes = TINY if options.tiny else Sizes()
    figures: dict[str, object] = {}
    for measured in measure(StepOptions(options.out, options.device, sizes, options.tiny, options.seconds)):
        figures |= measured
        record(options.out, options.step, figures)


def run_all(options: argparse.Namespace) -> None:
    """Run each step as a process, then the trainings."""
    started, seconds = time.monotonic(), 60 * options.minutes
    missing = check_packages()
    with tempfile.TemporaryDirectory() as folder:
        environment = package_environment(Path(folder))
        steps_end = started + seconds * (STEPS_SHARE if options.train else 1)
        for name in options.steps:
            limit = STEPS[name].seconds * (SLOW if options.tiny else 1)
            limit = min(limit, steps_end - time.monotonic())
            lacking = [package for package in STEPS[name].needs if package in missing]
            if lacking or limit < 1:
                reason = f"{', '.join(lacking)} missing" if lacking else "no time was left"
                finish_step(options, name, {"left_out": reason})
                continue
            command = [sys.executable, __file__, "--step", name, "--seconds", str(limit)]
            command += ["--out", str(options.out), "--device", options.device]
            command += ["--tiny"] if options.tiny else []
            record(options.out, name, {})
            printed, code = run_limited(command, limit, environment)
            failure = {} if code == 0 else describe_failure(printed, code)
            figures = read_figures(options.out).get(name, {}) | failure
            finish_step(options, name, figures)
            if figures.get("kind") == "cpu" and not options.tiny:
                sys.exit("PyTorch finds no GPU, and a CPU would take hours. Pass --tiny to try the command.")
        if options.train and not missing & set(TRAINING_NEEDS):
            run_trainings(options.train, options.out, Path(folder), started + seconds, environment)


def check_packages() -> set[str]:
    """Print which packages are missing and what is left out for that; ends the program if nothing can run."""
    if lacking := [name for name in REQUIRED if find_spec(name) is None]:
        sys.exit(f"Nothing can run without {', '.join(lacking)}.")
    missing = {name for name in OPTIONAL if find_spec(name) is None}
    effects = [f"{name} ({OPTIONAL[name]})" for name in OPTIONAL if name in missing]
    print(f"Missing packages: {'; '.join(effects) or 'none'}.", flush=True)
    return missing


def describe_failure(printed: str, code: int | None) -> dict[str, object]:
    """Why a step has not all of its figures: None is the exit code of a process that was stopped."""
    reason = "it did not end in time" if code is None else f"exit code {code}"
    return {"failed": reason, "output": printed.splitlines()[-LINES:]}


def finish_step(options: argparse.Namespace, name: str, figures: dict[str, object]) -> None:
    """Record all that is known of a step, and print it."""
    if STEPS[name].wanted and not options.tiny:
        figures["wanted"] = STEPS[name].wanted
    record(options.out, name, figures)
    print(f"{name}: {figures}", flush=True)


if __name__ == "__main__":
    main()
