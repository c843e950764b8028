"""The user's choice of effects, and the list that is built from it."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..core.errors import BackendError, MediaError
from ..core.opencv import load_opencv
from ..core.yuv import YuvWeights
from .compositing import Retouch
from .effect import Effect
from .hold import HOLDS, Hold
from .stabilizer import Stabilizer
from .yuv import YuvConversion

_NOTICE_NAMES = {"stabilize": "stabilizer", "retouch": "look"}


@dataclass(frozen=True, slots=True)
class Look:
    """The effects to apply to the drawings, in this order.

    Attributes:
        stabilize: keep the drawing still where the source is still, and move it along where the source moves.
        hold: frames, at 24 per second, for which each drawing is held: 1, 2 ("on twos", 12 drawings per
            second) or 3 ("on threes", 8 drawings per second).
        retouch: how to blend the drawing with the source, or to compare them.

    Raises:
        MediaError: `hold` is not 1, 2 or 3.
    """

    stabilize: bool = True
    hold: int = 1
    retouch: Retouch = field(default_factory=Retouch)

    def __post_init__(self) -> None:
        if self.hold not in (1, *HOLDS):
            raise MediaError(f"A drawing can be held for 1, 2 or 3 frames, not for {self.hold}.")

    def effects(self, yuv_weights: YuvWeights | None = None) -> list[Effect]:
        """Return new effects, for one source.

        `yuv_weights` are those of the sink: then a GPU that applies all effects converts to YUV 4:2:0 too.

        Raises:
            BackendError: the stabilizer needs OpenCV, which cannot be imported.
        """
        return [
            *([Stabilizer()] if self.stabilize else []),
            *([Hold(self.hold)] if self.hold > 1 else []),
            *([self.retouch] if self.retouch.needs_source else []),
            *([YuvConversion(yuv_weights)] if yuv_weights else []),
        ]

    @property
    def needs_source(self) -> bool:
        """Whether the result shows the source: then read it with `Decoding(keep_source=True)`."""
        return any(effect.needs_source for effect in self._static_effects())

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the frames to write, for a source of this size."""
        for effect in self._static_effects():
            width, height = effect.size(width, height)
        return width, height

    def _static_effects(self) -> list[Effect]:
        """The effects without the stabilizer, which needs OpenCV and changes neither size nor source."""
        return replace(self, stabilize=False).effects()

    @property
    def compares(self) -> bool:
        """Whether the result shows source and drawing side by side."""
        return self.retouch.compare is not None

    def identity(self) -> dict[str, Any]:
        """Everything on which the result of the effects depends, under the names that notices use."""
        return {_NOTICE_NAMES.get(name, name): value for name, value in asdict(self).items()}

    def for_pictures(self) -> "Look":
        """The same look without the effects that need the frames of a video."""
        return replace(self, stabilize=False, hold=1)

    def available(self, runtime: str, notices: list[str]) -> "Look":
        """The same look, without the stabilizer if that cannot work; a notice says if OpenCV is missing.

        `runtime` is the backend's; "null" draws nothing, so there is nothing to stabilize.
        """
        if not self.stabilize:
            return self
        if runtime != "null":
            try:
                load_opencv()
            except BackendError as error:
                notices.append(f"The drawings are not stabilized. {error}")
            else:
                return self
        return replace(self, stabilize=False)
