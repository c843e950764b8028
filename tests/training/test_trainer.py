"""A network in training: its device and its precision."""

import numpy as np
import pytest
import torch

from cartoonize.export.parity import LIMITS, SHARE
from cartoonize.models.checkpoint import load_style
from cartoonize.styles import find_style
from cartoonize.tools.gpu_check import photo
from cartoonize.training.trainer import Compute


@pytest.mark.parametrize("style", ["pepper", "pepper-hq"])
def test_bf16_draws_what_float32_draws(style):
    """Training in bf16 sees the drawings of the style file: 99.9 % of all values are within two levels."""
    generator, _ = load_style(find_style(style))
    picture = torch.from_numpy(photo()[:96, 200:328].copy()).permute(2, 0, 1)[None]
    exact, rounded = (
        compute.run(generator.eval(), compute.to_unit(picture)).detach()
        for compute in (Compute(torch.device("cpu"), bf16=False), Compute(torch.device("cpu"), bf16=True))
    )
    levels = (127.5 * (exact - rounded)).abs().numpy()
    assert 0 < np.percentile(levels, SHARE) <= LIMITS["bf16"][1]
