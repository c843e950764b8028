"""Reading a video file: frames with their times, turned upright, as RGB.

What else the file holds is handed to the sink (see companions.py).
"""

import math
import zlib
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition

from ...core.errors import MediaError, SourceError
from ...core.frames import Frame, Image
from ..alpha import alpha_decoder
from ..damage import Damage, readable
from ..decoding import Decoding
from ..ffmpeg import ffmpeg_errors
from ..pictures.animation import plays
from ..pictures.picture import check_size
from ..remote import Location, open_container
from ..streams import described, is_cover, is_known, size
from ..video_info import Closing
from ..writing.passthrough import JUMP, Passthrough, StreamedPassthrough
from ..writing.segments import Mark
from .deinterlace import deinterlaced
from .frame_converter import FrameConverter
from .packet_accounting import BEGIN_ANYWHERE, INTRA, ContainerAccount, FrameDecoder, Passing, standard_input

BROADCAST_CLOCK = 1.0  # seconds
STREAMED = Path("-")
"""The path of what is read from standard input."""
MAX_PIXELS = 1 << 26
"""Of a frame, unless told otherwise; 8K has half of them. Some frames are in the memory at once."""
LONGEST = 1e7  # seconds; later times are taken for mistakes
_SEEK_MARGINS = (0.0, 2.0, 12.0, math.inf)


class VideoSource(Closing):
    """The frames of a video file, upright, in order of presentation, each at its time.

    Times count as in the file, except that a clock which starts later than a second (as transport streams
    have), or with frames from before zero, starts at zero here. With `start`, time zero is that second of the
    video; `end` counts from the same zero as `start`. Frames whose time is missing follow the one before at
    its distance.

    `width` and `height` are those of the frames handed out. `frames` is an estimate, or None. `transparent`
    tells whether frames are to be expected that have alpha. After every `every` frames, and after the last,
    `marks` gets, by their number, what `go_on` needs to begin behind them. Iterating ends before frame
    number `until`, if that is set; `ended` tells in the end whether there is none.

    Raises:
        MediaError: there is no such file, no video in it, nothing that can be decoded, the range is
            empty, or it is HDR and that is to fail. Raised by opening it as far as possible: the first
            frame is decoded then.
    """

    def __init__(
        self,
        path: Location,
        *,
        start: float | None = None,
        end: float | None = None,
        decoding: Decoding | None = None,
    ) -> None:
        self.path, self.start, self.end = path, start, end
        self.decoding = decoding or Decoding()
        self._limit = self.decoding.max_pixels or MAX_PIXELS
        self.notices: list[str] = []
        self.every, self.marks = 0, dict[int, Mark]()
        self.until: int | None = None
        self.ended, self._read = False, 0
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
            self._passing = standard_input() if self.path == STREAMED else None
            self.container: InputContainer = on_error.enter_context(
                _open_input(self.path, limit, self._passing)
            )
            stream = self._stream = picture_stream(self.container, self.path, self.decoding.stream)
            check_size(self.path, *size(stream), self._limit)
            stream.codec_context.options.update(limit)
            self.stream_index = stream.index
            # Where all frames stand alone, threads share one out: an error then costs no other frame.
            stream.thread_type = "SLICE" if stream.codec.canonical_name in INTRA else "AUTO"
            self._decoder = alpha_decoder(stream) or stream.codec_context
            if self._passing is not None:
                self._passing.watch(self.container, stream)
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
        while moment is not None and self._read != self.until:
            frame, pts, duration = moment
            developed = self._developer.convert(frame, pts, self.time_base, duration)
            self._read += 1
            if self.every and self._read % self.every == 0:
                self.marks[self._read] = self._mark(developed.image, pts)
            yield developed
            moment = next(self._decoded, None)
            self.ended = moment is None
            if self.ended and self.every:
                self.marks[self._read] = self._mark(developed.image, pts)

    def _mark(self, image: Image, pts: int) -> Mark:
        damage = self.damage
        return {"pts": pts, "crc": zlib.crc32(image.data), "packets": damage.packets, "frames": damage.frames}

    def close(self) -> None:
        """Release the file."""
        self._decoded.close()
        if self.path != STREAMED:  # whose last packets may still wait for the sink, and refer to it
            self.container.close()

    def accompany(self, output: OutputContainer, *, audio: bool, notices: list[str]) -> Passthrough:
        """Sound, subtitles and all else, ready to be written beside the picture."""
        kind = StreamedPassthrough if self.path == STREAMED else Passthrough
        return kind(self, output, audio, notices)

    def go_on(self, frames: int, mark: Mark) -> None:
        """Begin behind the first `frames` frames, of which `mark` was set after the last.

        Whether a file can be trusted to seek is seen by trying: the frame before has to be found again, at
        its time and with the same pixels. Otherwise everything is decoded from the start, and counted.
        """
        with ffmpeg_errors(self.path):
            if mark["packets"] or mark["frames"] or self._find(mark["pts"]) != mark:
                self.close()
                self._open()
                for _ in range(frames - 1):
                    if next(self._decoded, None) is None:  # there are not so many, whatever was kept says
                        break
            self._begin_behind(frames, mark)

    def go_to(self, frames: int, pts: int) -> Mark | None:
        """Begin behind the frame at `pts`, which is taken to be the last of the first `frames`.

        The answer is its mark, by which it is seen whether it was; None if there is no such frame.
        """
        with ffmpeg_errors(self.path):
            mark = self._find(pts)
            if mark is not None:
                self._begin_behind(frames, mark)
            return mark

    def _begin_behind(self, frames: int, mark: Mark) -> None:
        self.damage.reset(mark["packets"], mark["frames"])
        self._first, self._read = next(self._decoded, None), frames

    def _find(self, pts: int) -> Mark | None:
        """Go to the frame at `pts`, and through it; of a file without damage the answer is its mark."""
        offset = round(self.shift / self.time_base)
        try:
            self._seek(float((pts + offset) * self.time_base))
        except av.error.FFmpegError:  # raw streams
            return None
        self._decoded = self._moments()
        for frame, time, _ in self._decoded:
            if time >= pts:
                self.damage.reset()  # what cannot be decoded before a keyframe is no damage
                return self._mark(self._developer.image(frame), pts) if time == pts else None
        return None

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
            if on_time:
                break
            if place == earliest:  # transport streams compare with dts, of which the first are before it
                place -= av.time_base
                break
        self._go_to(place)
        self.damage = Damage()

    def _go_to(self, place: int) -> None:
        self.container.seek(place)
        if self._decoder.is_open:  # the container flushes only those of its own
            self._decoder.flush_buffers()

    def _describe(self, frame: av.VideoFrame) -> None:
        """What the first frame tells of all of them."""
        developer = self._developer = FrameConverter(
            self.path, frame, self._stream.sample_aspect_ratio, self.decoding, self.notices
        )
        self.width, self.height = developer.width, developer.height
        self.sample_aspect_ratio, self.colour = developer.sample_aspect_ratio, developer.colour
        self.pixel_format, self.transparent = developer.pixel_format, developer.transparent
        self.frames = self._count()
        self.plays = plays(self.path) if isinstance(self.path, Path) else 0

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
        following, jump, begun = 0, round(JUMP / self.time_base), False
        for frame in deinterlaced(self._frames(), self._met_interlaced):
            pts = following if frame.pts is None else frame.pts - offset
            if begun and pts < following - jump:  # another recording, with its own clock
                offset -= following - pts
                pts = following
                self._met_jump()
            duration = frame.duration or usual
            following, begun = pts + duration, True
            time = float(pts * self.time_base)
            if self.start is not None and time < -1e-6:
                continue
            if self.end is not None and time >= self.end - (self.start or 0.0) - 1e-6:
                return
            yield frame, pts, duration

    def _frames(self) -> Iterator[av.VideoFrame]:
        """All frames that can be decoded; packets that cannot are counted."""
        streamed = self.path == STREAMED
        streams = [] if streamed else [self._stream]  # none are all of them
        contents = ContainerAccount(self.path, self.container, self._stream, self._passing)
        anywhere = self.container.format.name in BEGIN_ANYWHERE
        codec = self._stream.codec.canonical_name
        decoder = FrameDecoder(self._decoder, codec, self.damage, anywhere=anywhere)
        for packet in readable(self.container, streams, self.damage):
            if packet.stream.index != self.stream_index:  # the last one, empty, has no index of its own
                if streamed:
                    self.beside.append(packet)
                continue
            if packet.size:
                contents.see(packet)
                yield from decoder.decode(packet)
        yield from decoder.end()
        contents.settle(self.damage)

    def _met_jump(self) -> None:
        told = f"The clock of {self.path.name} goes back; what follows was put behind what was before."
        if told not in self.notices:
            self.notices.append(told)

    def _met_interlaced(self) -> None:
        self.notices.append(
            f"{self.path.name} is interlaced; it was deinterlaced (bwdif), at the same frame rate."
        )

    def _nothing(self) -> str:
        if self.start is not None or self.end is not None:
            return f"There is no frame of {self.path} in the range asked for."
        return f"No frame of {self.path} can be decoded; the file is damaged or empty."


