"""The contract of effects, and the chain that applies them to a frame and its drawing."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from ..core.draw_size import enlarge, replace_image
from ..core.frames import Frame, Image

if TYPE_CHECKING:
    from .pytorch.chain import TensorChain
    from .pytorch.effect import TensorEffect


class Effect(ABC):
    """A step between the network and the sink, which gets all frames in order.

    A video is converted in independent segments, so that a run can be resumed and divided among machines.
    `restart` and the `first` of `skip` mark where a segment begins: the result of a frame must not depend on
    earlier segments.

    Two threads use an effect at once. `skip` runs ahead of the network, `restart` and `__call__` run after
    it; they must not share what they change."""

    __slots__ = ()

    at_source_size: ClassVar[bool] = False
    """False: the effect gets drawings at the draw size (core/draw_size.py), where they are cheap to process.
    True: it gets them enlarged to the source's size, after all effects of the other kind."""

    @property
    def needs_source(self) -> bool:
        """Whether it reads `frame.full`, the source at its own size, so that the source has to keep it."""
        return False

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the frames to write, for a source of this size."""
        return width, height

    def restart(self) -> None:  # most effects remember nothing
        """Forget all earlier frames: the next call is for the first frame of a segment."""

    def skip(self, frame: Frame, *, first: bool) -> bool:  # noqa: ARG002
        """Return whether the network need not draw this frame.

        It is called for every frame; `first` is true for the first of a segment, which is always drawn. An
        effect that returns True has to return a picture when it is then called without a drawing.
        """
        return False

    def in_pytorch(self) -> "TensorEffect | None":
        """Return the same effect for drawings in the memory of a GPU; None if it runs on the CPU only."""
        return None

    @abstractmethod
    def __call__(self, frame: Frame, drawing: Frame | None) -> Frame | None:
        """Return the next state of the drawing of `frame`.

        `drawing` has the time of `frame`; its `image` is the network's drawing after the preceding effects.
        It is None if an effect skipped the frame. Return None then, unless this effect fills the gap. Do not
        change the arrays of either.
        """


class EffectChain:
    """Applies effects in order: those at draw size, the enlargement, those at the source's size."""

    def __init__(self, effects: Sequence[Effect] = ()) -> None:
        self._all = list(effects)
        self._at_draw_size = [effect for effect in effects if not effect.at_source_size]
        self._at_source_size = [effect for effect in effects if effect.at_source_size]
        self._enlarges = True

    def split_off_tensor_chain(self) -> "TensorChain":
        """Return a chain in PyTorch of the first effects, up to one without a version in PyTorch.

        It includes the enlargement if all effects at draw size are in it. This chain applies the remaining
        effects only, but `skip` still asks all of them.
        """
        from .pytorch.chain import TensorChain

        at_draw_size = _take_tensor_effects(self._at_draw_size)
        if self._at_draw_size:
            return TensorChain(at_draw_size)
        self._enlarges = False
        return TensorChain(at_draw_size, _take_tensor_effects(self._at_source_size), enlarges=True)

    def skip(self, frame: Frame, *, first: bool) -> bool:
        """Return whether the network need not draw this frame."""
        # each effect has to see every frame
        answers = [effect.skip(frame, first=first) for effect in self._all]
        return any(answers) and not first

    def restart(self) -> None:
        """Begin a segment."""
        for effect in self._all:
            effect.restart()

    def __call__(self, frame: Frame, image: Image | None) -> Frame:
        """Return the frame to write; `image` is the network's drawing, None if the frame was skipped."""
        drawing = None if image is None else replace(frame, image=image)
        for effect in self._at_draw_size:
            drawing = effect(frame, drawing)
        if drawing is not None:
            enlarged = enlarge(drawing.image, frame.size) if self._enlarges else drawing.image
            drawing = replace_image(drawing, enlarged)
        for effect in self._at_source_size:
            drawing = effect(frame, drawing)
        if drawing is None:
            raise TypeError("An effect skipped a frame, and none returned a picture for it.")
        return drawing


def _take_tensor_effects(effects: list[Effect]) -> "list[TensorEffect]":
    """Remove the first effects, up to one without a version in PyTorch, and return their versions."""
    versions = []
    while effects and (version := effects[0].in_pytorch()) is not None:
        versions.append(version)
        del effects[0]
    return versions
