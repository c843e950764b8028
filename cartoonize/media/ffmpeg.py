"""FFmpeg's errors as sentences for users."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import av

from ..core.errors import MediaError, WriteError
from .remote import Location


@contextmanager
def ffmpeg_errors(path: Location | str) -> Iterator[None]:
    """Turn FFmpeg's errors into a sentence about a file or address."""
    try:
        yield
    except av.error.InvalidDataError as error:
        raise MediaError(f"{path} is not a video of a known format, or it is damaged.") from error
    except av.error.EOFError as error:
        raise MediaError(f"{path} ends too early: it holds no frame, or a part of it is missing.") from error
    except av.error.FFmpegError as error:
        if error.errno == errno.EIO:  # also if a file ends where FFmpeg expects more
            raise MediaError(f"{path} cannot be read: it ends too early, or its disk fails.") from error
        raise MediaError(f"{path}: {error.strerror or error}.") from error
    except OSError as error:
        raise MediaError(f"{path}: {error.strerror or error}.") from error


@contextmanager
def write_errors(path: Location | str) -> Iterator[None]:
    """The same for the file that is written, which the system may refuse or have no room for."""
    with ffmpeg_errors(path):
        try:
            yield
        except OSError as error:  # some of FFmpeg's errors are OSErrors too
            raise WriteError.from_os_error(path, error) from error
