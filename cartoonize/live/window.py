"""A window that shows the result.

It uses Tk, from the standard library, which raises an exception where there is no screen. OpenCV's window
ends the process there (Qt calls abort), and does not report when the user closes it.
"""

from fractions import Fraction
from typing import Any

from PIL import Image as Pillow

from ..core.errors import MediaError
from ..core.frames import Frame
from ..media.sink import Sink

_MAX_SHARE = 0.9  # of the screen that a new window takes
_CLOSING_KEYS = ("<q>", "<Q>", "<Escape>")


class WindowSink(Sink):
    """Shows frames as large as the window is. Use it in the main thread only.

    `is_closed` tells whether the window was closed, or q pressed in it. Call it often, as it handles the
    window's events. The key f switches full screen on and off.

    Raises:
        MediaError: this Python has no Tk, or there is no screen.
    """

    def __init__(self, title: str, width: int, height: int, aspect: Fraction = Fraction(1)) -> None:
        self._title, self._size, self._aspect = title, (width, height), aspect
        self._photo: Any = None
        self._closed = False
        self._full = False

    def open(self) -> None:
        """Open the window."""
        tk = _import_tk()
        try:
            self._root: Any = tk.Tk(className="cartoonize")
        except tk.TclError as error:
            raise MediaError(
                f"No window can be opened ({error}); write --sink udp://HOST:PORT, or a file."
            ) from error
        self._root.title(self._title)
        self._label: Any = tk.Label(self._root, borderwidth=0, background="black")
        self._label.pack(fill="both", expand=True)
        self._bind_keys()
        self._set_size(*self._size)

    def write(self, frame: Frame) -> None:
        """Show a frame."""
        from PIL import ImageTk

        if self._closed:
            return
        picture = self._fit(Pillow.fromarray(frame.image))
        if self._photo is None or (self._photo.width(), self._photo.height()) != picture.size:
            self._photo = ImageTk.PhotoImage(picture)
            self._label.configure(image=self._photo)
        else:
            self._photo.paste(picture)
        self._root.update()

    def is_closed(self) -> bool:
        """Whether the user closed the window; handles its events."""
        if not self._closed:
            self._root.update()
        return self._closed

    def commit(self) -> None:
        """Close the window."""
        self._photo = None
        self._root.destroy()

    def abort(self, error: BaseException) -> None:  # noqa: ARG002
        """Close the window."""
        self.commit()

    def _fit(self, picture: Pillow.Image) -> Pillow.Image:
        """Scale a picture to the window, in its own proportions."""
        width, height = self._label.winfo_width(), self._label.winfo_height()
        shown_width = float(picture.width * self._aspect)
        scale = min(width / shown_width, height / picture.height)
        size = max(1, round(shown_width * scale)), max(1, round(picture.height * scale))
        return picture if size == picture.size else picture.resize(size, Pillow.Resampling.BILINEAR)

    def _set_size(self, width: int, height: int) -> None:
        shown_width = float(width * self._aspect)
        ratios = self._root.winfo_screenwidth() / shown_width, self._root.winfo_screenheight() / height
        scale = min(1.0, _MAX_SHARE * min(ratios))
        self._root.geometry(f"{round(shown_width * scale)}x{round(height * scale)}")
        self._root.update()

    def _bind_keys(self) -> None:
        self._root.protocol("WM_DELETE_WINDOW", self._close)
        for key in _CLOSING_KEYS:
            self._root.bind(key, self._close)
        self._root.bind("<f>", self._toggle_full_screen)

    def _close(self, _event: object = None) -> None:
        self._closed = True

    def _toggle_full_screen(self, _event: object) -> None:
        self._full = not self._full
        self._root.attributes("-fullscreen", self._full)


def _import_tk() -> Any:
    try:
        import tkinter as tk
    except ImportError as error:
        raise MediaError(
            "This Python has no Tk, which shows the window; install it (Debian and Ubuntu: sudo apt install "
            "python3-tk; macOS: brew install python-tk), or write --sink udp://HOST:PORT, or a file."
        ) from error
    return tk
