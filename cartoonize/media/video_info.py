"""What is drawn: a Source of frames, and a Film, which is a video and more than its frames."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from av.container import OutputContainer

from ..core.frames import Frame
from .colour import Colour
from .remote import Location


class Source(Protocol):
    """Frames, once. Closing it in the middle is always allowed. `frames` is their number as far as known."""

    notices: list[str]
    frames: int | None

    def __iter__(self) -> Iterator[Frame]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def close(self) -> None: ...


class Closing:
    """A Source that is closed where its `with` block ends."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release what is open."""
        raise NotImplementedError


class Accompaniment(Protocol):
    """Writes what belongs to a film beside its picture, in step with the frames."""

    def copy_until(self, time: float) -> None:
        """Write all that is due up to `time`, in seconds of the output."""

    def finish(self) -> None:
        """Write the rest."""

    def lost(self, written: Path) -> list[str]:
        """What the finished file does not hold of the source's metadata, as sentences."""
        ...

    def close(self) -> None:
        """Release the source."""


class Film(Source, Protocol):
    """A Source whose frames are those of one moving picture, of `width` x `height` when upright.

    `shift` is the second of the source that is time zero of the frames. `plays` is how often an animation
    is shown, 0 being without end. `pixel_format` is the source's own.
    """

    @property
    def path(self) -> Location: ...

    time_base: Fraction
    rate: Fraction
    width: int
    height: int
    sample_aspect_ratio: Fraction
    colour: Colour
    pixel_format: str
    transparent: bool
    plays: int

    def accompany(self, output: OutputContainer, *, audio: bool, notices: list[str]) -> Accompaniment:
        """Make ready to write what belongs to it; after the picture's stream was added, before the header."""
        ...
