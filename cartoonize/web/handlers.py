"""What visitors do: bring a file, have it drawn, stop that, leave."""

from pathlib import Path
from typing import Any

import gradio as gr

from ..core.choices import Detail
from ..core.errors import CartoonizeError, MediaError
from ..effects.compositing import Retouch
from ..effects.look import Look
from .access import visitor_of
from .folders import Folders
from .views import progress_text, ready, said, showing, showing_nothing
from .worker import CancelledError, Worker

_PROGRESS = gr.Progress()


class Handlers:
    """What happens when; `request` tells whose visit it is. The methods give what Gradio is to show."""

    def __init__(self, studio: Worker, folders: Folders) -> None:
        self._studio, self._folders = studio, folders

    def bring(self, file: str | None, request: gr.Request) -> tuple[Any, str, Any]:
        """Say whether a file can be drawn, and forget it if not: file, message, start button."""
        try:
            _, source = self._own(file, request)
            self._studio.limits.check(source)
        except CartoonizeError as error:
            return None, said(_known_as(error, file), "wrong"), gr.update(interactive=False)
        return gr.skip(), ready(source), gr.update(interactive=True)

    def take_away(self) -> tuple[str, Any]:
        """Forget a file: message, start button."""
        return said("Your cartoon appears here.", "empty"), gr.update(interactive=False)

    def draw(
        self,
        file: str | None,
        style: str,
        detail: Detail,
        strength: float,
        keep_colour: bool,
        request: gr.Request,
        progress: gr.Progress = _PROGRESS,
    ) -> list[Any]:
        """Draw a file: message, slider, players, download button."""

        def tell(done: int, total: int | None, left: float | None) -> None:
            share = min(1.0, done / total) if total and total > 1 else None
            progress(share, desc=progress_text(left))

        try:
            visitor, source = self._own(file, request)
            look = Look(retouch=Retouch(strength, keep_colour))
            with self._folders.new_or_none(visitor) as folder:
                drawing = self._studio.draw(_job(request), source, folder, style, look, tell, detail)
        except CancelledError:
            return [said("Stopped.", "empty"), *showing_nothing()]
        except CartoonizeError as error:
            return [said(_known_as(error, file), "wrong"), *showing_nothing()]
        return [said("\n".join(drawing.notices), "notices"), *showing(drawing)]

    def begin(self) -> list[Any]:
        """Make room for a drawing: message, slider, players, download button, start, stop."""
        return [said(" ", "empty"), *showing_nothing(), *self.end()[::-1]]

    def end(self) -> list[Any]:
        """Show the button that starts: start, stop."""
        return [gr.update(visible=True), gr.update(visible=False)]

    def stop(self, request: gr.Request) -> list[Any]:
        """Stop the drawing, if there is one: message, start, stop."""
        self.leave(request)
        return [said("Stopped.", "empty"), *self.end()]

    def leave(self, request: gr.Request) -> None:
        """Nobody waits for the drawing any more."""
        self._studio.cancel(_job(request))

    def _own(self, file: str | None, request: gr.Request) -> tuple[str, Path]:
        """The visitor, and his file.

        Raises:
            MediaError: there is none, or no longer.
        """
        visitor = visitor_of(dict(request.cookies))
        source = self._folders.owned(visitor, file) if visitor and file else None
        if visitor is None or source is None:
            raise MediaError("The file is no longer here; drop it once more.")
        return visitor, source


def _job(request: gr.Request) -> str:
    return str(request.session_hash)


def _known_as(error: CartoonizeError, file: str | None) -> str:
    """The sentence, with the file as the visitor knows it."""
    return str(error).replace(f"{Path(file or '-').parent}/", "")
