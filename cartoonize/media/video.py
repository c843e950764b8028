"""Video files: frames with their times in, frames with their times out; the rest is carried over.

The picture is decoded, turned upright and handed on as RGB; pixel aspect, colour tags, frame times, sound,
subtitles, chapters and metadata come out as they went in (see companions.py for all but the picture).
"""

import math
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import av
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition

from ..errors import MediaError, SourceError, WriteError
from ..frames import Frame, Image
from .alpha import alpha_decoder, alpha_of, is_transparent
from .animation import plays
from .canvas import Canvas
from .colour import SDR, Colour
from .companions import Companions, StreamedCompanions
from .containers import open_output
from .damage import Damage, End, readable
from .decoding import Decoding
from .deinterlace import deinterlaced
from .encoding import RESTARTABLE, Encoding, known_encoders, pixel_format
from .film import Film
from .hdr import TRANSFERS, ToneMapper
from .journal import Checkpoint, Journal, open_journal
from .orientation import Orientation
from .picture import check_size

BROADCAST_CLOCK = 1.0  # seconds
STREAMED = Path("-")
"""The path of what is read from standard input."""
MAX_PIXELS = 1 << 26
"""Of a frame, unless told otherwise; 8K has half of them. Some frames are in the memory at once."""
LONGEST = 1e7  # seconds; later times are taken for mistakes
_SEEK_MARGINS = (0.0, 2.0, 12.0, math.inf)


class VideoSource:
    """The frames of a video file, upright, in order of presentation, each at its time.

    Times count as in the file, except that a clock which starts later than a second (as transport streams
    have), or with frames from before zero, starts at zero here. With `start`, time zero is that second of the
    video; `end` counts from the same zero as `start`. Frames whose time is missing follow the one before at
    its distance.

    `width` and `height` are those of the frames handed out. `frames` is an estimate, or None. `transparent`
    tells whether frames are to be expected that have alpha. After every `every` frames `marks` gets, by
    their number, what `go_on` needs to begin behind them.

    Raises:
        MediaError: there is no such file, no video in it, nothing that can be decoded, the range is
            empty, or it is HDR and that is to fail. Raised by opening it as far as possible: the first
            frame is decoded then.
    """

    def __init__(
        self,
        path: Path,
        *,
        start: float | None = None,
        end: float | None = None,
        decoding: Decoding | None = None,
    ) -> None:
        self.path, self.start, self.end = path, start, end
        self.decoding = decoding or Decoding()
        self._limit = self.decoding.max_pixels or MAX_PIXELS
        self.notices: list[str] = []
        self.every, self.marks = 0, dict[int, dict[str, int]]()
        self._read = 0
        _check_range(start, end)
        with ffmpeg_errors(path):
            self._opened = _stamp(path)
            self._open()
            assert self._first is not None
            self._describe(self._first[0])

    def _open(self) -> None:
        """Begin at the first frame of the range."""
        self.beside: deque[Packet[Any]] = deque()  # met on standard input, and written beside the picture
        with ExitStack() as on_error:
            # FFmpeg decodes some frames to see what there is: it has to know the limit, too.
            limit = {"max_pixels": str(self._limit)}
            self.container: InputContainer = on_error.enter_context(_open_input(self.path, limit))
            stream = self._stream = _picture_stream(self.container, self.path, self.decoding.stream)
            check_size(self.path, stream.width, stream.height, self._limit)
            stream.codec_context.options.update(limit)
            self.stream_index = stream.index
            stream.thread_type = "AUTO"
            self._decoder = alpha_decoder(stream) or stream.codec_context
            self.time_base = stream.time_base or Fraction(1, 90000)
            self.rate = stream.average_rate or stream.guessed_rate or Fraction(25)
            self.shift = _origin(self.container, stream) + (self.start or 0.0)
            self.damage = Damage()
            if self.start and self.path != STREAMED:
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
            alpha = alpha_of(frame)
            alpha = None if alpha is None else self._orientation.upright(alpha)
            yield Frame(image, pts, self.time_base, duration, alpha=alpha)
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
        if self.path != STREAMED:  # whose last packets may still wait for the sink, and refer to it
            self.container.close()

    def accompany(self, output: OutputContainer, *, audio: bool, notices: list[str]) -> Companions:
        """Sound, subtitles and all else, ready to be written beside the picture."""
        kind = StreamedCompanions if self.path == STREAMED else Companions
        return kind(self, output, audio, notices)

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
        return self._orientation.upright(self._to_rgb(frame))

    def _seek(self, time: float) -> None:
        """Go to a keyframe at or before a time on the file's own clock.

        Transport streams seek to a time, not to a keyframe, and then decode nothing until the next one: what
        comes first is looked at, and if it is too late, the search begins farther ahead.
        """
        earliest = self.container.start_time or 0
        for margin in _SEEK_MARGINS:
            place = max(earliest, int(max(time - margin, 0.0) * av.time_base))
            self._go_to(place)
            first = next(self._frames(), None)
            on_time = first is not None and first.pts is not None and first.pts * self.time_base <= time
            if on_time or place == earliest:
                break
        self._go_to(place)
        self.damage = Damage()

    def _go_to(self, place: int) -> None:
        self.container.seek(place)
        if self._decoder.is_open:  # the container flushes only those of its own
            self._decoder.flush_buffers()

    def _describe(self, frame: av.VideoFrame) -> None:
        """What the first frame tells of all of them."""
        self._develop(frame)
        self.pixel_format = frame.format.name
        self.transparent = is_transparent(frame)
        self._orientation = Orientation.of(frame)
        self.width, self.height = frame.width, frame.height
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        if self._orientation.transposed:
            self.width, self.height, aspect = self.height, self.width, 1 / aspect
        self.sample_aspect_ratio = aspect
        self.frames = self._count()
        self.plays = plays(self.path)

    def _develop(self, frame: av.VideoFrame) -> None:
        """Choose how frames become RGB, and what colours the output has."""
        self.colour = Colour.of(frame)
        self._to_rgb: Callable[[av.VideoFrame], Image] = self.colour.to_rgb
        bits, hdr = frame.format.components[0].bits, TRANSFERS.get(self.colour.transfer)
        if hdr and self.decoding.hdr == "fail":
            raise MediaError(
                f"{self.path} is {hdr} (HDR), which comes out in SDR only; allow it by --hdr tonemap."
            )
        if hdr:
            self._to_rgb, self.colour = ToneMapper(frame, self.colour.sws), SDR
            self.notices.append(
                f"{self.path.name} is {hdr} (HDR); it was tone-mapped to SDR, by ITU-R BT.2390."
            )
        elif bits > 8:
            self.notices.append(f"{self.path.name} is {bits}-bit; its samples were reduced to 8 bits.")

    def _count(self) -> int | None:
        stream = self._stream
        if self.start is None and self.end is None and stream.frames:
            return stream.frames
        length = self.container.duration
        seconds = length / av.time_base if length else None
        if self.end is not None:
            seconds = min(self.end, seconds or self.end)
        return round((seconds - (self.start or 0)) * self.rate) if seconds else None

    def _moments(self) -> Generator[tuple[av.VideoFrame, int, int]]:
        """Decoded frames of the range with their pts and duration, counted from `shift`."""
        offset = round(self.shift / self.time_base)
        usual = round(1 / (self.rate * self.time_base))
        following = 0
        for frame in deinterlaced(self._frames(), self._met_interlaced):
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
        end = None if self.path == STREAMED else End(self.path, self.container, self._stream)
        streams = [self._stream] if end and not end.everything else []  # none are all of them
        for packet in readable(self.container, streams, self.damage):
            if end:
                end.see(packet)
            if packet.stream.index != self.stream_index:  # the last one, empty, has no index of its own
                if not end:
                    self.beside.append(packet)
                continue
            try:
                for frame in self._decoder.decode(packet):
                    self.damage.frames += frame.is_corrupt
                    yield frame
            except av.error.InvalidDataError:
                self.damage.packets += 1
        self.damage.container |= end is not None and end.missing

    def _met_interlaced(self) -> None:
        self.notices.append(
            f"{self.path.name} is interlaced; it was deinterlaced (bwdif), at the same frame rate."
        )

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
            known = ", ".join(known_encoders())
            raise MediaError(f"There is no encoder {name!r} in this build of FFmpeg; try {known}.") from error
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


