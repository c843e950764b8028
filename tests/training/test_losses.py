"""The losses are the equations that their docstrings state."""

import math

import pytest
import torch
from torch.nn import functional as F

from cartoonize.training.losses import Weights, gan, perceptual, pixels, supervised, temporal
from cartoonize.training.run import LOSSES


@pytest.fixture
def pictures():
    return torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_every_weight_is_a_loss_of_a_phase():
    """`Weights` has the losses that the phases compute: a recipe cannot name a loss without effect."""
    assert {name for names in LOSSES.values() for name in names} == set(Weights.__struct_fields__)


def test_an_undecided_discriminator_costs_log_2():
    """BCE takes logits: an undecided discriminator costs log 2 either way."""
    undecided = torch.zeros(3, 1, 2, 2)
    assert gan.bce(undecided, 1.0).item() == pytest.approx(math.log(2))
    assert gan.bce(undecided + 2, 1.0).item() == pytest.approx(math.log(1 + math.exp(-2)))


def test_discriminator_has_three_terms():
    """Artist 1, generated 0 and edge-smoothed 0 count alike; the last may be missing."""
    artist, generated, smoothed = torch.full((1, 1), 0.5), torch.full((1, 1), 2.0), torch.full((1, 1), 3.0)
    three = gan.discriminator_loss(gan.least_squares, artist, generated, smoothed)
    two = gan.discriminator_loss(gan.least_squares, artist, generated)
    assert three.item() == pytest.approx(0.25 + 4 + 9)
    assert two.item() == pytest.approx(0.25 + 4)


def test_a_ramp_varies_along_one_axis():
    """A ramp of one step a pixel along x varies by one there, and not at all along y."""
    ramp = torch.arange(5.0).expand(1, 3, 4, 5)
    assert pixels.total_variation(ramp).item() == pytest.approx(1.0)


def test_colour_sees_colour_and_not_texture(pictures):
    """Fine noise costs little, a tint of the same size much more."""
    grey = torch.zeros_like(pictures)
    tint = grey + torch.tensor([0.3, -0.3, 0.3])[:, None, None]
    noise = 0.6 * (pictures > 0) - 0.3
    assert pixels.colour(grey, grey).item() == 0
    assert pixels.colour(tint, grey) > 5 * pixels.colour(noise, grey)


def test_gram_ignores_positions(pictures):
    """The Gram loss compares textures, not their places."""
    assert perceptual.gram(pictures, pictures.roll(5, -1)).item() == pytest.approx(0, abs=1e-6)
    assert perceptual.gram(pictures, -0.5 * pictures) > 0.01


def test_surface_view_keeps_edges_and_drops_texture():
    """The guided filter flattens weak texture and leaves a strong step."""
    step = torch.ones(1, 3, 20, 20)
    step[..., 10:] = -1
    texture = 0.05 * torch.randn(1, 3, 20, 20, generator=torch.Generator().manual_seed(1))
    flat = gan.surface_view(texture, radius=2, eps=0.05)
    kept = gan.surface_view(step, radius=2, eps=0.05)
    assert flat.std() < 0.3 * texture.std()
    assert (kept - step).abs().max() < 0.1


def test_texture_view_is_grey(pictures):
    """The three channels of the view are equal: luma and a random mix, weighed as in the equation."""
    mix = torch.tensor([[1.0, -0.5, 0.25], [0.0, 0.0, 1.0]])
    view = gan.texture_view(pictures, mix)
    luma = (pictures * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1)
    expected = 0.8 * luma + 0.2 * (pictures * mix[:, :, None, None]).sum(1)
    torch.testing.assert_close(view[:, 2], expected)
    torch.testing.assert_close(view[:, 0], view[:, 1])


def test_equivariance_is_zero_for_a_per_pixel_mapping(pictures):
    """The output of a per-pixel mapping moves along with the picture; one that depends on x does not."""
    motion = temporal.random_motion(2, 24)
    motion[:, 0, 2] = 2 / 24  # one pixel
    quiet = torch.zeros_like(pictures)

    def bound_to_place(x):
        return x * torch.linspace(-1, 1, 24)

    along = temporal.equivariance(lambda x: 0.5 * x, pictures, 0.5 * pictures, motion, quiet)
    against = temporal.equivariance(bound_to_place, pictures, bound_to_place(pictures), motion, quiet)
    assert along.item() == pytest.approx(0, abs=1e-6)
    assert against > 0.005


