"""Conversion to YUV 4:2:0 on a GPU, for encoders: half the bytes to download, and none to convert."""

from typing import TYPE_CHECKING, ClassVar

from ..core.frames import Frame
from ..core.yuv import YuvWeights
from .effect import Effect

if TYPE_CHECKING:
    from .pytorch.yuv import TensorYuvConversion


class YuvConversion(Effect):
    """Converts finished drawings of even size on a GPU; on the CPU they stay RGB, which the sink converts."""

    at_source_size: ClassVar[bool] = True

    def __init__(self, weights: YuvWeights) -> None:
        self._weights = weights

    def in_pytorch(self) -> "TensorYuvConversion":
        """See Effect."""
        from .pytorch.yuv import TensorYuvConversion

        return TensorYuvConversion(self._weights)

    def __call__(self, frame: Frame, drawing: Frame | None) -> Frame | None:  # noqa: ARG002
        """Return the drawing."""
        return drawing
