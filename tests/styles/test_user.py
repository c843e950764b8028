"""The user's own styles: added from files, runs and the web, found by name, and refused after changes."""

import json
import math
import os
import re
import shlex
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
from clips import names_in
from pictures import save_picture
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from servers import Quiet, serve

from cartoonize.cli.train.phases import add_command
from cartoonize.core.errors import ModelError
from cartoonize.models.checkpoint import save_style
from cartoonize.styles import find_style, user
from cartoonize.styles.card import Card
from cartoonize.tools import download
from cartoonize.tools import install_style as installer
from cartoonize.tools.install_style import fetch_style, install_style
from cartoonize.tools.probe_style import probe_style


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch, home):
    """Nobody answers questions, and no line is broken."""
    monkeypatch.setenv("COLUMNS", "200")
    with Path(os.devnull).open() as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        yield


def darkening(path, by, **about):
    """Write a network of another program: float NCHW pictures from 0 to 1, darkened."""
    onnx = pytest.importorskip("onnx")
    from networks import save_onnx

    node = onnx.helper.make_node("Mul", ["x", "by"], ["y"])
    weights = [("by", np.float32(by))]
    return save_onnx(path, [node], ["n", 3, "h", "w"], weights=weights, about=about)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A network without metadata."""
    return darkening(tmp_path_factory.mktemp("foreign") / "Darken_v1.onnx", 0.9)


@pytest.fixture(scope="module")
def free(tmp_path_factory):
    """A network with its licence."""
    return darkening(tmp_path_factory.mktemp("free") / "dark.onnx", 0.8, licence="CC0")


@pytest.fixture
def photo(tmp_path):
    return save_picture(tmp_path / "in.png")


def left(home):
    """The names of the files of the user's styles."""
    return names_in(home) if home.exists() else []


def test_an_added_style_is_found_by_its_name(run, tiny_style, photo, tmp_path, home):
    """`styles add FILE` keeps a copy and its hash; `--style`, `styles` and `styles show` know it by name."""
    code, out, err = run("styles", "add", tiny_style)
    digest = sha256(tiny_style.read_bytes()).hexdigest()
    assert (code, out) == (0, "")
    assert f"Added tiny: swift 8, licence: CC0. SHA-256 {digest}" in err
    assert find_style("tiny").read_bytes() == tiny_style.read_bytes()
    assert run("image", photo, tmp_path / "out.png", "--style", "tiny")[0] == 0
    assert (tmp_path / "out.png").exists()
    assert re.search(r"Yours:\s+tiny +swift 8 +CC0", run("styles")[1])
    shown = run("styles", "show", "tiny")[1]
    assert digest in shown
    assert str(tiny_style) in "".join(shown.split())
    assert left(home) == [f"tiny-{digest[:16]}.safetensors", "tiny.json"]


def test_a_run_is_added_as_it_is(run, tiny_style, tmp_path):
    """The folder of a run can be added; the style gets its name, in lower case with hyphens."""
    folder = tmp_path / "My Run_2"
    folder.mkdir()
    (folder / "style.safetensors").write_bytes(tiny_style.read_bytes())
    assert run("styles", "add", folder, "--license", "CC BY 4.0")[0] == 0
    assert user.names() == ["my-run-2"]
    assert user.read_record("my-run-2").licence == "CC BY 4.0"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_path_that_is_not_utf_8(run, tiny_style, tmp_path):
    """A style is added from a folder whose name is not UTF-8, too."""
    folder = tmp_path / os.fsdecode(b"\xe4")
    folder.mkdir()
    path = shutil.copy(tiny_style, folder)
    code, _, err = run("styles", "add", path, "--name", "odd")
    assert code == 0, err
    assert user.read_record("odd").source == f"{tmp_path}/ /tiny.safetensors"


def test_a_network_of_another_program_is_added(run, foreign, photo, tmp_path):
    """ONNX files can be added too. The properties that trials detected are printed."""
    assert run("styles", "add", foreign, "--licence", "MIT")[0] == 0
    assert user.read_record("darken-v1").network == "ONNX on -1..1 rgb"
    code, out, _ = run("styles", "show", "darken-v1")
    assert code == 0
    assert "MIT" in out
    code, _, err = run("image", photo, tmp_path / "out.png", "--style", "darken-v1")
    assert code == 0
    assert "onnxruntime" in err


