"""The page: a place to drop a file, styles to choose from, and the drawing beside it."""

from typing import Any

import gradio as gr

from ..media import PICTURE_SUFFIXES
from ..styles import DEFAULT
from .folders import Folders
from .handlers import Handlers
from .views import WELCOME, small_print, style_choices
from .worker import Worker

_TAKEN = [*sorted(PICTURE_SUFFIXES), ".gif", "video"]
_WAITING = 50  # drawings
_PRIVATE: dict[str, Any] = {"api_visibility": "private"}
_AT_ONCE: dict[str, Any] = {"queue": False, "show_progress": "hidden", **_PRIVATE}
_DETAILS = [("Low", "low"), ("Normal", "normal"), ("High", "high"), ("The file's own", "full")]
_ABOUT_DETAIL = "How many lines are drawn: 480, 720 or 1080. The result has the size of your file."


def page(studio: Worker, folders: Folders) -> gr.Blocks:
    """Build the page; `serve` brings it to visitors."""
    visits = Handlers(studio, folders)
    blocks = gr.Blocks(title="cartoonize", analytics_enabled=False)
    with blocks:
        gr.HTML(WELCOME, elem_id="welcome")
        with gr.Row(elem_id="work"):
            with gr.Column(min_width=300):
                wanted, buttons = _wanted(), _buttons()
            with gr.Column(min_width=300):
                message = gr.HTML(visits.take_away()[0], elem_id="message")
                shown = _shown()
        gr.HTML(small_print(studio.limits), elem_id="small-print")
        _connect(visits, wanted, buttons, message, shown)
        blocks.unload(visits.leave)
    # One at a time, in the order in which they come; each is told how many are before it.
    blocks.queue(default_concurrency_limit=1, max_size=_WAITING, api_open=False)
    return blocks


def theme() -> gr.Theme:
    """The fonts are those of the visitor's system: none is fetched."""
    system = ("ui-sans-serif", "system-ui", "sans-serif")
    return gr.themes.Default(
        primary_hue="orange", neutral_hue="stone", radius_size="lg",
        font=[gr.themes.Font(name) for name in system], font_mono=[gr.themes.Font("monospace")],
    )  # fmt: skip


def _wanted() -> list[Any]:
    """File, style, detail, strength, and whether the colours are kept."""
    return [
        gr.File(label="A picture or a video", file_types=_TAKEN, height=170, elem_id="drop"),
        gr.Radio(style_choices(), value=DEFAULT, label="Style", elem_id="style"),
        gr.Radio(_DETAILS, value="normal", label="Detail", info=_ABOUT_DETAIL, elem_id="detail"),
        gr.Slider(0, 1, 1, step=0.05, label="Strength", buttons=[], elem_id="strength"),
        gr.Checkbox(False, label="Keep the colours of the source", elem_id="keep-colour"),
    ]


def _buttons() -> list[Any]:
    """Start and stop; one of them is seen."""
    return [
        gr.Button("Draw it", variant="primary", size="lg", elem_id="start", interactive=False),
        gr.Button("Stop", variant="stop", size="lg", elem_id="stop", visible=False),
    ]


def _shown() -> list[Any]:
    """Slider, players, and download button."""
    return [
        gr.ImageSlider(
            show_label=False, visible=False, interactive=False, buttons=["fullscreen"], max_height=640,
            elem_id="slider",
        ),
        gr.HTML(visible=False, elem_id="players"),
        gr.DownloadButton("Download", variant="primary", size="lg", visible=False, elem_id="download"),
    ]  # fmt: skip


def _connect(
    visits: Handlers, wanted: list[Any], buttons: list[Any], message: gr.HTML, shown: list[Any]
) -> None:
    file, (start, stop) = wanted[0], buttons
    file.upload(visits.bring, file, [file, message, start], **_AT_ONCE)
    file.clear(visits.take_away, None, [message, start], **_AT_ONCE)
    start.click(visits.begin, None, [message, *shown, *buttons], **_AT_ONCE)
    drawn = start.click(visits.draw, wanted, [message, *shown], show_progress_on=message, **_PRIVATE)
    drawn.then(visits.end, None, buttons, **_AT_ONCE)
    stop.click(visits.stop, None, [message, *buttons], cancels=[drawn], **_AT_ONCE)
