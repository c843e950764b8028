"""Where live drawings go: a window, an address, a file, or nowhere."""

from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import av

from ..core.errors import MediaError
from ..core.frames import Frame
from ..media import Sink, open_sink
from ..media.ffmpeg import write_errors
from ..media.video_info import VideoInfo
from .source import LiveSource

_FORMATS = {
    "udp": "mpegts", "tcp": "mpegts", "srt": "mpegts", "rtp": "rtp_mpegts", "rtmp": "flv", "rtmps": "flv"
}  # fmt: skip
"""The container for each kind of address."""
_DATAGRAM = 1316  # bytes: as many packets of a transport stream as an Ethernet frame holds, seven of 188
# A keyframe each second, as who tunes in waits for one, and no more than networks and servers bear.
_ENCODER = {
    "preset": "superfast", "tune": "zerolatency", "crf": "23", "maxrate": "6M", "bufsize": "3M", "g": "30"
}  # fmt: skip


class NullSink(Sink):
    """Leaves the drawings; what remains is to be measured."""

    def write(self, frame: Frame) -> None:
        """Nothing is done with it."""


class StreamSink(Sink):
    """Sends frames to an address as H.264, each as soon as it is there.

    Raises:
        MediaError: nobody answers at the address, or it is of no kind that pictures can be sent to; or,
            while writing, the other side is gone.
    """

    def __init__(self, url: str, video: VideoInfo) -> None:
        self.url, self._video = url, video
        self._scheme = url.partition("://")[0].lower()
        if self._scheme not in _FORMATS:
            raise MediaError(f"Pictures cannot be sent to {url}; use one of {', '.join(_FORMATS)}.")

    def open(self) -> None:
        """Connect to the address."""
        options = {"flush_packets": "1"}
        with write_errors(self.url), ExitStack() as on_error:
            self._container = on_error.enter_context(
                av.open(_sized(self.url), "w", format=_FORMATS[self._scheme], container_options=options)
            )
            self._configure(self._video)
            self._container.start_encoding()
            on_error.pop_all()

    def write(self, frame: Frame) -> None:
        """Encode a frame and send it."""
        context = self._stream.codec_context
        picture = self._colour.from_rgb(frame.image, "yuv420p", context.width, context.height)
        picture.pts, picture.time_base = frame.pts, frame.time_base
        with write_errors(self.url):
            self._container.mux(self._stream.encode(picture))

    def commit(self) -> None:
        """End the stream."""
        with suppress(av.error.FFmpegError):  # there is no file to be broken, and the other side may be gone
            self._container.close()

    def abort(self, error: BaseException) -> None:  # noqa: ARG002
        """End the stream."""
        self.commit()

    def _configure(self, video: VideoInfo) -> None:
        self._stream = self._container.add_stream("libx264", rate=video.rate, options=_ENCODER)
        context = self._stream.codec_context
        context.width, context.height = video.width // 2 * 2, video.height // 2 * 2
        context.pix_fmt, context.time_base = "yuv420p", video.time_base
        context.sample_aspect_ratio = video.sample_aspect_ratio
        self._colour = video.colour
        self._colour.tag_encoder(context)


def open_live_sink(
    sink: str,
    source: LiveSource,
    *,
    title: str = "cartoonize",
    overwrite: bool = False,
    size: tuple[int, int] | None = None,
) -> Sink:
    """Open what `--sink` names: `window`, `null`, an address, or else a file to record to.

    `size` is the width and height of the frames to come, if they differ from those of the source.

    Raises:
        MediaError: as WindowSink, StreamSink and open_sink.
    """
    width, height = size or (source.video.width, source.video.height)
    if sink == "window":
        from .window import WindowSink

        return WindowSink(title, width, height, source.video.sample_aspect_ratio)
    if sink == "null":
        return NullSink()
    if "://" in sink:
        return StreamSink(sink, replace(source.video, width=width, height=height))
    return open_sink(Path(sink), source, overwrite=overwrite, size=size)


def _sized(url: str) -> str:
    """The address, with datagrams of whole packets unless it says otherwise."""
    return f"{url}?pkt_size={_DATAGRAM}" if url.startswith("udp://") and "?" not in url else url
