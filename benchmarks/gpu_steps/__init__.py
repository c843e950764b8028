"""The steps of benchmarks/gpu.py, in order: `measure_NAME` in a module of this folder.

Each is a generator of dictionaries of JSON values: its figures, each as soon as it is measured. Most valuable
first: whether it is right, then the wanted figures, then what explains them, then what may be faster.
"""

from dataclasses import dataclass
from pathlib import Path

REQUIRED = ("torch", "numpy", "cv2", "PIL", "skimage", "safetensors", "typer", "rich")
OPTIONAL = {
    "pytest": "without it the step `tests` is left out",
    "msgspec": "without it the step `training`, --train and the tests of training are left out",
    "tensorboard": "without it the step `training` and --train are left out",
    "triton": "without it nothing is compiled for the GPU",
    "onnxruntime": "without it the step `devices` is left out",
    "ncnn": "without it the step `devices` does not try Vulkan",
    "platformdirs": "without it the step `devices` does not try Vulkan",
    "onnx": "without it trainings write no ONNX files",
    "av": "without it trainings measure no flicker",
}
"""What happens without a package, by the name of its module."""
TRAINING_NEEDS = ("msgspec", "tensorboard")


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        module: of this folder.
        seconds: that it may take.
        wanted: what an H100 or H200 should reach.
        needs: packages of OPTIONAL without which it is left out.
    """

    module: str
    seconds: float
    wanted: dict[str, float] | None = None
    needs: tuple[str, ...] = ()


STEPS = {
    "environment": Step("checks", 60),
    "tests": Step("checks", 150, needs=("pytest",)),
    "matrix": Step("networks", 40),
    "network": Step("networks", 60, {"of_matrix_rate": 0.6}),
    "style": Step("networks", 60, {"frames_per_s": 1000}),
    "chain": Step("conversion", 60, {"frames_per_s": 400}),
    "training": Step("training", 110, {"crops_per_s": 3000}, TRAINING_NEEDS),
    "profile": Step("networks", 50),
    "effects": Step("conversion", 80),
    "graphs": Step("graphs", 80),
    "padding": Step("padding", 30),
    "devices": Step("checks", 80, needs=("onnxruntime",)),
}
"""A step that works needs a fraction of its time, most of it to import PyTorch and to prepare the GPU. If
several use up their time, the last ones get what is left."""


@dataclass(frozen=True)
class Sizes:
    """How large the work is."""

    lines: tuple[int, int] = (1080, 1920)
    width: int = 64
    batch: int = 8
    matrix: int = 8192
    rounds: int = 5
    crops: int = 40_000


TINY = Sizes(lines=(48, 64), width=4, batch=2, matrix=64, rounds=2, crops=32)
"""It only shows that a step works."""


@dataclass(frozen=True)
class StepOptions:
    """What a step gets: the folder for its files, the device, and how large the work is.

    `seconds` is its time limit.
    """

    out: Path
    device: str
    sizes: Sizes
    is_tiny: bool
    seconds: float
