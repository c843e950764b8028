"""Targets for a network: photos redrawn by classical filters, with flat fills, soft tones and flowing lines.

Filters of this quality take a second per picture and flicker. A small network trained towards their output
takes milliseconds and, being a smooth function of its input, flickers less. Each step is a pure function on
RGB pictures (3, H, W) in [0, 1], on any device; `cartoon_target` chains them.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..filters import bright_dots, gaussian_blur, interpolate, kuwahara, ramp, round_softly, structure_tensor
from ..lab import lab_to_rgb, luma, rgb_to_lab
from ..recipe import TargetLook
from .borders import area_borders
from .flow_lines import flow_lines
from .l0_smoothing import l0_smooth
from .strokes import rough_tones, variety
from .two_tone import two_tone

ROUGH_SIGMA, DENSITY_SIGMA = 8.0, 10.0  # Gaussians that make roughness and density local
# Difference of lightness from the surroundings that counts as faint, and the sigma of that mean in pixels.
CLARITY, CLARITY_SIGMA = 8.0, 20.0
LINE_FREE = 0.006  # density of texture below which lines need no contrast
FAINT, FAINT_BAND = 0.05, (3.0, 16.0)  # height in [0, 1] and sizes in pixels of faint structures
# roughness from which fewer faint structures are restored, and from which none are
FAINT_NOISE = 0.006, 0.015
# Squared roughness, in units of the square of `rough`: from the first on, `detail` adds tones; from the
# second on, all of them.
DETAIL_FROM = 0.05, 0.3
DETAIL_POLISH = 0.05, 0.003  # shares of the polish that large and small strokes get, so that their tones stay
# Density of texture: up to the first, two tones are the edge of an area; from the second on, letters.
LETTERS = 0.006, 0.014
# Stars and glints: the height from which they are restored and from which they are as bright as in the photo,
# and the density of texture from which fewer are restored and from which none are.
DOT, DOT_TEXTURE = (0.04, 0.10), (0.002, 0.006)
# A blurred background has no lines. At its edges, a narrow Gaussian of EDGE_BANDS pixels leaves little more
# gradient than a wide one: lines begin at the first ratio, and are complete from the second on.
EDGE_BANDS, SHARP_EDGE = (1.5, 6.0), (1.7, 2.2)
BESIDE = 2  # pixels from a line within which no colour is darker than its ink
# In shapes narrower than PEN pixels, lines are SHADE times their colour: the contrast from which this
# replaces some of the ink, and from which it replaces all.
PEN, SHADE, NARROW = 9, 0.55, (0.03, 0.10)
INK_ON_DARK = 0.5  # luma of the area beside a line below which its ink is darker in proportion
WET_SIGMAS = (2.0, 6.0)  # pixels over which pigment pools at the edges of wet paint


def cartoon_target(photo: Tensor, look: TargetLook) -> Tensor:
    """Redraw a photo by filters, (3, H, W) in [0, 1] -> the same shape and range.

    It smooths textures, quantises the tones, draws the lines, and smooths again if `look.polish` is not 0.
    """
    lifted = photo**look.lift
    texture = density(fine_structure(lifted), coherence(lifted))
    # Coarser than texture, because enlarged photos are soft; finer than the faint shapes, which must stay.
    noise = roughness(fine_structure(lifted, 3.5), coherence(lifted, 4.0))
    letters = two_tone(lifted) * ramp(texture, *LETTERS)
    strokes = kuwahara(lifted)
    painted = torch.lerp(lifted, strokes, ramp(texture, *look.texture) * (1 - letters))
    relative = (noise / look.rough).square()[0]
    strength = relative.clamp(look.least_smoothing, 1)
    strength = torch.lerp(strength, torch.full_like(strength, look.least_smoothing), letters[0])
    if look.borders:
        strength = strength * (1 - look.borders * area_borders(lifted))
    shapes = smooth = l0_smooth(painted, look.smoothing * strength)
    if look.detail:
        rough = ramp(relative, *DETAIL_FROM) * (1 - letters[0])
        varied = variety(photo) if look.large_strokes else torch.ones_like(relative)[None]
        tones = rough_tones(strokes, painted, relative, varied)
        smooth = torch.lerp(shapes, tones, look.detail * rough)
        large, small = DETAIL_POLISH
        spared = large + (small - large) * varied[0]
        strength = torch.lerp(strength, torch.minimum(strength, spared), rough)
    shapes, smooth = shapes ** (1 / look.lift), smooth ** (1 / look.lift)
    fills = paint_fills(smooth, look)
    if look.wet_edges:
        fills = pool_pigment(fills, look.wet_edges)
    if look.line_darkness:
        threshold = look.line_threshold * (texture - LINE_FREE).clamp(min=0)
        # The lines of `shapes` run around a tree, not around its leaves, and not around stars.
        starless = (shapes - bright_dots(luma(shapes))).clamp(min=0)
        fills = draw_lines(fills, starless, threshold, ramp(sharpness(lifted), *SHARP_EDGE), look)
    drawn = l0_smooth(fills, look.polish * strength) if look.polish else fills
    if not look.faint:
        return drawn
    source = paint_fills(photo, look)
    drawn = restore_faint(drawn, source, look.faint * (1 - ramp(noise, *FAINT_NOISE)))
    return restore_dots(drawn, source, 1 - ramp(texture, *DOT_TEXTURE))


def restore_faint(drawn: Tensor, photo: Tensor, share: Tensor) -> Tensor:
    """Add a share (1, H, W) of the faint structures that a drawing lost, as slopes; both (3, H, W) in [0, 1].

    Of the difference d from the photo in the same colours, between Gaussians of FAINT_BAND pixels, it adds
    share d exp(-(d / FAINT)^2): larger differences are lines and texture.
    """
    fine, coarse = FAINT_BAND
    missing = photo - drawn
    missing = gaussian_blur(missing, fine) - gaussian_blur(missing, coarse)
    return (drawn + share * missing * (-(missing / FAINT).square()).exp()).clamp(0, 1)


def restore_dots(drawn: Tensor, photo: Tensor, share: Tensor) -> Tensor:
    """Restore a share (1, H, W) of the stars and glints that a drawing lost; both (3, H, W) in [0, 1]."""
    return drawn + share * ramp(bright_dots(luma(photo)), *DOT) * (photo - drawn).clamp(min=0)


def draw_lines(fills: Tensor, smooth: Tensor, threshold: Tensor, share: Tensor, look: TargetLook) -> Tensor:
    """The fills (3, H, W) with the lines of the smoothed photo, where these exceed `threshold` (1, H, W).

    `share` (1, H, W) weakens them. On dark areas, ink is darker: nobody would see brown on a dark blue coat.
    A line is no lighter than the darkest colour beside it: brown ink around black letters would be a fringe.
    In shapes as narrow as the pen, it is a shade of their own colour: ink would fill coloured letters, straps
    and fingers.
    """
    lines = flow_lines(smooth, threshold, sigma_c=look.line_width, rho=look.line_reach, slope=look.line_slope)
    lines = 1 - share * (1 - lines)
    darkest = darkest_nearby(fills)
    ink = fills.new_tensor(look.ink)[:, None, None] * (luma(darkest) / INK_ON_DARK).clamp(max=1)
    ink = torch.minimum(ink, darkest)
    ink = torch.lerp(ink, SHADE * fills, ramp(narrowness(luma(fills)), *NARROW))
    inked = torch.lerp(fills, ink, look.line_darkness)
    return fills * lines + inked * (1 - lines)


def darkest_nearby(picture: Tensor) -> Tensor:
    """The minimum of each channel within BESIDE pixels of (3, H, W), smoothed: never above the picture."""
    lowest = -F.max_pool2d(-picture[None], 2 * BESIDE + 1, 1, BESIDE)[0]
    return torch.minimum(gaussian_blur(lowest, BESIDE / 2), picture)


def narrowness(brightness: Tensor) -> Tensor:
    """How much dark shapes narrower than PEN pixels differ from their surround: (1, H, W) -> the same.

    The difference from the morphological closing.
    """
    highest = F.max_pool2d(brightness[None], PEN, 1, PEN // 2)
    return -F.max_pool2d(-highest, PEN, 1, PEN // 2)[0] - brightness


def pool_pigment(fills: Tensor, amount: float) -> Tensor:
    """Darken areas of (3, H, W) towards their borders with lighter ones, as pigment does in drying paint.

    Where a picture is darker than its Gaussian, its pigment is denser by `amount` times the difference. A
    density d darkens a colour C to C (1 - (1 - C) (d - 1)) (Bousseau, Kaplan, Thollot, Sillion, NPAR 2006).
    """
    lightness = fills.mean(0, keepdim=True)
    narrow, wide = ((gaussian_blur(lightness, sigma) - lightness).clamp(min=0) for sigma in WET_SIGMAS)
    return fills * (1 - (1 - fills) * (amount * (narrow + wide) / 2).clamp(max=1))


def fine_structure(picture: Tensor, sigma: float = 1.5) -> Tensor:
    """RMS over the channels of what a Gaussian of `sigma` pixels removes: (1, H, W)."""
    return (picture - gaussian_blur(picture, sigma)).square().mean(0, keepdim=True).sqrt()


def sharpness(picture: Tensor) -> Tensor:
    """How sharp the edges near a pixel are: (1, H, W).

    The ratio of the luma gradients' RMS after a narrow and a wide Gaussian: 2.5 at an edge that is blurred by
    2 pixels, 1.4 at one that is blurred by 6, whatever its height.
    """
    narrow, wide = (_gradient_energy(gaussian_blur(luma(picture), sigma)) for sigma in EDGE_BANDS)
    return (narrow / wide).sqrt()


def _gradient_energy(brightness: Tensor) -> Tensor:
    """The squared gradients of (1, H, W), within 4 pixels: the same shape, above 0."""
    xx, _, yy = structure_tensor(brightness, 4.0)
    energy: Tensor = xx + yy + 1e-7
    return energy[None]


def coherence(picture: Tensor, sigma: float = 2.5) -> Tensor:
    """The agreement of edge directions near a pixel, (1, H, W) in [0, 1]: 1 on a line, near 0 in gravel.

    (a - b) / (a + b) of the structure tensor's eigenvalues (Weickert, 1999, without the square).
    """
    xx, xy, yy = structure_tensor(picture, sigma)
    ratio: Tensor = ((xx - yy).square() + 4 * xy.square()).sqrt() / (xx + yy + 1e-6)
    return ratio[None]


def roughness(fine: Tensor, direction: Tensor) -> Tensor:
    """Local RMS of fine structure without a direction: grain, gravel, leaves; (1, H, W).

    L0 smoothing removes every step below a height that lambda sets. One lambda for the whole picture removes
    a mountain in mist along with the grain of gravel. A lambda proportional to the square of the roughness
    removes only what is no higher than the noise around it. A wire, whose edges have one direction, counts
    little.
    """
    return gaussian_blur(fine.square() * (1 - direction), ROUGH_SIGMA).sqrt()


def density(fine: Tensor, direction: Tensor) -> Tensor:
    """Local density of fine structure without a direction: (1, H, W).

    The square of the mean square root: a few strong features (an eye, a large letter) raise it far less than
    many (leaves, a crowd) of the same energy.
    """
    return gaussian_blur((fine * (1 - direction)).sqrt(), DENSITY_SIGMA).square()


def paint_fills(picture: Tensor, look: TargetLook) -> Tensor:
    """The fills of a smoothed picture: stepped lightness, with its own colours or those of ink on paper."""
    lab = rgb_to_lab(picture)
    lightness = add_clarity(lab[:1], look.clarity) if look.clarity else lab[:1]
    lightness = quantise_softly(100 * (lightness / 100).clamp(min=0) ** look.brightness, look)
    lightness = look.black + (look.white - look.black) / 100 * lightness
    if look.paper is not None:
        ink, paper = (picture.new_tensor(colour)[:, None, None] for colour in (look.ink, look.paper))
        return (ink + (paper - ink) * lightness / 100).clamp(0, 1)
    warm = lab.new_tensor([0.0, look.warmth])[:, None, None]
    colour = lab[1:] * look.chroma
    if look.chroma_by_lightness:
        colour = colour * interpolate(look.chroma_by_lightness, lightness / 100)
    if look.tint:
        colour = colour + torch.cat(
            [interpolate(axis, lightness / 100) for axis in zip(*look.tint, strict=True)]
        )
    return lab_to_rgb(torch.cat([lightness, colour + warm])).clamp(0, 1)


def add_clarity(lightness: Tensor, clarity: float) -> Tensor:
    """Raise the contrast of faint structures up to CLARITY_SIGMA pixels large in lightness (1, H, W).

    d + clarity d exp(-(d / CLARITY)^2), where d is the difference from a Gaussian: strong edges, which would
    get halos, do not change.
    """
    difference = lightness - gaussian_blur(lightness, CLARITY_SIGMA)
    return lightness + clarity * difference * (-(difference / CLARITY).square()).exp()


def quantise_softly(lightness: Tensor, look: TargetLook) -> Tensor:
    """Pull lightness in [0, 100] towards the middles of `look.tones` steps, `look.tone_mix` of the way."""
    stepped = round_softly(lightness, look.tone_slope, 100.0 / look.tones)
    return look.tone_mix * stepped.clamp(0, 100) + (1 - look.tone_mix) * lightness