def _open_input(path: Location, options: dict[str, str], passing: Passing | None) -> InputContainer:
    if passing is not None:
        return _open_passing(passing, options)
    if path.is_dir():
        raise MediaError(f"{path} is a folder, not a video.")
    if not path.exists():
        raise MediaError(f"There is no file {path}.")
    if path.stat().st_size == 0:
        raise MediaError(f"{path} is empty (0 bytes).")
    return open_container(path, options)


def _open_passing(passing: Passing, options: dict[str, str]) -> InputContainer:
    try:
        return open_container(passing, options)
    except av.error.InvalidDataError as error:
        if passing.begin[4:8] != b"ftyp":
            raise
        raise MediaError(
            "The index of this MP4 or MOV file is at its end, which a pipe comes to last; name the file, or "
            "redirect it (< FILE)."
        ) from error


def _stamp(path: Location) -> tuple[int, int] | None:
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


def picture_stream(container: InputContainer, path: Location, number: int | None) -> av.VideoStream:
    """The video stream of that number, or the default one, or else the first; no cover picture."""
    found = [stream for stream in container.streams.video if not is_cover(stream)]
    videos = [stream for stream in found if is_known(stream)]
    if not videos:
        what = "whose codec is known " if found else ""
        raise MediaError(f"There is no video stream {what}in {path}.")
    if number is None:
        return next((stream for stream in videos if stream.disposition & Disposition.default), videos[0])
    for stream in videos:
        if stream.index == number:
            return stream
    known = ", ".join(map(described, videos))
    what = "is of an unknown codec" if any(stream.index == number for stream in found) else "is no video"
    raise MediaError(f"Stream {number} of {path} {what}; the video streams are {known}.")


def _origin(container: InputContainer, picture: av.VideoStream) -> float:
    """Where the file's clock starts, if that is not near zero, or with frames from before zero."""
    start = (container.start_time or 0) / av.time_base
    if start > BROADCAST_CLOCK:
        return start
    first = (picture.start_time or 0) * (picture.time_base or 0)
    return min(0.0, float(first))
