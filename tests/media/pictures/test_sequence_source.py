"""Image sequences as video sources."""

import pytest
from clips import read_clip
from PIL import Image

from cartoonize import open_source, stylize
from cartoonize.media.pictures.sequence_source import ImageSequenceSource


@pytest.mark.parametrize(("stated", "shown"), [(0, 0.1), (10, 0.1), (40, 0.04)])
def test_an_animation_without_durations_plays_as_in_a_browser(tmp_path, stated, shown):
    """A WebP animation whose frames state no time, or next to none, shows each for a tenth of a second."""
    frames = [Image.new("RGB", (32, 32), (60 * n, 100, 40)) for n in range(4)]
    frames[0].save(
        tmp_path / "in.webp", save_all=True, append_images=frames[1:], duration=stated, lossless=True
    )
    with open_source(tmp_path / "in.webp") as source:
        times = [frame.time for frame in source]
    assert times == pytest.approx([n * shown for n in range(4)])
    stylize(tmp_path / "in.webp", tmp_path / "out.mp4", "null")
    assert read_clip(tmp_path / "out.mp4").times == pytest.approx(times, abs=1e-3)


def test_a_folder_names_what_is_no_picture(tmp_path):
    """As a video, too, a folder tells what it leaves out."""
    Image.new("RGB", (32, 32)).save(tmp_path / "1.png")
    for name in ("a.mov", "b.mov", "c.heic2"):
        (tmp_path / name).write_text("no picture")
    with ImageSequenceSource(tmp_path) as source:
        assert len(list(source)) == 1
        assert f"2 MOV files and 1 HEIC2 file in {tmp_path} were left out." in source.notices
