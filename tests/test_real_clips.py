"""Clips from real cameras, browsers and encoders, if they are available."""

import av
import numpy as np
import pytest
from clips import CASES, SHARED, packets

from cartoonize import MediaError, open_source, stylize
from cartoonize.media.remote import open_container
from cartoonize.web.limits import Limits

CLIPS = sorted((SHARED / "clips").glob("*.*")) if (SHARED / "clips").is_dir() else []


def frame_times(path):
    """Times of all frames that can be decoded."""
    times = []
    with av.open(path) as container:
        for packet in container.demux(video=0):
            try:
                times += [float(frame.pts * frame.time_base) for frame in packet.decode()]
            except av.error.InvalidDataError:
                continue
    return times


@pytest.mark.skipif(not CLIPS, reason="the clips are not here")
@pytest.mark.parametrize("suffix", ["", ".mkv"], ids=["same", "mkv"])
@pytest.mark.parametrize("clip", CLIPS, ids=lambda path: path.name)
def test_real_clips_keep_their_frames_and_sound(tmp_path, clip, suffix):
    """Every frame is there at its time, to 1 ms; audio packets are identical; size and aspect are kept."""
    target = tmp_path / f"out{suffix or clip.suffix}"
    report = stylize(clip, target, "null", end=4, tolerate_errors=True)
    before, after = [time for time in frame_times(clip) if time < 4 - 1e-6], frame_times(target)
    assert report.frames == len(before) == len(after)
    assert np.allclose(before, after, atol=1e-3)
    with av.open(clip) as source, av.open(target) as out:
        assert len(out.streams.audio) == len(source.streams.audio)
        tracks = range(len(source.streams.audio))
        shapes = [
            (stream.width, stream.height, stream.sample_aspect_ratio or 1)
            for stream in (source.streams.video[0], out.streams.video[0])
        ]
    assert shapes[0] == shapes[1]
    for track in tracks:
        kept = packets(target, track)
        assert kept == packets(clip, track)[: len(kept)] != []


@pytest.mark.skipif(not (SHARED / "clips" / "hlg-10bit-hevc.mp4").exists(), reason="the clips are not here")
def test_a_phones_hdr_is_not_washed_out():
    """A colour chart filmed in HLG has white near white, black near black, and saturated colours."""
    with open_source(SHARED / "clips" / "hlg-10bit-hevc.mp4") as source:
        image = next(iter(source)).image.astype(int)
    dark, bright = np.percentile(image, [1, 95])
    assert dark < 45
    assert bright > 230
    assert np.percentile(image.max(-1) - image.min(-1), 95) > 120


FRAMES = {  # of files with a fault: how many frames are whole
    "24packets-2frames.mp4": 2, "last-packet-cut.mp4": 23, "silent-a.webm": 23, "silent-hevc.mp4": 12,
    "silent-av1.webm": 6, "silent-a.flv": 13, "mid-zero-a.mov": 5, "mid-rand-a.apng": 3,
    "eperm-prores.mov": 4,
}  # fmt: skip
WHOLE = [  # name, suffixes of outputs, frames, part of a notice (empty: any), streams beside the video
    ("mono_wma.wmv", ".mp4 .mkv .mov .ts .flv", 25, "re-encoded", ["audio"]),
    ("pcm_u8.avi", ".mp4 .ts .flv", 25, "re-encoded", ["audio"]),
    ("pcm_u8.avi", ".mkv .mov", 25, "", ["audio"]),
    ("v03_dupdts.mkv", ".mp4 .mkv .ts", 50, "jump or repeat", ["audio"]),
    ("joined.ts", ".mp4 .mkv .ts", 100, "jump or repeat", ["audio"]),
    ("v01_longcue.mkv", ".mp4 .mkv", 50, "", ["audio", "subtitle"]),
    ("v02_lastheld.mkv", ".mp4", 3, "", []),
    ("lapse.webm", ".mp4", 5, "", []),
    ("v07_vp8_resize.webm", ".mp4 .webm", 60, "fitted into the first size", []),
    ("v18_movtext.mp4", ".mkv .webm", 50, "", ["audio", "subtitle"]),
    ("v38_360.mp4", ".mp4 .mkv", 50, "has a 360-degree mapping, which the output lacks", ["audio"]),
    ("v43_cc.mp4", ".mp4 .ts", 50, "has closed captions in its picture, which the output lacks", ["audio"]),
    ("apple.mov", ".mov .mp4", 50, "", ["audio"]),
    ("latin1.avi", ".mp4 .avi", 24, "", ["audio"]),
    ("latin1chap.mkv", ".mkv .mp4", 24, "", ["audio"]),
    ("esc.mkv", ".mkv", 24, "", ["audio"]),
    ("esc2.mp4", ".mp4", 24, "", []),
    ("two1.mp4", ".mp4", 12, "--stream 0", ["audio"]),
    ("slow120.mp4", ".gif", 50, "were left out", []),
]


def outcome(path):
    """Frames of a file that was written, types of its other streams, and samples of its sound."""
    with open_container(path) as container:
        frames = [frame.pts for frame in container.decode(video=0)]
        others = [stream.type for stream in container.streams if stream.type != "video"]
    samples = 0
    if "audio" in others:
        with open_container(path) as container:
            samples = sum(frame.samples for frame in container.decode(audio=0))
    assert frames == sorted(set(frames))
    return len(frames), others, samples


def whole_cases():
    """One case for each file and suffix."""
    return [
        pytest.param(name, suffix, *expected, id=name + suffix)
        for name, suffixes, *expected in WHOLE
        for suffix in suffixes.split()
    ]


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")
@pytest.mark.parametrize(("name", "suffix", "frames", "words", "others"), whole_cases())
def test_odd_files_that_are_whole(tmp_path, name, suffix, frames, words, others):
    """An odd but intact file keeps all frames, at rising times, its sound and its other streams.

    A notice names what was changed.
    """
    report = stylize(CASES / name, tmp_path / f"out{suffix}", "null")
    written, streams, samples = outcome(tmp_path / f"out{suffix}")
    assert not report.partial
    assert written == frames
    assert [kind for kind in others if kind not in streams] == []
    assert (samples > 5000) == ("audio" in others)
    assert words in " ".join(report.notices)
    assert "damaged" not in " ".join(report.notices)


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")
@pytest.mark.parametrize("name", FRAMES)
def test_files_with_a_fault_say_so(tmp_path, name):
    """A faulty file becomes one named partial; with `tolerate_errors`, it gets the plain name."""
    with pytest.raises(MediaError, match=r"out\.partial\.mp4") as error:
        stylize(CASES / name, tmp_path / "out.mp4", "null")
    assert error.value.exit_code == 3
    assert outcome(tmp_path / "out.partial.mp4")[0] == FRAMES[name]
    report = stylize(CASES / name, tmp_path / "out.mp4", "null", tolerate_errors=True)
    assert outcome(tmp_path / "out.mp4")[0] == report.frames == FRAMES[name]
    assert "damaged" in " ".join(report.notices)


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")
@pytest.mark.parametrize("name", ["uv.mp4", "unicode-splice.mp4"])
def test_files_without_a_video_are_refused(tmp_path, name):
    """A file without a video stream of a known codec is refused in a sentence, by the web page too."""
    with pytest.raises(MediaError, match="There is no video stream"):
        stylize(CASES / name, tmp_path / "out.mp4", "null")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(MediaError, match=r"no video stream|no video that can be read"):
        Limits().check(CASES / name)
