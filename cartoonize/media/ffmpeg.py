"""FFmpeg's errors, as sentences for users."""

from collections.abc import Iterator
from contextlib import contextmanager

import av

from ..core.errors import MediaError, WriteError
from .remote import Location


@contextmanager
def ffmpeg_errors(path: Location | str) -> Iterator[None]:
    """FFmpeg's errors, as a sentence about this file or address."""
    try:
        yield
    except av.error.FFmpegError as error:
        raise MediaError(f"{path}: {error.strerror or error}.") from error
    except OSError as error:
        raise MediaError(f"{path}: {error.strerror or error}.") from error


@contextmanager
def write_errors(path: Location | str) -> Iterator[None]:
    """The same for the file that is written, where the system may be in the way."""
    with ffmpeg_errors(path):
        try:
            yield
        except OSError as error:  # FFmpeg's errors of the system are, too
            raise WriteError.from_os_error(path, error) from error
