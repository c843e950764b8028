"""A converted video keeps every frame at its time, its sound, its colours and its shape."""

import math
import os
import re
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from clips import Clip, convert, names_in, packets, read_clip, remux

from cartoonize import Encoding, MediaError
from cartoonize.media import VideoInfo, VideoSource, open_sink, open_source
from cartoonize.media.writing.video_sink import VideoSink

VARIABLE = (0, 1, 2, 5, 6, 11, 12, 13, 20, 21, 22, 30)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".webm"])
@pytest.mark.parametrize("times", [tuple(range(12)), VARIABLE], ids=["constant", "variable"])
def test_every_frame_keeps_its_time(tmp_path, suffix, times):
    """At constant and variable rates, no frame is dropped or invented, and each keeps its time to 1 ms."""
    source = Clip(times=times, time_base=Fraction(1, 24), tones=[440]).write(tmp_path / "in.mp4")
    convert(source, tmp_path / f"out{suffix}")
    before, after = read_clip(source), read_clip(tmp_path / f"out{suffix}")
    assert len(after.times) == len(before.times) == len(times)
    assert np.allclose(after.times, before.times, atol=1e-3)


def test_odd_time_bases_survive(tmp_path):
    """29.97 frames/s and a 90 kHz clock come out exactly, without drift."""
    base = Fraction(1, 90000)
    source = Clip(times=[3003 * n for n in range(40)], time_base=base, last_duration=3003)
    convert(source.write(tmp_path / "in.mp4"), tmp_path / "out.mp4")
    assert read_clip(tmp_path / "out.mp4").times == [float(3003 * n * base) for n in range(40)]


@pytest.mark.parametrize("last", [1, 20])
def test_the_output_lasts_as_long(tmp_path, last):
    """The last frame is shown for as long as in the source, so the duration is the same to 2 ms."""
    source = Clip(last_duration=last).write(tmp_path / "in.mp4")
    convert(source, tmp_path / "out.mp4")
    before, after = read_clip(source), read_clip(tmp_path / "out.mp4")
    assert after.seconds == pytest.approx(before.seconds, abs=2e-3)


def test_frames_come_out_in_the_order_they_went_in(tmp_path):
    """B-frames of the source are reordered once: the pictures match one by one."""
    images = [np.full((48, 64, 3), 10 + 9 * n, np.uint8) for n in range(25)]
    clip = Clip(times=range(25), images=images, options={"crf": "5", "bf": "3"})
    convert(clip.write(tmp_path / "in.mp4"), tmp_path / "out.mp4")
    after = read_clip(tmp_path / "out.mp4").images
    assert [round((float(image.mean()) - 10) / 9) for image in after] == list(range(25))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_is_copied_packet_for_packet(tmp_path, suffix):
    """Every audio stream is there, with identical packets and its language."""
    source = Clip(times=range(36), tones=[440, 660, 880]).write(tmp_path / "in.mp4")
    convert(source, tmp_path / f"out{suffix}")
    for track in range(3):
        assert packets(tmp_path / f"out{suffix}", track) == packets(source, track) != []
    with av.open(tmp_path / f"out{suffix}") as out:
        assert [s.metadata["language"] for s in out.streams.audio] == ["eng", "deu", "fra"]


def test_sound_can_be_left_out(tmp_path):
    """With `audio=False` there is no audio stream."""
    source = Clip(tones=[440]).write(tmp_path / "in.mp4")
    convert(source, tmp_path / "out.mp4", encoding=Encoding(audio=False))
    assert read_clip(tmp_path / "out.mp4").kinds == ["video"]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_metadata_and_chapters_are_kept(tmp_path, suffix):
    """Title, artist and chapters of the container come along."""
    clip = Clip(times=range(48), metadata={"title": "Holiday", "artist": "Me"}, chapters=True)
    convert(clip.write(tmp_path / "in.mp4"), tmp_path / f"out{suffix}")
    with av.open(tmp_path / f"out{suffix}") as out:
        metadata = {key.lower(): value for key, value in out.metadata.items()}
        assert (metadata["title"], metadata["artist"]) == ("Holiday", "Me")
        titles = [chapter["metadata"].get("title") for chapter in out.chapters()]
        assert titles == ["part 1", "part 2"]


