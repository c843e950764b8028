"""Photos redrawn by classical filters: flat fills, soft tones and flowing lines, as targets for a network.

Filters of this quality take a second a picture and flicker; a small network trained towards their output
takes milliseconds and, being a smooth function of its input, is steadier than they are. Each step is a
pure function on RGB pictures (3, H, W) in [0, 1], on any device; `cartoon_target` chains them.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from .presets import Look

CLARITY = 8.0  # difference of lightness from the surround that counts as faint
LINE_FREE = 0.006  # density of texture below which nothing holds lines back
LUMA = (0.299, 0.587, 0.114)  # Rec. 601, on gamma-coded RGB


def cartoon_target(photo: Tensor, look: Look) -> Tensor:
    """Redraw a photo (3, H, W) in [0, 1] -> the same: smooth, step the tones, draw the lines, polish."""
    lifted = photo**look.lift
    texture = density(fine_structure(lifted), coherence(lifted))
    # Coarser than texture, as enlarged photos are soft; finer than the faint shapes that are to stay.
    noise = roughness(fine_structure(lifted, 3.5), coherence(lifted, 4.0))
    low, high = look.texture
    blobs = ((texture - low) / (high - low)).clamp(0, 1)
    painted = lifted + blobs * (kuwahara(lifted) - lifted)
    strength = (noise / look.rough).square().clamp(look.least_smoothing, 1)[0]
    smooth = l0_smooth(painted, look.smoothing * strength) ** (1 / look.lift)
    fills = paint(smooth, look)
    threshold = look.line_threshold * (texture - LINE_FREE).clamp(min=0)
    lines = flow_lines(smooth, threshold, sigma_c=look.line_width, rho=look.line_reach)
    ink = fills.new_tensor(look.ink)[:, None, None]
    inked = fills + look.line_darkness * (torch.minimum(ink, fills) - fills)
    drawn = fills * lines + inked * (1 - lines)
    return l0_smooth(drawn, look.polish * strength) if look.polish else drawn


def fine_structure(picture: Tensor, sigma: float = 1.5) -> Tensor:
    """RMS over the channels of what a Gaussian of `sigma` pixels removes: (1, H, W)."""
    return (picture - gaussian_blur(picture, sigma)).square().mean(0, keepdim=True).sqrt()


def coherence(picture: Tensor, sigma: float = 2.5) -> Tensor:
    """How far all edges near a pixel have one direction: (1, H, W), 1 on a line, near 0 in gravel.

    (a - b) / (a + b) of the structure tensor's eigenvalues (Weickert, 1999, without the square).
    """
    xx, xy, yy = _structure_tensor(picture, sigma)
    share: Tensor = ((xx - yy).square() + 4 * xy.square()).sqrt() / (xx + yy + 1e-6)
    return share[None]


def roughness(fine: Tensor, direction: Tensor, sigma: float = 8.0) -> Tensor:
    """Local RMS of fine structure without a direction: grain, gravel, leaves; (1, H, W).

    L0 smoothing removes each step below a height that lambda sets. One lambda for the whole picture removes
    a mountain in mist along with the grain of gravel. Lambda in proportion to the square of this removes what
    is no higher than the noise around it. A wire counts little, as its edges have one direction.
    """
    return gaussian_blur(fine.square() * (1 - direction), sigma).sqrt()


def density(fine: Tensor, direction: Tensor, sigma: float = 10.0) -> Tensor:
    """How densely fine structure without a direction covers the surroundings: (1, H, W).

    The square of the mean root, which a few strong features (an eye, a large letter) raise far less than
    many (leaves, a crowd) of the same energy.
    """
    return gaussian_blur((fine * (1 - direction)).sqrt(), sigma).square()


def kuwahara(picture: Tensor, sigma: float = 1.2, offset: float = 1.8, sectors: int = 8) -> Tensor:
    """Texture becomes blobs with edges: at each pixel the mean of the sectors around it that vary least.

    The generalised Kuwahara filter (Papari, Petkov, Campisi, IEEE TIP 2007): each sector is a Gaussian of
    `sigma` pixels, `offset` pixels away, and weighs as the inverse square of its variance.
    """
    mean = gaussian_blur(picture, sigma)
    variance = (gaussian_blur(picture.square(), sigma) - mean.square()).sum(0, keepdim=True)
    statistics, grid = torch.cat([mean, variance])[None], _pixel_grid(picture)
    total, weights = torch.zeros_like(mean), torch.zeros_like(variance)
    for angle in (2 * math.pi * k / sectors for k in range(sectors)):
        shift = picture.new_tensor([math.cos(angle), math.sin(angle)])[:, None, None] * offset
        sector = _sample(statistics, shift, grid)[0]
        weight = sector[3:].clamp(min=1e-5).square().reciprocal()
        total, weights = total + weight * sector[:3], weights + weight
    return total / weights


def paint(picture: Tensor, look: Look) -> Tensor:
    """The fills of a smoothed picture: stepped lightness, and its own colours or those of ink on paper."""
    lab = rgb_to_lab(picture)
    lightness = clearer(lab[:1], look.clarity) if look.clarity else lab[:1]
    lightness = soft_steps(100 * (lightness / 100).clamp(min=0) ** look.brightness, look)
    lightness = look.black + (1 - look.black / 100) * lightness
    if look.paper is not None:
        ink, paper = (picture.new_tensor(colour)[:, None, None] for colour in (look.ink, look.paper))
        return (ink + (paper - ink) * lightness / 100).clamp(0, 1)
    warm = lab.new_tensor([0.0, look.warmth])[:, None, None]
    return lab_to_rgb(torch.cat([lightness, lab[1:] * look.chroma + warm])).clamp(0, 1)


def clearer(lightness: Tensor, clarity: float, sigma: float = 20.0) -> Tensor:
    """Lightness (1, H, W) with more contrast in what is faint and up to `sigma` pixels large.

    d + clarity d exp(-(d / CLARITY)^2), where d is the difference from a Gaussian: strong edges, which would
    get halos, stay as they are.
    """
    difference = lightness - gaussian_blur(lightness, sigma)
    return lightness + clarity * difference * (-(difference / CLARITY).square()).exp()


def l0_smooth(
    picture: Tensor, smoothing: float | Tensor, kappa: float = 2.4, beta_max: float = 1e4
) -> Tensor:
    """Few and strong edges: minimise |S - I|^2 + smoothing * (number of non-zero gradients of S).

    L0 gradient minimisation (Xu, Lu, Xu, Jia, SIGGRAPH Asia 2011) by half-quadratic splitting: threshold
    the gradients, then solve for the picture in the Fourier domain, with a coupling beta that grows by
    `kappa` from twice the largest smoothing to `beta_max`. `smoothing` may be a map (H, W). The border is
    mirrored first, as the transform is periodic.

    The paper ends at 1e5; from 1e4 on only steps below a quarter of a level are still decided.
    """
    _, height, width = picture.shape
    local = torch.as_tensor(smoothing, dtype=picture.dtype, device=picture.device).expand(height, width)
    pad = *_margins(width), *_margins(height)
    s = F.pad(picture[None], pad, mode="reflect")[0]
    local = F.pad(local[None, None], pad, mode="reflect")[0, 0]
    size = s.shape[-2:]
    dx, dy = _difference_response(size, s.device)
    data, gradient_power = torch.fft.rfft2(s), dx.abs().square() + dy.abs().square()
    beta = 2 * local.max().item()
    while beta < beta_max:
        h, v = s.roll(-1, 2) - s, s.roll(-1, 1) - s
        weak = (h.square() + v.square()).sum(0) < local / beta
        h, v = h.masked_fill(weak, 0), v.masked_fill(weak, 0)
        backwards = h.roll(1, 2) - h + v.roll(1, 1) - v  # the adjoint of both differences
        s = torch.fft.irfft2((data + beta * torch.fft.rfft2(backwards)) / (1 + beta * gradient_power), s=size)
        beta *= kappa
    left, top = pad[0], pad[2]
    return s[:, top : top + height, left : left + width].clamp(0, 1)


def soft_steps(lightness: Tensor, look: Look) -> Tensor:
    """Lightness in [0, 100] pulled towards the middles of `look.tones` steps, `look.tone_mix` of the way.

    The soft quantisation of Winnemoeller, Olsen, Gooch (SIGGRAPH 2006): a tanh joins the steps, so that
    noise at a step moves a pixel a little instead of a whole tone.
    """
    step = 100.0 / look.tones
    nearest = (lightness / step).round() * step
    stepped = nearest + step / 2 * torch.tanh((lightness - nearest) * (look.tone_slope / step))
    return look.tone_mix * stepped.clamp(0, 100) + (1 - look.tone_mix) * lightness


def flow_lines(
    picture: Tensor,
    threshold: float | Tensor = 0.0,
    sigma_tensor: float = 2.5,
    sigma_c: float = 1.0,
    sigma_m: float = 3.0,
    rho: float = 0.985,
    slope: float = 60.0,
) -> Tensor:
    """Coherent lines (1, H, W): 1 is paper, 0 is ink.

    The flow-based difference of Gaussians of Kang, Lee, Chui (NPAR 2007): across the local edge
    direction, a Gaussian of `sigma_c` minus `rho` times one of 1.6 `sigma_c`; along it, a Gaussian of
    `sigma_m`, following the flow, which joins broken pieces and drops specks. The direction is the minor
    eigenvector of the structure tensor smoothed by `sigma_tensor`. A line has to be darker than its surround
    by `threshold`, a number or (1, H, W): in a tree's crown its outline is, and most leaves are not.
    """
    luma = (picture * picture.new_tensor(LUMA)[:, None, None]).sum(0, keepdim=True)[None]
    tangent = _edge_tangent(picture, sigma_tensor)
    normal = torch.stack([-tangent[1], tangent[0]])
    grid = _pixel_grid(picture)

    reach = 3 * 1.6 * sigma_c
    response = torch.zeros_like(luma)
    total_c = total_s = 0.0
    for t in torch.arange(-round(reach), round(reach) + 1).tolist():
        weight_c = _gauss(t, sigma_c)
        weight_s = _gauss(t, 1.6 * sigma_c)
        total_c, total_s = total_c + weight_c, total_s + weight_s
    for t in torch.arange(-round(reach), round(reach) + 1).tolist():
        weight = _gauss(t, sigma_c) / total_c - rho * _gauss(t, 1.6 * sigma_c) / total_s
        response = response + weight * _sample(luma, t * normal, grid)

    along, total = response.clone(), 1.0
    for sign in (1.0, -1.0):
        offset, heading = torch.zeros_like(tangent), sign * tangent
        for t in range(1, round(2 * sigma_m) + 1):
            offset = offset + heading
            there = _sample(torch.cat([response[0], tangent])[None], offset, grid)
            along = along + _gauss(t, sigma_m) * there[:, :1]
            total += _gauss(t, sigma_m)
            # The tangent has no sign: turn it so that the walk goes on in its own direction.
            following = there[0, 1:]
            agrees = (following * heading).sum(0, keepdim=True).sign()
            heading = F.normalize(following * torch.where(agrees == 0, 1.0, agrees), dim=0)
    return 1 + torch.tanh(slope * ((along / total)[0] + threshold).clamp(max=0))


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """The sRGB values (3, H, W) in [0, 1] -> CIE Lab under D65, L in [0, 100] (CIE 15; IEC 61966-2-1)."""
    linear = torch.where(rgb > 0.04045, ((rgb.clamp(min=0) + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = torch.einsum("ij,jhw->ihw", rgb.new_tensor(_RGB_TO_XYZ), linear)
    xyz = xyz / rgb.new_tensor(_D65)[:, None, None]
    f = torch.where(xyz > 0.008856, xyz.clamp(min=1e-8) ** (1 / 3), 7.787 * xyz + 16 / 116)
    return torch.stack([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def lab_to_rgb(lab: Tensor) -> Tensor:
    """The inverse of `rgb_to_lab`; colours outside sRGB leave [0, 1]."""
    y = (lab[0] + 16) / 116
    f = torch.stack([y + lab[1] / 500, y, y - lab[2] / 200])
    xyz = torch.where(f > 0.206893, f**3, (f - 16 / 116) / 7.787) * lab.new_tensor(_D65)[:, None, None]
    linear = torch.einsum("ij,jhw->ihw", torch.linalg.inv(lab.new_tensor(_RGB_TO_XYZ)), xyz)
    return torch.where(
        linear > 0.0031308, 1.055 * linear.clamp(min=1e-8) ** (1 / 2.4) - 0.055, 12.92 * linear
    )


_RGB_TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_D65 = (0.95047, 1.0, 1.08883)


def _difference_response(size: torch.Size, device: torch.device) -> tuple[Tensor, Tensor]:
    """Transforms of the forward differences along x and y, for `rfft2` of pictures of that size."""
    height, width = size
    fx = torch.arange(width // 2 + 1, device=device) / width
    fy = torch.arange(height, device=device) / height
    return (torch.exp(2j * torch.pi * fx) - 1)[None, :], (torch.exp(2j * torch.pi * fy) - 1)[:, None]


def _edge_tangent(picture: Tensor, sigma: float) -> Tensor:
    """Unit vectors (2, H, W), x then y, along the edges: the structure tensor's minor eigenvector."""
    xx, xy, yy = _structure_tensor(picture, sigma)
    angle = 0.5 * torch.atan2(2 * xy, xx - yy)  # of the gradient
    return torch.stack([-torch.sin(angle), torch.cos(angle)])


