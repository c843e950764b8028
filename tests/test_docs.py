"""The documentation: commands and Python examples work, and the files and messages that it names exist."""

import ast
import re
import runpy
import shlex
import tomllib
from fractions import Fraction
from itertools import chain
from pathlib import Path
from shutil import copy, copytree

import numpy as np
import pillow_heif
import pytest
import torch
import typer
from clips import Clip
from networks import foreign, random_animegan, random_cartoongan
from PIL import Image
from safetensors.torch import save_file

from cartoonize.cli import main as cli
from cartoonize.core.containers import WRITTEN_SUFFIXES
from cartoonize.media import PICTURE_SUFFIXES
from cartoonize.training.features import Features

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "cartoonize"
# The commands of these reports need data that is not in the repository, so they are only parsed.
HISTORY = {"experiments.md", "CHANGELOG.md"}
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]

SMALL = ("--size", "32", "--batch", "2", "--width", "4", "--images", "4", "--workers", "0")
VGG = ("--features", "vgg16.safetensors")
# Options that make a command end in a moment. They do not change what it draws or learns from.
SHORTER = {
    ("train", "run"): ("--dry-run",),
    ("train", "pretrain"): (*SMALL, *VGG),
    ("train", "adversarial"): (*SMALL, *VGG),
    ("train", "distil"): SMALL,
    ("train", "evaluate"): ("--count", "2", "--frames", "2"),
    ("train", "frames"): ("--size", "32"),
    ("benchmark",): ("--rounds", "1", "--size", "64x48"),
    ("video",): ("--overwrite",),
    ("image",): ("--overwrite",),
    ("export-onnx",): ("--overwrite",),
    ("export-web",): ("--overwrite",),
    ("export-ncnn",): ("--overwrite",),
    ("import-weights",): ("--overwrite",),
}
# Commands with these words take long, do not end by themselves, or need another machine. They have their own
# tests; here they are only parsed.
ELSEWHERE = {
    "demo",
    "web",
    "live",
    "export-tensorrt",
    "mps",
    "vulkan",
    "--gpu",
    "engines/",
    "-",
    "--watch",
    "--cluster",
    "--install-completion",
}


def commands(page):
    """The commands on a page as lists of words: first those in blocks, then those in the text."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = chain.from_iterable(block.replace("\\\n", " ").splitlines() for block in blocks)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    shown = chain(lines, re.findall(r"`([^`\n]+)`", prose))
    for line in shown:
        words = line.replace("\\|", "|").split("|")[-1].split("#")[0].strip()
        if re.match(r"(\$ )?cartoonize [a-z]", words) and not re.search(r"\.\.\.|\b[A-Z]{3,}\b", words):
            yield shlex.split(words.removeprefix("$ "))[1:]


def parsed(words):
    """The names of the command that the words call, or none if they only mention it.

    Fails if the command or one of its options does not exist.
    """
    command, names, rest = typer.main.get_command(cli.app), (), list(words)
    while rest and (inner := getattr(command, "commands", {}).get(rest[0])):
        command, names, rest = inner, (*names, rest[0]), rest[1:]
    assert names, f"there is no command {words[0]!r}"
    if rest and "--help" not in rest:
        command.make_context(" ".join(names), rest, resilient_parsing=False)
    bare = command.no_args_is_help or any(parameter.required for parameter in command.params)
    return () if bare and not rest else names


def expanded(words):
    """The words with patterns such as `*.jpg` expanded, as a shell does."""
    return list(
        chain.from_iterable(sorted(map(str, Path().glob(word))) if "*" in word else [word] for word in words)
    )


def python_blocks(page):
    """The Python programs on a page."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_imports_work(page):
    """Every Python example compiles and imports names that exist."""
    for block in python_blocks(page):
        imports = [
            node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        exec(compile(ast.Module(imports, []), page.name, "exec"), {})  # noqa: S102


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_exist(page):
    """Every source file, test and script that a page names exists, from the root or from the package."""
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?<![\w/.-])(?:[\w.-]+/)+[\w.-]+\.(?:py|csv|toml)\b", text)
    missing = [name for name in named if not any((folder / name).exists() for folder in (ROOT, PACKAGE))]
    assert [name for name in missing if "NAME" not in name] == []


