"""Printing: text from files, names and servers never controls the terminal."""

import io
import re
from fractions import Fraction
from pathlib import Path

import pytest
from clips import CASES, Clip
from processes import run_program

from cartoonize import MediaError
from cartoonize.cli import console
from cartoonize.cli.console import escape_controls

ATTACK = "\x1b]0;PWNED\x07\x1b[31mEVIL\x1b[2J\x9b2J\u202e"


class Terminal(io.StringIO):
    """A terminal that keeps what it shows."""

    def isatty(self):
        return True


def test_control_sequences_are_written_out():
    """Escape sequences of 7 and 8 bits, and marks that reverse the text direction, are printed as text."""
    shown = escape_controls(f"a{ATTACK}b\udcff\n")
    assert shown == r"a\x1b]0;PWNED\x07\x1b[31mEVIL\x1b[2J\x9b2J\u202eb\udcff" + "\n"
    assert escape_controls("Grüße 你好 👩‍🎨") == "Grüße 你好 👩‍🎨"


def test_questions_are_shown_whole(monkeypatch, capsys):
    """The answers in brackets are a part of the question, not markup."""
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert console.ask("Remove all? [y/N]") == "y"
    assert capsys.readouterr().err == "Remove all? [y/N]\n"


def test_messages_break_between_words(monkeypatch):
    """On a terminal, lines end between words. Commands and paths, which people copy, stay whole."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    path = "/films/" + 40 * "x"
    console.print_note(f"one two three four five six [b]seven[/b] `cartoonize styles show x` {path} is it.")
    console.print_error(MediaError('eight nine: pip install "cartoonize[export]" (ten).\nExample: ' + path))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue()).splitlines()
    assert lines == [
        "Note: one two three four five six seven", "`cartoonize styles show x`", path, "is it.",
        "Error: eight nine:", 'pip install "cartoonize[export]" (ten).', f"Example: {path}",
    ]  # fmt: skip


def test_only_the_console_prints():
    """Only the console module prints and asks, so that nothing is printed without escaping."""
    folder = Path(console.__file__).parent
    for file in folder.rglob("*.py"):
        calls = re.findall(r"\b(?:typer\.s?echo|print|Console|readline)\(", file.read_text())
        assert not calls or file.name == "console.py", file


@pytest.mark.parametrize("command", [["styles", "show", "@"], ["benchmark", "--style", "@", "--rounds", "1"]])
def test_odd_file_names_are_escaped(workdir, run, tiny_style, command):
    """An escape sequence in the name of a style file is printed as text, in tables too."""
    style = workdir / "a\x1b[31m[bold].safetensors"
    style.write_bytes(tiny_style.read_bytes())
    if command[0] == "benchmark":
        command = [*command, "--video", Clip().write(workdir / "in.mp4")]
    code, out, err = run(*[style if word == "@" else word for word in command])
    assert code == 0
    assert "\x1b" not in out + err
    assert r"a\x1b[31m[bold].safetensors" in re.sub(r"\s+", "", out)


@pytest.mark.parametrize(
    "arguments", [["no\x1b[2J"], ["video", "a", "b", "--no\x1b[2J"], ["video", "a", "b", "--hdr", "\x1b[2J"]]
)
def test_refused_words_are_escaped(run, arguments):
    """Escape sequences in an unknown command, option or value are not printed."""
    code, out, err = run(*arguments)
    assert code == 2
    assert "\x1b" not in out + err


@pytest.mark.parametrize("place", ["name", "tag", "error"])
def test_no_escape_sequence_reaches_the_terminal(workdir, run, place):
    """Escape sequences in the name of a file, in its tags or in an error are printed as text."""
    name = "a\x1b[31m.mp4" if place == "name" else "a.mp4"
    Clip(metadata={f"x{ATTACK}": "y"} if place == "tag" else {}).write(workdir / "in.mkv")
    (workdir / "in.mkv").rename(workdir / name)
    source = "no\x1b[2J.mp4" if place == "error" else name
    code, out, messages = run("video", source, "out\x1b[31m.mp4", "--style", "null")
    assert code == (place == "error")
    assert not set(out + messages) & {"\x1b", "\x07", "\x9b", "\u202e"}
    assert "\\x1b" in messages


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")
@pytest.mark.parametrize("name", ["uv.mp4", "two1.mp4", "unicode-splice.mp4", "latin1.avi", "latin1chap.mkv"])
@pytest.mark.parametrize(
    "command",
    [
        ["video", "@", "out.mkv"],
        ["video", "@", "out.png", "--preview", "2"],
        ["video", "@", "out.mkv", "--stream", "9"],
        ["live", "--source", "@", "--sink", "null"],
    ],
    ids=lambda command: command[-2].strip("-"),
)
def test_odd_streams_and_tags_are_a_sentence(workdir, run, name, command):
    """Streams of unknown codecs and tags that are not UTF-8 cause one sentence at most."""
    source = CASES / name
    code, _, messages = run(*[source if word == "@" else word for word in command], "--style", "null")
    assert code in (0, 1)
    assert "Traceback" not in messages
    assert ("Error:" in messages) == (code == 1)


def test_a_log_holds_sentences_only(workdir):
    """In a pipe or a file there are no bars and no control sequences: whole lines, each a sentence."""
    Clip().write(workdir / "in.mp4")
    done = run_program("video", "in.mp4", "out.mp4")
    assert (done.returncode, done.stdout) == (0, "")
    assert re.fullmatch(r"Drawing with pepper on .+\nout\.mp4: .+ frames in .+\n", done.stderr)


def test_quiet_prints_notes_and_errors_only(workdir, run):
    """With --quiet a success prints nothing but what was changed or left out; errors are printed as ever."""
    Clip(times=range(60), time_base=Fraction(1, 120)).write(workdir / "in.mp4")
    assert run("video", "in.mp4", "out.mp4", "--style", "null", "-q") == (0, "", "")
    code, out, err = run("video", "in.mp4", "out.gif", "--style", "null", "--quiet")
    assert (code, out) == (0, "")
    assert re.fullmatch("Note: [^:]+ 10 of 60 were left out[^:]+ ", err)
    code, out, err = run("video", "in.mp4", "out.mp4", "--style", "null", "-q")
    assert err.startswith("Error: out.mp4 exists already")
    assert "out.mkv: 60 frames" in run("video", "in.mp4", "out.mkv", "--style", "null")[2]
