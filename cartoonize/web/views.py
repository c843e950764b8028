"""The HTML and texts of the page: messages, the choice of styles, results."""

import math
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from ..core.errors import ModelError
from ..core.numbers import format_number
from ..styles import builtin_styles, style_names, user
from ..styles.card import read_header
from .gradio_server import FILE
from .limits import MEGABYTE, Limits
from .worker import Conversion, is_shown

WELCOME = (
    "<h1>cartoonize</h1><p>Turns a picture or a video into a cartoon, on the computer that serves this page. "
    "Your file goes nowhere else.</p>"
)


def message_html(text: str, kind: str) -> str:
    """A message of one or more lines; `kind` is empty, notices or wrong."""
    role = "alert" if kind == "wrong" else "status"
    lines = "<br>".join(escape(line) for line in text.splitlines())
    return f"<div class='page-message {kind}' role='{role}'>{lines}</div>" if text else ""


def source_html(path: Path) -> str:
    """A file that can be converted, as far as browsers show it."""
    source = f"src='{_address(path)}'"
    preview = (
        f"<img {source} alt=''>" if is_shown(path) else f"<video {source} muted preload='metadata'></video>"
    )
    return f"<div class='page-message empty' role='status'>{preview}<p>Ready to convert.</p></div>"


def limits_html(limits: Limits) -> str:
    """The limits of the page, and how long files are kept."""
    accepted = [
        f"{format_number(limits.upload / MEGABYTE)} MB",
        f"{format_number(limits.pixels / 1e6)} million pixels",
    ]
    if not math.isinf(limits.seconds):
        accepted.append(f"{format_number(limits.seconds)} seconds of video")
    return (
        f"<p>Up to {', '.join(accepted[:-1])} and {accepted[-1]}. Nobody else can read your files here, and "
        "after an hour they are removed. The face of the styles is that of Eileen Collins, by NASA (public "
        "domain).</p>"
    )


def style_choices() -> list[tuple[str, str]]:
    """For each style the text of its button, which is its name, look and licence; and its name."""
    cards = {name: read_header(path).card for name, path in builtin_styles().items()}
    lines = {name: (card.summary, card.licence) for name, card in cards.items()}
    for name in style_names()[len(lines) :]:
        with suppress(ModelError):  # `cartoonize styles` says what is wrong with it
            lines[name] = ("a style of your own", user.read_record(name).licence)
    return [("\n".join((name, *about)), name) for name, about in lines.items()]


def style_css() -> str:
    """Shows on each style's button what it looks like."""
    return "\n".join(
        f"#style label:has(input[value='{name}'])::before {{ background-image: url('styles/{name}.webp'); }}"
        for name, path in builtin_styles().items()
        if path.with_suffix(".webp").is_file()
    )


def progress_text(left: float | None) -> str:
    """The text of the progress bar, with about how many seconds are left."""
    if left is None:
        return "Converting"
    about = f"{max(1, round(left))} s" if left < 90 else f"{round(left / 60)} min"
    return f"Converting, about {about} left"


def show_result(result: Conversion) -> list[Any]:
    """Updates of slider, players and download button."""
    download = gr.update(value=str(result.after), visible=True)
    if result.is_video:
        return [_hide(), gr.update(value=_players(result), visible=True), download]
    pair = (str(result.before), str(result.after))
    return [gr.update(value=pair, visible=True), _hide(), download]


def hide_result() -> list[Any]:
    """The same updates where there is no result."""
    return [_hide() for _ in range(3)]


def _hide() -> Any:
    return gr.update(value=None, visible=False)


def _players(result: Conversion) -> str:
    """Plain players: Gradio's has FFmpeg convert what it considers unplayable, however long it is."""
    return _player("Before", result.before) + _player("After", result.after)


def _player(caption: str, path: Path) -> str:
    return (
        f"<figure><figcaption>{caption}</figcaption><video controls playsinline preload='metadata' "
        f"aria-label='{caption}' src='{_address(path)}'></video></figure>"
    )


def _address(path: Path) -> str:
    return f"{FILE.removeprefix('/')}{quote(str(path))}"
