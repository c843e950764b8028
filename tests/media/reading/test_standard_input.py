"""Standard input that is a pipe, in which FFmpeg cannot go back."""

import io
import sys

import pytest
from clips import Clip

from cartoonize import MediaError
from cartoonize.media.reading.standard_input import STANDARD_INPUT
from cartoonize.media.reading.video_source import VideoSource


class Pipe(io.RawIOBase):
    """A pipe from which `taken` bytes were read."""

    def __init__(self, data):
        self.data, self.taken = io.BytesIO(data), 0

    def readable(self):
        return True

    def readinto(self, buffer):
        count = self.data.readinto(buffer)
        self.taken += count
        return count


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_an_index_at_the_end_is_named_at_once(tmp_path, monkeypatch, suffix):
    """An MP4 file whose index is last is refused by its first bytes: a large one would fill the memory."""
    made = Clip().write(tmp_path / f"in{suffix}").read_bytes()
    data = made.find(b"mdat")
    assert 0 < data < made.find(b"moov")
    pipe = Pipe(made[: data + 4] + bytes(1 << 22))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(pipe)))
    with pytest.raises(MediaError, match="where a pipe cannot seek; name the file"):
        VideoSource(STANDARD_INPUT)
    assert pipe.taken < 1 << 20
