"""What the machine has, and whether a GPU computes what the CPU computes."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from . import StepOptions
from .processes import ROOT

OUTCOME = re.compile(r"(\S+::.*) (PASSED|FAILED|SKIPPED|ERROR)\b")


def measure_environment(options: StepOptions) -> Iterator[dict[str, Any]]:
    """The device, and versions."""
    import torch

    from cartoonize.backends.pytorch import device as devices
    from cartoonize.backends.pytorch import hardware

    from .timing import choose, name_of

    yield {"python": sys.version.split()[0], "torch": torch.__version__, "cores": os.cpu_count()}
    device = choose(options.device)
    yield {
        "device": name_of(device),
        "kind": device.type,
        "built_for": hardware.build_name(),
        "cudnn": torch.backends.cudnn.version(),
        "capability": hardware.gpu_capability(device),
        "precision": devices.choose_precision(device, "auto"),
        "can_compile": hardware.can_compile(device),
    }
    if device.type != "cpu":
        yield {"memory_free_and_in_all": devices.gpu_memory(device)}


def measure_tests(options: StepOptions) -> Iterator[dict[str, Any]]:
    """The tests marked `gpu`: how many passed, and which failed; all of their output is in OUT/tests.txt."""
    command = [
        sys.executable, "-m", "pytest", "-m", "gpu", "-vv", "-rs", "--color=no", "-p", "no:cacheprovider",
        "tests/backends/pytorch", "tests/gpu",  # the last ones compile
    ]  # fmt: skip
    counts, failures = Counter[str](), list[str]()
    with (
        (options.out / "tests.txt").open("w") as file,
        subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            file.flush()
            if match := OUTCOME.match(line):
                name, outcome = match.groups()
                counts[outcome.lower()] += 1
                failures += [name] if outcome in ("FAILED", "ERROR") else []
                yield {**counts, "failures": failures}
    yield {"exit_code": process.returncode}


def measure_devices(_options: StepOptions) -> Iterator[dict[str, Any]]:
    """What `cartoonize doctor --gpu` shows: a picture on every device, compared with the CPU's drawing."""
    from cartoonize.tools.gpu_check import check_gpus

    for check in check_gpus():
        yield {
            check.device: {name: value for name, value in asdict(check).items() if value not in ("", None)}
        }
