"""Uploads of visitors, and the jobs to convert them."""

import asyncio
import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .limits import Kind
from .settings import ConversionSettings
from .visitors import is_loopback
from .worker import Conversion

State = Literal["waiting", "converting", "done", "failed", "stopped"]
_ACTIVE = ("waiting", "converting")


def _new_id() -> str:
    return secrets.token_urlsafe(16)


@dataclass(eq=False, slots=True)
class Upload:
    """A file of a visitor, in a separate folder."""

    visitor: str
    path: Path
    kind: Kind
    id: str = field(default_factory=_new_id)


@dataclass(eq=False, slots=True)
class WebJob:
    """A requested conversion. `turn` is its place in the order of the queue.

    `is_only` is true if the upload was sent for this job alone, and is removed with it.
    """

    upload: Upload
    address: str
    settings: ConversionSettings
    as_png: bool = False
    is_only: bool = False
    id: str = field(default_factory=_new_id)
    turn: int = 0
    state: State = "waiting"
    done: int = 0
    total: int | None = None
    seconds_left: float | None = None
    seconds: float | None = None
    error: str = ""
    folder: Path | None = None
    result: Conversion | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def visitor(self) -> str:
        return self.upload.visitor

    @property
    def owner(self) -> str:
        """The owner of a turn in the queue: a visitor, or all visitors of a remote address."""
        return self.visitor if is_loopback(self.address) else self.address

    @property
    def is_active(self) -> bool:
        return self.state in _ACTIVE
