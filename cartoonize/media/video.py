"""Video files: frames with their times in, frames with their times out; the rest is carried over.

The picture is decoded, turned upright and handed on as RGB; pixel aspect, colour tags, frame times, sound,
subtitles, chapters and metadata come out as they went in (see companions.py for all but the picture).
"""

import math
import zlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import av
import numpy as np
from av.codec.context import Flags
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition

from ..errors import MediaError, SourceError, WriteError
from ..frames import Frame, Image
from ..pending import check_target
from .colour import HDR_TRANSFERS, Colour
from .companions import Companions
from .damage import Damage, End, readable
from .encoding import RESTARTABLE, Encoding, known_encoders
from .journal import Checkpoint, Journal
from .picture import check_size

BROADCAST_CLOCK = 1.0  # seconds
_WITH_ALPHA = ("yuva", "rgba", "bgra", "argb", "abgr", "gbrap")
MAX_PIXELS = 1 << 26
"""Of a frame, unless told otherwise; 8K has half of them. Some frames are in the memory at once."""
LONGEST = 1e7  # seconds; later times are taken for mistakes
_SEEK_MARGINS = (0.0, 2.0, 12.0, math.inf)


class VideoSource:
    """The frames of a video file, upright, in order of presentation, each at its time.

    Times count as in the file, except that a clock which starts later than a second (as transport streams
    have) starts at zero here. With `start`, time zero is that second of the video; `end` counts from the
    same zero as `start`. Frames whose time is missing follow the one before at its distance.

    `width` and `height` are those of the frames handed out. `frames` is an estimate, or None. After every
    `every` frames `marks` gets, by their number, what `go_on` needs to begin behind them.

    Raises:
        MediaError: there is no such file, no video in it, nothing that can be decoded, or the range is
            empty. Raised by opening it as far as possible: the first frame is decoded then.
    """

    def __init__(
        self,
        path: Path,
        *,
        start: float | None = None,
        end: float | None = None,
        max_pixels: int | None = None,
    ) -> None:
        self.path, self.start, self.end = path, start, end
        self._limit = max_pixels or MAX_PIXELS
        self.notices: list[str] = []
        self.every, self.marks = 0, dict[int, dict[str, int]]()
        self._read = 0
        _check_range(start, end)
        with ffmpeg_errors(path):
            _check_file(path)
            self._opened = _stamp(path)
            self._open()
            assert self._first is not None
            self._describe(self._first[0])

    def _open(self) -> None:
        """Begin at the first frame of the range."""
        with ExitStack() as on_error:
            # FFmpeg decodes some frames to see what there is: it has to know the limit, too.
            limit = {"max_pixels": str(self._limit)}
            self._container: InputContainer = on_error.enter_context(av.open(self.path, options=limit))
            stream = self._stream = _picture_stream(self._container, self.path)
            check_size(self.path, stream.width, stream.height, self._limit)
            stream.codec_context.options.update(limit)
            self.stream_index = stream.index
            stream.thread_type = "AUTO"
            self.time_base = stream.time_base or Fraction(1, 90000)
            self.rate = stream.average_rate or stream.guessed_rate or Fraction(25)
            self.shift = _origin(self._container) + (self.start or 0.0)
            self.damage = Damage()
            if self.start:
                self._seek(self.shift)
            self._decoded = self._moments()
            self._first = next(self._decoded, None)
            if self._first is None:
                raise MediaError(self._nothing())
            on_error.pop_all()

    def __iter__(self) -> Iterator[Frame]:
        """Frames, once. May be iterated in another thread than the one that opened the source."""
        with ffmpeg_errors(self.path):
            try:
                yield from self._upright_frames()
            except OSError as error:
                raise SourceError(
                    f"{self.path} cannot be read any more: {error.strerror or error}."
                ) from error
            if _stamp(self.path) not in (self._opened, None):
                raise SourceError(f"{self.path} changed while it was read; try again when it is whole.")
        if self.damage:
            self.notices.append(self.damage.sentence(self.path.name))

    def _upright_frames(self) -> Iterator[Frame]:
        moment = self._first
        while moment is not None:
            frame, pts, duration = moment
            image = self._image(frame)
            self._read += 1
            if self.every and self._read % self.every == 0:
                crc, damage = zlib.crc32(image.data), self.damage
                self.marks[self._read] = {
                    "pts": pts, "crc": crc, "packets": damage.packets, "frames": damage.frames
                }  # fmt: skip
            yield Frame(image, pts, self.time_base, duration)
            moment = next(self._decoded, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._decoded.close()
        self._container.close()

    def go_on(self, frames: int, mark: dict[str, int]) -> None:
        """Begin behind the first `frames` frames, of which `mark` was set after the last.

        Whether a file can be trusted to seek is seen by trying: the frame before has to be found again, at
        its time and with the same pixels. Otherwise everything is decoded from the start, and counted.
        """
        with ffmpeg_errors(self.path):
            damage = Damage(mark["packets"], mark["frames"])
            if damage or not self._find(mark):
                self.close()
                self._open()
                for _ in range(frames - 1):
                    next(self._decoded, None)
            self._first, self._read = next(self._decoded, None), frames
            self.damage = damage

    def _find(self, mark: dict[str, int]) -> bool:
        offset = round(self.shift / self.time_base)
        try:
            self._seek(float((mark["pts"] + offset) * self.time_base))
        except av.error.FFmpegError:  # raw streams
            return False
        self._decoded = self._moments()
        for frame, pts, _ in self._decoded:
            if pts >= mark["pts"]:
                return pts == mark["pts"] and zlib.crc32(self._image(frame).data) == mark["crc"]
        return False

    def _image(self, frame: av.VideoFrame) -> Image:
        return _upright(self.colour.to_rgb(frame), self.rotation)

    def _seek(self, time: float) -> None:
        """Go to a keyframe at or before a time on the file's own clock.

        Transport streams seek to a time, not to a keyframe, and then decode nothing until the next one: what
        comes first is looked at, and if it is too late, the search begins farther ahead.
        """
        earliest = self._container.start_time or 0
        for margin in _SEEK_MARGINS:
            place = max(earliest, int(max(time - margin, 0.0) * av.time_base))
            self._container.seek(place)
            first = next(self._frames(), None)
            on_time = first is not None and first.pts is not None and first.pts * self.time_base <= time
            if on_time or place == earliest:
                break
        self._container.seek(place)
        self.damage = Damage()

    def _describe(self, frame: av.VideoFrame) -> None:
        """What the first frame tells of all of them."""
        self.colour = Colour.of(frame)
        self.pixel_format = frame.format.name
        self.rotation = frame.rotation % 360 // 90 * 90
        self.width, self.height = frame.width, frame.height
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        if self.rotation in (90, 270):
            self.width, self.height, aspect = self.height, self.width, 1 / aspect
        self.sample_aspect_ratio = aspect
        self.frames = self._count()
        if frame.format.components[0].bits > 8:
            kind = HDR_TRANSFERS.get(self.colour.transfer, f"{frame.format.components[0].bits}-bit")
            self.notices.append(f"{self.path.name} is {kind}; its samples were reduced to 8 bits.")
        if "alpha_mode" in self._stream.metadata or frame.format.name.startswith(_WITH_ALPHA):
            self.notices.append(f"{self.path.name} has transparency, which is left out.")
        if frame.interlaced_frame:
            self.notices.append(f"{self.path.name} is interlaced, and is drawn as it is, lines and all.")

    def _count(self) -> int | None:
        stream = self._stream
        if self.start is None and self.end is None and stream.frames:
            return stream.frames
        length = self._container.duration
        seconds = length / av.time_base if length else None
        if self.end is not None:
            seconds = min(self.end, seconds or self.end)
        return round((seconds - (self.start or 0)) * self.rate) if seconds else None

    def _moments(self) -> Generator[tuple[av.VideoFrame, int, int]]:
        """Decoded frames of the range with their pts and duration, counted from `shift`."""
        offset = round(self.shift / self.time_base)
        usual = round(1 / (self.rate * self.time_base))
        following = 0
        for frame in self._frames():
            pts = following if frame.pts is None else frame.pts - offset
            duration = frame.duration or usual
            following = pts + duration
            time = float(pts * self.time_base)
            if self.start is not None and time < -1e-6:
                continue
            if self.end is not None and time >= self.end - (self.start or 0.0) - 1e-6:
                return
            yield frame, pts, duration

    def _frames(self) -> Iterator[av.VideoFrame]:
        """All frames that can be decoded; packets that cannot are counted."""
        end = End(self.path, self._container, self._stream)
        streams = [] if end.everything else [self._stream]
        for packet in readable(self._container, streams, self.damage):
            end.see(packet)
            if packet.stream_index != self._stream.index:
                continue
            try:
                for frame in packet.decode():
                    self.damage.frames += frame.is_corrupt
                    yield frame
            except av.error.InvalidDataError:
                self.damage.packets += 1
        self.damage.container |= end.missing

    def _nothing(self) -> str:
        if self.start is not None or self.end is not None:
            return f"There is no frame of {self.path} in the range asked for."
        return f"No frame of {self.path} can be decoded; the file is damaged or empty."


class VideoSink:
    """Writes frames, and what the source holds beside them, to a video file.

    The file appears under its name when the `with` block is left normally. `notices` tells what could not
    be carried over. After `resume`, what `end_segment` was called for outlives an error, or the process, in
    a folder beside the file (see journal.py).

    Raises:
        MediaError: as PendingFile; the encoder or the container is unknown, or they do not go together;
            another process writes the same file; or, while writing, the disk is full.
    """

    def __init__(self, path: Path, source: VideoSource, *, encoding: Encoding, overwrite: bool) -> None:
        with ffmpeg_errors(path):
            if path.exists() and path.samefile(source.path):
                raise MediaError(f"{path} is the source itself; name another file to write.")
        check_target(path, overwrite=overwrite)
        self.path, self.encoding = path, encoding
        self.notices: list[str] = []
        self._source = source
        self._last: int | None = None
        self._last_dts: int | None = None
        self._encoder: av.VideoCodecContext | None = None
        self._written = 0
        with ExitStack() as on_error:
            self._journal = Journal(path)
            on_error.callback(self._journal.close, done=False)
            with write_errors(path):
                self._container = on_error.enter_context(_open_output(self._journal.path, path.suffix))
                self._add_video(encoding, path.suffix)
                self._companions = Companions(source, self._container, encoding.audio, self.notices)
                on_error.callback(self._companions.close)
                self._start(encoding)
            on_error.pop_all()

    @property
    def resumable(self) -> bool:
        """Whether the picture can be encoded in segments that stand alone."""
        return self._codec.name in RESTARTABLE

    def resume(self, key: dict[str, Any], *, anew: bool) -> Checkpoint | None:
        """Keep segments from here on; begin with those that an earlier run of the same `key` finished.

        Args:
            key: what the frames depend on, by names that a user knows; in JSON's types.
            anew: leave aside what there is of an earlier run.
        """
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
            self._journal.end_segment(Checkpoint(self._written, mark, self._last or 0, memory))

    def write(self, frame: Frame) -> None:
        """Encode a frame, and copy what accompanies it up to its time."""
        with write_errors(self.path):
            picture = self._source.colour.from_rgb(
                frame.image, self._pixel_format, self._source.width, self._source.height
            )
            picture.time_base = frame.time_base
            picture.pts = frame.pts if self._last is None else max(frame.pts, self._last + 1)
            picture.duration = frame.duration
            self._last = picture.pts
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
            if self._encoder is not None:
                self._encode(None)
            self._companions.finish()
            self._container.close()
            self.notices += self._companions.lost(self._journal.path)
            self._companions.close()
            self._journal.commit()

    def _add_video(self, encoding: Encoding, suffix: str) -> None:
        source, name = self._source, encoding.encoder(suffix)
        encoding.check(name)
        try:
            codec = self._codec = av.Codec(name, "w")
            if codec.type != "video":
                raise MediaError(f"{name} is not a video encoder.")
            self._options = encoding.options(name)
            added = self._container.add_stream(name, rate=source.rate, options=self._options)
        except av.codec.codec.UnknownCodecError as error:
            known = ", ".join(known_encoders())
            raise MediaError(f"There is no encoder {name!r} in this build of FFmpeg; try {known}.") from error
        except ValueError as error:
            raise MediaError(f"A {suffix} file cannot hold {name} video.") from error
        stream = self._stream = cast("av.VideoStream", added)
        self._pixel_format = self._choose_format([f.name for f in codec.video_formats or ()], name)
        self._encoder_base = stream.time_base = _encodable(source.time_base, name)
        self._configure(stream.codec_context)
        self._encoder = stream.codec_context

    def _configure(self, context: av.VideoCodecContext) -> None:
        source = self._source
        context.width, context.height = source.width, source.height
        context.pix_fmt = self._pixel_format
        context.time_base = self._encoder_base
        context.sample_aspect_ratio = source.sample_aspect_ratio
        if self._container.format.name == "avi":  # it has one clock, which frames out of order would delay
            context.max_b_frames = 0
        # Without the flag the muxer would guess how long the last frame is shown.
        context.flags |= Flags.frame_duration
        source.colour.tag(context)

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
                f"{context.name} in {self.path.suffix} cannot do {asked}: "
                f"{getattr(error, 'strerror', None) or error}."
            ) from error

    def _choose_format(self, available: list[str], encoder: str) -> str:
        """The source's chroma sampling in 8 bits if the encoder has it, else the nearest that it has."""
        wanted = _eight_bit(self._source.pixel_format)
        odd = self._source.width % 2 or self._source.height % 2
        if odd and encoder in ("libx264", "libx265") and wanted != "yuv444p":
            wanted = "yuv444p"
            self.notices.append(
                f"The size {self._source.width}x{self._source.height} is odd, which {encoder} keeps only in "
                "4:4:4 colour; some players cannot show that, and --codec libvpx-vp9 is an alternative."
            )
        for name in (wanted, "yuv420p", "yuvj420p", "yuv422p10le"):
            if name in available:
                return name
        return available[0] if available else "yuv420p"


