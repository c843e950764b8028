"""Segments are independent: made by any process and in any order, they form the same video."""

import io
from dataclasses import replace

import numpy as np
import pytest
from av.packet import Packet
from clips import BEATS, Clip

from cartoonize import Encoding, Look
from cartoonize.backends import load
from cartoonize.media import SegmentSink, VideoSource, open_sink
from cartoonize.media.writing.journal import Journal
from cartoonize.media.writing.segments import Segment, SegmentWriter, read_packets, read_segment
from cartoonize.run.frame_range import FrameRange, FrameRangeError, convert_frame_range
from cartoonize.run.job import run
from cartoonize.run.report import Report

pytestmark = pytest.mark.usefixtures("short_segments")


def in_one_go(source, target, style, encoding):
    """The segments that a run leaves, as bytes by their first frame."""
    kept = {}

    def see(_):
        kept.update((int(path.name[8:]), path.read_bytes()) for path in folder.glob("segment-*"))

    folder = target.with_name(f".{target.name}.cartoonize")
    with VideoSource(source) as frames:
        sink = open_sink(target, frames, encoding=encoding)
        run(frames, sink, load(str(style)), Report(str(target), str(style)), batch=4,
            on_frame=see)  # fmt: skip
    return kept


def convert_alone(source, frame_range, style, encoding, container):
    with VideoSource(source) as frames:
        sink = SegmentSink(frames.video, encoding, container)
        backend = load(str(style))
        converted = convert_frame_range(frames, sink, backend, frame_range, Look(), batch=4, segment=24)
        return [finished for finished in converted if finished]


@pytest.mark.parametrize(
    ("codec", "container", "clip"),
    [
        ("libx264", "mp4", Clip(times=BEATS[:100], options={"bf": "3", "g": "40"})),
        ("libx265", "matroska", Clip(times=range(100))),
        ("libvpx-vp9", "webm", Clip(times=BEATS[:100])),
        ("mpeg4", "avi", Clip(times=range(100))),
        ("ffv1", "matroska", Clip(times=range(100))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_segment_made_alone_is_the_same(tmp_path, tiny_style, codec, container, clip):
    """A segment that is converted alone equals, to the byte, that of a run of the whole video."""
    suffix = {"matroska": "mkv"}.get(container, container)
    source, encoding = clip.write(tmp_path / "in.mkv"), Encoding(codec=codec)
    kept = in_one_go(source, tmp_path / f"out.{suffix}", tiny_style, encoding)
    assert sorted(kept) == [0, 24, 48, 72]
    for first in (72, 24):
        before = read_segment(io.BytesIO(kept[first])).before
        frame_range = FrameRange(first, first + 24, pts=before["pts"])
        [(segment, data)] = convert_alone(source, frame_range, tiny_style, encoding, container)
        assert segment == read_segment(io.BytesIO(data))
        assert data == kept[first]
    both = convert_alone(source, FrameRange(0, 48), tiny_style, encoding, container)
    assert [data for _, data in both] == [kept[0], kept[24]]


def test_the_last_segment_is_what_is_left(tmp_path):
    """A range without an end goes to that of the video."""
    source = Clip(times=range(60)).write(tmp_path / "in.mp4")
    with VideoSource(source) as frames:
        frames.mark_interval = 24
        assert len(list(frames)) == 60
    frame_range = FrameRange(24, None, mark=frames.marks[24])
    segments = [segment for segment, _ in convert_alone(source, frame_range, "null", Encoding(), "mp4")]
    assert [(segment.first, segment.frames) for segment in segments] == [(24, 24), (48, 12)]
    assert segments[1].follows(segments[0])
    assert segments[1].mark == frames.marks[60]


def test_a_time_without_a_frame_is_refused(tmp_path):
    """A wrong estimate of where a range begins is an error, not a guess."""
    source = Clip(times=range(0, 120, 2)).write(tmp_path / "in.mkv")
    with pytest.raises(FrameRangeError, match="no frame 24"):
        convert_alone(source, FrameRange(24, 48, pts=-5), "null", Encoding(), "mp4")


def test_segments_that_do_not_follow_are_recognised():
    """A segment follows another if it begins after its last frame, which is identified by time and pixels."""
    mark = {"pts": 23, "crc": 1, "packets": 0, "frames": 0}
    one = Segment(0, 24, None, mark, 0, 23)
    assert one.follows(None)
    assert Segment(24, 24, mark, mark, 24, 47).follows(one)
    assert not Segment(24, 24, {**mark, "crc": 2}, mark, 24, 47).follows(one)
    assert not Segment(25, 24, mark, mark, 24, 47).follows(one)
    assert not Segment(24, 24, mark, mark, 23, 47).follows(one)
    assert not Segment(24, 24, mark, mark, 24, 47).follows(None)


def test_segments_count_in_any_order(tmp_path):
    """Segments are kept in any order; the video is made of those that follow each other."""
    key, mark = {"source": 1}, {"pts": 23, "crc": 1, "packets": 0, "frames": 0}
    target = tmp_path / "out.mp4"
    segments = [Segment(24 * n, 24, mark if n else None, mark, 24 * n, 24 * n + 23) for n in range(3)]
    journal = Journal(target, target)
    journal.acquire()
    journal.store.open(key, resume=True)
    for segment in (segments[2], segments[0]):
        file = io.BytesIO()
        writer = SegmentWriter(file)
        for number in range(24):
            writer.add(Packet(bytes([number])))
        writer.end(segment)
        journal.store.put_segment(segment, file.getvalue())
    journal.close(done=False)
    journal = Journal(target, target)
    journal.acquire()
    assert journal.store.open(key, resume=True) == []
    assert set(journal.store.segments) == {0, 48}
    assert list(journal.store.leading()) == segments[:1]
    assert [bytes(packet) for packet in journal.store.packets(segments[0])] == [bytes([n]) for n in range(24)]
    journal.close(done=True)


@pytest.mark.parametrize("change", ["cut", "garbage", "empty", "another"])
def test_segments_from_elsewhere_are_checked(tmp_path, change):
    """A segment that arrives damaged, or is another one, is not kept."""
    mark = {"pts": 23, "crc": 1, "packets": 0, "frames": 0}
    segment, file = Segment(0, 1, None, mark, 0, 23), io.BytesIO()
    writer = SegmentWriter(file)
    writer.add(Packet(b"x"))
    writer.end(segment)
    data = {"cut": file.getvalue()[:-9], "garbage": bytes(100), "empty": b""}.get(change, file.getvalue())
    stated = replace(segment, last=24) if change == "another" else segment
    journal = Journal(tmp_path / "out.mp4", tmp_path / "out.mp4")
    journal.acquire()
    journal.store.open({"source": 1}, resume=True)
    with pytest.raises(ValueError, match="damaged"):
        journal.store.put_segment(stated, data)
    assert journal.store.is_empty()
    journal.close(done=True)


@pytest.mark.parametrize("place", [0, 40, -20, -6, -1])
def test_every_byte_of_a_segment_counts(tmp_path, place):
    """A segment that is changed, cut or empty is recognised as damaged."""
    source = Clip().write(tmp_path / "in.mp4")
    [(_, data)] = convert_alone(source, FrameRange(0, None), "null", Encoding(), "mp4")
    assert len(list(read_packets(io.BytesIO(data)))) == 12
    harmed = np.frombuffer(data, np.uint8).copy()
    harmed[place] ^= 1
    for damaged in (harmed.tobytes(), data[:place] if place else b"", data[1:]):
        with pytest.raises(ValueError, match="damaged"):
            read_segment(io.BytesIO(damaged))
