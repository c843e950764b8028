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

LUMA = (0.299, 0.587, 0.114)  # Rec. 601, on gamma-coded RGB


def cartoon_target(photo: Tensor, look: Look) -> Tensor:
    """Redraw a photo (3, H, W) in [0, 1] -> the same: smooth, step the tones, draw the lines, polish."""
    smooth = l0_smooth(photo**look.lift, look.smoothing) ** (1 / look.lift)
    fills = paint(smooth, look)
    lines = flow_lines(smooth, sigma_c=look.line_width, rho=look.line_reach)
    ink = fills.new_tensor(look.ink)[:, None, None]
    inked = fills + look.line_darkness * (torch.minimum(ink, fills) - fills)
    drawn = fills * lines + inked * (1 - lines)
    return l0_smooth(drawn, look.polish) if look.polish else drawn


def paint(picture: Tensor, look: Look) -> Tensor:
    """The fills of a smoothed picture: stepped lightness, and its own colours or those of ink on paper."""
    lab = rgb_to_lab(picture)
    lightness = soft_steps(100 * (lab[:1] / 100).clamp(min=0) ** look.brightness, look)
    lightness = look.black + (1 - look.black / 100) * lightness
    if look.paper is not None:
        ink, paper = (picture.new_tensor(colour)[:, None, None] for colour in (look.ink, look.paper))
        return (ink + (paper - ink) * lightness / 100).clamp(0, 1)
    warm = lab.new_tensor([0.0, look.warmth])[:, None, None]
    return lab_to_rgb(torch.cat([lightness, lab[1:] * look.chroma + warm])).clamp(0, 1)


def l0_smooth(picture: Tensor, smoothing: float, kappa: float = 2.0, beta_max: float = 1e5) -> Tensor:
    """Few and strong edges: minimise |S - I|^2 + smoothing * (number of non-zero gradients of S).

    L0 gradient minimisation (Xu, Lu, Xu, Jia, SIGGRAPH Asia 2011) by half-quadratic splitting: threshold
    the gradients, then solve for the picture in the Fourier domain, with a coupling beta that grows by
    `kappa` from 2 * smoothing to `beta_max`. The border is mirrored first, as the transform is periodic.
    """
    _, height, width = picture.shape
    margin = min(24, height - 1, width - 1)
    s = F.pad(picture[None], (margin,) * 4, mode="reflect")[0]
    size = s.shape[-2:]
    dx, dy = _difference_response(size, s.device)
    data, gradient_power = torch.fft.rfft2(s), dx.abs().square() + dy.abs().square()
    beta = 2 * smoothing
    while beta < beta_max:
        h, v = s.roll(-1, 2) - s, s.roll(-1, 1) - s
        weak = (h.square() + v.square()).sum(0) < smoothing / beta
        h, v = h.masked_fill(weak, 0), v.masked_fill(weak, 0)
        coupled = dx.conj() * torch.fft.rfft2(h) + dy.conj() * torch.fft.rfft2(v)
        s = torch.fft.irfft2((data + beta * coupled) / (1 + beta * gradient_power), s=size)
        beta *= kappa
    return s[:, margin : margin + height, margin : margin + width].clamp(0, 1)


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
    eigenvector of the structure tensor smoothed by `sigma_tensor`.
    """
    luma = (picture * picture.new_tensor(LUMA)[:, None, None]).sum(0, keepdim=True)[None]
    tangent = _edge_tangent(picture, sigma_tensor)
    normal = torch.stack([-tangent[1], tangent[0]])

    reach = 3 * 1.6 * sigma_c
    response = torch.zeros_like(luma)
    total_c = total_s = 0.0
    for t in torch.arange(-round(reach), round(reach) + 1).tolist():
        weight_c = _gauss(t, sigma_c)
        weight_s = _gauss(t, 1.6 * sigma_c)
        total_c, total_s = total_c + weight_c, total_s + weight_s
    for t in torch.arange(-round(reach), round(reach) + 1).tolist():
        weight = _gauss(t, sigma_c) / total_c - rho * _gauss(t, 1.6 * sigma_c) / total_s
        response = response + weight * _sample(luma, t * normal)

    along, total = response.clone(), 1.0
    for sign in (1.0, -1.0):
        offset, heading = torch.zeros_like(tangent), sign * tangent
        for t in range(1, round(2 * sigma_m) + 1):
            offset = offset + heading
            there = _sample(torch.cat([response[0], tangent])[None], offset)
            along = along + _gauss(t, sigma_m) * there[:, :1]
            total += _gauss(t, sigma_m)
            # The tangent has no sign: turn it so that the walk goes on in its own direction.
            following = there[0, 1:]
            agrees = (following * heading).sum(0, keepdim=True).sign()
            heading = F.normalize(following * torch.where(agrees == 0, 1.0, agrees), dim=0)
    return (1 + torch.tanh(slope * (along / total).clamp(max=0)))[0]


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
    sobel = picture.new_tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    padded = F.pad(picture[:, None], (1, 1, 1, 1), mode="replicate")
    gx, gy = F.conv2d(padded, sobel[None, None])[:, 0], F.conv2d(padded, sobel.T[None, None])[:, 0]
    products = torch.stack([(gx * gx).sum(0), (gx * gy).sum(0), (gy * gy).sum(0)])
    xx, xy, yy = gaussian_blur(products, sigma)
    angle = 0.5 * torch.atan2(2 * xy, xx - yy)  # of the gradient
    return torch.stack([-torch.sin(angle), torch.cos(angle)])


def gaussian_blur(planes: Tensor, sigma: float) -> Tensor:
    """Blur (C, H, W) with a Gaussian cut at three sigma; the border is repeated."""
    radius = max(1, round(3 * sigma))
    kernel = planes.new_tensor([_gauss(t, sigma) for t in range(-radius, radius + 1)])
    kernel = kernel / kernel.sum()
    x = F.pad(planes[:, None], (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(x, kernel[None, None, None, :]), kernel[None, None, :, None])[:, 0]


def _sample(planes: Tensor, offset: Tensor) -> Tensor:
    """(1, C, H, W) read at every pixel plus `offset` (2, H, W; x then y, in pixels), bilinearly."""
    height, width = planes.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=planes.device), torch.arange(width, device=planes.device), indexing="ij"
    )
    grid = torch.stack(
        [(x + offset[0] + 0.5) * (2 / width) - 1, (y + offset[1] + 0.5) * (2 / height) - 1], -1
    )
    return F.grid_sample(planes, grid[None], mode="bilinear", padding_mode="border", align_corners=False)


def _gauss(t: float, sigma: float) -> float:
    return math.exp(-t * t / (2 * sigma * sigma))