def test_the_licence_is_asked(run, foreign, monkeypatch, home):
    """For a file without a licence, the command asks at a terminal and demands --licence elsewhere."""
    code, _, err = run("styles", "add", foreign)
    assert code == 1
    assert "states no licence: pass --licence TEXT" in err
    assert left(home) == []

    class Terminal:
        def isatty(self):
            return True

        def readline(self):
            return "CC0, by me\n"

    monkeypatch.setattr("sys.stdin", Terminal())
    assert "Which one applies?" in run("styles", "add", foreign)[2]
    assert user.read_record("darken-v1").licence == "CC0, by me"
    assert run("styles", "add", foreign, "--yes", "--name", "other")[0] == 0
    assert user.read_record("other").licence == "unknown"


def test_a_name_is_replaced_only_when_asked(run, free, foreign, home):
    """A taken name is refused; `-y` replaces the style, and nothing of the old one stays."""
    code, _, err = run("styles", "add", free, "--name", "mine")
    assert code == 0, err
    code, _, err = run("styles", "add", foreign, "--name", "mine", "--yes")
    assert code == 1, err
    assert "pass --overwrite (-y)" in err
    assert user.read_record("mine").licence == "CC0"
    code, _, err = run("styles", "add", foreign, "--name", "mine", "--yes", "-y")
    assert code == 0, err
    assert find_style("mine").read_bytes() == foreign.read_bytes()
    assert len(left(home)) == 2


def test_changes_at_once_leave_a_whole_style(home):
    """If several processes add and remove a style of one name at once, it is complete or absent."""

    def change(seed):
        for number in range(20):
            content = f"{seed * number % 3}".encode()  # often that of the other process
            digest = sha256(content).hexdigest()
            draft = home / f"draft-{seed}"
            draft.write_bytes(content)
            record = user.Record(f"mine-{digest[:16]}.onnx", digest, "", "CC0", "", "")
            user.store("mine", draft, record, overwrite=True)
            if number % 5 == 0:
                with suppress(ModelError):  # the other process was faster
                    user.remove("mine")

    home.mkdir(parents=True)
    with ThreadPoolExecutor(2) as both:
        list(both.map(change, (1, 2)))
    assert user.verify_file("mine").name in left(home)
    assert len(left(home)) == 2


@pytest.mark.skipif(os.name == "nt", reason="links need permissions on Windows")
@pytest.mark.parametrize("link", ["nowhere", "mine.json"])
def test_a_record_that_is_a_broken_link(run, home, foreign, link):
    """A record that is a link to nothing, or to itself, is called damaged; it can be replaced and removed."""
    home.mkdir(parents=True)
    (home / "mine.json").symlink_to(link)
    with pytest.raises(ModelError, match=r"is damaged: `cartoonize styles remove mine`, and add it again"):
        find_style("mine")
    assert run("styles", "add", foreign, "--name", "mine", "--yes", "-y")[0] == 0
    assert find_style("mine").read_bytes() == foreign.read_bytes()
    (home / "mine.json").unlink()
    (home / "mine.json").symlink_to(link)
    assert run("styles", "remove", "mine")[0] == 0
    assert "mine.json" not in left(home)


def test_a_style_is_removed(run, free, home):
    """`styles remove` leaves nothing of it; built-in styles cannot be removed."""
    run("styles", "add", free)
    assert run("styles", "remove", "dark")[0] == 0
    assert left(home) == []
    code, _, err = run("styles", "remove", "dark")
    assert (code, "You have added no style 'dark'" in err) == (1, True)
    code, _, err = run("styles", "remove", "pepper")
    assert (code, "is a built-in style" in err) == (1, True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pepper", "is a built-in style"),
        ("null", "is a built-in style"),
        ("My Style", "as in my-style"),
        ("../up", "as in up"),
        ("-", "as in my-style"),
        ("a" * 41, "at most 40"),
        ("", "as in my-style"),
        ("a\nb", "as in a-b"),
        ("con", "as in my-con"),
        ("lpt1", "as in my-lpt1"),
    ],
)
def test_names_are_plain_and_free(run, free, name, message, home):
    """A style's name has the form of the built-in ones and shadows none; it cannot lead out of the folder."""
    code, _, err = run("styles", "add", free, f"--name={name}")
    assert code == 1
    assert message in err
    assert left(home) == []


def test_styles_are_added_one_by_one(run, home):
    """A pattern that the shell did not expand is named as one."""
    code, _, err = run("styles", "add", "runs/*")
    assert code == 1
    assert "runs/* is a pattern, and styles are added one by one" in err
    assert left(home) == []


