"""Flicker of a clip: the change between neighbouring frames that motion does not explain.

Pictures are (H, W, 3) uint8 RGB.
"""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...core.errors import TrainingError
from ...core.frames import Backend, Image
from ...core.opencv import load_opencv
from ...effects.stabilizer import Stabilizer
from .figures import ratio

Flow = NDArray[np.float32]


def flicker(backend: Backend, frames: Iterable[Image]) -> dict[str, float]:
    """Mean unexplained change between neighbouring frames, of output and source, in 0..255.

    The last figure is that of the stabilized output, which videos have by default.

    Motion is the optical flow of the *source*, so that an unsteady output does not count as motion; pixels
    that motion covers or uncovers are left out.

    Raises:
        TrainingError: there are fewer than two frames.
    """
    stabilizer = Stabilizer()
    outputs = ((frame, backend(frame[None])[0]) for frame in frames)
    versions = ((frame, output, stabilizer.stabilize(frame, output)) for frame, output in outputs)
    changes = [
        [
            unexplained_change(before, after, flow, visible)
            for before, after in zip(earlier, later, strict=True)
        ]
        for earlier, later in pairwise(versions)
        for flow, visible in [estimate_motion(earlier[0], later[0])]
        if visible.any()
    ]
    if not changes:
        raise TrainingError("Flicker needs a clip of at least two frames with something in common.")
    source, output, stabilized = np.mean(changes, axis=0).tolist()
    return {
        "flicker_output": output,
        "flicker_source": source,
        "flicker_ratio": ratio(output, source),
        "flicker_ratio_stabilized": ratio(stabilized, source),
    }


def estimate_motion(earlier: Image, later: Image) -> tuple[Flow, NDArray[np.bool_]]:
    """Return the offset of each pixel of `later` to `earlier`, (H, W, 2), x and y; and whether it was
    visible.

    DIS optical flow (Kroeger et al., ECCV 2016) both ways. A pixel is left out where
    |w + w'|^2 >= 0.01 (|w|^2 + |w'|^2) + 0.5, w' being the flow back from where w leads (Sundaram, Brox,
    Keutzer, ECCV 2010), or where w leads out of the picture.
    """
    cv2 = load_opencv()
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (earlier, later)]
    backward, forward = dis.calc(grey[1], grey[0], None), dis.calc(grey[0], grey[1], None)
    returned = _warp(forward, backward)
    lengths = (backward**2).sum(2) + (returned**2).sum(2)
    agrees = ((backward + returned) ** 2).sum(2) < 0.01 * lengths + 0.5
    inside = _warp(np.ones(backward.shape[:2], np.float32), backward) > 0.999
    return backward, agrees & inside


def unexplained_change(earlier: Image, later: Image, flow: Flow, visible: NDArray[np.bool_]) -> float:
    """Mean absolute difference in 0..255 of `later` and `earlier` moved by the flow, where it is visible."""
    moved = _warp(earlier.astype(np.float32), flow)
    return float(np.abs(later - moved)[visible].mean())


def _warp(picture: NDArray[np.float32], flow: Flow) -> NDArray[np.float32]:
    """Sample the picture bilinearly at every pixel plus the flow; zeros outside."""
    cv2 = load_opencv()
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved: NDArray[np.float32] = cv2.remap(picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
    return moved
