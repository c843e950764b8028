"""Frames that a GPU converts to YUV 4:2:0 become the same video as those that the CPU converts."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from clips import Clip, all_packets, mean_difference, read_clip
from on_device import InPyTorch
from PIL import Image

from cartoonize import Decoding, Encoding, Look, Retouch, open_sink, open_source
from cartoonize.media import SegmentSink
from cartoonize.media.writing.encoder import Encoder
from cartoonize.media.writing.segments import read_segment
from cartoonize.run.frame_range import FrameRange, convert_frame_range
from cartoonize.run.job import prepare_decoding, run
from cartoonize.run.report import Report

PICTURE = np.dstack([*np.meshgrid(np.arange(160), np.arange(120)), np.full((120, 160), 90)]).astype(np.uint8)
"""A smooth picture of 160x120 in many colours."""


def draw(images):
    return 255 - images // 2


@pytest.fixture
def written(monkeypatch):
    """Whether the frames that encoders get are YUV."""
    kinds, write = [], Encoder.write
    monkeypatch.setattr(
        Encoder, "write", lambda encoder, frame: kinds.append(frame.is_yuv) or write(encoder, frame)
    )
    return kinds


def convert(source, target, *, gpu=True, look=None, encoding=None, on_frame=None):
    look, backend = look or Look(), InPyTorch(draw)
    backend.runs_effects = gpu
    fps = Fraction(24) if source.is_dir() else None
    decoding = prepare_decoding(Decoding(detail="low", fps=fps), look, "a network", [])
    with open_source(source, decoding=decoding) as frames:
        size = look.size(frames.video.width, frames.video.height)
        sink = open_sink(target, frames, encoding=encoding, size=size)
        return run(frames, sink, backend, Report(str(target), ""), look=look, on_frame=on_frame)


def tags(path):
    with av.open(path) as container:
        frame = next(container.decode(video=0))
        return frame.colorspace, frame.color_range, frame.color_trc, frame.color_primaries, frame.format.name


@pytest.mark.parametrize("look", [Look(), Look(stabilize=False, retouch=Retouch(strength=0.6))], ids=str)
@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
@pytest.mark.parametrize(
    "colour", [None, (Colorspace.ITU709, ColorRange.JPEG), (Colorspace.BT2020, ColorRange.MPEG)]
)
def test_the_video_is_the_same(tmp_path, written, colour, suffix, look):
    """Colours agree within a level, times and tags exactly, for each matrix and range."""
    images = [np.roll(PICTURE, 3 * number, 1) for number in range(6)]
    clip = Clip((160, 120), (0, 1, 2, 4, 5, 6), images=images, colour=colour, tones=[440])
    source = clip.write(tmp_path / "in.mp4")
    targets = [tmp_path / f"{name}{suffix}" for name in ("gpu", "cpu")]
    report, _ = (convert(source, target, gpu=target.stem == "gpu", look=look) for target in targets)
    assert written == [True] * 6 + [False] * 6
    assert (report.width, report.height) == (160, 120)
    on_gpu, on_cpu = map(read_clip, targets)
    assert (on_gpu.times, on_gpu.seconds) == (on_cpu.times, on_cpu.seconds)
    assert tags(targets[0]) == tags(targets[1])
    assert mean_difference(on_cpu.images, on_gpu.images) < 1


LOSSLESS = {"codec": "ffv1", "options": {}}


@pytest.mark.parametrize(
    ("clip", "target", "options"),
    [
        (Clip((65, 49), **LOSSLESS), "odd.webm", {}),
        (Clip(pixel_format="yuva420p", **LOSSLESS), "alpha.mp4", {}),
        (Clip(pixel_format="yuv444p"), "444.mp4", {}),
        (Clip(), "deep.mov", {"encoding": Encoding(codec="prores_ks")}),
        (Clip(), "animation.gif", {}),
        (Clip(), "compare.mp4", {"look": Look(retouch=Retouch(compare="side"))}),
        (Clip(), "hold.mp4", {"look": Look(hold=2)}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_stays_rgb(tmp_path, written, clip, target, options):
    """Odd sizes, transparency, other pixel formats, and effects that a GPU does not have keep RGB."""
    report = convert(clip.write(tmp_path / "in.mkv"), tmp_path / target, **options)
    assert written == [False] * 12
    assert (report.frames, report.height) == (12, clip.size[1])


def test_pictures_that_differ_from_the_first(tmp_path, written):
    """A picture of another size and a transparent one look in a video as the CPU converts them."""
    (tmp_path / "in").mkdir()
    picture = Image.fromarray(PICTURE)
    picture.save(tmp_path / "in" / "a.png")
    picture.resize((80, 60)).save(tmp_path / "in" / "b.png")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    picture.save(tmp_path / "in" / "c.png")
    look = Look(stabilize=False)
    reports = [convert(tmp_path / "in", tmp_path / f"{gpu}.mp4", gpu=gpu, look=look) for gpu in (True, False)]
    assert written == [True] * 3 + [False] * 3
    assert reports[0].notices == reports[1].notices
    assert any("was laid on white" in notice for notice in reports[0].notices)
    on_gpu, on_cpu = (read_clip(tmp_path / f"{gpu}.mp4").images for gpu in (True, False))
    for image, other in zip(on_gpu, on_cpu, strict=True):
        assert mean_difference([image], [other]) < 1


class PowerError(Exception):
    """Stops a run."""


def test_a_run_is_resumed_and_divided(tmp_path, written, short_segments):
    """A stopped and resumed run, and a segment made alone, equal an uninterrupted run."""
    source = Clip(times=range(60)).write(tmp_path / "in.mp4")
    convert(source, tmp_path / "whole.mp4")

    def stop(done):
        if done == 50:
            raise PowerError

    with pytest.raises(PowerError):
        convert(source, tmp_path / "pieces.mp4", on_frame=stop)
    kept = (tmp_path / ".pieces.mp4.cartoonize" / "segment-24").read_bytes()
    with open_source(source, decoding=Decoding(detail="low")) as frames:
        sink = SegmentSink(frames.video, Encoding(), "mp4")
        part = FrameRange(24, 48, mark=read_segment(io.BytesIO(kept)).before)
        made = convert_frame_range(frames, sink, InPyTorch(draw), part, Look(), batch=4, segment=24)
        assert [data for _, data in filter(None, made)] == [kept]
    assert convert(source, tmp_path / "pieces.mp4").resumed == 48
    assert all_packets(tmp_path / "pieces.mp4") == all_packets(tmp_path / "whole.mp4")
    assert all(written)
