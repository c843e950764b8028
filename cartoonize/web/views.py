"""What visitors read and see: sentences, styles to choose from, drawings."""

from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from ..core.errors import ModelError
from ..styles import builtin_styles, style_names, user
from ..styles.card import read_header
from .limits import MEGABYTE, Limits
from .worker import Drawing, is_shown

WELCOME = (
    "<h1>cartoonize</h1><p>Turns a picture or a video into a cartoon. It is drawn on the computer that shows "
    "you this page, and goes nowhere else.</p>"
)


def said(text: str, kind: str) -> str:
    """A sentence, or some on lines of their own; `kind` is empty, notices or wrong."""
    role = "alert" if kind == "wrong" else "status"
    lines = "<br>".join(escape(line) for line in text.splitlines())
    return f"<div class='said {kind}' role='{role}'>{lines}</div>" if text else ""


def ready(path: Path) -> str:
    """A file that can be drawn, as far as browsers show it."""
    source = f"src='{_address(path)}'"
    shown = (
        f"<img {source} alt=''>" if is_shown(path) else f"<video {source} muted preload='metadata'></video>"
    )
    return f"<div class='said empty' role='status'>{shown}<p>Ready to be drawn.</p></div>"


def small_print(limits: Limits) -> str:
    """What is taken, and what becomes of it."""
    return (
        f"<p>Up to {limits.upload / MEGABYTE:.3g} MB, {limits.pixels / 1e6:.3g} million pixels, and "
        f"{limits.seconds:.3g} seconds of video. Nobody else can read your files here, and after an hour "
        "they are removed. The face of the styles is that of Eileen Collins, by NASA (public domain).</p>"
    )


def style_choices() -> list[tuple[str, str]]:
    """What a button says, and the style that it stands for: its name, what it looks like, and its licence."""
    cards = {name: read_header(path).card for name, path in builtin_styles().items()}
    shown = {name: (card.summary, card.licence) for name, card in cards.items()}
    for name in style_names()[len(shown) :]:
        with suppress(ModelError):  # `cartoonize styles` says what is wrong with it
            shown[name] = ("a style of your own", user.read_record(name).licence)
    return [("\n".join((name, *lines)), name) for name, lines in shown.items()]


def style_pictures() -> str:
    """CSS that shows on each style's button what it looks like."""
    return "\n".join(
        f"#style label:has(input[value='{name}'])::before {{ background-image: url('styles/{name}.webp'); }}"
        for name, path in builtin_styles().items()
        if path.with_suffix(".webp").is_file()
    )


def progress_text(left: float | None) -> str:
    """What is being done, and for how many seconds more."""
    if left is None:
        return "Drawing"
    about = f"{max(1, round(left))} s" if left < 90 else f"{round(left / 60)} min"
    return f"Drawing, about {about} left"


def showing(drawing: Drawing) -> list[Any]:
    """Updates of slider, players and download button."""
    download = gr.update(value=str(drawing.after), visible=True)
    if drawing.is_video:
        return [_hidden(), gr.update(value=_players(drawing), visible=True), download]
    pair = (str(drawing.before), str(drawing.after))
    return [gr.update(value=pair, visible=True), _hidden(), download]


def showing_nothing() -> list[Any]:
    """The same, for when there is no drawing."""
    return [_hidden() for _ in range(3)]


def _hidden() -> Any:
    return gr.update(value=None, visible=False)


def _players(drawing: Drawing) -> str:
    """Plain players: Gradio's would have FFmpeg convert what it takes for unplayable, at any length."""
    return _player("Before", drawing.before) + _player("After", drawing.after)


def _player(caption: str, path: Path) -> str:
    return (
        f"<figure><figcaption>{caption}</figcaption><video controls playsinline preload='metadata' "
        f"aria-label='{caption}' src='{_address(path)}'></video></figure>"
    )


def _address(path: Path) -> str:
    return f"gradio_api/file={quote(str(path))}"
