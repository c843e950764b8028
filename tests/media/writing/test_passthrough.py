"""Subtitles and metadata come along with the picture; what the target cannot hold is named."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import Clip, remux, stream_kinds

from cartoonize import MediaError, stylize
from cartoonize.media.writing.tracks import CopiedTrack

SUBTITLES = """1
00:00:00,100 --> 00:00:00,400
Good <i>morning</i>

2
00:00:00,600 --> 00:00:00,900
and good night, all
"""


def with_subtitles(path: Path, codec: str, words: str = SUBTITLES) -> Path:
    """A video of a second with subtitles as SRT, or converted to another codec by the code under test."""
    text = path.with_name("words.srt")
    text.write_text(words)
    picture = Clip(times=range(24)).write(path.with_name("picture.mkv"))
    source = path if codec == "subrip" else path.with_name("source.mkv")
    remux(source, picture, text)
    if codec != "subrip":
        stylize(source, path, "null")
    return path


def subtitles(path: Path) -> list[tuple[float, float, str]]:
    """Start, duration and text of each subtitle."""
    with av.open(str(path)) as container:
        (stream,) = container.streams.subtitles
        read = []
        for packet in container.demux(stream):
            for event in packet.decode() if packet.size else ():
                start, length = (float(time * packet.time_base) for time in (packet.pts, packet.duration))
                text = event.ass.decode().split(",", 8)[-1].strip()
                read.append((round(start, 3), round(length, 3), text))
        return [entry for entry in read if entry[2]]


@pytest.mark.parametrize(
    ("source", "codec", "target", "becomes"),
    [
        ("in.mkv", "subrip", "out.mp4", "mov_text"), ("in.mkv", "subrip", "out.mov", "mov_text"),
        ("in.mkv", "subrip", "out.m4v", "mov_text"), ("in.mkv", "subrip", "out.webm", "webvtt"),
        ("in.mp4", "mov_text", "out.mkv", "subrip"), ("in.mp4", "mov_text", "out.webm", "webvtt"),
        ("in.webm", "webvtt", "out.mp4", "mov_text"),
    ],
)  # fmt: skip
def test_text_subtitles_are_converted(tmp_path, source, codec, target, becomes):
    """Text subtitles keep their words and times in a codec that the target holds; a notice says so."""
    report = stylize(with_subtitles(tmp_path / source, codec), tmp_path / target, "null")
    first, second = subtitles(tmp_path / target)
    assert first[:2] == pytest.approx((0.1, 0.3), abs=0.002)
    assert first[2] in (r"Good {\i1}morning{\i0}", r"Good {\i1}morning{\r}", r"Good {\i1}morning")
    assert second == (pytest.approx(0.6, abs=0.002), pytest.approx(0.3, abs=0.002), "and good night, all")
    with av.open(str(tmp_path / target)) as written:
        assert written.streams.subtitles[0].codec_context.codec.canonical_name == becomes
    assert any(f"{codec} subtitles; stream 1 was converted to" in notice for notice in report.notices)


@pytest.mark.parametrize(("source", "codec"), [("in.mkv", "subrip"), ("in.mp4", "mov_text")])
def test_subtitles_that_can_be_copied_are(tmp_path, source, codec):
    """Streams that the target can hold stay unchanged, without a notice."""
    made = with_subtitles(tmp_path / source, codec)
    report = stylize(made, tmp_path / f"out{made.suffix}", "null")
    assert subtitles(tmp_path / f"out{made.suffix}") == subtitles(made)
    assert report.notices == []


TOGETHER = """1
00:00:00,100 --> 00:00:00,400
one

2
00:00:00,100 --> 00:00:00,700
two