@pytest.mark.parametrize("name", ["in.mkv", "in.mov", "in.mxf"])
def test_no_notice_about_metadata_of_the_container(tmp_path, name):
    """No notice calls a time code, which becomes a track of MP4, or identifiers of an MXF file lost."""
    clip = Clip(times=range(25), time_base=Fraction(1, 25), metadata={"timecode": "01:00:00:00"})
    if name == "in.mxf":
        clip.codec, clip.options = "mpeg2video", {}
    report = convert(clip.write(tmp_path / name), tmp_path / "out.mp4")
    assert report.notices == []
    with av.open(tmp_path / "out.mp4") as out:
        codes = [s.metadata.get("timecode") for s in out.streams]
        assert "01:00:00:00" in codes


def test_metadata_that_is_lost_is_named(tmp_path):
    """A key that the target's container cannot hold is named in a notice, not dropped in silence."""
    source = Clip(metadata={"FAVOURITE": "yes"}).write(tmp_path / "in.mkv")
    report = convert(source, tmp_path / "out.mp4")
    assert any("FAVOURITE" in notice for notice in report.notices)


def chart():
    """Patches of 16 pixels: primaries, greys and random colours; and where their insides are."""
    colours = np.random.default_rng(1).integers(0, 256, (6, 8, 3))
    colours[0] = [[255 * (n >> bit & 1) for bit in range(3)] for n in range(8)]
    colours[1] = np.linspace(0, 255, 8)[:, None]
    image = colours.repeat(16, 0).repeat(16, 1).astype(np.uint8)
    inside = np.zeros(image.shape[:2], bool)
    for row in range(6):
        for column in range(8):
            inside[row * 16 + 4 : row * 16 + 12, column * 16 + 4 : column * 16 + 12] = True
    return image, inside


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p"])
@pytest.mark.parametrize("color_range", [ColorRange.MPEG, ColorRange.JPEG], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", [Colorspace.ITU601, Colorspace.ITU709, Colorspace.BT2020])
def test_colours_survive(tmp_path, matrix, color_range, pixel_format):
    """A colour chart comes through within 2 grey levels, and matrix and range stay tagged."""
    image, inside = chart()
    clip = Clip(
        size=(128, 96), images=[image] * 3, times=range(3), colour=(matrix, color_range),
        pixel_format=pixel_format, options={"qp": "0"},
    )  # fmt: skip
    source = clip.write(tmp_path / "in.mp4")
    convert(source, tmp_path / "out.mp4", encoding=Encoding(crf=0))
    shown = []
    for path in (source, tmp_path / "out.mp4"):
        with av.open(path) as container:
            frame = next(container.decode(video=0))
        assert frame.colorspace == {Colorspace.ITU601: 6, Colorspace.ITU709: 1, Colorspace.BT2020: 9}[matrix]
        assert frame.color_range == color_range
        shown.append(frame.to_ndarray(format="yuv444p").astype(int))
    difference = np.abs(shown[0] - shown[1])[:, inside]
    assert difference.max() <= 2
    # And what the network sees is what was drawn, to the rounding of YUV.
    with VideoSource(source) as frames:
        seen = next(iter(frames)).image.astype(int)
    assert np.abs(seen - image)[inside].max() <= 3


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (33, 17), (64, 33), (161, 121)])
def test_any_size_works(tmp_path, size):
    """Odd and tiny sizes keep their size, by H.264 and VP9."""
    source = Clip(size=size, pixel_format="yuv444p", codec="ffv1", options={}).write(tmp_path / "in.mkv")
    for name in ("out.mp4", "out.webm"):
        convert(source, tmp_path / name)
        height, width, _ = read_clip(tmp_path / name).images[0].shape
        assert (width, height) == size


def test_grey_video_is_drawn_in_colour(tmp_path):
    """A black-and-white video becomes a video that every player shows, with its greys as they were."""
    source = Clip(codec="ffv1", pixel_format="gray", options={}).write(tmp_path / "in.mkv")
    convert(source, tmp_path / "out.mp4")
    with av.open(tmp_path / "out.mp4") as out:
        assert out.streams.video[0].codec_context.pix_fmt == "yuv420p"
    before, after = read_clip(source).images[0], read_clip(tmp_path / "out.mp4").images[0]
    assert np.abs(before.astype(int) - after).mean() < 2


