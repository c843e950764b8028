"""Optical flow in PyTorch, by block matching."""

import cv2
import numpy as np
import pytest
import torch

from cartoonize.effects.pytorch.optical_flow import optical_flow
from cartoonize.effects.pytorch.sampling import sample


def texture(height, width):
    """Soft spots of all sizes from 4 pixels on."""
    rng = np.random.default_rng(0)
    scales = [cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), 2**n) for n in range(1, 4)]
    mixed = sum(scale / scale.std() for scale in scales)
    return np.clip(128 + 30 * mixed, 0, 255).astype(np.float32)


@pytest.mark.parametrize("motion", [(0, 0), (1, 0), (-2.5, 1.25), (9, -6), (0.25, 7)])
def test_a_pan_is_found(motion):
    """Whole and fractional motion of up to 9 pixels is estimated to a tenth of a pixel nearly everywhere."""
    x, y = np.meshgrid(np.arange(160, dtype=np.float32), np.arange(120, dtype=np.float32))
    earlier = texture(120, 160)
    picture = cv2.remap(earlier, x + motion[0], y + motion[1], cv2.INTER_LINEAR)
    flow = optical_flow(torch.from_numpy(picture), torch.from_numpy(earlier)).numpy()
    error = np.abs(flow - np.array(motion)[:, None, None])[:, 20:-20, 20:-20].max(0)
    assert np.quantile(error, 0.9) < 0.1


def test_noise_moves_nothing():
    """A flat picture with noise of a level stands still, to a tenth of a pixel."""
    rng = np.random.default_rng(0)
    flat = [torch.from_numpy(100 + rng.uniform(-1, 1, (64, 80)).astype(np.float32)) for _ in range(2)]
    assert optical_flow(*flat).abs().max() < 0.1


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pictures_are_sampled_as_by_opencv(dtype):
    """Positions between pixels and beyond the edges return the same values as OpenCV."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 50, 3)).astype(dtype)
    motion = rng.normal(0, 4, (2, 40, 50)).astype(np.float32)
    x, y = np.meshgrid(np.arange(50, dtype=np.float32), np.arange(40, dtype=np.float32))
    expected = cv2.remap(
        image, x + motion[0], y + motion[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    sampled = sample(torch.from_numpy(image), torch.from_numpy(motion)).numpy()
    largest = 0.5 if dtype == np.uint8 else 1e-3
    if cv2.__version__ < "5":  # it rounds positions to 1/32 of a pixel
        largest = 8
    assert np.abs(sampled - expected).max() <= largest
