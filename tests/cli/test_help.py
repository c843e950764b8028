"""Help: examples in every --help, completion in shells, and suggestions for mistyped words."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise

import pytest
import typer
from clips import Clip, names_in
from PIL import Image
from processes import run_program, run_python

from cartoonize.cli import main as cli
from cartoonize.cli.help import describe_command, explain, name_of
from cartoonize.core.choices import ENCODERS, X264_PRESETS
from cartoonize.core.messages import did_you_mean
from cartoonize.styles import user

pytestmark = pytest.mark.usefixtures("home")
ROOT = typer.main.get_command(cli.app)


def commands(command=ROOT, path=()):
    """Every command and group, with the words that call it."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


COMMANDS = dict(commands())


def examples(command):
    """The examples in a command's help."""
    return [line for line in describe_command(command).examples if line.startswith("cartoonize")]


def parse(words):
    """Parse a command line without running it; return the names of its command and groups."""
    command, context, names = ROOT, None, []
    name, rest = words[0], list(words[1:])
    while True:
        context = command.make_context(name, rest, parent=context, help_option_names=["-h"])
        names.append(name)
        if not hasattr(command, "commands"):
            return names
        left = [*context._protected_args, *context.args]
        if not left:
            return names
        name, command, rest = command.resolve_command(context, left)


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "cartoonize")
def test_every_command_has_examples(path):
    """The --help of each command and group has two examples or more, and all of them parse."""
    shown = examples(COMMANDS[path])
    assert len(shown) >= 2
    for example in shown:
        assert parse(shlex.split(example))[: len(path) + 1] == ["cartoonize", *path]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "cartoonize")
def test_help_fits_a_terminal(run, monkeypatch, path, width):
    """Help fills the lines of a terminal without crossing its edge, breaks no example, and shows no types."""
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, err = run(*path, "--help")
    assert (code, err) == (0, "")
    lines = [line.rstrip() for line in out.splitlines()]
    assert max(map(len, lines)) <= width
    assert not re.findall(r"<(?:bool|str|int|float|path|list)\b|list\[|\[/?bold\]", out)
    assert {f"  {example}" for example in examples(COMMANDS[path])} <= set(lines)
    text = out.partition("Examples:")[0]
    for first, second in pairwise(text.splitlines()):  # a line ends where the next word has no room
        assert not second or not first or len(first.rstrip()) + len(second.split()[0]) >= width


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "cartoonize")
def test_each_option_is_explained(path):
    """Each option and argument has a text in the help, and each option with a value a word for it."""
    for parameter in COMMANDS[path].params:
        assert explain(parameter)[:1].strip()
        is_argument = parameter.param_type_name == "argument"
        assert is_argument or parameter.is_flag or " " in name_of(parameter)


@pytest.mark.parametrize("width", [60, 80])
def test_without_words_it_says_what_one_can_do(run, monkeypatch, width):
    """`cartoonize` alone shows five commands to begin with, each in one line that parses."""
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, err = run()
    assert (code, err) == (0, "")
    shown = re.findall(r"^  (cartoonize .*?)(?:  .*)$", out, re.MULTILINE)
    assert len(shown) == 5
    for example in shown[:-1]:
        assert parse(shlex.split(example))[0] == "cartoonize"


def test_help_is_a_command_too(run):
    """`cartoonize help` and `cartoonize help video` print what --help prints."""
    assert run("help")[:2] == run("--help")[:2]
    assert run("help", "video")[:2] == run("video", "--help")[:2]


def test_a_file_is_no_command(run, workdir):
    """A file in the place of a command gets a sentence that names the commands."""
    (workdir / "holiday").mkdir()
    for name in ("film.mp4", "holiday", "convert"):
        code, _, err = run(name, "out.mp4")
        assert code == 1
        assert "cartoonize video INPUT OUTPUT" in err