def test_a_changed_style_is_refused(run, free, photo, tmp_path):
    """A style whose file has changed is refused; the other styles still work."""
    run("styles", "add", free)
    path = find_style("dark")
    path.write_bytes(path.read_bytes() + b"\0")
    code, _, err = run("image", photo, tmp_path / "out.png", "--style", "dark")
    assert code == 1
    assert "is not what you added: its SHA-256 differs" in err
    assert not (tmp_path / "out.png").exists()
    code, out, _ = run("styles")
    assert code == 0
    assert "cannot be used" in out
    path.unlink()
    assert "No such file" in run("styles", "show", "dark")[2]
    assert run("styles", "remove", "dark")[0] == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"file": "../../etc/passwd"}', "[" * 10_000])
def test_a_damaged_record_is_named(run, free, home, text):
    """A record that is damaged, or names files elsewhere, is one sentence, and can be removed."""
    run("styles", "add", free)
    (home / "dark.json").write_text(text)
    code, _, err = run("styles", "show", "dark")
    assert code == 1
    assert "is damaged: `cartoonize styles remove dark`" in err
    assert run("styles")[0] == 0
    assert run("styles", "remove", "dark")[0] == 0


def test_a_demanded_hash_is_checked_before_anything_is_read(run, free, home):
    """With `--sha256`, no other file is accepted or read."""
    digest = sha256(free.read_bytes()).hexdigest()
    code, _, err = run("styles", "add", free, "--sha256", "0" * 64)
    assert code == 1
    assert f"its SHA-256 is {digest}" in err
    assert "64 hexadecimal digits" in run("styles", "add", free, "--sha256", "abc")[2]
    assert left(home) == []
    assert run("styles", "add", free, "--sha256", digest.upper())[0] == 0


def test_what_is_no_style_is_refused(run, tmp_path, home):
    """PyTorch weights, web pages, damaged and missing files are errors of one sentence. No file is left."""
    refused = {
        "weights.pth": (b"PK\x03\x04", "import-weights"),
        "page.onnx": (b"<!DOCTYPE html>", "is a web page"),
        "cut.safetensors": (b"\x10\0\0\0\0\0\0\0{", "cut.safetensors is damaged"),
        "noise.onnx": (bytes(range(256)), "noise.onnx is not an ONNX file, or it is damaged"),
        "net.param": (b"7767517\n2 2\n", "is a network for ncnn"),
        "empty.onnx": (b"", "empty.onnx is empty"),
    }
    for name, (content, message) in refused.items():
        (tmp_path / name).write_bytes(content)
        code, _, err = run("styles", "add", tmp_path / name, "--licence", "MIT")
        assert code == 1
        assert message in err
        assert "Traceback" not in err
        assert ".adding" not in err  # the place of the copy tells users nothing
    assert "There is no file" in run("styles", "add", tmp_path / "missing.onnx")[2]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.onnx")
        assert "pipe.onnx is neither a file nor a folder" in run("styles", "add", tmp_path / "pipe.onnx")[2]
    assert left(home) == []


@pytest.mark.parametrize(("factor", "message"), [(0, "draws nothing"), (math.nan, "NaN or infinity")])
def test_a_style_that_draws_nothing_is_refused(run, tmp_path, lively_generator, factor, message):
    """A style whose weights are zero, or not numbers, is refused: it draws one flat colour."""
    generator = lively_generator("swift", width=8, blocks=1)
    good = tmp_path / "good.safetensors"
    save_style(good, generator, Card("good", licence="CC0"))
    with safe_open(good, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) * factor for name in file.keys()}  # noqa: SIM118
    save_file(tensors, tmp_path / "bad.safetensors", metadata)
    code, _, err = run("styles", "add", tmp_path / "bad.safetensors")
    assert code == 1
    assert message in err


def test_large_files_are_refused_without_being_copied(run, tmp_path, home, monkeypatch):
    """A file of more than 256 MB is no style: nothing of it is written or read into memory."""
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(installer.MAX_BYTES + 1)
    monkeypatch.setattr(installer, "_CHUNK", None)  # a chunk that is read would be an error
    code, _, err = run("styles", "add", tmp_path / "large.onnx")
    assert code == 1
    assert "is larger than 256 MB" in err
    assert left(home) == []


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux limits the memory of a process by what is used"
)
def test_a_graph_cannot_take_the_memory(tmp_path):
    """200 bytes of ONNX that ask for 8 GB end the process that tries them, and nothing else."""
    make_node = pytest.importorskip("onnx").helper.make_node
    from networks import save_onnx

    nodes = [
        make_node("ConstantOfShape", ["sides"], ["zeros"]),
        make_node("ReduceMax", ["zeros"], ["zero"], keepdims=0),
        make_node("Add", ["x", "zero"], ["y"]),
    ]
    weights = [("sides", np.array([1 << 11, 1 << 10, 1 << 10]))]
    path = save_onnx(tmp_path / "greedy.onnx", nodes, [1, 3, 64, 64], weights=weights)
    with pytest.raises(ModelError):
        probe_style(path)


