"""The scripts in benchmarks/ start, and write results that compare.py reads."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from processes import run_python

SCRIPTS = Path(__file__).parents[1] / "benchmarks"
NO_PLAYWRIGHT = pytest.mark.skipif(not find_spec("playwright"), reason="there is no playwright")
BENCHMARKS = [
    pytest.param("browser", marks=NO_PLAYWRIGHT), "cluster", "drawing", "exports", "hardware", "live",
    "sizes", "training",
]  # fmt: skip


def run(*arguments):
    words = [sys.executable, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def write_results(path, figures, **changes):
    content = {"benchmark": "drawing pepper", "machine": {"torch": "2.13"}, "settings": {"turns": 3}}
    path.write_text(json.dumps(content | {"figures": figures} | changes))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_starts(name):
    """Each script starts, and its help names --out."""
    done = run(SCRIPTS / f"{name}.py", "--help")
    assert done.returncode == 0, done.stderr
    assert "--out FILE.json" in done.stdout


def test_results_are_compared(tmp_path):
    """Each figure is printed with its ratio, B to A; settings and versions that differ come first."""
    a = write_results(tmp_path / "a.json", {"start_seconds": 2.0, "old_fps": 1, "none": 0})
    figures = {"start_seconds": 1.0, "none": 1, "new_fps": 5}
    b = write_results(tmp_path / "b.json", figures, machine={"torch": "2.14"})
    done = run(SCRIPTS / "compare.py", a, b)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["machine:", "torch", "2.13", "->", "2.14"]
    assert lines[1] == ["start_seconds", "2", "->", "1", "x", "0.500"]
    assert lines[2] == ["old_fps", "only", "in", "A"]
    assert lines[3] == ["none", "0", "->", "1", "no", "ratio"]
    assert lines[4] == ["new_fps", "only", "in", "B"]


def test_files_that_cannot_be_compared(tmp_path):
    """Other benchmarks, other files and missing ones are refused with a message."""
    a = write_results(tmp_path / "a.json", {})
    other = write_results(tmp_path / "other.json", {}, benchmark="live")
    (tmp_path / "no.json").write_text("[]")
    for path, message in (
        (other, "two benchmarks: drawing pepper and live"),
        (tmp_path / "no.json", "holds no results"),
        (tmp_path / "missing.json", "Cannot read"),
    ):
        done = run(SCRIPTS / "compare.py", a, path)
        assert done.returncode == 1
        assert message in done.stderr


def test_a_benchmark_writes_its_results(tmp_path):
    """Results that a script wrote with --out can be compared."""
    code = (
        f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\n"
        "from results import Results, make_parser, seconds\n"
        "options = make_parser('A benchmark.').parse_args()\n"
        "results = Results('nothing', options)\n"
        "results['nothing_seconds'] = seconds(lambda: None)\n"
        "results.write()\n"
    )
    out = tmp_path / "out.json"
    run_python(code, "--out", out)
    content = json.loads(out.read_text())
    assert content["machine"]["cartoonize"]
    assert run(SCRIPTS / "compare.py", out, out).stdout.startswith("nothing_seconds")


CUDA_IMAGE = """\
import sys
from importlib.machinery import PathFinder
MISSING = "av platformdirs pillow_heif watchfiles starlette ray scenedetect cartoonize_missing".split()
class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name in MISSING else super().find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in getattr(finder, "__module__", "")]
"""
"""A `sitecustomize` that hides packages that an image of CUDA lacks, and an editable installation."""


def run_on_gpu_machine(tmp_path, missing, *arguments):
    (tmp_path / "sitecustomize.py").write_text(CUDA_IMAGE.replace("cartoonize_missing", missing))
    words = [sys.executable, SCRIPTS / "gpu.py", "--out", tmp_path, "--tiny", "--device", "cpu"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [*map(str, words), *arguments], check=True, capture_output=True, text=True, env=environment
    )
    return done.stdout, json.loads((tmp_path / "results.json").read_text())


@pytest.mark.slow
def test_the_benchmark_of_gpus_runs_on_a_cpu(tmp_path):
    """At tiny size, each step of gpu.py has a result without a GPU, PyAV, and other optional packages."""
    printed, results = run_on_gpu_machine(tmp_path, "", "--minutes", "6")
    assert list(results) == [
        "environment", "tests", "matrix", "network", "style", "chain", "training", "profile", "effects",
        "graphs", "padding", "devices",
    ]  # fmt: skip
    assert not [result for result in results.values() if {"failed", "left_out"} & set(result)], results
    assert results["tests"]["exit_code"] == 0
    assert printed.startswith("Missing packages: ")
    assert "platformdirs (" in printed.splitlines()[0]
    assert results["graphs"]["pepper"]["compiled"] > 0
    assert results["training"]["crops_per_s"] > 0
    assert "Self CPU" in (tmp_path / "profile-pepper.txt").read_text()


def test_missing_packages_are_named_first(tmp_path):
    """The first line of gpu.py names missing packages and what is left out for them; nothing fails."""
    printed, results = run_on_gpu_machine(tmp_path, "msgspec", "--steps", "training", "--train", "run")
    assert "msgspec (without it the step `training`, --train" in printed.splitlines()[0]
    assert results == {"training": {"left_out": "msgspec missing"}}


def test_a_step_that_fails_or_hangs_keeps_its_figures(tmp_path):
    """A step that fails keeps its figures. One that hangs is stopped, and what one leaves behind ends too."""
    code = f"""
import sys; sys.path.insert(0, {str(SCRIPTS)!r})
import os, gpu
from argparse import Namespace
from pathlib import Path
from gpu_steps import networks
from gpu_steps.processes import run_limited

def measure(options):
    yield {{"tflops": 1.5}}
    raise ValueError("The driver has crashed.")

networks.measure_matrix = measure
options = Namespace(step="matrix", out=Path({str(tmp_path)!r}), device="cpu", tiny=True, seconds=1)
try:
    gpu.run_step(options)
except ValueError:
    pass
hanging = [sys.executable, "-c", "print('begun', flush=True); import time; time.sleep(60)"]
leaving = [sys.executable, "-c", f"import subprocess; print(subprocess.Popen({{hanging}}).pid)"]
print(run_limited(hanging, 1.0, dict(os.environ)))
print(run_limited(leaving, 50.0, dict(os.environ)))
"""
    done = run_python(code)
    assert json.loads((tmp_path / "results.json").read_text()) == {"matrix": {"tflops": 1.5}}
    hung, left = done.stdout.splitlines()
    assert "None)" in hung
    assert ", 0)" in left
    pid = re.search(r"\d+", left).group()
    state = Path(f"/proc/{pid}/stat")
    assert not state.exists() or ") Z " in state.read_text()
