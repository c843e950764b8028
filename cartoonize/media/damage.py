"""Damaged files: what can be read is read, and what cannot is counted."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

PATIENCE = 1000
"""Failures to find a packet, one after another, after which a file is taken to be at its end."""


@dataclass(slots=True)
class Damage:
    """What could not be read of a video as it should: `packets` of which no frame came, `frames` with errors
    in them, and whether its `container` is broken. What is missing because of that cannot be counted.
    """

    packets: int = 0
    frames: int = 0
    container: bool = False

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def reset(self, packets: int = 0, frames: int = 0, *, container: bool = False) -> None:
        """Count from here on; those who count hold on to this object."""
        self.packets, self.frames, self.container = packets, frames, container

    def sentence(self, name: str) -> str:
        """What a user has to know of it."""
        what = []
        if self.packets:
            verb = "is" if self.packets == 1 else "are"
            what.append(f"{_count(self.packets, 'frame')} of it {verb} missing")
        if self.frames:
            what.append(f"{_count(self.frames, 'frame')} could be decoded in part only")
        if self.container:
            what.append("its container is broken or cut short, so that frames may be missing")
        return f"{name} is damaged: {', and '.join(what)}."


def readable(container: InputContainer, streams: Sequence[Stream], damage: Damage) -> "Iterator[Packet[Any]]":
    """Packets of some streams; where the container is damaged, reading goes on behind."""
    failures = 0
    while failures < PATIENCE:
        try:
            for packet in container.demux(*streams):
                failures = 0
                yield packet
        except av.error.FFmpegError as error:
            if is_of_the_system(error):
                raise
            failures += 1
            damage.container = True
        else:
            return


def is_of_the_system(error: av.error.FFmpegError) -> bool:
    """Whether an error of a demuxer is the file system's or the network's, not one of the file itself."""
    return isinstance(error, (OSError, av.error.ExitError, av.error.HTTPError))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
