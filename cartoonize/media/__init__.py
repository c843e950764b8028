"""Sources and sinks: where frames come from and go to.

A Source is a closable iterable of frames (source.py); a Sink has `write(frame)` (sink.py). At the end, the
`notices` of both hold sentences for the user: something was left out, repaired or chosen.
"""

from typing import TYPE_CHECKING

from ..core.lazy import import_on_use

if TYPE_CHECKING:
    from ..core.containers import VIDEO_SUFFIXES
    from .decoding import Decoding
    from .encoding import Encoding
    from .open import check_encoding, check_sink, open_sink, open_source, open_video
    from .pictures.formats import PICTURE_SUFFIXES
    from .pictures.picture_sink import PictureSink
    from .pictures.picture_source import PictureSource
    from .pictures.sequence_sink import ImageSequenceSink
    from .pictures.sequence_source import ImageSequenceSource
    from .reading.video_source import VideoSource
    from .remote import Location, parse_location, read_text
    from .segment import FrameMark, Segment
    from .sink import ResumableSink, SegmentedSink, Sink
    from .source import ResumableSource, Source
    from .video_info import OtherStreams, VideoInfo
    from .writing.segment_sink import SegmentSink
    from .writing.video_sink import VideoSink

# Imported at first use: what reads no video, as a training on pictures, runs without PyAV.
_HOMES = {
    "PICTURE_SUFFIXES": "pictures.formats",
    "VIDEO_SUFFIXES": ".core.containers",
    "Decoding": "decoding",
    "Encoding": "encoding",
    "FrameMark": "segment",
    "ImageSequenceSink": "pictures.sequence_sink",
    "ImageSequenceSource": "pictures.sequence_source",
    "Location": "remote",
    "OtherStreams": "video_info",
    "PictureSink": "pictures.picture_sink",
    "PictureSource": "pictures.picture_source",
    "ResumableSink": "sink",
    "ResumableSource": "source",
    "Segment": "segment",
    "SegmentSink": "writing.segment_sink",
    "SegmentedSink": "sink",
    "Sink": "sink",
    "Source": "source",
    "VideoInfo": "video_info",
    "VideoSink": "writing.video_sink",
    "VideoSource": "reading.video_source",
    "check_encoding": "open",
    "check_sink": "open",
    "open_sink": "open",
    "open_source": "open",
    "open_video": "open",
    "parse_location": "remote",
    "read_text": "remote",
}

__all__ = [
    "PICTURE_SUFFIXES", "VIDEO_SUFFIXES", "Decoding", "Encoding", "FrameMark", "ImageSequenceSink",
    "ImageSequenceSource", "Location", "OtherStreams", "PictureSink", "PictureSource", "ResumableSink",
    "ResumableSource", "Segment", "SegmentSink", "SegmentedSink", "Sink", "Source", "VideoInfo", "VideoSink",
    "VideoSource", "check_encoding", "check_sink", "open_sink", "open_source", "open_video", "parse_location",
    "read_text",
]  # fmt: skip

__getattr__ = import_on_use(__name__, _HOMES)
