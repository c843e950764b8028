"""Decides for each stream except the picture: copied, converted, attached, or left out with a notice."""

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import AttachmentStream, Stream
from av.subtitles.stream import SubtitleStream

from ...core.containers import Container
from ..remote import open_container
from ..streams import codec_name, is_cover, is_known
from ..video_info import OtherStreams
from .acceptance import is_accepted
from .audio_encoder import MIN_GAP
from .tracks import TEXT_SUBTITLES, ConvertedSubtitles, CopiedTrack, ReencodedAudio, Track, add_copy

_LATE = 0.04  # seconds; sound that is early by more than that is noticed (EBU R 37)
_COVER_NAMES = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}


class TrackSelection:
    """Adds the streams of `source` to `output`, as far as its `container` can hold them.

    `opened` is the open file of the source. `read_cover` returns the data of a cover by the index of its
    stream, or None if it cannot be read ahead. What is converted or left out is appended to `notices`.
    """

    def __init__(
        self,
        source: OtherStreams,
        opened: InputContainer,
        output: OutputContainer,
        container: Container,
        read_cover: Callable[[int], bytes | None],
        notices: list[str],
    ) -> None:
        self._source, self._input, self._output = source, opened, output
        self._container, self._read_cover, self._notices = container, read_cover, notices

    def add_all(self, *, audio: bool) -> dict[int, Track]:
        """Add a track or an attachment for each stream; return the tracks by the indexes of their streams."""
        tracks: dict[int, Track] = {}
        has_other_programs = False
        for stream in self._input.streams:
            if stream.index == self._source.picture or (stream.type == "audio" and not audio):
                continue
            if self._source.program is not None and stream.index not in self._source.program:
                has_other_programs = True
                continue
            if is_known(stream) and not self._is_attached(stream):
                track = self._add_track(stream)
                if track is not None:
                    tracks[stream.index] = track
                    continue
            elif self._attach(stream):
                continue
            if not self._is_regenerated(stream):
                self._notices.append(self._left_out_notice(stream))
        if has_other_programs:
            self._notices.append(
                "The streams of other programmes in the broadcast were left out; --stream chooses the video "
                "of another programme."
            )
        return tracks

    def _is_regenerated(self, stream: Stream) -> bool:
        """Whether muxers create this track themselves, from a time code or from chapters."""
        return "timecode" in stream.metadata or bool(stream.type == "data" and self._input.chapters())

    def _is_attached(self, stream: Stream) -> bool:
        """Whether the stream becomes an attachment, as covers do if the container has attachments."""
        return isinstance(stream, AttachmentStream) or (is_cover(stream) and self._container.attachments)

    def _add_track(self, stream: Stream) -> Track | None:
        """A track for a stream; None if the container cannot hold it."""
        is_interrupted = isinstance(stream, AudioStream) and self._is_interrupted(stream)
        if isinstance(stream, AudioStream):
            can_copy = not is_interrupted and self._can_copy(stream, self._container.copied_audio)
        elif isinstance(stream, SubtitleStream):
            can_copy = self._can_copy(stream, self._container.copied_subtitles)
        else:
            can_copy = is_cover(stream) and self._container.covers
        if can_copy:
            with suppress(ValueError, av.error.FFmpegError):
                return CopiedTrack(self._output, stream, self._container, self._notices)
        if isinstance(stream, AudioStream):
            return self._reencode(stream, is_interrupted=is_interrupted)
        return self._convert_subtitles(stream) if isinstance(stream, SubtitleStream) else None

    def _is_interrupted(self, stream: AudioStream) -> bool:
        """Whether the container cannot hold the sound because it starts late or pauses."""
        start = float((stream.start_time or 0) * (stream.time_base or 0)) - self._source.shift
        return self._container.starts_at_zero and (start > _LATE or self._has_gap(stream))

    def _has_gap(self, stream: AudioStream) -> bool:
        """Whether the sound pauses within the range, by all packets of a file that can be read twice."""
        if self._source.container is not None:
            return False
        begin = self._source.shift
        end = math.inf if self._source.end is None else begin + self._source.end - (self._source.start or 0)
        try:
            with open_container(self._source.location) as container:
                return _pauses(container.demux(container.streams[stream.index]), begin, end)
        except (av.error.FFmpegError, OSError):
            return False

    def _can_copy(self, stream: Stream, codecs: frozenset[str] | None) -> bool:
        """Whether the container can hold a stream as it is; `codecs` are those to copy, None for all."""
        codec = codec_name(stream)
        if codecs is not None and codec not in codecs:
            return False
        return is_accepted(self._container, codec, lambda trial: add_copy(trial, stream))

    def _convert_subtitles(self, stream: SubtitleStream) -> Track | None:
        encoder, codec = self._container.subtitle_encoder, codec_name(stream)
        if encoder is None or codec not in TEXT_SUBTITLES:
            return None
        try:
            track = ConvertedSubtitles(self._output, stream, encoder, self._notices)
        except (ValueError, av.error.FFmpegError):
            return None
        self._notices.append(
            f"{self._container.muxer} files cannot hold {codec} subtitles; stream {stream.index} was "
            f"converted to {encoder}."
        )
        return track

    def _reencode(self, stream: AudioStream, *, is_interrupted: bool) -> Track | None:
        try:
            track = ReencodedAudio(self._output, stream, self._container, self._notices)
        except (ValueError, av.error.FFmpegError):
            return None
        changed = f" ({track.layout}, {track.rate} Hz)" if track.is_changed else ""
        pauses = " that starts late or pauses" if is_interrupted else ""
        reason = f"{self._container.muxer} files cannot hold {codec_name(stream)} sound{pauses}"
        if not stream.codec_context.sample_rate:
            reason = f"The {codec_name(stream)} sound begins later than the file"
        self._notices.append(
            f"{reason}; stream {stream.index} was re-encoded as {self._container.audio_encoder}{changed}."
        )
        return track

    def _attach(self, stream: Stream) -> bool:
        """Add an attachment or a cover to a container that has attachments; False if it cannot be added."""
        if not self._container.attachments:
            return False
        if isinstance(stream, AttachmentStream):
            metadata = stream.metadata
            name = metadata.get("filename", f"attachment-{stream.index}")
            mime_type = metadata.get("mimetype", "application/octet-stream")
            self._output.add_attachment(name, mime_type, stream.data)
            return True
        name_and_type = _COVER_NAMES.get(codec_name(stream))
        cover = self._read_cover(stream.index) if name_and_type else None
        if name_and_type is None or cover is None:
            return False
        self._output.add_attachment(*name_and_type, cover)
        return True

    def _left_out_notice(self, stream: Stream) -> str:
        codec = codec_name(stream) or stream.metadata.get("handler_name", "")
        codec_note = f" ({codec})" if codec else ""
        index = stream.index
        if is_cover(stream):
            return f"The cover picture, stream {index}{codec_note}, was left out: the output cannot hold it."
        if stream.type == "video":
            return (
                f"Only one video stream is converted; {index}{codec_note} was left out "
                f"(--stream {index} converts it)."
            )
        return f"The {stream.type} stream {index}{codec_note} was left out: the output cannot hold it."


def _pauses(packets: "Iterable[Packet[Any]]", begin: float, end: float) -> bool:
    """Whether sound is missing between two of its packets, from second `begin` to `end` of their clock."""
    last_end = math.inf
    for packet in packets:
        if packet.pts is None or not packet.duration:
            last_end = math.inf
            continue
        time = float(packet.pts * packet.time_base)
        if begin <= last_end < time - MIN_GAP and time < end:
            return True
        last_end = time + float(packet.duration * packet.time_base)
    return False
