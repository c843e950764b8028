"""Decoded frames as images of one size."""

from fractions import Fraction

import av
import numpy as np
import pytest
from clips import Clip, require_encoder

from cartoonize import open_source, stylize
from cartoonize.media import Decoding, VideoSource

COLOURS = [(230, 40, 40), (40, 200, 40), (60, 60, 220)]


def joined(path, sizes, codec="libvpx", aspects=(), container_aspect=None):
    """A video of 4 frames of each size, each of one colour, whose frame size changes within the stream."""
    require_encoder(codec)
    with av.open(path, "w") as target:
        stream = None
        for number, size in enumerate(sizes):
            part = path.with_name(f"part{number}{path.suffix}")
            images = [np.full((size[1], size[0], 3), COLOURS[number], np.uint8)] * 4
            aspect = aspects[number] if aspects else Fraction(1)
            options = {"b": "1M"} if codec == "libvpx" else {}
            clip = Clip(
                size, range(4), Fraction(1, 25), codec=codec, options=options, images=images, aspect=aspect
            )
            with av.open(clip.write(part)) as source:
                stream = stream or target.add_stream_from_template(source.streams.video[0], opaque=True)
                ticks = round(4 * Fraction(1, 25) / source.streams.video[0].time_base)
                start = source.start_time and round(
                    Fraction(source.start_time, av.time_base) / source.streams.video[0].time_base
                )
                for packet in source.demux(video=0):
                    if packet.size:
                        packet.pts += number * ticks - (start or 0)
                        packet.dts += number * ticks - (start or 0)
                        packet.stream = stream
                        target.mux(packet)
    return path


def is_filled(image, colour, tolerance=14):
    return np.abs(image.astype(int) - colour).max() <= tolerance


def test_frames_of_another_size_are_fitted_into_the_first(tmp_path):
    """Each frame keeps its proportions, centred in the size of the first frame, with one notice."""
    path = joined(tmp_path / "in.webm", [(160, 90), (80, 45), (90, 160)])
    with open_source(path) as source:
        images = [frame.image for frame in source]
        notices = source.notices
    assert [image.shape for image in images] == [(90, 160, 3)] * 12
    assert is_filled(images[0], COLOURS[0])
    assert is_filled(images[5], COLOURS[1])  # of the same proportions: no bars
    upright = images[9]
    assert is_filled(upright[:, 57:103], COLOURS[2])  # 90 x 160 becomes 51 x 90
    assert is_filled(upright[:, :53], (0, 0, 0))
    assert is_filled(upright[:, 107:], (0, 0, 0))
    assert notices == [
        "The frame size of in.webm changes from 160x90 to 80x45; all frames were fitted into the first size."
    ]


@pytest.mark.parametrize("detail", ["low", "full"])
@pytest.mark.parametrize("max_size", [None, 80])
def test_fitted_frames_have_one_size_in_every_way_of_reading(tmp_path, detail, max_size):
    """Frames of another size become as large as the others, also with --max-size and --detail."""
    path = joined(tmp_path / "in.webm", [(160, 90), (90, 160)])
    with open_source(path, decoding=Decoding(max_size=max_size, detail=detail)) as source:
        frames = list(source)
    assert len({frame.image.shape for frame in frames}) == 1
    assert {frame.size for frame in frames} == {(160, 90) if max_size is None else (80, 44)}


def test_frames_of_another_pixel_aspect_fill_the_picture(tmp_path):
    """A broadcast that changes from 176x144 to 88x144 with pixels twice as wide shows no bars."""
    path = joined(
        tmp_path / "in.ts",
        [(176, 144), (88, 144)],
        "libx264",
        aspects=[Fraction(12, 11), Fraction(24, 11)],
    )
    with open_source(path) as source:
        images = [frame.image for frame in source]
    assert [image.shape for image in images] == [(144, 176, 3)] * 8
    assert is_filled(images[7], COLOURS[1])


def test_a_video_that_changes_size_is_written_whole(tmp_path):
    """All frames of a video that changes its size are in the output, with a notice."""
    path = joined(tmp_path / "in.webm", [(160, 90), (90, 160)])
    report = stylize(path, tmp_path / "out.webm", "null")
    assert report.frames == 8
    assert any("changes from 160x90 to 90x160" in notice for notice in report.notices)


def test_a_pixel_aspect_that_changes_alone_is_fitted(tmp_path):
    """If only the shape of the pixels changes, later frames keep their proportions between black bars."""
    white = [np.full((48, 64, 3), 235, np.uint8)] * 12
    parts = [
        Clip(times=range(12), images=white, aspect=aspect).write(tmp_path / f"{number}.ts")
        for number, aspect in enumerate((Fraction(1), Fraction(2)))
    ]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with VideoSource(path) as source:
        images = [frame.image for frame in source]
    assert len(images) == 24
    assert {image.shape for image in images} == {(48, 64, 3)}
    assert images[0].min() > 200
    assert images[-1][24].min() > 200
    assert images[-1][[2, 45]].max() < 20
    assert any("pixel aspect ratio of joined.ts changes" in notice for notice in source.notices)
