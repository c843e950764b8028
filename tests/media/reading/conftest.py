"""Fixtures of the tests of reading."""

import av
import pytest
from containers import CONTAINERS, make_clip


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Makes each clip once, and returns its path."""
    folder = tmp_path_factory.mktemp("made")

    def make(name):
        path = folder / name
        if not path.exists():
            codec = CONTAINERS[name][0].get("codec", "libx264")
            if codec not in av.codecs_available:
                pytest.skip(f"this build of FFmpeg has no {codec}")
            make_clip(folder, name)
        return path

    return make