def test_a_part_can_be_taken(tmp_path):
    """`start` and `end` take the frames between, from time zero, with the sound of that part."""
    clip = Clip(times=range(96), tones=[440], options={"crf": "5", "g": "24"})
    images = [np.full((48, 64, 3), 10 + 2 * n, np.uint8) for n in range(96)]
    clip.images = images
    source = clip.write(tmp_path / "in.mp4")
    report = convert(source, tmp_path / "out.mp4", start=1.5, end=2.5)
    after = read_clip(tmp_path / "out.mp4")
    assert report.frames == len(after.times) == 24
    assert after.times[0] == pytest.approx(0, abs=1e-3)
    assert round((float(after.images[0].mean()) - 10) / 2) == pytest.approx(36, abs=1)
    assert after.seconds == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_part_holds_the_sound_of_that_part(tmp_path, suffix):
    """Sound from before `start` or after `end` is not in the output, in any container."""
    source = Clip(times=range(96), tones=[440]).write(tmp_path / "in.mkv")
    convert(source, tmp_path / f"out{suffix}", start=2, end=3)
    whole, part = packets(source, 0), packets(tmp_path / f"out{suffix}", 0)
    assert len(part) == pytest.approx(len(whole) / 4, abs=2)
    assert part[0] in whole[len(whole) // 2 - 2 : len(whole) // 2 + 2]


@pytest.mark.parametrize("every", [24, 96])
def test_transport_streams_can_be_cut_anywhere(tmp_path, every):
    """A part of an MPEG-TS file begins at its frame, however far the keyframe before it is."""
    clip = Clip(times=[3750 * n for n in range(96)], time_base=Fraction(1, 90000), last_duration=3750)
    clip.options = {"crf": "10", "g": str(every), "keyint_min": str(every), "bf": "0"}
    source = clip.write(tmp_path / "in.ts")
    report = convert(source, tmp_path / "out.mp4", start=2.5)
    assert report.frames == pytest.approx(36, abs=1)
    assert read_clip(tmp_path / "out.mp4").times[0] == pytest.approx(0, abs=0.05)


def test_chapters_follow_the_part(tmp_path):
    """Chapters of a part count from its start, and end where it ends."""
    source = Clip(times=range(96), chapters=True).write(tmp_path / "in.mkv")
    convert(source, tmp_path / "out.mkv", start=1, end=3)
    with av.open(tmp_path / "out.mkv") as out:
        spans = [(c["start"] * c["time_base"], c["end"] * c["time_base"]) for c in out.chapters()]
    assert [tuple(map(float, span)) for span in spans] == [(0, 1), (1, 2)]


def add_cover(container):
    """Add the stream of a cover picture; return a function that encodes it."""
    cover = container.add_stream("mjpeg")
    cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
    cover.disposition = av.stream.Disposition.attached_pic
    picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 90, np.uint8), "rgb24")

    def encode():
        (packet,) = cover.encode(picture.reformat(format="yuvj420p")) or cover.encode(None)
        return packet

    return encode


def with_cover(path):
    """A clip with a cover picture, whose bytes are returned."""
    clip = Clip()
    with av.open(path, "w") as container:
        video, encode_cover = clip._video_stream(container), add_cover(container)
        for number, pts in enumerate(clip.times):
            container.mux(video.encode(clip._frame(number, pts)))
        container.mux(video.encode(None))
        packet = encode_cover()
        payload = bytes(packet)
        container.mux(packet)
    return payload


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_cover_pictures_are_kept(tmp_path, suffix):
    """The cover of a video stays its cover, byte for byte; in Matroska it is an attachment."""
    payload = with_cover(tmp_path / "in.mp4")
    report = convert(tmp_path / "in.mp4", tmp_path / f"out{suffix}")
    assert report.notices == []
    with av.open(tmp_path / f"out{suffix}") as out:
        covers = [
            s
            for s in out.streams
            if s.type == "attachment" or s.disposition & av.stream.Disposition.attached_pic
        ]
        assert len(covers) == 1
        written = covers[0].data if covers[0].type == "attachment" else bytes(next(out.demux(covers[0])))
    assert written == payload


@pytest.mark.parametrize("suffix", [".avi", ".mov", ".webm"])
def test_a_cover_that_cannot_be_kept_is_named(tmp_path, suffix):
    """If the container has no covers, a notice says so, and the cover does not become a second video."""
    with_cover(tmp_path / "in.mp4")
    report = convert(tmp_path / "in.mp4", tmp_path / f"out{suffix}")
    assert report.notices == ["The cover picture, stream 1 (mjpeg), was left out: the output cannot hold it."]
    with av.open(tmp_path / f"out{suffix}") as out:
        assert len(out.streams) == 1


