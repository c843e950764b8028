"""Frames are never lost in silence: the decoded and the missing ones add up to those of the file."""

import os
from fractions import Fraction
from functools import partial

import av
import numpy as np
import pytest
from clips import CASES, Clip
from containers import CONTAINERS, FRAMES, NOISE
from mutations import MUTATIONS

from cartoonize import MediaError
from cartoonize.media import VideoSource
from cartoonize.media.damage import Damage
from cartoonize.media.reading import video_reader
from cartoonize.media.reading.packet_accounting import FrameMatcher
from cartoonize.media.reading.parsers.gif import parse_gif
from cartoonize.media.reading.parsers.structure import parse_file
from cartoonize.media.reading.standard_input import STANDARD_INPUT

SEEDS = int(os.environ.get("CARTOONIZE_FUZZ", "1500")) // len(CONTAINERS) + 1
PICTURE = b"\0\0\1\xb6"  # of MPEG-4
HIDDEN = {
    "a.ts": {"truncated", "spliced"},  # exactly between two pictures
    "a.mpg": {"truncated", "spliced"},
    "a.gif": {"spliced"},  # exactly between two images
    "a.flv": {"flipped"},  # a bit that turns a frame into sound
    "fragments.mp4": {"flipped"},  # a bit that gives a keyframe another time
}
"""The mutations after which a container can be valid, and so cannot show that frames are missing."""


@pytest.fixture
def threads(monkeypatch):
    """Sets how many threads decode."""
    count = [0]
    select = video_reader.select_video_stream

    def select_with_threads(*arguments):
        stream = select(*arguments)
        stream.codec_context.thread_count = count[0]
        return stream

    monkeypatch.setattr(video_reader, "select_video_stream", select_with_threads)
    return partial(count.__setitem__, 0)


def read(path):
    """Frames that came out, and the damage that was noted; None if nothing could be read."""
    try:
        with VideoSource(path) as source:
            return sum(1 for _ in source), source.damage
    except MediaError:
        return None


