"""The table of containers agrees with FFmpeg, the command line and folders."""

from pathlib import Path

import av
import pytest

from cartoonize.core.containers import (
    CONTAINERS,
    FORMAT_NAMES,
    VIDEO_SUFFIXES,
    WRITTEN_SUFFIXES,
    Container,
    container_named,
    container_of_suffix,
)
from cartoonize.core.errors import MediaError
from cartoonize.media.writing.journal import StandardOutput
from cartoonize.media.writing.output import choose_container


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container.muxer)
def test_each_row_is_one_of_ffmpeg(container):
    """Each row has a muxer of FFmpeg's, encoders of this build, and suffixes of its own."""
    assert container.muxer in av.formats_available
    encoders = {
        container.encoder,
        container.alpha_encoder,
        container.audio_encoder,
        container.subtitle_encoder,
    }
    assert encoders - {None} <= av.codecs_available
    for suffix in container.suffixes:
        assert container_of_suffix(suffix.upper()) is container
        assert choose_container(Path(f"out{suffix}"), None) is container
    for name in (container.muxer, *container.names):
        assert container_named(name) is container
        assert name in FORMAT_NAMES


def test_suffixes_are_of_one_container():
    """No suffix selects two containers. Written videos are found in a folder, except animations."""
    suffixes = [suffix for container in CONTAINERS for suffix in container.suffixes + container.read_suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert {".gif", ".webp", ".png", ".apng", ".avif"} == WRITTEN_SUFFIXES - VIDEO_SUFFIXES


def test_what_is_not_in_the_table_has_defaults():
    """Containers of FFmpeg that are not in the table can be named."""
    assert choose_container(Path("out.mpg"), None) == Container(muxer="mpeg")
    assert choose_container(Path("out"), "mxf") == Container(muxer="mxf")


@pytest.mark.parametrize("name", ["md5", "framemd5", "crc", "framehash", "hash", "null", "segment"])
def test_formats_without_a_video_are_refused(name):
    """FFmpeg's formats for tests, which write checksums in place of a video, are not accepted."""
    for target in (Path("out.mp4"), StandardOutput.target):
        with pytest.raises(MediaError, match=f"'{name}' is not a video format that can be written"):
            choose_container(target, name)
