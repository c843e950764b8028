"""Damaged files: counts what cannot be read, and reads on behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from ..core.messages import count_noun

MAX_FAILURES = 1000
"""Failures to find a packet in a row after which a file counts as ended."""


@dataclass(slots=True)
class Damage:
    """The damage of a video: the number of `packets` without a frame and of `frames` with errors, and whether
    the `container` is broken. Frames that a broken container hides cannot be counted. It is false if
    everything was read.
    """

    packets: int = 0
    frames: int = 0
    container: bool = False

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def reset(self, packets: int = 0, frames: int = 0, *, container: bool = False) -> None:
        """Set the counts of this object, to which the decoder keeps a reference."""
        self.packets, self.frames, self.container = packets, frames, container

    def sentence(self, name: str) -> str:
        """The damage, for users."""
        parts = []
        if self.packets:
            verb = "is" if self.packets == 1 else "are"
            parts.append(f"{count_noun(self.packets, 'frame')} of it {verb} missing")
        if self.frames:
            parts.append(f"{count_noun(self.frames, 'frame')} could be decoded in part only")
        if self.container:
            parts.append("its container is broken or cut short, so that frames may be missing")
        return f"{name} is damaged: {', and '.join(parts)}."


def demux_past_damage(
    container: InputContainer, streams: Sequence[Stream], damage: Damage
) -> "Iterator[Packet[Any]]":
    """Packets of some streams; reading continues after damaged parts of the container."""
    failures = 0
    while failures < MAX_FAILURES:
        try:
            for packet in container.demux(*streams):
                failures = 0
                yield packet
        except av.error.FFmpegError as error:
            if is_system_error(error):
                raise
            failures += 1
            damage.container = True
        else:
            return


def is_system_error(error: av.error.FFmpegError) -> bool:
    """Whether a demuxer's error comes from the file system or the network, not from the file itself."""
    return isinstance(error, (OSError, av.error.ExitError, av.error.HTTPError))
