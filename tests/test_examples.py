"""The programs in examples/ work as they are."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from clips import Clip, mean_difference, packets, read_clip

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_frames_of_opencv_are_converted(tmp_path, tiny_style):
    """The loop over OpenCV's frames writes as many frames as it reads, and changes them."""
    source, target = Clip().write(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    example = runpy.run_path(str(EXAMPLES / "opencv_frames.py"))
    example["main"](str(source), str(target), str(tiny_style))
    before, after = read_clip(source), read_clip(target)
    assert len(after.images) == len(before.images)
    assert mean_difference(before.images, after.images) > 1


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="the ffmpeg program is not installed")
def test_ffmpeg_pipes_both_ways(tmp_path, tiny_style):
    """The pipe from ffmpeg to ffmpeg keeps the number of frames and their sound."""
    source, target = Clip(tones=[440]).write(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["bash", EXAMPLES / "ffmpeg_pipe.sh", source, target, "--style", tiny_style],
        check=True, env=os.environ | {"PATH": path},
    )  # fmt: skip
    before, after = read_clip(source), read_clip(target)
    assert len(after.images) == len(before.images)
    assert packets(target, 0) == packets(source, 0)
    assert mean_difference(before.images, after.images) > 1