def headings(page):
    """The addresses of the headings of a page, as the site and GitHub form them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)", text, re.MULTILINE)
    return [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every link from a page to a file, or to a heading of a page, leads to one that exists."""
    made_for_the_site = {"options.md", "try/index.html"}
    for address in re.findall(r"\]\(([^)\s:]+)\)", page.read_text(encoding="utf-8")):
        name, _, heading = address.partition("#")
        if name not in made_for_the_site:
            target = page.parent / name if name else page
            assert target.exists(), address
            assert not heading or heading in headings(target), address


@pytest.fixture(scope="session")
def code_strings():
    """All string constants of the package, joined, those of f-strings too; and the files of the web page."""
    files = chain.from_iterable((ROOT / name).rglob("*.py") for name in ("cartoonize", "training", "export"))
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in files)
    nodes = chain.from_iterable(ast.walk(tree) for tree in trees)
    constants = (
        node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    page = (path.read_text(encoding="utf-8") for path in (PACKAGE / "web" / "static").glob("*.*"))
    return "\n".join(chain(constants, page))


def quoted_messages(name):
    """The messages that a page quotes in tables and blocks, as fragments between variable parts."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    symptoms = re.findall(r"^\| ([^|]*)\|", text, re.MULTILINE)
    quotes = chain.from_iterable(re.findall(r'"([^"]+)"', symptom) for symptom in symptoms)
    return [part.strip() for quote in quotes for part in quote.split("...") if part.strip()]


def quoted_labels(name):
    """The labels of buttons and fields that a page names before its second section."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8").split("\n## ")[0]
    return re.findall(r"(?<!\*)\*{1,2}([A-Z][^*\n]+)\*{1,2}(?!\*)", text)


@pytest.mark.parametrize("message", [*quoted_messages("troubleshooting.md"), *quoted_labels("web.md")])
def test_quoted_messages_exist(message, code_strings):
    """Messages and labels that a page quotes are those of the program, word for word."""
    assert message in code_strings


def test_the_container_gets_what_the_package_needs():
    """The Dockerfile copies every folder and file that pyproject.toml builds the package from."""
    copied = re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    names = set(" ".join(copied).split())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {*project["tool"]["setuptools"]["package-dir"].values(), project["project"]["readme"]}
    licences = {
        re.sub(r"/[^/]*[*].*", "", name) for name in project["project"]["license-files"]
    }  # or their folder
    assert names >= {"pyproject.toml", "constraints.txt", *needed, *licences}
    assert all((ROOT / name).exists() for name in names)


def test_optional_parts_are_documented():
    """The page of the installation has a row for each optional part that users can install."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/install.md").read_text("utf-8"), re.MULTILINE)
    extras = project["project"]["optional-dependencies"]
    assert set(rows) == {name for name, packages in extras.items() if packages} - {"dev", "docs"}


def test_layers_are_documented():
    """The layers in Architecture are those that import-linter checks."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    checked = [
        [name.strip() for name in layer.split("|")]
        for layer in config["tool"]["importlinter"]["contracts"][0]["layers"]
    ]
    blocks = re.findall(
        r"^```\w*\n(.*?)^```", (ROOT / "docs/architecture.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    drawings = [[re.findall(r"\w+", line) for line in block.splitlines()] for block in blocks]
    assert [layer for layer in checked if layer not in (["__main__"], ["version"])] in drawings


def test_formats_are_documented():
    """The page of formats names every suffix of a video or picture that can be written."""
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\.[a-z0-9]+", text))
    assert named >= WRITTEN_SUFFIXES | PICTURE_SUFFIXES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_known(page):
    """Every command and option that a page names exists."""
    for words in commands(page):
        parsed(words)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name not in HISTORY and any(commands(page))],
    ids=lambda page: page.name,
)
def test_commands_run(page, workspace, run, monkeypatch):
    """The commands of a page work, one after the other."""
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("CARTOONIZE_HOME", str(workspace / "home"))
    for words in commands(page):
        names = parsed(words)
        if names and not ELSEWHERE & {word.partition("://")[0] for word in words}:
            code, _, stderr = run(*expanded(words), *SHORTER.get(names, ()))
            assert code == 0, f"cartoonize {shlex.join(words)}: {stderr}"


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(page)], ids=lambda page: page.name)
def test_python_examples_run(page, workspace, tiny_onnx, tiny_param, monkeypatch):
    """The Python examples of a page work, one after the other."""
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("CARTOONIZE_HOME", str(workspace / "home"))
    copy(tiny_onnx, workspace / "pepper.onnx")
    for suffix in (".param", ".bin"):
        copy(tiny_param.with_suffix(suffix), workspace / f"pepper{suffix}")
    for block in python_blocks(page):
        for file in workspace.glob("cartoon.*"):  # an example does not overwrite the result of the one before
            file.unlink()
        exec(compile(block, page.name, "exec"), {})  # noqa: S102


