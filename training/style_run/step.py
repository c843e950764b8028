"""What every step of a style's run has."""

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

from ..log import Watcher
from .workspace import Workspace


class Display(Watcher, Protocol):
    """Shows a run to people: the step, its progress, sentences."""

    def begin_step(self, title: str, number: int, steps: int, seconds_left: float | None) -> None:
        """A step begins, and so many seconds are left until the end of the run; None if that is not known."""
        ...

    def show_pictures(self, done: int, total: int) -> None:
        """Pictures done of a step that works on pictures."""
        ...

    def show_note(self, sentence: str) -> None:
        """A sentence for people."""
        ...


class Step(ABC):
    """A step. The run records that it is done; `run` continues where an earlier call of it was killed."""

    name: ClassVar[str]  # in run.json
    title: ClassVar[str]  # for people

    def is_wanted(self, workspace: Workspace) -> bool:  # noqa: ARG002  # for steps that need it
        """Whether the run has this step."""
        return True

    @abstractmethod
    def estimate(self, workspace: Workspace) -> float | None:
        """Seconds that the step takes; None if that is not known yet."""

    @abstractmethod
    def run(self, workspace: Workspace, display: Display) -> None:
        """Do the work.

        Raises:
            CartoonizeError: data, a device or the disk cannot be used.
        """
