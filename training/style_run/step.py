"""The interface of the steps of a style's run."""

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

from ..log import Watcher
from .workspace import Workspace


class Display(Watcher, Protocol):
    """Shows a run to people: the step, its progress, sentences."""

    def begin_step(self, title: str, number: int, steps: int, seconds_left: float | None) -> None:
        """Show that a step begins; `seconds_left` until the end of the run is None if it is unknown."""
        ...

    def show_pictures(self, done: int, total: int) -> None:
        """Show how many pictures of a step are done."""
        ...

    def show_note(self, sentence: str) -> None:
        """Show a sentence."""
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
