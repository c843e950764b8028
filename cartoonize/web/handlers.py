"""The actions of visitors: upload a file, convert it, stop the conversion, leave."""

from pathlib import Path
from typing import Any

import gradio as gr

from ..core.choices import Detail
from ..core.errors import CartoonizeError, MediaError
from ..effects.compositing import Retouch
from ..effects.look import Look
from .folders import Folders
from .views import hide_result, message_html, progress_text, show_result, source_html
from .visitors import read_cookie
from .worker import CancelledError, Worker

_PROGRESS = gr.Progress()
_NO_RESULT = "Your cartoon appears here."


class Handlers:
    """The functions that the page calls; `request` identifies the visitor. They return updates for Gradio."""

    def __init__(self, worker: Worker, folders: Folders) -> None:
        self._worker, self._folders = worker, folders

    def check_upload(self, file: str | None, request: gr.Request) -> tuple[Any, str, Any]:
        """Say whether a file can be converted, and forget it if not: file, message, start button."""
        try:
            _, source = self._find_own(file, request)
            self._worker.limits.check(source)
        except CartoonizeError as error:
            return None, message_html(_without_folder(error, file), "wrong"), gr.update(interactive=False)
        return gr.skip(), source_html(source), gr.update(interactive=True)

    def clear_upload(self) -> tuple[str, Any]:
        """Forget a file: message, start button."""
        return message_html(_NO_RESULT, "empty"), gr.update(interactive=False)

    def convert(
        self,
        file: str | None,
        style: str,
        detail: Detail,
        strength: float,
        keep_colour: bool,
        hold: int,
        request: gr.Request,
        progress: gr.Progress = _PROGRESS,
    ) -> list[Any]:
        """Convert a file: message, slider, players, download button."""

        def show_progress(done: int, total: int | None, left: float | None) -> None:
            share = min(1.0, done / total) if total and total > 1 else None
            progress(share, desc=progress_text(left))

        try:
            visitor, source = self._find_own(file, request)
            look = Look(hold=hold, retouch=Retouch(strength, keep_colour))
            with self._folders.new_or_none(visitor) as folder:
                result = self._worker.convert(
                    _job(request), source, folder, style, look, show_progress, detail
                )
        except CancelledError:
            return [message_html("Stopped.", "empty"), *hide_result()]
        except CartoonizeError as error:
            return [message_html(_without_folder(error, file), "wrong"), *hide_result()]
        return [message_html("\n".join(result.notices), "notices"), *show_result(result)]

    def start(self) -> list[Any]:
        """Make room for a result: message, slider, players, download button, start, stop."""
        return [message_html(" ", "empty"), *hide_result(), gr.update(visible=False), gr.update(visible=True)]

    def end(self) -> list[Any]:
        """Show the button that starts: start, stop."""
        return [gr.update(visible=True), gr.update(visible=False)]

    def stop(self, request: gr.Request) -> list[Any]:
        """Stop the conversion, if there is one: message, start, stop."""
        self.leave(request)
        return [message_html("Stopped.", "empty"), *self.end()]

    def leave(self, request: gr.Request) -> None:
        """Cancel the conversion of a page that was closed."""
        self._worker.cancel(_job(request))

    def _find_own(self, file: str | None, request: gr.Request) -> tuple[str, Path]:
        """The visitor, and the file of that visitor.

        Raises:
            MediaError: there is none, or it was removed.
        """
        visitor = read_cookie(dict(request.cookies))
        source = self._folders.find_own(visitor, file) if visitor and file else None
        if visitor is None or source is None:
            raise MediaError("The file was removed from the server; drop it again.")
        return visitor, source


def _job(request: gr.Request) -> str:
    return str(request.session_hash)


def _without_folder(error: CartoonizeError, file: str | None) -> str:
    """The message, with the file's name as the visitor knows it."""
    return str(error).replace(f"{Path(file or '-').parent}/", "")
