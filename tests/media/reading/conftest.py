"""Fixtures of the tests of reading."""

import av
import pytest
from clips import Clip
from containers import CONTAINERS, FRAMES, IMAGES, move_index_to_front


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Makes a clip once: its path, by name; MP4 and MOV with the index in front, as they are cut mostly."""
    folder = tmp_path_factory.mktemp("made")

    def make(name):
        path = folder / name
        if not path.exists():
            clip = Clip(times=range(FRAMES), images=IMAGES, **CONTAINERS[name][0])
            if clip.codec not in av.codecs_available:
                pytest.skip(f"this build of FFmpeg has no {clip.codec}")
            clip.write(path)
            if path.suffix in (".mp4", ".mov"):
                move_index_to_front(path)
        return path

    return make