def test_text_of_strangers_cannot_drive_the_terminal(run, tmp_path, lively_generator):
    """Escape sequences in a card are not printed."""
    path = tmp_path / "loud.safetensors"
    card = Card("loud", "\x1b[31mred\x1b]0;title\x07 \u202eback", licence="CC0")
    save_style(path, lively_generator("swift", width=8, blocks=1), card)
    assert run("styles", "add", path)[0] == 0
    for command in (("styles",), ("styles", "show", "loud"), ("styles", "show", path)):
        out = run(*command)[1]
        assert "red" in out
        assert not any(letter in out for letter in "\x1b\x07\u202e")


def test_an_added_style_is_measured_where_it_came_from(run, free, tmp_path):
    """`train evaluate --onto-card` does not write into a style that was added, whose hash is kept."""
    run("styles", "add", free)
    code, _, err = run("train", "evaluate", "dark", "--photos", tmp_path, "--onto-card")
    assert code == 1
    assert "cannot be changed after it was added" in err


class PageHandler(Quiet, BaseHTTPRequestHandler):
    """Serves pages from a dict: path -> (status, headers, body). A list is sent in parts, with pauses."""

    def __init__(self, pages, *arguments):
        self.pages = pages
        super().__init__(*arguments)

    def do_GET(self):
        status, headers, body = self.pages[self.path.partition("?")[0]]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        for part in body if isinstance(body, list) else [body]:
            if isinstance(part, float):
                time.sleep(part)
            else:
                self.wfile.write(part)


