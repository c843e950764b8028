"""Fixtures of the tests of reading."""

import pytest
from clips import require_encoder
from containers import CONTAINERS, make_clip


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Makes each clip once, and returns its path."""
    folder = tmp_path_factory.mktemp("made")

    def make(name):
        path = folder / name
        if not path.exists():
            require_encoder(CONTAINERS[name][0].get("codec", "libx264"))
            make_clip(folder, name)
        return path

    return make
