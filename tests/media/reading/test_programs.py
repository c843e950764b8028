"""Transport streams with several programmes."""

from itertools import zip_longest

import av
import pytest
from clips import Clip, read_clip, remux

from cartoonize import stylize
from cartoonize.media import Decoding
from cartoonize.media.reading.programs import find_programs


def crc32(data):
    """The checksum of MPEG's tables."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc.to_bytes(4)


def programme(clip, number, start):
    """The packets of a clip as programme `number`, without the table of programmes, on a clock of its own."""
    source, target = clip
    options = {
        "mpegts_start_pid": str(0x100 * number),
        "mpegts_pmt_start_pid": str(0x1000 + number),
        "mpegts_service_id": str(number),
    }

    def shift(packet):
        ticks = round(start / packet.time_base)
        packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks

    data = remux(target, source, options=options, change=shift).read_bytes()
    packets = [data[offset : offset + 188] for offset in range(0, len(data), 188)]
    return [packet for packet in packets if int.from_bytes(packet[1:3]) & 0x1FFF not in (0, 0x11)]


@pytest.fixture
def broadcast(tmp_path):
    """Two programmes of one second, of other sizes and tones, the second 100 s later on its clock."""
    parts = []
    for number, size, hertz in ((1, (64, 48), 440), (2, (96, 64), 880)):
        clip = Clip(size=size, times=range(24), tones=[hertz], options={"g": "12"})
        paths = clip.write(tmp_path / f"{number}.mp4"), tmp_path / f"{number}.ts"
        parts.append(programme(paths, number, 100 * (number - 1)))
    table = bytes([0, 0xB0, 17, 0, 1, 0xC1, 0, 0, 0, 1, 0xF0, 1, 0, 2, 0xF0, 2])
    first = (bytes([0x47, 0x40, 0, 0x10, 0]) + table + crc32(table)).ljust(188, b"\xff")
    both = [packet for pair in zip_longest(*parts) for packet in pair if packet]
    (tmp_path / "both.ts").write_bytes(first + b"".join(both))
    return tmp_path / "both.ts"


def test_the_programmes_are_found(broadcast):
    """The streams of each programme are found by the tables at the beginning."""
    assert find_programs(broadcast.read_bytes()) == [{0x100, 0x101}, {0x200, 0x201}]
    assert find_programs(b"\x47" * 1000) == []
    assert find_programs(b"") == []


def test_the_programmes_are_found_in_packets_of_any_size(broadcast):
    """They are found on Blu-ray, with error correction, and if the recording begins within a packet."""
    data = broadcast.read_bytes()
    rows = [data[offset : offset + 188] for offset in range(0, len(data), 188)]
    for changed in (b"".join(b"time" + row for row in rows), b"".join(row + bytes(16) for row in rows)):
        assert find_programs(changed) == [{0x100, 0x101}, {0x200, 0x201}]
    assert find_programs(rows[0][90:] + data) == [{0x100, 0x101}, {0x200, 0x201}]


@pytest.mark.parametrize(("stream", "number"), [(None, 1), (0, 1), (2, 2)])
def test_a_video_has_the_sound_of_its_programme(broadcast, tmp_path, stream, number):
    """A video gets the sound and the clock of its programme; both begin at zero."""
    decoding = Decoding(stream=stream)
    report = stylize(broadcast, tmp_path / "out.mkv", "null", decoding=decoding)
    written, expected = read_clip(tmp_path / "out.mkv"), read_clip(tmp_path / f"{number}.mp4")
    assert written.images[0].shape == expected.images[0].shape
    assert len(written.times) == 24
    assert written.times[0] < 0.2
    assert written.kinds == ["video", "audio"]
    with av.open(tmp_path / "out.mkv") as out, av.open(tmp_path / f"{number}.ts") as own:
        assert out.streams.audio[0].start_time * out.streams.audio[0].time_base < 0.2
        count = sum(1 for packet in own.demux(audio=0) if packet.size)
    assert len(written.audio[0]) == count
    assert any("other programmes" in notice for notice in report.notices)


def test_one_programme_is_all(tmp_path):
    """All streams of an ordinary transport stream are kept."""
    source = Clip(tones=[440, 880]).write(tmp_path / "in.ts")
    report = stylize(source, tmp_path / "out.ts", "null")
    assert report.notices == []
    assert read_clip(tmp_path / "out.ts").kinds == ["video", "audio", "audio"]
