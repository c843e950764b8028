"""All kinds of input and output that are supported, one row each.

The media are made here. What this build of FFmpeg cannot make is skipped by name.
"""

import subprocess
from fractions import Fraction

import av
import numpy as np
import pytest
from clips import Clip, convert, mean_difference, read_clip, require_encoder, stream_kinds
from processes import command_line

from cartoonize import Encoding, MediaError
from cartoonize.core.containers import CONTAINERS
from cartoonize.media import open_video

H264 = {"crf": "10", "bf": "2"}
WITHOUT_B_FRAMES = {"crf": "10", "bf": "0"}
VP9 = {"crf": "10", "b": "0", "deadline": "realtime", "cpu-used": "8"}

# id -> suffix, encoder, pixel format, options
INPUTS = {
    "h264-mp4": (".mp4", "libx264", "yuv420p", H264),
    "h264-mov": (".mov", "libx264", "yuv420p", H264),
    "h264-mkv": (".mkv", "libx264", "yuv420p", H264),
    "h264-ts": (".ts", "libx264", "yuv420p", H264),
    "h264-flv": (".flv", "libx264", "yuv420p", H264),
    "h264-avi": (".avi", "libx264", "yuv420p", WITHOUT_B_FRAMES),
    "hevc-mp4": (".mp4", "libx265", "yuv420p", {"crf": "10", "x265-params": "log-level=none"}),
    "hevc-ts": (".ts", "libx265", "yuv420p", {"crf": "10", "x265-params": "log-level=none"}),
    "vp8-webm": (".webm", "libvpx", "yuv420p", {"crf": "4", "b": "4M"}),
    "vp9-webm": (".webm", "libvpx-vp9", "yuv420p", VP9),
    "vp9-mp4": (".mp4", "libvpx-vp9", "yuv420p", VP9),
    "av1-mp4": (".mp4", "libsvtav1", "yuv420p", {"crf": "10", "preset": "12"}),
    "av1-webm": (".webm", "libsvtav1", "yuv420p", {"crf": "10", "preset": "12"}),
    "mpeg4-avi": (".avi", "mpeg4", "yuv420p", {"b": "4M"}),
    "mpeg4-mp4": (".mp4", "mpeg4", "yuv420p", {"b": "4M", "bf": "2"}),
    "mpeg2-ts": (".ts", "mpeg2video", "yuv420p", {"b": "4M", "bf": "2"}),
    "mjpeg-avi": (".avi", "mjpeg", "yuvj420p", {}),
    "mjpeg-mov": (".mov", "mjpeg", "yuvj420p", {}),
    "prores-mov": (".mov", "prores_ks", "yuv422p10le", {}),
    "ffv1-mkv": (".mkv", "ffv1", "yuv444p", {}),
    "flash-flv": (".flv", "flv", "yuv420p", {"b": "4M"}),
    "y4m": (".y4m", "rawvideo", "yuv420p", {}),
}


def clip(kind):
    """The clip of a row, 12 frames at 24 frames/s; and its suffix."""
    suffix, encoder, pixel_format, options = INPUTS[kind]
    require_encoder(encoder)
    return Clip(codec=encoder, pixel_format=pixel_format, options=options), suffix


@pytest.mark.parametrize("kind", INPUTS)
def test_every_codec_and_container_is_read(tmp_path, kind):
    """Each frame is written once, in order, at its time within 1 ms, with its picture."""
    made, suffix = clip(kind)
    source = made.write(tmp_path / f"in{suffix}")
    report = convert(source, tmp_path / "out.mkv")
    before, after = read_clip(source), read_clip(tmp_path / "out.mkv")
    assert report.frames == len(before.times) == 12
    assert np.allclose(before.times, after.times, atol=1e-3)
    assert mean_difference(before.images, after.images) < 3


@pytest.mark.parametrize("target", ["y4m", "matroska", "mpegts", "mp4"])
def test_a_video_goes_through_pipes(tmp_path, target):
    """`-` reads standard input and writes standard output, which gets the video and nothing else."""
    source = Clip(times=range(24), tones=[440]).write(tmp_path / "in.mp4")
    first = command_line("video", source, "-", "--style", "null", "--format", target)
    second = command_line("video", "-", tmp_path / "out.mkv", "--style", "null")
    piped = subprocess.run(first, capture_output=True, check=True, cwd=tmp_path).stdout
    subprocess.run(second, input=piped, capture_output=True, check=True, cwd=tmp_path)
    before, after = read_clip(source), read_clip(tmp_path / "out.mkv")
    delay = after.times[0] - before.times[0]  # formats without times below zero start later by the B-frames
    assert 0 <= delay < 0.1
    assert np.allclose(np.array(after.times) - delay, before.times, atol=2e-3)
    assert mean_difference(before.images, after.images) < 3
    if target != "y4m":  # which holds no sound
        assert len(after.audio[0]) == len(before.audio[0])


