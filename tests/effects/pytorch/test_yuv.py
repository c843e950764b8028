"""A GPU converts drawings to YUV 4:2:0 as FFmpeg does."""

import numpy as np
import pytest
import torch
from av.video.reformatter import ColorRange
from noise import noise

from cartoonize.effects.pytorch.yuv import to_yuv420
from cartoonize.media.colour import _MATRICES, UNSPECIFIED, Colour

MATRICES = [tag for tag in _MATRICES if tag not in (5, 10)]  # other names for 6 and 9


@pytest.fixture(params=[ColorRange.MPEG, ColorRange.JPEG], ids=["limited", "full"])
def colour(request, matrix):
    return Colour(matrix, request.param.value, UNSPECIFIED, UNSPECIFIED, _MATRICES[matrix])


def convert(image, colour):
    planes = to_yuv420(torch.from_numpy(image[None]), colour.yuv_weights)[0].numpy()
    return colour.from_planes(planes)


@pytest.mark.parametrize("size", [(96, 128), (50, 70), (8, 64)])
@pytest.mark.parametrize("matrix", MATRICES)
def test_frames_are_ffmpegs(colour, size):
    """For every matrix and range, no value is more than a level off FFmpeg's, and the frame has its tags."""
    for image in (noise(*size), noise(*size) // 128 * 255):
        expected, made = colour.from_rgb(image, "yuv420p", *size[::-1]), convert(image, colour)
        assert np.abs(made.to_ndarray().astype(int) - expected.to_ndarray()).max() <= 1
        assert (made.colorspace, made.color_range) == (expected.colorspace, expected.color_range)


@pytest.mark.parametrize("matrix", MATRICES)
def test_greys_have_no_colour(colour):
    """Every level of grey has neutral chroma, exactly."""
    greys = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    assert set(convert(greys, colour).to_ndarray()[16:].flat) == {128}
