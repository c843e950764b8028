"""Standard input that is a pipe, in which FFmpeg cannot go back."""

import io

import pytest
from clips import Clip

from cartoonize import MediaError
from cartoonize.core.errors import Stopped
from cartoonize.media.reading.standard_input import STANDARD_INPUT
from cartoonize.media.reading.video_source import VideoSource
from cartoonize.media.remote import open_container


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_an_index_at_the_end_is_named_at_once(tmp_path, pipe, suffix):
    """An MP4 file whose index is last is refused by its first bytes: a large one would fill the memory."""
    made = Clip().write(tmp_path / f"in{suffix}").read_bytes()
    data = made.find(b"mdat")
    assert 0 < data < made.find(b"moov")
    standard_input = pipe(made[: data + 4] + bytes(1 << 22))
    with pytest.raises(MediaError, match="where a pipe cannot seek; name the file"):
        VideoSource(STANDARD_INPUT)
    assert standard_input.taken < 1 << 20


@pytest.mark.parametrize("size", [0, 1 << 22], ids=["opening", "reading"])
def test_a_signal_passes_through_pyav(tmp_path, size):
    """A signal while FFmpeg reads an open file ends the reading; PyAV would print it and read on."""
    clip = Clip(size=(320, 240), times=range(60), codec="rawvideo", options={})
    made = clip.write(tmp_path / "in.nut").read_bytes()

    class Stopping(io.BytesIO):
        def read(self, length=-1):
            if self.tell() >= size:
                raise Stopped(2)
            return super().read(length)

    with pytest.raises(Stopped) as stopped, open_container(Stopping(made)) as container:
        list(container.demux())
    assert stopped.value.exit_code == 130
