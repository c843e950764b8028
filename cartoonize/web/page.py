"""The page: a place to drop a file, styles to choose from, and the result beside it."""

from typing import Any

import gradio as gr

from ..styles import DEFAULT
from .folders import Folders
from .handlers import Handlers
from .views import WELCOME, limits_html, style_choices
from .worker import Worker

_QUEUE = 50  # conversions that wait
_PRIVATE: dict[str, Any] = {"api_visibility": "private"}
_UNQUEUED: dict[str, Any] = {"queue": False, "show_progress": "hidden", **_PRIVATE}
_DETAILS = [("Low", "low"), ("Normal", "normal"), ("High", "high"), ("The file's own", "full")]
_HOLDS = [("Every frame", 1), ("On twos", 2), ("On threes", 3)]
_ABOUT_HOLDS = "Cartoons hold each drawing for two or three frames of film: 12 or 8 drawings a second."
_ABOUT_DETAIL = "How many lines are drawn: 480, 720 or 1080. The result has the size of your file."


def build_page(worker: Worker, folders: Folders) -> gr.Blocks:
    """Build the page; `serve` serves it."""
    handlers = Handlers(worker, folders)
    blocks = gr.Blocks(title="cartoonize", analytics_enabled=False)
    with blocks:
        gr.HTML(WELCOME, elem_id="welcome")
        with gr.Row(elem_id="work"):
            with gr.Column(min_width=300):
                inputs, buttons = _build_inputs(), _build_buttons()
            with gr.Column(min_width=300):
                message = gr.HTML(handlers.clear_upload()[0], elem_id="message")
                outputs = _build_outputs()
        gr.HTML(limits_html(worker.limits), elem_id="small-print")
        _connect(handlers, inputs, buttons, message, outputs)
        blocks.unload(handlers.leave)
    # One at a time, in the order in which they come; each page shows how many are before it.
    blocks.queue(default_concurrency_limit=1, max_size=_QUEUE, api_open=False)
    return blocks


def build_theme() -> gr.Theme:
    """The fonts are those of the visitor's system: none is fetched."""
    system = ("ui-sans-serif", "system-ui", "sans-serif")
    return gr.themes.Default(
        primary_hue="orange", neutral_hue="stone", radius_size="lg",
        font=[gr.themes.Font(name) for name in system], font_mono=[gr.themes.Font("monospace")],
    )  # fmt: skip


def _build_inputs() -> list[Any]:
    """File, style, detail, strength, whether the colours are kept, and how long drawings are held.

    The file may have any suffix: browsers know the type of few, and `Limits.check` tells what is wrong in a
    sentence that stays on the page.
    """
    return [
        gr.File(label="A picture or a video", height=170, elem_id="drop"),
        gr.Radio(style_choices(), value=DEFAULT, label="Style", elem_id="style"),
        gr.Radio(_DETAILS, value="normal", label="Detail", info=_ABOUT_DETAIL, elem_id="detail"),
        gr.Slider(0, 1, 1, step=0.05, label="Strength", buttons=[], elem_id="strength"),
        gr.Checkbox(False, label="Keep the colours of the source", elem_id="keep-colour"),
        gr.Radio(_HOLDS, value=1, label="Drawings of a video", info=_ABOUT_HOLDS, elem_id="hold"),
    ]


def _build_buttons() -> list[Any]:
    """Start and stop; one of them is visible."""
    return [
        gr.Button("Convert", variant="primary", size="lg", elem_id="start", interactive=False),
        gr.Button("Stop", variant="stop", size="lg", elem_id="stop", visible=False),
    ]


def _build_outputs() -> list[Any]:
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
    handlers: Handlers, inputs: list[Any], buttons: list[Any], message: gr.HTML, outputs: list[Any]
) -> None:
    file, (start, stop) = inputs[0], buttons
    file.upload(handlers.check_upload, file, [file, message, start], **_UNQUEUED)
    file.clear(handlers.clear_upload, None, [message, start], **_UNQUEUED)
    start.click(handlers.start, None, [message, *outputs, *buttons], **_UNQUEUED)
    conversion = start.click(
        handlers.convert, inputs, [message, *outputs], show_progress_on=message, **_PRIVATE
    )
    conversion.then(handlers.end, None, buttons, **_UNQUEUED)
    stop.click(handlers.stop, None, [message, *buttons], cancels=[conversion], **_UNQUEUED)