def test_noise_has_its_level_and_two_grains():
    """The noise of the temporal loss has the given deviation, and part of it survives a 4x4 mean."""
    torch.manual_seed(0)
    noise = temporal.random_noise(torch.zeros(2, 3, 128, 128), level=0.02)
    assert noise.std().item() == pytest.approx(0.02, rel=0.05)
    white = 0.02 / 4
    assert F.avg_pool2d(noise, 4).std() > 1.5 * white


def test_locality_is_zero_for_a_narrow_receptive_field(pictures):
    """A per-pixel mapping costs nothing; one that depends on the mean of the picture does."""
    torch.manual_seed(0)

    def wide(x):
        return x + x.mean((2, 3), keepdim=True)

    assert temporal.locality(torch.tanh, pictures, torch.tanh(pictures), margin=2) == 0
    assert temporal.locality(wide, pictures, wide(pictures), margin=2) > 1e-3


def test_excess_variation_counts_only_where_the_target_is_flat():
    """Texture costs nothing on a textured target, and all its variation on a flat one; edges cost nothing."""
    flat = torch.zeros(1, 3, 16, 16)
    flat[..., 8:] = 1
    texture = flat + 0.1 * torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert supervised.excess_variation(flat, flat) == 0
    assert supervised.excess_variation(texture, texture) < 0.01 * supervised.excess_variation(texture, flat)
    assert supervised.excess_variation(texture, torch.zeros_like(flat)) > supervised.excess_variation(
        texture, flat
    )


def test_slopes_of_the_target_are_free():
    """A slope as soft as mist costs nothing where the target has it, and its excess where that is flat."""
    slope = torch.linspace(0, 0.1, 32).expand(1, 3, 32, 32)
    flat = torch.zeros_like(slope)
    assert supervised.excess_variation(slope, slope) == 0
    assert supervised.excess_variation(flat, slope) == 0
    assert supervised.excess_variation(slope, flat) > 0


def test_faint_structures_count_by_their_contrast():
    """A missing bump of a tenth of the contrast costs more than a quarter; in pixels it costs a tenth."""
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    bump = torch.exp(-((x - 48).square() + (y - 48).square()) / 200).expand(1, 3, 96, 96)
    flat = torch.zeros_like(bump)
    strong, weak = (supervised.relative_band_distance(flat, height * bump) for height in (2.0, 0.2))
    assert strong > weak > 0.25 * strong
    assert supervised.relative_band_distance(bump, bump) == 0


def test_only_missing_dark_lines_cost():
    """A line that is missing costs; one that is too dark costs nothing, nor do light spots or flat areas."""
    flat, line, spot = (torch.zeros(1, 3, 32, 32) for _ in range(3))
    line[..., 15:17], spot[..., 15:17] = -0.8, 0.8
    assert supervised.missing_lines(flat, line) > supervised.missing_lines(0.5 * line, line) > 0
    assert supervised.missing_lines(line, line) == supervised.missing_lines(2 * line, line) == 0
    assert supervised.missing_lines(line, flat) == 0
    assert supervised.missing_lines(spot, flat) < 1e-6
    assert supervised.missing_lines(flat, spot) == 0


def test_purple_ink_is_not_black_ink():
    """A line of the right luma that is too dark in green and too light in red and blue costs."""
    line = torch.zeros(1, 3, 32, 32)
    line[..., 15:17] = -0.8
    purple = line.clone()
    red, green, blue = 0.299, 0.587, 0.114
    purple[:, [0, 2], :, 15:17] += 0.2
    purple[:, 1, :, 15:17] -= 0.2 * (red + blue) / green
    for loss in (supervised.missing_lines, supervised.missing_sharpness):
        assert loss(purple, line) > 0.1 * loss(torch.zeros_like(line), line)


def test_content_and_structure_are_l1(pictures):
    """The losses of content and structure are mean absolute differences of feature maps."""
    other = pictures.flip(0)
    for loss in (perceptual.content, perceptual.structure):
        assert loss(pictures, other) == F.l1_loss(pictures, other)


def test_only_missing_sharpness_costs():
    """A blurred edge costs; a sharp one does not, even a pixel aside, nor does an extra one."""
    edge, blurred, flat = (torch.zeros(1, 3, 16, 32) for _ in range(3))
    edge[..., 16:] = 1
    blurred[..., 16:] = 1
    blurred[..., 14:18] = torch.tensor([0.2, 0.4, 0.6, 0.8])
    assert supervised.missing_sharpness(flat, edge) > supervised.missing_sharpness(blurred, edge) > 0
    assert (
        supervised.missing_sharpness(edge, edge)
        == supervised.missing_sharpness(torch.roll(edge, 1, -1), edge)
        == 0
    )
    assert supervised.missing_sharpness(edge, flat) == 0