def _open_input(path: Path, options: dict[str, str]) -> InputContainer:
    if path == STREAMED:
        return av.open("pipe:0", options=options)
    if path.is_dir():
        raise MediaError(f"{path} is a folder, not a video.")
    if not path.exists():
        raise MediaError(f"There is no file {path}.")
    if path.stat().st_size == 0:
        raise MediaError(f"{path} is empty (0 bytes).")
    return av.open(path, options=options)


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


def _picture_stream(container: InputContainer, path: Path, number: int | None) -> av.VideoStream:
    """The video stream of that number, or the default one, or else the first; no cover picture."""
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not videos:
        raise MediaError(f"There is no video stream in {path}.")
    if number is None:
        return next((stream for stream in videos if stream.disposition & Disposition.default), videos[0])
    for stream in videos:
        if stream.index == number:
            return stream
    known = ", ".join(f"{s.index} ({s.codec_context.name}, {s.width}x{s.height})" for s in videos)
    raise MediaError(f"Stream {number} of {path} is no video; the video streams are {known}.")


def _origin(container: InputContainer, picture: av.VideoStream) -> float:
    """Where the file's clock starts, if that is not near zero, or with frames from before zero."""
    start = (container.start_time or 0) / av.time_base
    if start > BROADCAST_CLOCK:
        return start
    first = (picture.start_time or 0) * (picture.time_base or 0)
    return min(0.0, float(first))


def _encodable(time_base: Fraction, encoder: str) -> Fraction:
    """The time base, or the nearest finer than 0.05 ms that the encoder's 16 bits for it can hold."""
    fits = encoder != "mpeg4" or time_base.denominator < 1 << 16
    return time_base if fits else Fraction(1, 60000)