@pytest.fixture
def workspace(material, tmp_path):
    """A folder with the files that the pages use."""
    return copytree(material, tmp_path / "work")


@pytest.fixture(scope="session")
def material(tmp_path_factory, tiny_style):
    """A folder with very small clips, pictures and networks."""
    folder = tmp_path_factory.mktemp("material")
    (folder / "clips" / "2024").mkdir(parents=True)
    for name in (
        "in.mp4",
        "holiday.mp4",
        "clip.mp4",
        "in.mov",
        "birthday.mov",
        "IMG_0042.MOV",
        "film.mkv",
        "clips/2024/a.mp4",
    ):
        Clip(tones=(440,), times=tuple(range(125)), time_base=Fraction(1)).write(folder / name)
    (folder / "films").mkdir()
    for name in ("film1.mkv", "film2.mkv"):
        _film(folder / "films" / name)
    rng = np.random.default_rng(0)
    for name in ("in.jpg", "portrait.jpg", "garden.png"):
        _picture(rng).save(folder / name)
    pillow_heif.from_pillow(_picture(rng)).save(folder / "IMG_0041.heic")
    for name in ("photos", "frames", "drawings"):
        (folder / name).mkdir()
        for number in range(4):
            size = (192, 144) if name == "drawings" else (64, 48)  # a look is not measured on tiny pictures
            _picture(rng).resize(size).save(folder / name / f"{number:05d}.png")
    stills = [_picture(rng) for _ in range(3)]
    stills[0].save(folder / "cat.gif", save_all=True, append_images=stills[1:], duration=80, loop=0)
    _weights(folder)
    (folder / "runs" / "mine").mkdir(parents=True)
    for name in ("hayao.safetensors", "runs/mine/style.safetensors"):
        copy(tiny_style, folder / name)
    return folder


def _picture(rng):
    small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
    return small.resize((64, 48), Image.Resampling.BICUBIC)


def _film(path):
    """Write a film of four scenes, one second each."""
    rng = np.random.default_rng(1)
    scenes = [np.asarray(_picture(rng)) for _ in range(4)]
    Clip(times=tuple(range(96)), images=[scenes[number // 24] for number in range(96)]).write(path)


def _weights(folder):
    """Write networks with random weights: VGG16's features and other projects' generators."""
    torch.manual_seed(0)
    save_file(Features("vgg16").state_dict(), folder / "vgg16.safetensors")
    for name in ("hayao.pth", "weights.pth", "Hayao_net_G_float.pth"):
        torch.save(random_cartoongan(), folder / name)
    torch.save(random_animegan(), folder / "face_paint.pt")
    foreign(folder / "network.onnx")


@pytest.fixture(scope="module")
def options_page():
    """The page of all options, as mkdocs gets it."""
    return runpy.run_path(str(ROOT / "docs" / "options_page.py"))["make_page"]()


def test_the_page_of_options_is_complete(options_page):
    """Every option of every command is in the table of its command, and every example is shown."""
    sections = dict(re.findall(r"^## (.+)\n((?:(?!^## ).*\n?)*)", options_page, re.MULTILINE))

    def check(command, words):
        for name, inner in getattr(command, "commands", {}).items():
            check(inner, f"{words} {name}")
        if words != "cartoonize":
            section = sections[words]
            options = [name for option in command.params for name in option.opts if name.startswith("--")]
            assert [name for name in options if name != "--help" and name not in section] == []

    check(typer.main.get_command(cli.app), "cartoonize")


@pytest.mark.parametrize("word", ["gpu", "docker", "iphone", "heic", "zoom", "colab", "sell", "flicker"])
def test_people_find_their_word(word):
    """Words that people search for are in a heading or a row of a table."""
    pages = [page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")]
    titles = [line for page in pages for line in page.splitlines() if line.startswith(("#", "|"))]
    assert any(word in title.lower() for title in titles)