@contextmanager
def ffmpeg_errors(path: Path) -> Iterator[None]:
    """FFmpeg's errors, as a sentence about this file."""
    try:
        yield
    except av.error.FFmpegError as error:
        raise MediaError(f"{path}: {error.strerror or error}.") from error
    except OSError as error:
        raise MediaError(f"{path}: {error.strerror or error}.") from error


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """The same for the file that is written, where the system may be in the way."""
    with ffmpeg_errors(path):
        try:
            yield
        except OSError as error:  # FFmpeg's errors of the system are, too
            raise WriteError.of(path, error) from error


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise MediaError(f"{path} is a folder, not a video.")
    if not path.exists():
        raise MediaError(f"There is no file {path}.")
    if path.stat().st_size == 0:
        raise MediaError(f"{path} is empty (0 bytes).")


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes with a file; None if it was removed, which those do not see who hold it open."""
    try:
        told = path.stat()
    except FileNotFoundError:
        return None
    return told.st_size, told.st_mtime_ns


def _check_range(start: float | None, end: float | None) -> None:
    if any(time is not None and not abs(time) < LONGEST for time in (start, end)):
        raise MediaError(f"Times have to be seconds under {LONGEST:.0e}.")
    if start is not None and start < 0:
        raise MediaError(f"The start must not be negative ({start:g} s).")
    if end is not None and end <= (start or 0):
        raise MediaError(f"The end ({end:g} s) has to come after the start ({start or 0:g} s).")


def _picture_stream(container: InputContainer, path: Path) -> av.VideoStream:
    """The default video stream, or else the first, cover pictures left aside."""
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not videos:
        raise MediaError(f"There is no video stream in {path}.")
    return next((stream for stream in videos if stream.disposition & Disposition.default), videos[0])


def _origin(container: InputContainer) -> float:
    """Where the file's clock starts, if that is not near zero."""
    start = (container.start_time or 0) / av.time_base
    return start if start > BROADCAST_CLOCK else 0.0


