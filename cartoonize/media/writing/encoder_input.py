"""From frames to what an encoder takes: its size, pixel format and colours, and transparency as it can be."""

from collections.abc import Iterator

import av
from av.filter import Graph

from ...core.frames import Frame
from ..alpha import background_colour, holds_alpha, on_background
from ..colour import Colour
from ..video_info import VideoInfo


class Canvas:
    """Draws the frames of a film for an encoder, at a `size` (width, height) and in `colour`.

    `notices` is appended to.

    Raises:
        MediaError: `background` is no colour.
    """

    def __init__(
        self,
        video: VideoInfo,
        size: tuple[int, int],
        colour: Colour,
        pixel_format: str,
        background: str,
        notices: list[str],
    ) -> None:
        self._video, self._size, self._colour, self._notices = video, size, colour, notices
        self._background, self._laid = background, False
        self._ground = background_colour(background)
        self._palette = _Palette() if pixel_format == "pal8" else None
        self._format = "rgba" if self._palette else pixel_format

    def draw(self, frame: Frame) -> Iterator[av.VideoFrame]:
        """The pictures to encode now, each at its time."""
        picture = self._painted(frame)
        picture.time_base, picture.pts, picture.duration = frame.time_base, frame.pts, frame.duration
        return self._palette.reduced(picture) if self._palette else iter([picture])

    def finish(self) -> Iterator[av.VideoFrame]:
        """The pictures that were kept back."""
        return self._palette.reduced(None) if self._palette else iter(())

    def _painted(self, frame: Frame) -> av.VideoFrame:
        image, alpha = frame.image, frame.alpha
        if alpha is not None and not holds_alpha(self._format):
            image, alpha = on_background(image, alpha, self._ground), None
            self._tell()
        return self._colour.from_rgb(image, self._format, *self._size, alpha)

    def _tell(self) -> None:
        if not self._laid:
            self._notices.append(
                f"{self._video.path.name} is transparent, which the output cannot be: it was laid on "
                f"{self._background}. .webm keeps transparency, and so does .mov by --codec prores_ks."
            )
        self._laid = True


class _Palette:
    """Reduces each picture to the 256 colours that suit it best, and dithers; one of them is transparent."""

    def __init__(self) -> None:
        self._graph: Graph | None = None

    def reduced(self, picture: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        """The pictures that are ready; None says that there are no more to come."""
        if self._graph is None:
            if picture is None:
                return
            self._graph = _palette_graph(picture)
        self._graph.vpush(picture)
        while True:
            try:
                yield self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return


def _palette_graph(picture: av.VideoFrame) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format, time_base=picture.time_base
    )
    split, found = graph.add("split"), graph.add("palettegen", "stats_mode=single:reserve_transparent=1")
    used, sink = graph.add("paletteuse", "new=1"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(used, 0, 0)
    split.link_to(found, 1, 0)
    found.link_to(used, 0, 1)
    used.link_to(sink)
    graph.configure()
    return graph
