"""ONNX Runtime's telemetry stays off."""

import ast
from pathlib import Path

import pytest
from PIL import Image
from processes import environment, run_python

ROOT = Path(__file__).resolve().parents[2]
SILENCING = ("ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "CI", "GITHUB_ACTIONS", "TF_BUILD")
"""Variables by which ONNX Runtime itself is silent."""

MAIN = "from cartoonize.__main__ import main; main()"
WORDS = "image", "in.png", "out.png", "--device", "cpu"
CALLS = """
import os, cartoonize
before = dict(os.environ)
with cartoonize.load("pepper", device="cpu") as backend:
    assert backend.runtime == "onnxruntime"
assert dict(os.environ) == before
"""

THREADS = """
import os, threading, time
from concurrent.futures import ThreadPoolExecutor
from cartoonize.core.onnx_runtime import load_onnxruntime
before = dict(os.environ)

def load(number):
    time.sleep(number / 100)
    load_onnxruntime().get_available_providers()

with ThreadPoolExecutor(8) as pool:
    list(pool.map(load, range(8)))
assert dict(os.environ) == before
"""


@pytest.mark.parametrize(("code", "words"), [(MAIN, WORDS), (CALLS, ())], ids=["program", "library"])
def test_a_conversion_leaves_no_telemetry(tmp_path, code, words):
    """A conversion leaves no identifier of the machine and no events to send, and the library no variable."""
    home = tmp_path / "home"
    home.mkdir()
    Image.new("RGB", (32, 32)).save(tmp_path / "in.png")
    places = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "APPDATA"), str(home))
    run_python(code, *words, cwd=tmp_path, env=environment(*SILENCING, **places))
    assert not list(home.rglob("*onnxruntime*"))


def test_several_threads_may_load_it_first():
    """Styles may be loaded in several threads at once: none gets half of the module, no variable stays."""
    run_python(THREADS)


def test_one_module_imports_onnxruntime():
    """The package imports ONNX Runtime in one place only, where its telemetry is turned off before."""
    importing = {
        path.relative_to(ROOT).as_posix()
        for folder in ("cartoonize", "training", "export", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if "onnxruntime" in runtime_imports(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert importing == {"cartoonize/core/onnx_runtime.py"}


def runtime_imports(node):
    """The modules that code imports when it runs, not only for types."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return set()
    names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
    names |= {node.module} if isinstance(node, ast.ImportFrom) else set()
    return names.union(*map(runtime_imports, ast.iter_child_nodes(node)))
