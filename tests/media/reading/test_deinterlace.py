"""Interlaced video."""

import numpy as np
import pytest
from clips import Clip, convert, read_clip, require_encoder


def write_combed(path, encoder, options):
    """A bar that moves between the two fields of each frame."""
    images = []
    for number in range(10):
        picture = np.full((48, 64, 3), 60, np.uint8)
        for field in (0, 1):
            left = 8 + 4 * number + 2 * field
            picture[field::2, left : left + 12] = 220
        images.append(picture)
    clip = Clip(codec=encoder, options=options, images=images, times=range(10))
    return clip.write(path)


def comb_height(images):
    """How much rows differ from both their neighbours: large where fields interlock."""
    rows = np.stack(images).astype(int)[:, 8:-8]
    return np.minimum(abs(rows[:, 1:-1] - rows[:, :-2]), abs(rows[:, 1:-1] - rows[:, 2:])).mean()


@pytest.mark.parametrize(
    ("suffix", "encoder", "options"),
    [
        (".mkv", "libx264", {"crf": "8", "bf": "0", "flags": "+ildct+ilme", "x264-params": "tff=1"}),
        (".mkv", "mpeg2video", {"b": "6M", "flags": "+ildct+ilme"}),
    ],
    ids=["h264", "mpeg2"],
)
def test_interlaced_video_is_deinterlaced(tmp_path, suffix, encoder, options):
    """Comb lines are gone, frames keep number and times, and a notice says what was done."""
    require_encoder(encoder)
    source = write_combed(tmp_path / f"in{suffix}", encoder, options)
    report = convert(source, tmp_path / "out.mkv")
    before, after = read_clip(source), read_clip(tmp_path / "out.mkv")
    assert [notice for notice in report.notices if "deinterlaced" in notice] != []
    assert np.allclose(before.times, after.times, atol=1e-3)
    assert comb_height(after.images) < comb_height(before.images) / 3
