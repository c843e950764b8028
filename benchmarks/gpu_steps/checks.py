"""What the machine has, and whether a GPU computes what the CPU computes."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from . import StepOptions

ROOT = Path(__file__).resolve().parents[2]
OPTIONAL = ("pytest", "msgspec", "tensorboard", "platformdirs", "triton", "onnxruntime", "av")


def measure_environment(options: StepOptions) -> dict[str, Any]:
    """Versions, and which packages are missing."""
    import torch

    from cartoonize.backends.pytorch import device as devices

    from .timing import choose, name_of

    device = choose(options.device)
    result = {
        "device": name_of(device),
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "built_for": devices.build_name(),
        "cudnn": torch.backends.cudnn.version(),
        "capability": devices.gpu_capability(device),
        "precision": devices.choose_precision(device, "auto"),
        "can_compile": devices.can_compile(device),
        "cores": os.cpu_count(),
        "missing": [name for name in OPTIONAL if find_spec(name) is None],
    }
    memory = None if device.type == "cpu" else devices.gpu_memory(device)
    return result | {"memory_free_and_in_all": memory}


def measure_tests(options: StepOptions) -> dict[str, Any]:
    """The tests marked `gpu`, as pytest counts them; their output is in OUT/tests.txt while they run."""
    path = options.out / "tests.txt"
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-v", "-rs", "--color=no"]
    with path.open("w") as file:
        done = subprocess.run(  # noqa: S603
            [*command, "tests/gpu", "tests/backends/pytorch"], stdout=file, stderr=file, cwd=ROOT, check=False
        )
    return {"exit_code": done.returncode, "summary": path.read_text().strip().splitlines()[-1:]}