def test_habits_from_other_programs(run):
    """-i and -o, as of ffmpeg, get a sentence that says where INPUT and OUTPUT go."""
    for option in ("-i", "-o", "--output"):
        code, _, err = run("video", option, "film.mp4", "out.mp4")
        assert code == 2
        assert f"There is no option {option}" in err
        assert "in the order INPUT... OUTPUT" in err


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["vidoe"], "Did you mean 'video'?"),
        (["styles", "ad"], "Did you mean 'add'?"),
        (["train", "rum"], "Did you mean 'run'?"),
        (["video", "a", "b", "--stile", "ink"], "--style"),
        (["train", "run", "--pohtos", "a"], "--photos"),
    ],
)
def test_mistyped_commands_and_options(run, arguments, suggestion):
    """An unknown command or option gets the nearest known one, and exit code 2."""
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert suggestion in err


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["--style", "peper"], "pepper"),
        (["--style", "ember"], "amber"),
        (["--style", "INK"], "ink"),
        (["--device", "cdua"], "cuda"),
        (["--codec", "x264"], "libx264"),
        (["--preset", "verfast"], "veryfast"),
        (["--format", "matorska"], "matroska"),
    ],
)
def test_mistyped_words(run, clip, tmp_path, monkeypatch, arguments, suggestion):
    """An unknown style, codec, preset, format or device gets the nearest known one."""
    user.folder().mkdir(parents=True)
    (user.folder() / "amber.json").write_text("{}")
    (tmp_path / "dark.onnx").touch()
    monkeypatch.chdir(tmp_path)
    style = [] if "--style" in arguments else ["--style", "null"]
    code, out, err = run("video", clip, "out.mp4", *style, *arguments)
    assert (code, out) == (1, "")
    assert f"Did you mean {suggestion}?" in err
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(
    ("arguments", "choices", "suggestion"),
    [
        (["--precision", "bf61"], "auto, fp32, bf16, fp16 or int8", "bf16"),
        (["--hdr", "tone-map"], "tonemap or fail", "tonemap"),
        (["--detail", "hihg"], "low, normal, high or full", "high"),
        (["--compare", "wip"], "side, split or wipe", "wipe"),
        (["--provider", "tensort"], "auto, tensorrt, cuda, coreml, directml or cpu", "tensorrt"),
        (["--channel-order", "bgra"], "rgb or bgr", "bgr"),
        (["--hdr", "maybe"], "tonemap or fail", None),
    ],
)
def test_mistyped_choices(run, arguments, choices, suggestion):
    """A value that is no choice gets all choices of the option and the nearest one, and exit code 2."""
    code, out, err = run("video", "in.mp4", "out.mp4", *arguments)
    assert (code, out) == (2, "")
    assert choices in err
    assert ("Did you mean" in err) == (suggestion is not None)
    assert suggestion is None or f"Did you mean {suggestion}?" in err


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["--preset", "dekc"], "deck"),
        (["--weight", "contnet=1"], "content"),
        (["--model", "swfit", "--images", "1"], "swift"),
    ],
)
def test_mistyped_words_of_training(run, tmp_path, arguments, suggestion):
    """Unknown presets, losses and networks get suggestions too."""
    for number in range(16):
        Image.effect_noise((300, 300), 50).convert("RGB").save(tmp_path / f"{number}.png")
    places = ["--photos", tmp_path, "--run", tmp_path / "run"]
    code, _, err = run("train", "pretrain", *places, "--workers", "0", *arguments)
    assert code == 1
    assert f"Did you mean {suggestion}?" in err


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["video", "a", "b", "--crf", "100"], "'100' is not possible for --crf: write a number, 0 to 63."),
        (["web", "--port", "http"], "'http' is not possible for --port: write a whole number, 0 to 65535."),
        (["video"], "INPUT... OUTPUT is missing."),
        (["video", "a", "b", "--fps"], "--fps needs a value: --fps RATE."),
        (["video", "a", "b", "--json=1"], "--json takes no value."),
        (["train", "run", "--photos", "a"], "--run is missing: the run folder."),
        (
            ["styles", "show", "ink", "pepper"],
            "There is no place for pepper in `cartoonize styles show [OPTIONS] STYLE`.",
        ),
    ],
)
def test_wrong_words_get_a_sentence(run, arguments, answer):
    """A number out of range, or a missing word, gets a sentence, an example, and where the help is."""
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    command = " ".join(["cartoonize", *arguments[: 1 + (arguments[0] in ("train", "styles"))]])
    assert err.startswith(f"Error: {answer} Example: {command} ")
    assert err.endswith(f"See `{command} --help`. ")


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["styles", "list"], "There is no command 'list': choose add, remove, preview or show."),
        (["version"], "There is no command 'version'. Did you mean --version?"),
        (
            ["styles", "remove", "nothing"],
            "You have added no style 'nothing'. `cartoonize styles add` adds one.",
        ),
        (["demo", "a.png"], "a.png is a file; `demo` converts its own clip."),
        (["video", "photos", "out/"], "There is no video in photos. Its pictures can be the frames of one"),
        (["video", "a.png", "out.png"], "a.png is a picture; use `cartoonize image`."),
        (["live", "--sink", "windw"], "windw is no sink: write window, camera, null, an address"),
        (["live", "--style", "inc"], "There is no style 'inc'"),
    ],
)
def test_what_newcomers_type(run, workdir, arguments, answer):
    """Arguments that belong to another command get a sentence with the right one, before a file is opened."""
    (workdir / "photos").mkdir()
    for path in ("a.png", "photos/b.png"):
        Image.new("RGB", (32, 32)).save(workdir / path)
    code, out, err = run(*arguments)
    assert (code in (1, 2), out) == (True, "")
    assert err.startswith(f"Error: {answer}")


def test_nothing_is_suggested_for_nothing_near():
    """A word that is similar to none gets no suggestion."""
    assert did_you_mean("betamax", ENCODERS) == ""
    assert did_you_mean("", X264_PRESETS) == ""
    assert did_you_mean("LibX264", ENCODERS) == " Did you mean libx264?"


