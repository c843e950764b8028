"""The structure of the package: its public names, what it imports, what is installed, where its tests are."""

import ast
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from clips import Clip
from PIL import Image
from processes import run_python

import cartoonize
from cartoonize.version import __version__

ROOT = Path(__file__).resolve().parents[1]

PUBLIC = [
    "Backend", "BackendError", "CartoonizeError", "Decoding", "Effect", "Encoding", "Frame", "Hold", "Image",
    "Images", "Look", "MediaError", "ModelError", "OnnxOptions", "Report", "Retouch", "RuntimeOptions",
    "Stabilizer", "TrainingError", "__version__", "load", "open_sink", "open_source", "stream", "stylize",
]  # fmt: skip


def test_the_public_names_are_these():
    """The public names of the package are exactly these."""
    assert cartoonize.__all__ == PUBLIC
    assert all(getattr(cartoonize, name) is not None for name in PUBLIC)


def modules():
    """Every source file, with the parts of its name below `cartoonize`."""
    for folder, prefix in (("cartoonize", ()), ("training", ("training",)), ("export", ("export",))):
        for path in sorted((ROOT / folder).rglob("*.py")):
            inside = path.relative_to(ROOT / folder).with_suffix("").parts
            yield path, (*prefix, *inside)


def test_the_changelog_has_the_version():
    """The newest section of the changelog is that of the version, with its date."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.findall(r"^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)[0]
    assert newest == __version__


ACROSS = {
    "benchmarks", "ci", "docs", "examples", "fuzz", "large_files", "long", "no_harm", "notebook",
    "real_clips", "structure", "surroundings",
}  # fmt: skip
"""Tests of the whole program, at the top of tests/."""


def packages(root):
    """The folders of Python files below a root, relative to it."""
    return {path.parent.relative_to(root) for path in root.rglob("*.py")} - {Path()}


def test_tests_mirror_the_tree():
    """The tests of a folder are in the folder of the same name in tests/, or in the one above it."""
    beside = {Path(name) / path for name in ("training", "export") for path in packages(ROOT / name)}
    tree = {*packages(ROOT / "cartoonize"), *beside, Path("training"), Path("export")}
    tests = packages(ROOT / "tests") - {Path("golden"), Path("gpu")}
    assert tests <= tree
    assert {path for path in tree if len(path.parts) == 1} <= tests
    assert {path.stem.removeprefix("test_") for path in (ROOT / "tests").glob("test_*.py")} == ACROSS


def test_no_two_classes_have_one_name():
    """Each class has a name of its own."""
    places = {}
    for path, name in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, set()).add(".".join(name))
    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}


def test_text_files_state_their_encoding():
    """No file is read or written in the encoding of the system, which is not UTF-8 on Windows."""
    for path, _ in modules():
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                stated = "encoding" in {keyword.arg for keyword in call.keywords}
                assert stated or call.func.attr not in ("read_text", "write_text"), f"{path}:{call.lineno}"


def test_exported_networks_need_no_torch():
    """Running an exported network imports neither PyTorch nor OpenCV."""
    done = run_python(
        "import sys, cartoonize.backends.onnx, cartoonize.run.job, cartoonize.media, onnxruntime;"
        "print([m for m in ('torch', 'torchvision', 'cv2') if m in sys.modules])"
    )
    assert done.stdout.strip() == "[]"


def test_drawing_and_training_need_no_pyav():
    """Drawing frames in memory, effects and training need no PyAV."""
    run_python(
        "import sys; sys.modules['av'] = None\n"
        "import cartoonize.run.pipeline, cartoonize.effects.look, cartoonize.backends.pytorch.backend\n"
        "import cartoonize.training.run, cartoonize.training.style_run.run\n"
        "import cartoonize.training.evaluation.evaluate\n"
        "import cartoonize.training.looks.measure, cartoonize.cli.train, cartoonize.cli.main"
    )


def test_local_files_need_neither_ray_nor_fsspec():
    """Converting local files on one machine imports neither Ray nor fsspec."""
    done = run_python(
        "import sys, cartoonize.cli.main, cartoonize.run.job, cartoonize.run.frame_range;"
        "print([m for m in ('ray', 'fsspec', 's3fs') if m in sys.modules])"
    )
    assert done.stdout.strip() == "[]"


def test_the_command_line_starts_light():
    """`cartoonize --help` and `--version` import no torch, FFmpeg, NumPy, OpenCV or web server."""
    done = run_python(
        "import sys, cartoonize.cli.main\n"
        "names = 'torch av numpy cv2 PIL onnxruntime starlette uvicorn python_multipart'.split()\n"
        "print([name for name in names if name in sys.modules])"
    )
    assert done.stdout.strip() == "[]"


def test_pictures_need_no_web_server(tmp_path, tiny_style):
    """`cartoonize image` imports none of the packages of `cartoonize web`, nor does it need them."""
    Image.new("RGB", (20, 20)).save(tmp_path / "in.png")
    run_python(
        "import sys\n"
        "sys.modules |= dict.fromkeys(('starlette', 'uvicorn', 'python_multipart', 'anyio', 'h11'))\n"
        f"sys.argv = ['cartoonize', 'image', 'in.png', 'out.png', '--style', {str(tiny_style)!r}]\n"
        "import cartoonize.cli.main; cartoonize.cli.main.main()",
        cwd=tmp_path,
    )
    assert (tmp_path / "out.png").exists()


def test_drawing_needs_no_opencv(tmp_path, tiny_style):
    """A server without OpenCV's system libraries can convert; a notice says what is missing."""
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    Clip().write(tmp_path / "in.mp4")
    Image.new("RGB", (20, 20)).save(tmp_path / "in.png")
    done = run_python(
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from cartoonize import stylize\n"
        "for end in ('mp4', 'png'):\n"
        f"    print(stylize(f'in.{{end}}', f'out.{{end}}', {str(tiny_style)!r}).notices)",
        cwd=tmp_path,
    )
    video, picture = done.stdout.splitlines()
    assert "not stabilized" in video
    assert "opencv-python-headless" in video
    assert "not stabilized" not in picture
    assert "at their own size" in picture
    assert (tmp_path / "out.mp4").exists()
    assert (tmp_path / "out.png").exists()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel that users install, built from a source distribution, which is beside it."""
    pytest.importorskip("build")
    sources = tmp_path_factory.mktemp("sources") / "tree"
    skip = shutil.ignore_patterns(".git", "build", "*.egg-info", "__pycache__", "*_cache", "runs")
    shutil.copytree(ROOT, sources, ignore=skip)
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))


def test_the_wheel_takes_one_name(wheel):
    """The wheel puts only `cartoonize` into site-packages, with all its modules and styles inside."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"cartoonize"}
    missing = {"/".join(("cartoonize", *parts)) + ".py" for _, parts in modules()} - set(names)
    assert not missing
    for path in (ROOT / "cartoonize" / "styles").glob("*.safetensors"):
        assert f"cartoonize/styles/{path.name}" in names
    assert "cartoonize/py.typed" in names
    notices = {name.partition(".dist-info/licenses/")[2] for name in names}
    assert {
        "LICENSE",
        *(f"docs/credits/{path.name}" for path in (ROOT / "docs/credits").iterdir()),
    } <= notices


def test_the_source_distribution(wheel):
    """The source distribution has the tested versions and the changelog, and no part of the tests."""
    (path,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"constraints.txt", "CHANGELOG.md", "LICENSE", "README.md"} <= names
    assert not [name for name in names if name.startswith("tests")]


def test_the_wheel_works(wheel, tmp_path):
    """Installed from the wheel, the command line starts, with its training, export and recipes."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)  # noqa: S202  # our own
    done = run_python(
        "import sys; sys.argv = ['cartoonize', '--help']\n"
        "import cartoonize.cli.main, cartoonize.cli.train, cartoonize.cli.export\n"
        "from cartoonize.training.recipe_files import builtin_recipes, load_recipe\n"
        "assert all(map(load_recipe, builtin_recipes()))\n"  # with their bases
        f"assert cartoonize.__file__.startswith({str(tmp_path)!r})\n"
        "cartoonize.cli.main.main()",
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )
    assert "train" in done.stdout
    assert "export-onnx" in done.stdout
