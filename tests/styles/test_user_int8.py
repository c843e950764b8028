"""The int8 file of an added style is kept if the style names its hash, and is never trusted otherwise."""

import shutil
from hashlib import sha256

import pytest
from clips import names_in
from PIL import Image
from servers import serve_folder

from cartoonize.backends import load
from cartoonize.models.checkpoint import load_style, save_style
from cartoonize.styles import find_style, user
from cartoonize.styles.card import Card, int8_path, set_int8_file
from cartoonize.tools import install_style as installer

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
from cartoonize.export.onnx import export_onnx


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch, home):
    """A terminal that breaks no line."""
    monkeypatch.setenv("COLUMNS", "300")


@pytest.fixture(scope="module")
def exported(tmp_path_factory, lively_generator):
    """A run's folder with a style file and the int8 file that it names."""
    style = tmp_path_factory.mktemp("run") / "style.safetensors"
    save_style(style, lively_generator("swift", width=8, blocks=1), Card("mine", licence="CC0"))
    export_onnx(str(style), int8_path(style), precision="int8")
    return style.parent


@pytest.fixture
def folder(tmp_path, exported):
    """A copy of the run's folder, which a test may change."""
    return shutil.copytree(exported, tmp_path / "mine")


def test_an_added_style_keeps_its_int8_file(run, folder, home, workdir):
    """`styles add` of a run's folder copies the int8 file and records its hash; CPUs draw with it, `styles
    show` names it, and `styles remove` removes it."""
    code, _, err = run("styles", "add", folder)
    assert (code, "Its int8 file, for CPUs, was added too." in err) == (0, True)
    path = int8_path(find_style("mine"))
    content = (folder / "style.int8.onnx").read_bytes()
    assert path.read_bytes() == content
    assert user.read_record("mine").int8_sha256 == sha256(content).hexdigest()
    assert len(names_in(home)) == 3
    with load("mine", device="cpu") as backend:
        assert backend.precision == "int8"
    assert str(path) in run("styles", "show", "mine")[1]
    path.unlink()
    Image.new("RGB", (32, 32)).save("in.png")
    code, _, err = run("image", "in.png", "out.png", "--style", "mine", "--precision", "int8")
    assert (code, "The int8 file of the style mine does not exist" in err) == (1, True)
    assert run("styles", "remove", "mine")[0] == 0
    assert names_in(home) == []


@pytest.mark.slow
def test_a_file_or_an_address_brings_the_int8_file_beside_it(run, folder):
    """The int8 file of the same name is added too, from disks and from the web."""
    for suffix in ("safetensors", "int8.onnx"):
        (folder / f"style.{suffix}").rename(folder / f"ink.{suffix}")
    with serve_folder(folder) as site:
        address = f"{site}/ink.safetensors?signature=secret"
        for location, name in ((folder / "ink.safetensors", "file"), (address, "web")):
            assert run("styles", "add", location, "--name", name)[0] == 0
            assert int8_path(find_style(name)).read_bytes() == (folder / "ink.int8.onnx").read_bytes()
        (folder / "ink.int8.onnx").unlink()
        code, _, err = run("styles", "add", address, "--name", "alone")
    assert (code, "secret" in err) == (0, False)
    assert "added without its int8 file" in err
    assert "/ink.int8.onnx: 404" in err


@pytest.mark.parametrize(
    "fault", ["missing", "changed", "large", pytest.param("broken", marks=pytest.mark.slow)]
)
def test_a_style_is_added_without_an_int8_file_that_cannot_be_used(run, folder, home, monkeypatch, fault):
    """An int8 file that is missing, is not the one that the style names, is too large or does not draw is
    left out, with one sentence. It is not stored.
    """
    path = folder / "style.int8.onnx"
    if fault == "missing":
        path.unlink()
    if fault == "changed":
        path.write_bytes(path.read_bytes() + b"\0")
    if fault == "large":
        monkeypatch.setattr(installer, "MAX_BYTES", (folder / "style.safetensors").stat().st_size)
        path.write_bytes(bytes(installer.MAX_BYTES + 1))
    if fault == "broken":
        path.write_bytes(b"no graph")
        set_int8_file(folder / "style.safetensors", sha256(b"no graph").hexdigest())
    code, _, err = run("styles", "add", folder)
    reasons = {"missing": "does not exist", "changed": "is not the file", "large": "larger", "broken": "ONNX"}
    assert code == 0
    assert err.count("added without its int8 file, for CPUs: ") == 1
    assert str(path) in err
    assert reasons[fault] in err
    assert ".adding" not in err
    assert len(names_in(home)) == 2
    assert user.read_record("mine").int8_sha256 == ""
    assert "so CPUs draw without it" in run("styles", "show", "mine")[1]


def test_an_unnamed_int8_file_is_left_where_it_is(run, folder, home):
    """A graph beside a style that names none is not copied."""
    set_int8_file(folder / "style.safetensors", "")
    code, _, err = run("styles", "add", folder)
    assert (code, "int8" in err) == (0, False)
    assert len(names_in(home)) == 2


@pytest.mark.slow
def test_replacing_a_style_removes_its_int8_file(run, folder, home):
    """`styles add -y` leaves nothing of the earlier style; records of older versions are read."""
    run("styles", "add", folder)
    record = home / "mine.json"
    record.write_text(record.read_text().replace('"int8_sha256"', '"unknown"'))
    assert user.read_record("mine").int8_sha256 == ""
    (folder / "style.int8.onnx").unlink()
    assert run("styles", "add", folder, "-y")[0] == 0
    assert len(names_in(home)) == 2


def test_a_style_without_an_int8_file_is_named(run, folder, tmp_path, workdir):
    """If a style has no int8 file, the message names the style, and no file of an installation."""
    generator, _ = load_style(folder / "style.safetensors")
    save_style(tmp_path / "plain.safetensors", generator, Card("plain"))
    assert run("styles", "add", tmp_path / "plain.safetensors", "--yes")[0] == 0
    Image.new("RGB", (32, 32)).save("in.png")
    for name in ("pepper-hq", "plain"):
        code, _, err = run("image", "in.png", "out.png", "--style", name, "--precision", "int8")
        assert code == 1
        assert f"The style {name} has no int8 file: leave --precision out, or choose another style." in err
    code, _, err = run("export-onnx", "pepper-hq", "out.onnx", "--precision", "int8")
    assert code == 1
    assert "and pepper-hq is not one" in err
