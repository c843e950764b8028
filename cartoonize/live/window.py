"""A window that shows what is drawn.

It is Tk's, of the standard library, as it says in an exception that there is no screen. OpenCV's window ends
the process then (Qt calls abort), and cannot be closed but by asking whether it still is to be seen.
"""

from fractions import Fraction
from typing import Any

from PIL import Image as Pillow

from ..core.errors import MediaError
from ..core.frames import Frame
from ..media.sink import Sink

_MARGIN = 0.9  # of the screen that a new window takes at most
_ENDS = ("<q>", "<Q>", "<Escape>")


class WindowSink(Sink):
    """Shows frames, as large as the window is made. Belongs to the main thread.

    `is_closed` tells whether it was closed, or q pressed in it, and has to be asked often: it is what keeps
    the window alive. f fills the screen, and brings it back.

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
        tk = _tk()
        try:
            self._root: Any = tk.Tk(className="cartoonize")
        except tk.TclError as error:
            raise MediaError(
                f"No window can be opened ({error}); write --sink udp://HOST:PORT, or a file."
            ) from error
        self._root.title(self._title)
        self._label: Any = tk.Label(self._root, borderwidth=0, background="black")
        self._label.pack(fill="both", expand=True)
        self._listen()
        self._lay_out(*self._size)

    def write(self, frame: Frame) -> None:
        """Show a frame."""
        from PIL import ImageTk

        if self._closed:
            return
        picture = self._fitted(Pillow.fromarray(frame.image))
        if self._photo is None or (self._photo.width(), self._photo.height()) != picture.size:
            self._photo = ImageTk.PhotoImage(picture)
            self._label.configure(image=self._photo)
        else:
            self._photo.paste(picture)
        self._root.update()

    def is_closed(self) -> bool:
        """Whether the window is to be closed."""
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

    def _fitted(self, picture: Pillow.Image) -> Pillow.Image:
        """As large as the window has room for, in its own proportions."""
        width, height = self._label.winfo_width(), self._label.winfo_height()
        wide, high = float(picture.width * self._aspect), picture.height
        scale = min(width / wide, height / high)
        size = max(1, round(wide * scale)), max(1, round(high * scale))
        return picture if size == picture.size else picture.resize(size, Pillow.Resampling.BILINEAR)

    def _lay_out(self, width: int, height: int) -> None:
        wide = float(width * self._aspect)
        room = self._root.winfo_screenwidth() / wide, self._root.winfo_screenheight() / height
        scale = min(1.0, _MARGIN * min(room))
        self._root.geometry(f"{round(wide * scale)}x{round(height * scale)}")
        self._root.update()

    def _listen(self) -> None:
        self._root.protocol("WM_DELETE_WINDOW", self._close)
        for key in _ENDS:
            self._root.bind(key, self._close)
        self._root.bind("<f>", self._fill)

    def _close(self, _event: object = None) -> None:
        self._closed = True

    def _fill(self, _event: object) -> None:
        self._full = not self._full
        self._root.attributes("-fullscreen", self._full)


def _tk() -> Any:
    try:
        import tkinter as tk
    except ImportError as error:
        raise MediaError(
            "This Python has no Tk, which shows the window; install it (Debian and Ubuntu: sudo apt install "
            "python3-tk; macOS: brew install python-tk), or write --sink udp://HOST:PORT, or a file."
        ) from error
    return tk