def _structure_tensor(picture: Tensor, sigma: float) -> Tensor:
    """Products xx, xy, yy of the gradient, (3, H, W), summed over the channels and smoothed by `sigma`."""
    sobel = picture.new_tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    padded = F.pad(picture[:, None], (1, 1, 1, 1), mode="replicate")
    gx, gy = F.conv2d(padded, sobel[None, None])[:, 0], F.conv2d(padded, sobel.T[None, None])[:, 0]
    return gaussian_blur(torch.stack([(gx * gx).sum(0), (gx * gy).sum(0), (gy * gy).sum(0)]), sigma)


def gaussian_blur(planes: Tensor, sigma: float) -> Tensor:
    """Blur (C, H, W) with a Gaussian cut at three sigma; the border is repeated."""
    radius = max(1, round(3 * sigma))
    kernel = planes.new_tensor([_gauss(t, sigma) for t in range(-radius, radius + 1)])
    kernel = kernel / kernel.sum()
    x = F.pad(planes[:, None], (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(x, kernel[None, None, None, :]), kernel[None, None, :, None])[:, 0]


def _pixel_grid(picture: Tensor) -> Tensor:
    """Coordinates of the pixels of a picture (C, H, W) as `grid_sample` has them: (H, W, 2), x then y."""
    height, width = picture.shape[-2:]
    y = (2 * torch.arange(height, device=picture.device, dtype=picture.dtype) + 1) / height - 1
    x = (2 * torch.arange(width, device=picture.device, dtype=picture.dtype) + 1) / width - 1
    return torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)


def _sample(planes: Tensor, offset: Tensor, grid: Tensor) -> Tensor:
    """(1, C, H, W) read at every pixel plus `offset` (2, H, W; x then y, in pixels), bilinearly."""
    scale = grid.new_tensor([2 / planes.shape[-1], 2 / planes.shape[-2]])
    at = grid + offset.permute(1, 2, 0) * scale
    return F.grid_sample(planes, at[None], mode="bilinear", padding_mode="border", align_corners=False)


def _margins(length: int, least: int = 24) -> tuple[int, int]:
    """Pixels to mirror before and after `length`: at least 24, to a length that the FFT likes."""
    padded = length + 2 * least
    while not _is_smooth(padded):
        padded += 1
    before, after = least, padded - length - least
    return min(before, length - 1), min(after, length - 1)


def _is_smooth(number: int) -> bool:
    """Whether a number has no prime factor above 7."""
    for prime in (2, 3, 5, 7):
        while number % prime == 0:
            number //= prime
    return number == 1


def _gauss(t: float, sigma: float) -> float:
    return math.exp(-t * t / (2 * sigma * sigma))
