"""Converts frames for an encoder: size, pixel format, colours and transparency."""

from collections.abc import Iterator

import av
from av.filter import Graph

from ...core.frames import Frame
from ..alpha import composite_on, holds_alpha, parse_colour
from ..colour import Colour
from ..video_info import VideoInfo


class EncoderInput:
    """Converts the frames of a video for an encoder, to a `size` (width, height) and in `colour`.

    It appends to `notices`, with other advice if the target is a short animation (`is_animation`).

    Raises:
        MediaError: `background` is not a colour.
    """

    def __init__(
        self,
        video: VideoInfo,
        size: tuple[int, int],
        colour: Colour,
        pixel_format: str,
        background: str,
        notices: list[str],
        *,
        is_animation: bool = False,
    ) -> None:
        self._transparent_suffixes = ".webp, .png, .gif or .avif" if is_animation else ".webm, .mkv or .mov"
        self._video, self._size, self._colour, self._notices = video, size, colour, notices
        self._background_name, self._background = background, parse_colour(background)
        self._notice_given = False
        self._palette = _PaletteFilter() if pixel_format == "pal8" else None
        self._format = "rgba" if self._palette else pixel_format

    def convert(self, frame: Frame) -> Iterator[av.VideoFrame]:
        """The frames to encode now, each at its time."""
        converted = self._convert_pixels(frame)
        converted.time_base, converted.pts = frame.time_base, frame.pts
        converted.duration = frame.duration
        return self._palette.filter(converted) if self._palette else iter([converted])

    def flush(self) -> Iterator[av.VideoFrame]:
        """The frames that were held back."""
        return self._palette.filter(None) if self._palette else iter(())

    def _convert_pixels(self, frame: Frame) -> av.VideoFrame:
        image, alpha = frame.image, frame.alpha
        if frame.is_yuv:
            converted = self._colour.from_planes(image)
            if alpha is None and frame.size == self._size:
                return converted
            image = self._colour.to_rgb(converted)
        if alpha is not None and not holds_alpha(self._format):
            image, alpha = composite_on(image, alpha, self._background), None
            self._report_background()
        return self._colour.from_rgb(image, self._format, *self._size, alpha)

    def _report_background(self) -> None:
        if not self._notice_given:
            self._notices.append(
                f"{self._video.path.name} is transparent, which the output cannot be: it was laid on "
                f"{self._background_name}. Write {self._transparent_suffixes}, without options of the "
                "encoder, to keep transparency."
            )
        self._notice_given = True


class _PaletteFilter:
    """Reduces each frame to the 256 colours that suit it best, and dithers; one of them is transparent."""

    def __init__(self) -> None:
        self._graph: Graph | None = None

    def filter(self, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        """Return the frames that are ready; call it with None after the last frame."""
        if self._graph is None:
            if frame is None:
                return
            self._graph = _create_palette_graph(frame)
        self._graph.vpush(frame)
        while True:
            try:
                yield self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return


def _create_palette_graph(frame: av.VideoFrame) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    split = graph.add("split")
    choose = graph.add("palettegen", "stats_mode=single:reserve_transparent=1")
    apply, sink = graph.add("paletteuse", "new=1"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(apply, 0, 0)
    split.link_to(choose, 1, 0)
    choose.link_to(apply, 0, 1)
    apply.link_to(sink)
    graph.configure()
    return graph
