"""On a GPU, drawings are stabilized as on the CPU."""

import cv2
import numpy as np
import pytest
import torch

from cartoonize.effects.pytorch.stabilizer import TensorStabilizer, estimate_motion
from cartoonize.effects.stabilizer import BANDS, Stabilizer


class SameMotion(Stabilizer):
    """The stabilizer of the CPU, with the motion that the other one estimates."""

    def _motion(self, reduced, average):
        return estimate_motion(torch.from_numpy(reduced), torch.from_numpy(average)).numpy()


def clip(height, width):
    """Frames of a scene that stands still but for noise, pans, and is cut; the drawings flicker."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.uniform(0, 255, (1, 3, height // 4 + 9, width // 4 + 9)))
    wide = torch.nn.functional.interpolate(coarse, scale_factor=4, mode="bicubic").clamp(0, 255)
    wide = wide[0].permute(1, 2, 0).numpy()
    for number in range(BANDS + 8):
        pan = max(0, number - 6) if number < 20 else 30
        shown = wide[pan // 2 : pan // 2 + height, pan : pan + width]
        shown = 255 - shown if number >= 20 else shown
        source, drawing = (np.clip(shown + rng.integers(-n, n + 1, shown.shape), 0, 255) for n in (1, 5))
        yield source.astype(np.uint8), drawing.astype(np.uint8)


def stabilize_on_device(stabilizer, frames, batch):
    for start in range(0, len(frames), batch):
        sources, drawings = (
            torch.from_numpy(np.stack(images)) for images in zip(*frames[start : start + batch], strict=True)
        )
        yield from stabilizer(sources, drawings).numpy()


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("size", [(96, 128), (121, 83), (5, 7)])
def test_it_equals_the_cpus(size, batch):
    """With the same motion, no value is more than a level off the CPU's: at rest, in a pan, after a cut."""
    frames, reference = list(clip(*size)), SameMotion()
    levels = 2 if cv2.__version__ < "5" else 1  # OpenCV 4 rounds motion to 1/32 of a pixel
    expected = [reference.stabilize(source, drawing) for source, drawing in frames]
    for image, other in zip(stabilize_on_device(TensorStabilizer(), frames, batch), expected, strict=True):
        assert np.abs(image.astype(int) - other).max() <= levels


def test_a_segment_begins_without_memory():
    """After `restart` the results are those of a new stabilizer, to the bit; so runs can be resumed."""
    frames, used = list(clip(61, 83)), TensorStabilizer()
    list(stabilize_on_device(used, frames[:6], 3))
    used.restart()
    both = (stabilize_on_device(stabilizer, frames[6:], 4) for stabilizer in (used, TensorStabilizer()))
    assert all(np.array_equal(image, other) for image, other in zip(*both, strict=True))


def test_arguments_do_not_change():
    """Sources and drawings are never written to."""
    tensors = [torch.from_numpy(np.stack(images)) for images in zip(*clip(32, 48), strict=True)]
    copies = [tensor.clone() for tensor in tensors]
    TensorStabilizer()(*tensors)
    assert all(map(torch.equal, tensors, copies))
