"""Live sinks: a window, a virtual camera, an address, a file, or none."""

from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import av

from ..core.atomic import check_target
from ..core.errors import MediaError
from ..core.frames import Frame
from ..core.messages import did_you_mean
from ..media import Encoding, Sink, check_sink, open_sink
from ..media.ffmpeg import write_errors
from ..media.video_info import VideoInfo
from .camera import CameraSink
from .source import LiveSource

_FORMATS = {
    "udp": "mpegts", "tcp": "mpegts", "srt": "mpegts", "rtp": "rtp_mpegts", "rtmp": "flv", "rtmps": "flv"
}  # fmt: skip
"""The container for each scheme of addresses."""
_NAMES = ("window", "camera", "null")
_DATAGRAM = 1316  # bytes: the packets of a transport stream that fit an Ethernet frame, seven of 188
# A keyframe each second, as a new receiver waits for one; bit rates that networks and servers can carry.
_ENCODER = {
    "preset": "superfast", "tune": "zerolatency", "crf": "23", "maxrate": "6M", "bufsize": "3M", "g": "30"
}  # fmt: skip


class NullSink(Sink):
    """Discards the frames, to measure everything else."""

    def write(self, frame: Frame) -> None:
        """Discard a frame."""


class StreamSink(Sink):
    """Sends frames to an address as H.264, each at once.

    Raises:
        MediaError: nobody answers at the address, or its scheme is not one of those above; or, while writing,
            the other side has disconnected.
    """

    def __init__(self, url: str, video: VideoInfo) -> None:
        self.url, self._video = url, video
        self._scheme = url.partition("://")[0].lower()
        _check_scheme(url)

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
        with suppress(av.error.FFmpegError):  # no file is damaged, and the receiver may have disconnected
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
    encoding: Encoding | None = None,
) -> Sink:
    """Open what `--sink` names: `window`, `camera`, `camera:NAME`, `null`, an address, or else a file.

    `size` is the width and height of the frames to come, if they differ from those of the source. `encoding`
    is for a file.

    Raises:
        MediaError: as WindowSink, CameraSink, StreamSink and open_sink; or an encoding is given for what is
            no file.
    """
    check_live_sink(sink, source.path, overwrite=overwrite, encoding=encoding)
    width, height = size or (source.video.width, source.video.height)
    if sink == "window":
        from .window import WindowSink

        return WindowSink(title, width, height, source.video.sample_aspect_ratio)
    if sink == "null":
        return NullSink()
    if sink.partition(":")[0] == "camera":
        return CameraSink(width, height, source.video.rate, sink.partition(":")[2] or None)
    if "://" in sink:
        return StreamSink(sink, replace(source.video, width=width, height=height))
    return open_sink(Path(sink), source, encoding=encoding, overwrite=overwrite, size=size, recording=True)


def check_live_sink(
    sink: str, source: Path, *, overwrite: bool = False, encoding: Encoding | None = None
) -> None:
    """Refuse a sink for `open_live_sink` that cannot be written, before a source or a network is opened.

    Raises:
        MediaError: it is no sink, the source, or a file that exists already; or an encoding is given for what
            is not a file, or cannot be used for the file.
    """
    if "://" in sink:
        _check_scheme(sink)
    elif sink.partition(":")[0] not in _NAMES:
        _check_recording(Path(sink), source, encoding or Encoding(), overwrite=overwrite)
        return
    if encoding not in (None, Encoding()):
        raise MediaError(
            f"--codec, --crf and --preset are for recordings, and {sink} is not a file; omit them."
        )


def _check_recording(target: Path, source: Path, encoding: Encoding, *, overwrite: bool) -> None:
    if not target.suffix:
        raise MediaError(
            f"{target} is no sink: write window, camera, null, an address such as udp://127.0.0.1:5000, or a "
            f"file to record to, such as cartoon.mp4.{did_you_mean(str(target), _NAMES)}"
        )
    check_target(target, overwrite=overwrite, sources=[source])
    check_sink(target, encoding)


def _check_scheme(url: str) -> None:
    scheme = url.partition("://")[0].lower()
    if scheme not in _FORMATS:
        raise MediaError(
            f"Pictures cannot be sent to {url}; use one of {', '.join(_FORMATS)}."
            f"{did_you_mean(scheme, _FORMATS)}"
        )


def _sized(url: str) -> str:
    """The address, with datagrams of whole packets unless it names another size."""
    return f"{url}?pkt_size={_DATAGRAM}" if url.startswith("udp://") and "?" not in url else url
