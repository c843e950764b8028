"""The same promises on clips from real cameras, browsers and encoders, where they are at hand."""

import av
import numpy as np
import pytest
from clips import SHARED, packets

from cartoonize import open_source, stylize

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


@pytest.mark.skipif(not (SHARED / "clips" / "alpha-vp9.webm").exists(), reason="the clips are not here")
@pytest.mark.parametrize("suffix", [".webm", ".mov"])
def test_a_transparent_clip_stays_transparent(tmp_path, suffix):
    """The alpha of a browser's WebM is there in WebM and in ProRes, within 4 levels on average."""
    clip = SHARED / "clips" / "alpha-vp9.webm"
    target = tmp_path / f"out{suffix}"
    stylize(clip, target, "null", end=0.5)
    with open_source(clip, end=0.5) as before, open_source(target) as after:
        pairs = [(a.alpha, b.alpha) for a, b in zip(before, after, strict=True)]
    assert all(np.abs(a.astype(int) - b).mean() < 4 for a, b in pairs)


@pytest.mark.skipif(not (SHARED / "clips" / "hlg-10bit-hevc.mp4").exists(), reason="the clips are not here")
def test_a_phones_hdr_is_not_washed_out():
    """A colour chart filmed in HLG has white near white, black near black, and saturated colours."""
    with open_source(SHARED / "clips" / "hlg-10bit-hevc.mp4") as source:
        image = next(iter(source)).image.astype(int)
    dark, bright = np.percentile(image, [1, 95])
    assert dark < 45
    assert bright > 230
    assert np.percentile(image.max(-1) - image.min(-1), 95) > 120