3
00:00:00,600 --> 00:00:00,900
three
"""


def test_subtitles_that_overlap_are_shown_together(tmp_path):
    """MP4 shows one subtitle at a time: those that overlap become one, as long as each is shown."""
    stylize(with_subtitles(tmp_path / "in.mkv", "subrip", TOGETHER), tmp_path / "out.mp4", "null")
    assert subtitles(tmp_path / "out.mp4") == [
        (0.1, 0.3, r"one\Ntwo"), (0.4, 0.2, "two"), (0.6, 0.1, r"two\Nthree"), (0.7, 0.2, "three"),
    ]  # fmt: skip


def test_countless_subtitles_that_overlap_do_not_fill_the_disk(tmp_path):
    """Of hundreds of subtitles at once, MP4 shows the latest 32: each change writes all that are shown."""
    text = "".join(f"{n}\n00:00:00,{n:03} --> 00:00:00,900\n{n:03}\n\n" for n in range(1, 301))
    stylize(with_subtitles(tmp_path / "in.mkv", "subrip", text), tmp_path / "out.mp4", "null")
    *_, (_, _, last) = subtitles(tmp_path / "out.mp4")
    assert last.split(r"\N") == [f"{n:03}" for n in range(269, 301)]


def test_subtitles_that_begin_together_are_copied(tmp_path):
    """Matroska keeps the times of subtitles that begin together, without a notice."""
    made = with_subtitles(tmp_path / "in.mkv", "subrip", TOGETHER)
    assert stylize(made, tmp_path / "out.mkv", "null").notices == []
    assert subtitles(tmp_path / "out.mkv") == subtitles(made)


def test_subtitles_without_a_pause_are_copied(tmp_path):
    """The empty subtitles that MP4 has between others do not move them, and cause no notice."""
    made = with_subtitles(tmp_path / "in.mp4", "mov_text", TOGETHER)
    assert stylize(made, tmp_path / "out.mp4", "null").notices == []
    assert subtitles(tmp_path / "out.mp4") == subtitles(made)


@pytest.mark.parametrize(
    ("source", "codec", "target"),
    [
        ("in.mkv", "subrip", "out.mkv"), ("in.mkv", "subrip", "out.webm"), ("in.mkv", "subrip", "out.mp4"),
        ("in.mp4", "mov_text", "out.mp4"),
    ],
)  # fmt: skip
def test_a_subtitle_at_the_start_ends_when_it_did(tmp_path, source, codec, target):
    """Of a subtitle that is shown when the range starts, the rest is shown."""
    made = with_subtitles(tmp_path / source, codec)
    stylize(made, tmp_path / target, "null", start=0.25)
    first, second = subtitles(tmp_path / target)
    assert first[:2] == pytest.approx((0, 0.15), abs=0.002)
    assert second[:2] == pytest.approx((0.35, 0.3), abs=0.002)


def picture_subtitle(path: Path, codec: str, duration: int) -> Path:
    """A video of a second with a subtitle that nobody can decode, shown for `duration` milliseconds."""

    def add_subtitle(container):
        packet = av.Packet(bytes(40))
        packet.stream, packet.time_base = container.add_stream(codec), Fraction(1, 1000)
        packet.pts, packet.dts, packet.duration = 500, 500, duration
        container.mux(packet)

    picture = Clip(times=range(24)).write(path.with_name("picture.mkv"))
    return remux(path, picture, prepare=add_subtitle)


def test_a_subtitle_of_unknown_length_is_copied(tmp_path):
    """A subtitle of a DVD that states all bits set as its duration is copied into MP4."""
    made = picture_subtitle(tmp_path / "in.mkv", "dvdsub", 0xFFFFFFFF)
    assert stylize(made, tmp_path / "out.mp4", "null").notices == []
    assert stream_kinds(tmp_path / "out.mp4") == ["subtitle", "video"]


def test_subtitles_of_broadcasts_are_copied(tmp_path):
    """The subtitles of a digital broadcast stay in a transport stream."""
    made = picture_subtitle(tmp_path / "in.mkv", "dvbsub", 100)
    assert stylize(made, tmp_path / "out.ts", "null").notices == []
    assert stream_kinds(tmp_path / "out.ts") == ["subtitle", "video"]


@pytest.mark.parametrize("target", ["out.ts", "out.avi", "out.flv"])
def test_subtitles_without_a_place_are_named(tmp_path, target):
    """A target without text subtitles gets no dead stream; the notice names what was left out."""
    report = stylize(with_subtitles(tmp_path / "in.mkv", "subrip"), tmp_path / target, "null")
    assert any("subtitle stream 1 (subrip) was left out" in notice for notice in report.notices)
    with av.open(str(tmp_path / target)) as written:
        assert [stream.type for stream in written.streams] == ["video"]


@pytest.mark.parametrize("target", ["out.mov", "out.mp4", "out.m4v", "out.mkv"])
def test_the_keys_of_a_phone_are_kept(tmp_path, target):
    """The make of a phone, and where and when it recorded, are in the output."""
    keys = {
        "com.apple.quicktime.make": "Phone", "com.apple.quicktime.location.ISO6709": "+10.0000+020.0000/",
        "com.apple.quicktime.creationdate": "2024-05-06T07:08:09+0200",
    }  # fmt: skip
    plain = Clip().write(tmp_path / "plain.mov")
    options = {"movflags": "use_metadata_tags"}
    source = remux(
        tmp_path / "in.mov", plain, options=options, prepare=lambda file: file.metadata.update(keys)
    )
    report = stylize(source, tmp_path / target, "null")
    with av.open(str(tmp_path / target)) as written:
        metadata = {key.lower(): value for key, value in written.metadata.items()}
    assert {key.lower(): value for key, value in keys.items()}.items() <= metadata.items()
    assert report.notices == []


@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
def test_sound_of_our_own_files_needs_no_notice(tmp_path, suffix):
    """Sound that begins before the picture is at zero in MKV and TS. Its way back to MP4 is no correction."""
    Clip(tones=[440]).write(tmp_path / "in.mp4")
    stylize(tmp_path / "in.mp4", tmp_path / f"copy{suffix}", "null")
    report = stylize(tmp_path / f"copy{suffix}", tmp_path / "out.mp4", "null")
    assert report.notices == []


def test_an_error_names_the_stream(tmp_path, monkeypatch):
    """If a container refuses a packet, the error names the stream, and no file is left."""

    def refuse(_track, _packet):
        raise av.error.InvalidDataError(1, "Invalid data", "out.mp4")

    monkeypatch.setattr(CopiedTrack, "write", refuse)
    source = Clip(tones=[440]).write(tmp_path / "in.mp4")
    with pytest.raises(
        MediaError, match=r"mp4 files cannot hold stream 1 \(aac\) of .*in\.mp4: Invalid data"
    ):
        stylize(source, tmp_path / "out.mp4", "null")
    assert list(tmp_path.iterdir()) == [source]


def test_a_track_that_the_muxer_drops_is_named(tmp_path):
    """MP4 drops a track of E-AC-3 that it cannot parse without an error: a notice names the stream."""
    source = Clip(tones=[440], audio_codec="eac3").write(tmp_path / "in.mkv")
    data = bytearray(source.read_bytes())
    with av.open(source) as container:
        for packet in container.demux(audio=0):
            payload = bytes(packet)
            if payload:
                place = data.find(payload)
                data[place : place + len(payload)] = bytes(len(payload))
    source.write_bytes(data)
    report = stylize(source, tmp_path / "out.mp4", "null")
    assert any("lacks stream 1 (eac3)" in notice for notice in report.notices)
    assert not any("metadata" in notice for notice in report.notices)
