"""Fixtures of the tests of reading."""

import io
import sys

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


class Pipe(io.RawIOBase):
    """A pipe, in which nobody can go back; `taken` bytes of it were read."""

    def __init__(self, data):
        self.data, self.taken = io.BytesIO(data), 0

    def readable(self):
        return True

    def readinto(self, buffer):
        count = self.data.readinto(buffer)
        self.taken += count
        return count


@pytest.fixture
def pipe(monkeypatch):
    """Makes standard input a pipe with these bytes, and returns the pipe."""

    def make(data):
        made = Pipe(data)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(made)))
        return made

    return make