def read_piped(path, pipe):
    """Read a file through standard input."""
    pipe(path.read_bytes())
    return read(STANDARD_INPUT)


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_whole_file_is_not_called_damaged(made, threads, pipe, name):
    """All frames of every container come out, on one thread and on many, from a file and from a pipe."""
    path = made(name)
    for count in (1, 32):
        threads(count)
        for result in (read(path), read_piped(path, pipe)):
            assert result == (FRAMES, Damage()), (count, result)


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_file_that_is_cut_says_so(made, threads, pipe, tmp_path, name):
    """A missing end is noticed, in a pipe too; frames that the file lists are counted."""
    threads(2)
    data = made(name).read_bytes()
    for share in (0.55, 0.8, 0.97):
        cut = tmp_path / name
        cut.write_bytes(data[: int(len(data) * share)])
        for result in (read(cut), read_piped(cut, pipe)):
            if result is None:  # the index is at the end
                continue
            frames, damage = result
            if name in ("a.mpg", "a.ts") and frames < FRAMES and not damage:
                continue  # cut between two packets, such streams are whole
            assert frames == FRAMES or damage, (share, result)


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("places", [[23], [20, 21], [12], [0, 5]], ids=str)
def test_every_packet_is_accounted_for(made, threads, tmp_path, name, places):
    """Packets without payload are reported, wherever they are, the same on one thread and on many."""
    path = made(name)
    with av.open(path) as container:
        head = {".mkv": 4, ".webm": 4, ".flv": 16}.get(path.suffix, 0)  # bytes of the container, at `pos`
        packets = [((p.pos or 0) + head, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(path.read_bytes())
    if path.suffix in (".ts", ".mpg", ".gif", ".y4m"):
        pytest.skip("payload and headers lie in one another")
    for place in places:
        position, size = packets[place]
        data[position : position + size] = bytes(size)
    harmed = tmp_path / name
    harmed.write_bytes(data)
    counts = []
    for count in (1, 32):
        threads(count)
        result = read(harmed)
        counts.append(result and (result[0], result[1].packets))
        if result is not None:
            assert result[0] + result[1].packets == FRAMES, result
            assert result[1], result
    assert counts[0] == counts[1]


def mutate(path, number, folder):
    """Write the file again with damage, which is a function of `number`, to all but the index of MP4 and MOV:
    an index that lies cannot be seen through."""
    rng = np.random.default_rng(number)
    data = bytearray(path.read_bytes())
    mark = {"fragments.mp4": b"moof"}.get(path.name, b"mdat" if path.suffix in (".mp4", ".mov") else b"")
    begin = max(0, data.find(mark) - 4) if mark else 0
    payload = data[begin:]
    MUTATIONS[number % len(MUTATIONS)](payload, rng)
    harmed = folder / path.name
    harmed.write_bytes(data[:begin] + payload)
    return harmed


def check_mutated(made, threads, tmp_path, name, numbers):
    """Decoded frames and reported missing frames add up to those of the intact file, unless the report says
    that the container is broken. One thread and many decode the same frames.
    """
    for number in numbers:
        harmed, kind = mutate(made(name), number, tmp_path), MUTATIONS[number % len(MUTATIONS)].__name__
        results = []
        for count in (1, 16):
            threads(count)
            results.append(read(harmed))
        case = f"{name}, case {number}, {kind}: {results}"
        assert (results[0] is None) == (results[1] is None), case
        for frames, damage in filter(None, results):
            is_accounted_for = frames + damage.packets == FRAMES or damage.container
            assert is_accounted_for or kind in HIDDEN.get(name, ()), case


@pytest.mark.parametrize("name", CONTAINERS)
def test_some_mutated_files_lose_nothing_in_silence(made, threads, tmp_path, name):
    """No frame of a mutated file is missing without being reported (a few cases)."""
    check_mutated(made, threads, tmp_path, name, range(1, 9))


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTAINERS)
def test_mutated_files_lose_nothing_in_silence(made, threads, tmp_path, name):
    """Bits flipped, ends cut, ranges zeroed or left out: no frame is missing without being reported.

    1,500 files, or as many as the environment variable CARTOONIZE_FUZZ says.
    """
    check_mutated(made, threads, tmp_path, name, range(SEEDS))


@pytest.mark.parametrize(("name", "header"), [("a.avi", b"00dc"), ("b.avi", b"00dc")])
def test_a_frame_that_is_gone_from_file_and_index_is_missed(made, tmp_path, name, header):
    """An AVI file in which a frame and its entry in the index are zero is broken."""
    data = bytearray(made(name).read_bytes())
    for begin, length in (
        (data.find(b"LIST", data.find(b"ISFT")), 32),
        (data.find(header, data.find(b"idx1")), 16),
    ):
        data[begin : begin + length] = bytes(length)
    harmed = tmp_path / name
    harmed.write_bytes(data)
    frames, damage = read(harmed)
    assert frames < FRAMES
    assert damage.container


def test_pictures_that_are_zero_are_missed(made, tmp_path):
    """MPEG pictures that are lost in an intact container are counted by the numbers of the others."""
    data = bytearray(made("a.mpg").read_bytes())
    starts = [place for place in range(len(data)) if data[place : place + 4] == b"\0\0\1\0"]
    assert b"\0\0\1\xe0" not in data[starts[6] : starts[8]]  # a packet of the container
    data[starts[6] : starts[8]] = bytes(starts[8] - starts[6])
    harmed = tmp_path / "a.mpg"
    harmed.write_bytes(data)
    frames, damage = read(harmed)
    assert frames + damage.packets == FRAMES
    assert damage.packets == 2


def test_two_images_that_became_one_are_missed(made, tmp_path):
    """A GIF from which the end of one image and the beginning of the next were cut out is broken."""
    data = made("a.gif").read_bytes()
    first, second = parse_file(made("a.gif"), parse_gif, 0).frame_offsets[3:5]
    head, block = 10 + 1, 256  # descriptor without colours, and code size; sub-block
    assert data[first + head] == block - 1
    spliced = tmp_path / "a.gif"
    spliced.write_bytes(data[: first + head + 2 * block] + data[second + head + 4 * block :])
    frames, damage = read(spliced)
    assert frames == FRAMES - 1
    assert damage.container


def test_a_held_last_frame_is_whole(tmp_path):
    """A last frame that is shown for long does not count as missing frames."""
    path = Clip(times=[0, 24, 960], last_duration=2400).write(tmp_path / "held.mkv")
    with av.open(path) as container:
        assert container.duration > 40_000_000
    assert read(path) == (3, Damage())


def test_recordings_that_begin_anywhere_are_whole(tmp_path):
    """Packets before the first keyframe of a transport stream do not count as missing."""
    whole = Clip(times=range(48), options={"g": "12", "bf": "2", "crf": "10"}).write(tmp_path / "whole.ts")
    with av.open(whole) as container:
        places = [p.pos for p in container.demux(video=0) if p.size]
    later = tmp_path / "later.ts"
    tables = whole.read_bytes()[: 188 * 3]
    later.write_bytes(tables + whole.read_bytes()[places[5] // 188 * 188 :])
    frames, damage = read(later)
    assert 34 <= frames <= 36
    assert damage.packets == 0


def test_recordings_that_begin_within_a_picture_are_whole(tmp_path):
    """The rest of a picture at the beginning is not counted as a missing one among the numbered pictures."""
    options = {"g": "12", "bf": "2", "b": "2M"}
    images = [np.roll(NOISE, n, 1) for n in range(24)]
    clip = Clip(times=range(24), codec="mpeg2video", options=options, images=images)
    data = clip.write(tmp_path / "whole.mpg").read_bytes()
    for offset in range(2048, len(data) // 2, 4096):
        begun = tmp_path / "begun.mpg"
        begun.write_bytes(data[offset:])
        frames, damage = read(begun)
        assert frames >= 8, offset
        assert not damage, offset


def write_packed(path):
    """An AVI file as of DivX: a picture and the one shown before it share a packet; an empty one follows."""
    raw = Clip(times=range(25), codec="mpeg4", options={"bf": "1", "g": "12"}).write(path.with_suffix(".m4v"))
    with av.open(raw) as container:
        pictures = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    begin = pictures[0].index(PICTURE)
    pictures[0] = pictures[0][:begin] + b"\0\0\1\xb2DivX503b1393p" + pictures[0][begin:]
    packets: list[bytes] = []
    for picture in pictures:
        is_bidirectional = picture[picture.index(PICTURE) + 4] >> 6 == 2
        packets.append(PICTURE + b"\x50\x7f" if is_bidirectional else picture)
        if is_bidirectional:
            packets[-2] += picture
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
        for number, data in enumerate(packets):
            packet = av.Packet(data)
            packet.pts = packet.dts = number
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 25), stream, not number
            container.mux(packet)
    return path


@pytest.mark.parametrize("count", [1, 32])
def test_packed_pictures_follow_each_other(tmp_path, threads, count):
    """Old AVI files of DivX, two pictures to a packet, lose no frame and no time."""
    threads(count)
    with VideoSource(write_packed(tmp_path / "in.avi")) as source:
        times = [frame.time for frame in source]
    assert len(times) == 25
    assert not source.damage
    assert np.allclose(np.diff(times), 1 / 25)


def test_a_comment_at_the_end_of_a_gif_is_no_frame(tmp_path):
    """What programs append to a GIF file, before its end, is not counted as a missing frame."""
    clip = Clip(codec="gif", pixel_format="rgb8", options={}, time_base=Fraction(1, 10))
    path = clip.write(tmp_path / "in.gif")
    path.write_bytes(path.read_bytes().removesuffix(b";") + b"!\xfe\x05hello\x01!\0;")
    assert read(path) == (12, Damage())


def test_packets_without_frames_are_counted_in_bounded_memory():
    """Of any number of packets that hold no frame, a few thousand are pending; all are counted."""
    damage = Damage()
    matcher = FrameMatcher("h264", damage)
    for number in range(20_000):
        packet = av.Packet(b"a")
        packet.pts, packet.is_keyframe = number, not number
        matcher.submit(packet)
    assert len(matcher.pending) < 5000
    matcher.finish()
    assert damage.packets == 20_000


def test_the_second_fields_of_frames_are_not_missed(tmp_path):
    """If each field is a packet of its own, the second one does not count as a missing frame."""
    options = {"x264-params": "interlaced=1", "flags": "+ildct+ilme"}
    with av.open(Clip(times=range(24), options=options).write(tmp_path / "in.mp4")) as container:
        frames = list(container.decode(video=0))
    assert all(frame.interlaced_frame for frame in frames)
    for fields, lost in ((2, set()), (1, {6, 7, 8, 20})):
        damage = Damage()
        matcher = FrameMatcher("h264", damage)
        for number, frame in enumerate(frames):
            for _ in range(fields):
                packet = av.Packet(b"slice")
                packet.pts, packet.is_keyframe = number, number == 0
                matcher.submit(packet)
            if number not in lost:
                frame.pts = number * fields
                matcher.receive(frame)
        matcher.finish()
        assert damage.packets == len(lost)


CASE_FRAMES = {  # of files with a fault: how many frames come out, and how many are missing
    "last-packet-cut.mp4": (23, 1),
    "silent-a.webm": (23, 1),
    "silent-hevc.mp4": (12, 12),
    "silent-av1.webm": (6, 6),
    "silent-a.flv": (13, 11),
    "24packets-2frames.mp4": (2, 22),
    "mid-zero-a.mov": (5, 1),
    "mid-rand-a.apng": (3, 3),
    "eperm-prores.mov": (4, 2),
    "v01_longcue.mkv": (50, 0),
    "v02_lastheld.mkv": (3, 0),
    "lapse.webm": (5, 0),
    "joined.ts": (100, 0),
    "v03_dupdts.mkv": (50, 0),
    "v07_vp8_resize.webm": (60, 0),
    "slow120.mp4": (60, 0),
    "latin1.avi": (24, 0),
    "two1.mp4": (12, 0),
}


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")
@pytest.mark.parametrize("name", CASE_FRAMES)
def test_the_frames_of_cases_are_counted(threads, pipe, name):
    """The same frames of each faulty file come out on 1 thread and on 32, and through a pipe."""
    for count in (1, 32):
        threads(count)
        for result in (read(CASES / name), read_piped(CASES / name, pipe)):
            if result is None and name.endswith((".mov", ".mp4")):  # its index is at the end
                continue
            frames, damage = result
            assert (frames, damage.packets) == CASE_FRAMES[name]
            assert bool(damage) == bool(CASE_FRAMES[name][1])
