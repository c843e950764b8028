"""TensorBoard's event file of a training.

PyTorch's writer works in a thread of its own, which prints a traceback if the disk is full. Here the thread
that trains writes, so that an error reaches the user as a sentence.
"""

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from ..core.errors import MediaError, WriteError
from ..core.frames import Image
from .errors import missing_extra

_VERSION = "brain.Event:2"
_numbers = count()  # of the files of this process


class EventFile:
    """Scalars and pictures over the number of images seen.

    TensorBoard ignores what earlier files state for more than `seen` images: a resumed run repeats it.

    Raises:
        TrainingError: TensorBoard is missing.
        WriteError: the disk is full or cannot be written; also raised by all methods.
    """

    def __init__(self, folder: Path, seen: int) -> None:
        with missing_extra():
            from tensorboard.compat.proto.event_pb2 import Event, SessionLog
            from tensorboard.summary.writer.record_writer import RecordWriter
        self._event = Event
        number = f"{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_numbers)}"
        self.path = folder / f"events.out.tfevents.{number}"
        with self._errors():
            self._records = RecordWriter(self.path.open("wb"))
        try:
            self._add(seen, file_version=_VERSION)
            # TensorBoard drops what earlier files hold at the step of this mark, too.
            self._add(seen + 1, session_log=SessionLog(status=SessionLog.START))
            self.flush()
        except MediaError:
            with suppress(MediaError):
                self.close()
            self.path.unlink(missing_ok=True)
            raise

    def add_scalars(self, values: Mapping[str, float], images: int) -> None:
        """Add values by their names."""
        from torch.utils.tensorboard.summary import scalar

        for name, value in values.items():
            self._add(images, summary=scalar(name, value))  # type: ignore[no-untyped-call]

    def add_picture(self, name: str, picture: Image, images: int) -> None:
        """Add a picture."""
        from torch.utils.tensorboard.summary import image

        summary = image(name, picture, dataformats="HWC")  # type: ignore[no-untyped-call]
        self._add(images, summary=summary)

    def flush(self) -> None:
        """Write what is buffered."""
        with self._errors():
            self._records.flush()

    def close(self) -> None:
        """Write what is buffered, and close the file."""
        with self._errors():
            self._records.close()

    def _add(self, step: int, **content: Any) -> None:
        event = self._event(wall_time=time.time(), step=step, **content)
        with self._errors():
            self._records.write(event.SerializeToString())

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise WriteError.from_os_error(self.path, error) from error