@pytest.fixture
def clip(tmp_path):
    return Clip().write(tmp_path / "in.mp4")


def tab(shell, line):
    """The environment variables by which a shell asks for the words for Tab at the end of a line."""
    variables = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    return variables | {"_CARTOONIZE_COMPLETE": f"complete_{shell}"}


def offered_words(printed):
    return re.findall(r"[\w.:-]+", printed.partition("((")[2] or printed)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_styles(shell):
    """Tab offers the built-in styles and the user's own in bash, zsh and fish, without heavy imports."""
    user.folder().mkdir(parents=True)
    (user.folder() / "pear.json").write_text("{}")
    # Completion must not import heavy modules: here it cannot.
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'av', 'numpy', 'onnxruntime', 'PIL']))\n"
        "from cartoonize.cli.main import main; main()"
    )
    done = run_python(code, env=os.environ | tab(shell, "cartoonize video a b --style pe"))
    assert done.stderr == ""
    assert offered_words(done.stdout) == ["pepper", "pepper-hq", "pear"]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("cartoonize vid", {"video"}),
        ("cartoonize video --sty", {"--style"}),
        ("cartoonize video a b --device c", {"cpu", "cuda"}),
        ("cartoonize video a b --codec libx", {"libx264", "libx265"}),
        ("cartoonize video a b --preset s", {"superfast", "slow", "slower"}),
        ("cartoonize video a b --format m", {"mp4", "mov", "matroska", "mpegts", "mkv"}),
        ("cartoonize video a b --hdr ", {"tonemap", "fail"}),
        ("cartoonize video a b --precision bf", {"bf16"}),
        ("cartoonize image a b --provider t", {"tensorrt"}),
        ("cartoonize styles show i", {"ink"}),
        ("cartoonize styles remove p", set()),
        ("cartoonize export-onnx pep", {"pepper", "pepper-hq"}),
        ("cartoonize train evaluate in", {"ink"}),
        ("cartoonize train run --preset d", {"deck"}),
        ("cartoonize train distil --preset i", {"ink", "ink-int8"}),
        ("cartoonize train run --model s", {"swift"}),
    ],
)
def test_shells_complete_words(run, monkeypatch, line, offered):
    """Tab offers the options, styles, devices, codecs, presets and formats that begin with what was typed."""
    for name, value in tab("bash", line).items():
        monkeypatch.setenv(name, value)
    assert set(offered_words(run()[1])) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_installed(shell):
    """Each shell gets a script that calls the program."""
    done = run_program(env=os.environ | {"_CARTOONIZE_COMPLETE": f"source_{shell}"})
    assert f"_CARTOONIZE_COMPLETE=complete_{shell}" in done.stdout


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash here")
def test_bash_completes(tmp_path):
    """The installed script completes in a real bash."""
    program = tmp_path / "cartoonize"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m cartoonize "$@"\n')
    program.chmod(0o755)
    script = """
        eval "$(_CARTOONIZE_COMPLETE=source_bash cartoonize)"
        COMP_WORDS=(cartoonize image a.png b.png --style pepper-) COMP_CWORD=5
        _cartoonize_completion cartoonize
        echo "${COMPREPLY[@]}"
    """
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, env=os.environ | {"PATH": path}
    )
    assert done.stdout == "pepper-hq\n"


@pytest.mark.parametrize(
    "words",
    [
        ("video", "", "out.mp4"),
        ("image", "--quiet", "", "cartoons/"),
        ("video", "in.mp4", ""),
        ("video", "in.mp4", "out.mp4", "--style", ""),
        ("live", "--source", ""),
        ("styles", "preview", "", "styles.png"),
        ("train", "run", "--photos", "", "--style", "drawings", "--run", "mine"),
    ],
)
def test_an_empty_name_is_refused(run, workdir, words):
    """An empty word, as of an unset variable of the shell, never stands for the current folder."""
    for name in ("1.png", "in.mp4"):
        (workdir / name).write_bytes(b"anything")
    code, _, err = run(*words)
    assert code == 1
    assert "empty; perhaps a variable of the shell is not set" in err
    assert names_in(workdir) == ["1.png", "in.mp4"]


def test_a_file_that_begins_with_a_hyphen(run, workdir):
    """For a file whose name looks like an option, the error says how to write it."""
    (workdir / "-dash.mp4").touch()
    code, _, err = run("video", "-dash.mp4", "out.mp4")
    assert code == 2
    assert "There is no option -d. If you mean the file -dash.mp4, write ./-dash.mp4." in err


def test_an_error_of_the_system_is_a_sentence(run, monkeypatch, tmp_path):
    """An error of the file system is a sentence with an exit code, and no traceback."""
    missing = tmp_path / "no" / "folder"
    monkeypatch.setattr("tempfile.tempdir", str(missing))
    code, _, err = run("benchmark", "--style", "null", "--rounds", "1")
    assert code == 5
    assert f"{missing}" in err
    assert "Traceback" not in err