@pytest.fixture
def site(monkeypatch):
    """Serve pages on this machine: (pages) -> address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ExitStack() as stack:
        yield lambda pages: stack.enter_context(serve(partial(PageHandler, pages)))


def test_a_style_is_added_from_the_web(run, site, free):
    """A redirect is followed. The recorded address contains no password and no signature."""
    data = free.read_bytes()
    address = site(
        {
            "/files/Dark%20Ink.onnx": (302, {"Location": "/there"}, b""),
            "/there": (200, {"Content-Length": str(len(data))}, data),
        }
    )
    code, _, err = run("styles", "add", f"{address}/files/Dark%20Ink.onnx?signature=secret")
    assert (code, "Added dark-ink" in err) == (0, True)
    assert user.read_record("dark-ink").source == f"{address}/files/Dark%20Ink.onnx"
    assert find_style("dark-ink").read_bytes() == data
    assert "from 127.0.0.1" in " ".join(run("styles")[1].split())


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("file:///etc/passwd", "by https:// only"),
        ("ftp://example.org/a.onnx", "by https:// only"),
        ("data://text/plain,a", "by https:// only"),
        ("http://example.org/a.onnx", "anybody on the way could change it"),
        ("http://user:secret@example.org/a.onnx", "a user name or a password"),
        ("https://user:sec ret@example.org/a.onnx", "a user name or a password"),
        ("https://user:secret@example.org:1:2/a.onnx", "is not an address"),
        ("https://:x/a.onnx", "is not an address"),
        ("https:///a.onnx", "by https:// only"),
        ("https://[::1", "is not an address"),
        ("https://[zz]/a.onnx", "is not an address"),
        ("https://a]b/a.onnx", "is not an address"),
        ("https://example.org:99999/a.onnx", "is not an address"),
        ("https://exa mple.org/a.onnx", "Cannot download"),
        ("https://example.org/\x1b[31m.onnx", "Cannot download"),
        ("https://..//a.onnx", "Cannot download"),
    ],
)
def test_only_https_is_fetched(run, url, message, home):
    """Other addresses than https are refused before any request; passwords are not shown."""
    code, _, err = run("styles", "add", url, "--name", "a", "--yes")
    assert code == 1
    assert message in err
    assert not re.search("sec ?ret|\\x1b|Traceback", err)
    assert left(home) == []


def test_bad_answers_are_one_sentence(run, site, home, monkeypatch):
    """Missing, too large, truncated, stalled or endlessly slow files, web pages and forbidden redirects are
    refused in one sentence, and no file is left.
    """
    monkeypatch.setattr(installer, "MAX_BYTES", 1000)
    address = site(
        {
            "/missing": (404, {}, b""),
            "/page": (200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>"),
            "/announced": (200, {"Content-Length": "1001"}, b""),
            "/unannounced": (200, {}, bytes(1001)),
            "/cut": (200, {"Content-Length": "900"}, bytes(100)),
            "/silent": (200, {"Content-Length": "900"}, [bytes(100), 0.8]),
            "/drip": (200, {"Content-Length": "900"}, [b"x", 0.05] * 899),  # for three quarters of a minute
            "/round": (302, {"Location": "/round"}, b""),
            "/file": (302, {"Location": "file:///etc/passwd"}, b""),
            "/plain": (302, {"Location": "http://example.org/a.onnx"}, b""),
        }
    )
    messages = {
        "missing": "404 Not Found",
        "page": "is a web page; give the address of the file itself",
        "announced": "is larger than",
        "unannounced": "is larger than",
        "cut": "ended after 100 of 900 bytes",
        "round": "infinite loop",
        "file": "not allowed",
        "plain": "anybody on the way could change it",
    }
    for page, message in messages.items():
        code, _, err = run("styles", "add", f"{address}/{page}", "--yes", "--name", "a")
        assert code == 1
        assert message in err
        assert "Traceback" not in err
    monkeypatch.setattr(download, "SILENCE_TIMEOUT", 0.3)
    assert "timed out" in run("styles", "add", f"{address}/silent", "--yes")[2]
    monkeypatch.setattr(download, "TIMEOUT", 0.6)
    started = time.monotonic()
    assert "it took more than" in run("styles", "add", f"{address}/drip", "--yes")[2]
    assert time.monotonic() - started < 30
    code, _, err = run("styles", "add", "http://127.0.0.1:9/a.onnx")
    assert (code, "Connection refused" in err) == (1, True)
    assert left(home) == []


def test_the_library_adds_styles_too(free):
    """From Python, a style can be fetched, inspected and added. If it is not added, no file is left."""
    with fetch_style(str(free)) as candidate:
        assert candidate.card.licence == "CC0"
    assert not candidate.file.exists()
    with fetch_style(str(free)) as candidate:
        install_style(candidate, "mine", licence=candidate.card.licence)
    assert json.loads((user.folder() / "mine.json").read_text())["sha256"] == candidate.sha256
    assert find_style("mine").exists()


@pytest.mark.parametrize(
    "about", [{"floats_per_pixel": "0"}, {"reach": "1.5"}, {"stride": "0"}, {"reach": "9" * 99}]
)
def test_numbers_of_strangers_are_not_believed(tmp_path, photo, run, about):
    """Impossible numbers in a file are ignored; its network still draws."""
    path = darkening(tmp_path / "odd.onnx", 0.7, precision="\x1b[2J", **about)
    code, _, err = run("image", photo, tmp_path / "out.png", "--style", path)
    assert code == 0
    assert "\x1b" not in err
    assert (tmp_path / "out.png").exists()


@pytest.mark.slow
def test_training_ends_by_saying_how_to_add_its_result(run, tmp_path):
    """The last line of a training is the command that adds its result."""
    for folder in ("photo", "target"):
        (tmp_path / "pairs" / folder).mkdir(parents=True)
        for number in range(4):
            picture = Image.effect_noise((80, 80), 60).convert("RGB")
            picture.save(tmp_path / "pairs" / folder / f"{number}.png")
    tiny = "--model swift --width 8 --batch 2 --size 32 --images 4 --weight artist=0 --workers 0 --device cpu"
    folders = ("--pairs", tmp_path / "pairs", "--run", tmp_path / "fast")
    code, _, err = run("train", "distil", *folders, *tiny.split())
    assert code == 0
    command = shlex.split(err.partition("To use it by name: ")[2])
    assert command[0] == "cartoonize"
    assert run(*command[1:], "--licence", "CC0")[0] == 0
    assert user.names() == ["fast"]


def test_a_run_ends_by_saying_how_to_add_it(tmp_path):
    """The command that `train` prints at the end adds the run, with any name."""
    assert add_command(tmp_path / "mine") == f"cartoonize styles add {tmp_path}/mine --name mine"
    assert add_command(tmp_path / "Pepper").endswith(" --name my-pepper")
    assert "'" in add_command(tmp_path / "two words")