def _open_output(path: Path, suffix: str) -> av.container.OutputContainer:
    # The index in front lets web players start before the file has been read to its end.
    options = {"movflags": "+faststart"} if path.suffix.lower() in (".mp4", ".mov", ".m4v") else {}
    refusal = MediaError(
        f"The suffix {suffix!r} names no video format that can be written; try .mp4 or .mkv."
    )
    try:
        container = av.open(path, "w", container_options=options)
    except ValueError as error:
        raise refusal from error
    if container.format.no_file:  # playlists and picture series, which write files of their own naming
        container.close()
        raise refusal
    return container


def _encodable(time_base: Fraction, encoder: str) -> Fraction:
    """The time base, or the nearest finer than 0.05 ms that the encoder's 16 bits for it can hold."""
    fits = encoder != "mpeg4" or time_base.denominator < 1 << 16
    return time_base if fits else Fraction(1, 60000)


def _upright(image: Image, rotation: int) -> Image:
    """Turn a picture counter-clockwise by a multiple of 90 degrees."""
    return np.ascontiguousarray(np.rot90(image, rotation // 90)) if rotation else image


def _eight_bit(pixel_format: str) -> str:
    """The planar 8-bit format with the same chroma sampling; grey too gets colour, as drawings have it."""
    for sampling in ("444", "422"):
        if sampling in pixel_format:
            return f"yuv{sampling}p"
    return "yuv420p"
