"""Writing a video file: frames with their times, and all that the source holds beside them.

Pixel aspect, colour tags, sound, subtitles, chapters and metadata come out as they went in (see companions.py
for all but the picture).
"""

from contextlib import ExitStack, suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import av
from av.codec.context import Flags
from av.packet import Packet

from ..choices import nearest
from ..errors import MediaError
from ..frames import Frame
from .canvas import Canvas
from .containers import open_output
from .encoding import RESTARTABLE, Encoding, known_encoders, pixel_format
from .ffmpeg import ffmpeg_errors, write_errors
from .film import Film
from .journal import Checkpoint, Journal, open_journal


class VideoSink:
    """Writes frames, and what the source holds beside them, to a video file.

    The file appears under its name when the `with` block is left normally. `notices` tells what could not
    be carried over. After `resume`, what `end_segment` was called for outlives an error, or the process, in
    a folder beside the file (see journal.py).

    Raises:
        MediaError: as PendingFile; the encoder or the container is unknown, or they do not go together;
            another process writes the same file; or, while writing, the disk is full.
    """

    def __init__(self, path: Path, source: Film, *, encoding: Encoding, overwrite: bool) -> None:
        with ffmpeg_errors(path):
            if path.exists() and source.path.exists() and path.samefile(source.path):
                raise MediaError(f"{path} is the source itself; name another file to write.")
        self.path, self.encoding = path, encoding
        self.notices: list[str] = []
        self._source = source
        self._last: int | None = None
        self._last_dts: int | None = None
        self._encoder: av.VideoCodecContext | None = None
        self._written = 0
        with ExitStack() as on_error:
            self._journal = open_journal(path, overwrite=overwrite)
            on_error.callback(self._journal.close, done=False)
            with write_errors(path):
                self._container = on_error.enter_context(
                    open_output(self._journal, encoding.format, source.plays)
                )
                self._add_video(encoding)
                self._canvas = Canvas(
                    source, self._colour, self._pixel_format, encoding.background, self.notices
                )
                self._companions = source.accompany(
                    self._container, audio=encoding.audio, notices=self.notices
                )
                on_error.callback(self._companions.close)
                self._start(encoding)
            on_error.pop_all()

    @property
    def resumable(self) -> bool:
        """Whether the picture can be encoded in segments that stand alone."""
        return self._codec.name in RESTARTABLE and isinstance(self._journal, Journal)

    def resume(self, key: dict[str, Any], *, anew: bool) -> Checkpoint | None:
        """Keep segments from here on; begin with those that an earlier run of the same `key` finished.

        Args:
            key: what the frames depend on, by names that a user knows; in JSON's types.
            anew: leave aside what there is of an earlier run.
        """
        assert isinstance(self._journal, Journal)
        changed = self._journal.open(key, resume=not anew)
        if changed:
            what = "The " + " and the ".join(changed)
            verb = "has" if len(changed) == 1 else "have"
            self.notices.append(
                f"{what} {verb} changed since {self.path.name} was interrupted; it was drawn anew."
            )
        done = self._journal.checkpoint
        if done is not None:
            with write_errors(self.path):
                for packet in self._journal.packets():
                    packet.time_base = self._encoder_base
                    self._mux(packet)
                    self._companions.copy_until(float((packet.pts or 0) * self._encoder_base))
            self._written, self._last = done.frames, done.last
        return done

    def salvage(self) -> None:
        """Have what is written appear under a name that says that it is not all."""
        self.path = self._journal.target = self.path.with_name(f"{self.path.stem}.partial{self.path.suffix}")

    def end_segment(self, mark: dict[str, int], memory: dict[str, Any]) -> None:
        """Have the frames so far outlive this process, with what source and stabilizer need to go on."""
        with write_errors(self.path):
            self._encode(None)
            self._encoder = None
            assert isinstance(self._journal, Journal)
            self._journal.end_segment(Checkpoint(self._written, mark, self._last or 0, memory))

    def write(self, frame: Frame) -> None:
        """Encode a frame, and copy what accompanies it up to its time."""
        with write_errors(self.path):
            pts = frame.pts if self._last is None else max(frame.pts, self._last + 1)
            self._last = pts
            timed = replace(frame, pts=pts)
            if self._timeless:
                timed = replace(frame, pts=self._written, time_base=1 / self._source.rate, duration=1)
            for picture in self._canvas.draw(timed):
                self._encode(picture)
            self._companions.copy_until(frame.time)
        self._written += 1

    def _encode(self, picture: av.VideoFrame | None) -> None:
        """Encode a picture, or what the encoder holds back; its packets are muxed, and kept."""
        if self._encoder is None:
            self._encoder = self._next_encoder()
        for packet in self._encoder.encode(picture):
            self._journal.add(packet)
            self._mux(packet)

    def _mux(self, packet: "Packet[Any]") -> None:
        """Where frames are not evenly spaced, an encoder's first dts can lie before the last one's end."""
        if packet.dts is not None:
            earliest = packet.dts if self._last_dts is None else self._last_dts + 1
            packet.dts = self._last_dts = max(packet.dts, earliest)
        packet.stream = self._stream
        self._container.mux(packet)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._abandon(error)
            return
        try:
            self._finish()
        except BaseException as failure:
            self._abandon(failure)
            raise

    def _abandon(self, error: BaseException) -> None:
        """Leave nothing but finished segments. Closing writes an index, which fails where writing failed."""
        with suppress(av.error.FFmpegError):
            self._container.close()
        self._companions.close()
        self._journal.close(done=False)
        if self._journal.checkpoint is not None:
            error.add_note(
                f"{self._journal.checkpoint.frames} frames are kept in {self._journal.folder.name}; "
                "the same command goes on from there."
            )

    def _finish(self) -> None:
        with write_errors(self.path):
            if not self._written:
                raise MediaError(f"No frame was written to {self.path}.")
            for picture in self._canvas.finish():
                self._encode(picture)
            if self._encoder is not None:
                self._encode(None)
            self._companions.finish()
            self._container.close()
            if isinstance(self._journal, Journal):
                self.notices += self._companions.lost(self._journal.path)
            self._companions.close()
            self._journal.commit()

    def _add_video(self, encoding: Encoding) -> None:
        source, container = self._source, self._container.format.name
        name = encoding.encoder(container, transparent=source.transparent)
        encoding.check(name)
        try:
            codec = self._codec = av.Codec(name, "w")
            if codec.type != "video":
                raise MediaError(f"{name} is not a video encoder.")
            self._options = encoding.options(name)
            added = self._container.add_stream(name, rate=source.rate, options=self._options)
        except av.codec.codec.UnknownCodecError as error:
            known = known_encoders()
            raise MediaError(
                f"There is no encoder {name!r} in this build of FFmpeg; try {', '.join(known)}."
                f"{nearest(name, known)}"
            ) from error
        except ValueError as error:
            raise MediaError(f"A {container} file cannot hold {name} video.") from error
        stream = self._stream = cast("av.VideoStream", added)
        self._pixel_format = self._format(codec)
        self._timeless = container == "yuv4mpegpipe"  # its frames follow each other at one rate
        time_base = 1 / source.rate if self._timeless else source.time_base
        self._encoder_base = stream.time_base = _encodable(time_base, name)
        # JPEG knows full range only.
        self._colour = source.colour.full() if name == "mjpeg" else source.colour
        self._configure(stream.codec_context)
        self._encoder = stream.codec_context

    def _configure(self, context: av.VideoCodecContext) -> None:
        source = self._source
        context.width, context.height = source.width, source.height
        context.pix_fmt = self._pixel_format
        context.time_base = self._encoder_base
        context.sample_aspect_ratio = source.sample_aspect_ratio
        if self._container.format.name in ("avi", "flv"):
            context.max_b_frames = 0  # their clocks start at zero, and frames out of order delay all
        # Without the flag the muxer would guess how long the last frame is shown.
        context.flags |= Flags.frame_duration
        self._colour.tag(context)

    def _next_encoder(self) -> av.VideoCodecContext:
        """One that writes what the header says of the first: the same settings make the same header."""
        first = self._stream.codec_context
        context = cast("av.VideoCodecContext", av.CodecContext.create(self._codec, "w"))
        context.options.update(self._options)
        context.framerate, context.bit_rate = self._source.rate, 0  # quality is constant, not the rate
        self._configure(context)
        context.flags = first.flags  # whether the container wants parameter sets in its header
        return context

    def _start(self, encoding: Encoding) -> None:
        """Open the encoder and write the header."""
        try:
            self._container.start_encoding()
        except (av.error.FFmpegError, ValueError) as error:
            context = self._stream.codec_context
            asked = f"{context.width}x{context.height} {context.pix_fmt}{encoding.asked()}"
            raise MediaError(
                f"{context.name} in {self._container.format.name} cannot do {asked}: "
                f"{getattr(error, 'strerror', None) or error}."
            ) from error

    def _format(self, codec: av.Codec) -> str:
        source = self._source
        chosen = pixel_format(codec, source.pixel_format, transparent=source.transparent)
        odd = source.width % 2 or source.height % 2
        if not odd or codec.name not in ("libx264", "libx265") or chosen == "yuv444p":
            return chosen
        self.notices.append(
            f"The size {source.width}x{source.height} is odd, which {codec.name} keeps only in 4:4:4 colour; "
            "some players cannot show that, and --codec libvpx-vp9 is an alternative."
        )
        return "yuv444p"


def _encodable(time_base: Fraction, encoder: str) -> Fraction:
    """The time base, or the nearest finer than 0.05 ms that the encoder's 16 bits for it can hold."""
    fits = encoder != "mpeg4" or time_base.denominator < 1 << 16
    return time_base if fits else Fraction(1, 60000)