def test_sound_that_players_could_not_find_is_reencoded(tmp_path):
    """FLAC, which players cannot find in MPEG-TS, becomes AAC, with a notice."""
    source = Clip(times=range(48), tones=[440], audio_codec="flac").write(tmp_path / "in.mkv")
    report = convert(source, tmp_path / "out.ts")
    assert any("re-encoded as aac" in notice for notice in report.notices)
    with av.open(tmp_path / "out.ts") as out:
        assert [s.codec_context.name for s in out.streams.audio] == ["aac"]


def test_names_of_tracks_are_kept(tmp_path):
    """The title of an audio track survives MP4 and Matroska."""
    plain = Clip(times=range(24), tones=[440]).write(tmp_path / "plain.mkv")
    source = remux(
        tmp_path / "in.mkv", plain, prepare=lambda file: file.streams[1].metadata.update(title="Director")
    )
    convert(source, tmp_path / "one.mp4")
    convert(tmp_path / "one.mp4", tmp_path / "two.mp4")
    for name in ("one.mp4", "two.mp4"):
        with av.open(tmp_path / name) as out:
            assert "Director" in out.streams.audio[0].metadata.values()


def test_a_part_of_a_transport_stream_may_lie_before_its_second_keyframe(tmp_path):
    """A part of a transport stream that begins before its second keyframe has all of its frames."""
    source = Clip(times=range(100), time_base=Fraction(1, 10), options={"g": "20"}).write(tmp_path / "in.ts")
    convert(source, tmp_path / "out.mkv", start=1)
    expected = [time for time in read_clip(source).times if time > 0.99]
    assert len(read_clip(tmp_path / "out.mkv").times) == len(expected) > 85


@pytest.mark.parametrize(
    ("start", "end"),
    [(-1, None), (2, 1), (1, 1), (100, None), (math.nan, None), (0, math.inf), (1e300, None)],
)
def test_an_impossible_part_is_refused(tmp_path, start, end):
    """Negative, reversed, empty and out-of-range times are an error, and nothing is written."""
    source = Clip().write(tmp_path / "in.mp4")
    with pytest.raises(MediaError):
        convert(source, tmp_path / "out.mp4", start=start, end=end)
    assert not (tmp_path / "out.mp4").exists()