@pytest.mark.parametrize("mirrored", [False, True], ids=["", "mirrored"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_every_orientation_is_upright(tmp_path, rotation, mirrored):
    """All eight orientations of a camera are converted as a player shows them, also if pixels are not square.

    The output states no orientation.
    """
    picture, aspect = np.zeros((48, 64, 3), np.uint8), Fraction(4, 3)
    picture[:16, :32], picture[32:, :16] = 240, 120
    made = Clip(images=[picture] * 3, times=range(3), rotation=rotation, mirrored=mirrored, aspect=aspect)
    convert(made.write(tmp_path / "in.mp4"), tmp_path / "out.mp4")
    upright = np.rot90(picture, rotation // 90)[:, :: -1 if mirrored else 1]
    with av.open(tmp_path / "out.mp4") as out:
        frame = next(out.decode(video=0))
        written = out.streams.video[0].sample_aspect_ratio
    shown = frame.to_ndarray(format="rgb24")
    assert frame.rotation == 0
    assert shown.shape == upright.shape
    assert np.abs(shown.astype(int) - upright).mean() < 4
    assert written == (aspect if rotation % 180 == 0 else 1 / aspect)


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["libx264", "libvpx-vp9"])
def test_8k_works(tmp_path, codec):
    """A video of 7680x4320 is converted."""
    made = Clip(size=(7680, 4320), times=range(2), codec="mjpeg", pixel_format="yuvj420p", options={})
    encoding = Encoding(codec=codec, preset="ultrafast" if codec == "libx264" else "8")
    convert(made.write(tmp_path / "in.mkv"), tmp_path / "out.mkv", encoding=encoding)
    assert [image.shape for image in read_clip(tmp_path / "out.mkv").images] == [(4320, 7680, 3)] * 2


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("libx264", ".mp4"), ("libx265", ".mp4"), ("libsvtav1", ".mp4"), ("libvpx-vp9", ".webm"),
        ("libvpx", ".webm"), ("prores_ks", ".mov"), ("ffv1", ".mkv"), ("mjpeg", ".avi"), ("mpeg4", ".avi"),
        ("h264_nvenc", ".mp4"), ("hevc_nvenc", ".mp4"), ("av1_nvenc", ".mp4"), ("h264_qsv", ".mp4"),
        ("h264_amf", ".mp4"), ("h264_videotoolbox", ".mp4"),
    ],
)  # fmt: skip
def test_every_encoder_has_sound_defaults(tmp_path, codec, suffix):
    """Each encoder writes all frames at their times, close to the source.

    If it needs hardware that is missing, the error names it.
    """
    require_encoder(codec)
    source = Clip(size=(256, 144), codec="ffv1", options={}).write(tmp_path / "in.mkv")
    target = tmp_path / f"out{suffix}"
    try:
        convert(source, target, encoding=Encoding(codec=codec))
    except MediaError as error:
        problem = str(error)
    else:
        problem = ""
    if problem and codec.partition("_")[2] in ("nvenc", "qsv", "amf", "videotoolbox"):
        assert codec in problem
        assert not target.exists()
        pytest.skip(f"this machine has no such hardware: {problem}")
    assert problem == ""
    before, after = read_clip(source), read_clip(target)
    assert np.allclose(before.times, after.times, atol=1e-3)
    assert mean_difference(before.images, after.images) < 3


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container.muxer)
def test_every_container_of_the_table(tmp_path, container):
    """Each row of the table of containers holds all frames, at their times to 1 ms or the tick of a GIF.

    It holds the sound, or a notice names it.
    """
    source = Clip(tones=[440], options=H264).write(tmp_path / "in.mp4")
    for suffix in container.suffixes:
        target = tmp_path / f"out{suffix}"
        report = convert(source, target, overwrite=True)
        with open_video(target) as written:
            times = [frame.time for frame in written]
        assert len(times) == 12
        tick = 0.006 if suffix == ".gif" else 1e-3
        assert np.allclose(np.array(times) - times[0], np.arange(12) / 24, atol=tick)
        if suffix != ".webp" and "audio" not in stream_kinds(target):  # FFmpeg cannot read animated WebP
            assert any("audio stream 1" in notice for notice in report.notices)
