"""Writing a video file: frames with their times, and all that the source holds beside them.

Pixel aspect, colour tags, sound, subtitles, chapters and metadata come out as they went in (see companions.py
for all but the picture).
"""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import av
from av.packet import Packet

from ...core.errors import MediaError
from ...core.frames import Frame
from ..encoding import Encoding
from ..ffmpeg import write_errors
from ..remote import Location
from ..video_info import Film
from .containers import open_output
from .encoder import Encoder
from .journal import Journal, open_journal
from .segments import Mark, Segment


class VideoSink:
    """Writes frames, and what the source holds beside them, to a video file.

    The file appears under its name when the `with` block is left normally. `notices` tells what could not
    be carried over. After `resume`, what `end_segment` was called for outlives an error, or the process, in
    a folder beside the file (see journal.py).

    Raises:
        MediaError: as AtomicFile; the encoder or the container is unknown, or they do not go together;
            another process writes the same file; or, while writing, the disk is full.
    """

    def __init__(
        self,
        path: Location,
        source: Film,
        *,
        encoding: Encoding,
        overwrite: bool,
        size: tuple[int, int] | None = None,
    ) -> None:
        self.path, self.encoding = path, encoding
        self.notices: list[str] = []
        self._last_dts: int | None = None
        with ExitStack() as on_error:
            self._journal = open_journal(path, overwrite=overwrite, sources=(source.path,))
            on_error.callback(self._journal.close, done=False)
            with write_errors(path):
                self._container = on_error.enter_context(
                    open_output(self._journal, encoding.format, source.plays)
                )
                self._encoder = Encoder(source, encoding, self._container.format.name, self.notices, size)
                self._add_video(source)
                self._companions = source.accompany(
                    self._container, audio=encoding.audio, notices=self.notices
                )
                on_error.callback(self._companions.close)
                self._start(encoding)
            on_error.pop_all()

    @property
    def resumable(self) -> bool:
        """Whether the picture can be encoded in segments that stand alone."""
        return self._encoder.restartable and isinstance(self._journal, Journal)

    def resume(self, key: dict[str, Any], *, anew: bool) -> Segment | None:
        """Keep segments from here on; begin with those that an earlier run of the same `key` finished.

        The answer is the last of them.

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
        elif self._journal.unusable:
            self.notices.append(
                f"Parts of what an earlier run left of {self.path.name} could not be used; they were drawn "
                "again."
            )
        last = None
        for last in self._journal.leading():
            self.join(last)
        return last

    def join(self, segment: Segment) -> None:
        """Write a finished segment behind the others, and what accompanies it."""
        assert isinstance(self._journal, Journal)
        with write_errors(self.path):
            for packet in self._journal.packets(segment):
                packet.time_base = self._encoder.time_base
                self._mux(packet)
                self._companions.copy_until(float((packet.pts or 0) * packet.time_base))
        self._encoder.go_on(segment.end, segment.mark, segment.last)

    @property
    def kept(self) -> Mapping[int, Segment]:
        """The finished segments by their first frames, those included that do not follow one another yet."""
        assert isinstance(self._journal, Journal)
        return self._journal.segments

    def keep(self, segment: Segment, data: bytes) -> None:
        """Have a segment outlive this process that was made elsewhere, by a SegmentSink for `container`."""
        assert isinstance(self._journal, Journal)
        with write_errors(self.path):
            self._journal.put_segment(segment, data)

    @property
    def container(self) -> str:
        """The format that is written, by FFmpeg's name."""
        return str(self._container.format.name)

    def salvage(self) -> None:
        """Have what is written appear under a name that says that it is not all."""
        self.path = self._journal.set_apart()

    def end_segment(self, mark: Mark) -> None:
        """Have the frames so far outlive this process; `mark` is the source's of the last."""
        assert isinstance(self._journal, Journal)
        with write_errors(self.path):
            self._take(self._encoder.end())
            self._journal.end_segment(self._encoder.segment(mark))

    def write(self, frame: Frame) -> None:
        """Encode a frame, and copy what accompanies it up to its time."""
        with write_errors(self.path):
            self._take(self._encoder.write(frame))
            self._companions.copy_until(frame.time)

    def _take(self, packets: Iterable["Packet[Any]"]) -> None:
        for packet in packets:
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
        if self._journal.done:  # a signal came when the file had its name
            error.add_note(f"{self.path} is complete.")
            return
        self._journal.close(done=False)
        if isinstance(self._journal, Journal) and self._journal.kept:
            folder = self._journal.folder
            kept = folder.name if isinstance(self.path, Path) else folder  # of a Url it is not beside it
            error.add_note(
                f"{self._journal.kept} frames are kept in {kept}; the same command goes on from there."
            )

    def _finish(self) -> None:
        with write_errors(self.path):
            if not self._encoder.written:
                raise MediaError(f"No frame was written to {self.path}.")
            self._take(self._encoder.end())
            self._companions.finish()
            self._container.close()
            if isinstance(self._journal, Journal):
                self.notices += self._companions.lost(self._journal.path)
            self._companions.close()
            self._journal.commit()

    def _add_video(self, source: Film) -> None:
        encoder, container = self._encoder, self._container
        name = encoder.codec.name
        try:
            added = container.add_stream(name, rate=source.rate, options=encoder.options)
        except ValueError as error:
            raise MediaError(f"A {container.format.name} file cannot hold {name} video.") from error
        self._stream = cast("av.VideoStream", added)
        self._stream.time_base = encoder.time_base
        encoder.configure(self._stream.codec_context)

    def _start(self, encoding: Encoding) -> None:
        """Open the encoder of which the header tells, and write that."""
        try:
            self._container.start_encoding()
        except (av.error.FFmpegError, ValueError) as error:
            context = self._stream.codec_context
            asked = f"{context.width}x{context.height} {context.pix_fmt}{encoding.asked()}"
            raise MediaError(
                f"{context.name} in {self._container.format.name} cannot do {asked}: "
                f"{getattr(error, 'strerror', None) or error}."
            ) from error
        if not self.resumable:  # in segments each has an encoder of its own, so that it can be made alone
            self._encoder.use(self._stream.codec_context)