def test_nothing_is_left_after_an_error(tmp_path):
    """If a conversion fails in the middle, no new file is left, and an earlier output stays."""
    source = Clip().write(tmp_path / "in.mp4")
    target = tmp_path / "out.mp4"
    target.write_text("earlier")
    with pytest.raises(RuntimeError, match="power"), open_source(source) as frames:  # noqa: SIM117, PT012
        with open_sink(target, frames, overwrite=True) as sink:
            sink.write(next(iter(frames)))
            raise RuntimeError("power")
    assert target.read_text() == "earlier"
    assert names_in(tmp_path) == ["in.mp4", "out.mp4"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("zero.mp4", b""), ("noise.mp4", bytes(range(256)) * 40), ("text.mkv", b"hello")],
)
def test_what_is_no_video_is_an_error(tmp_path, name, content):
    """Empty files and files of another kind are refused in a sentence that names them."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MediaError, match=name):
        convert(path, tmp_path / "out.mp4")


def test_music_with_a_cover_is_an_error(tmp_path):
    """A file of sound with a cover is no video: the message says what its picture is."""
    with av.open(tmp_path / "in.mp3", "w") as container:
        sound = container.add_stream("libmp3lame", rate=48000, layout="mono")
        container.mux(add_cover(container)())
        for frame in Clip(times=range(24)).sound(440):
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    with pytest.raises(MediaError, match=r"no video stream in .*; the picture in it is the cover"):
        convert(tmp_path / "in.mp3", tmp_path / "out.mp4")


def test_sound_alone_is_an_error(tmp_path):
    """A file without a picture is refused."""
    with av.open(tmp_path / "in.m4a", "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        for frame in Clip(times=range(24)).sound(440):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(MediaError, match="no video stream"):
        convert(tmp_path / "in.m4a", tmp_path / "out.mp4")


@pytest.mark.parametrize(
    ("codec", "size", "message"),
    [
        ("libx264", (64, 20000), "64x20000: its limit is 16384x16384. Reduce them by --max-size 16384, or"),
        ("libsvtav1", (6000, 12000), "its limit is 16384x8704. Reduce them by --max-size 8704, or"),
        ("mpeg4", (8192, 64), "--max-size 8191, or write .mp4 or .mkv with --codec hevc"),
    ],
)
def test_frames_beyond_the_limit_of_an_encoder(tmp_path, codec, size, message):
    """The message states the limit of the encoder, and the option that reduces the frames to it."""
    video = VideoInfo.of_frames(*size, 25)
    with pytest.raises(MediaError, match=re.escape(message)):
        VideoSink(tmp_path / "out.mp4", video, encoding=Encoding(codec=codec), overwrite=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("target", "encoding", "message"),
    [
        ("out.mp4", Encoding(codec="nonsense"), "try libx264"),
        ("out.mp4", Encoding(codec="aac"), "not a video encoder"),
        ("out.webm", Encoding(codec="libx264"), "cannot hold libx264"),
        ("out.xyz", None, "names no video format"),
        ("missing/out.mp4", None, "no folder"),
        ("out.mp4", Encoding(preset="sideways"), "no preset 'sideways'"),
        ("out.mp4", Encoding(codec="mpeg4", crf=20), "mpeg4 has no crf"),
        ("out.mp4", Encoding(crf=52), "crf of libx264 ends at 51"),
        ("out.mp4", Encoding(codec="hevc", crf=60), "crf of libx265 ends at 51"),
        ("out.m3u8", None, "names no video format"),
    ],
)
def test_what_cannot_be_written_is_an_error(tmp_path, target, encoding, message):
    """Errors name unknown encoders, containers and folders, and no file is left."""
    source = Clip().write(tmp_path / "in.mp4")
    with pytest.raises(MediaError, match=message):
        convert(source, tmp_path / target, encoding=encoding)
    assert names_in(tmp_path) == ["in.mp4"]


def test_mpeg4_takes_fine_clocks(tmp_path):
    """MPEG-4 counts time in 16 bits: a 90 kHz clock is rounded to well under a millisecond."""
    source = Clip(times=[3003 * n for n in range(10)], time_base=Fraction(1, 90000), last_duration=3003)
    convert(source.write(tmp_path / "in.mp4"), tmp_path / "out.mp4", encoding=Encoding(codec="mpeg4"))
    times = read_clip(tmp_path / "out.mp4").times
    assert times == pytest.approx([3003 * n / 90000 for n in range(10)], abs=1e-3)


def test_damage_in_the_middle_is_reported(tmp_path):
    """Packets that cannot be decoded are left out and counted in a notice; the rest keeps its time."""
    source = Clip(times=range(48), size=(320, 240), codec="mjpeg", pixel_format="yuvj420p", options={})
    path = source.write(tmp_path / "in.avi")
    with av.open(path) as container:
        damaged = [packet for packet in container.demux(video=0) if packet.size][20]
    data = bytearray(path.read_bytes())
    data[damaged.pos : damaged.pos + damaged.size] = bytes(damaged.size)
    path.write_bytes(data)
    report = convert(path, tmp_path / "out.mp4", tolerate_errors=True)
    times = read_clip(tmp_path / "out.mp4").times
    assert report.frames == len(times) == 47
    assert any("damaged" in notice for notice in report.notices)
    assert times[-1] == pytest.approx(47 / 24, abs=1e-3)


def test_a_file_that_ends_within_its_header_is_not_an_error_of_the_disk(tmp_path):
    """A Matroska file that ends within its header is called incomplete."""
    path = tmp_path / "cut.mkv"
    path.write_bytes(Clip().write(tmp_path / "whole.mkv").read_bytes()[:60])
    with pytest.raises(MediaError, match="ends too early"):
        VideoSource(path)


def test_a_link_without_a_target_is_named(tmp_path):
    """A link to a file that does not exist is named, without a suggestion."""
    path = tmp_path / "gone.mp4"
    path.symlink_to(tmp_path / "nowhere.mp4")
    with pytest.raises(MediaError, match=r"gone.mp4 is a link to a file that does not exist\.$"):
        VideoSource(path)


@pytest.mark.skipif(sys.platform != "linux", reason="real-time priorities of Linux")
def test_av1_encoding_leaves_the_machine_to_others(tmp_path):
    """After AV1 was encoded, no thread of the program has a real-time priority."""
    source = Clip(times=range(6)).write(tmp_path / "in.mp4")
    convert(source, tmp_path / "out.mkv", encoding=Encoding(codec="libsvtav1"))
    policies = {os.sched_getscheduler(int(folder.name)) for folder in Path("/proc/self/task").iterdir()}
    assert os.SCHED_FIFO not in policies
