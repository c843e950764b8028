"""The losses: pure functions of tensors. Pictures are (N, 3, H, W) in [-1, 1]; every result is a scalar.

Each is a mean over its elements, so that weights do not depend on the size of pictures or batches.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

Criterion: TypeAlias = Callable[[Tensor, float], Tensor]
"""Distance of a discriminator's logits to what they should say: 1 for real, 0 for fake."""


def bce(logits: Tensor, target: float) -> Tensor:
    """The log loss: -log sigmoid(x) towards 1, -log(1 - sigmoid(x)) towards 0 (Goodfellow et al., 2014)."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def least_squares(logits: Tensor, target: float) -> Tensor:
    """(x - target)^2, without a sigmoid (Mao et al., ICCV 2017), as the official CartoonGAN code."""
    return (logits - target).square().mean()


CRITERIA: dict[str, Criterion] = {"bce": bce, "least_squares": least_squares}


def discriminator(
    criterion: Criterion, artist: Tensor, generated: Tensor, smoothed: Tensor | None = None
) -> Tensor:
    """CartoonGAN's L_adv as D sees it: artist 1, generated 0, edge-smoothed 0; takes D's logits.

    E_c[-log D(c)] + E_p[-log(1 - D(G(p)))] + E_e[-log(1 - D(e))] (Chen et al., CVPR 2018, eq. 3). Without
    `smoothed` it is the plain loss of two terms.
    """
    fakes = [generated] if smoothed is None else [generated, smoothed]
    return criterion(artist, 1.0) + torch.stack([criterion(fake, 0.0) for fake in fakes]).sum()


def content(features: Tensor, of_photo: Tensor) -> Tensor:
    """CartoonGAN's L_con: ||VGG(G(p)) - VGG(p)||_1 (eq. 4), as a mean; takes feature maps."""
    return F.l1_loss(features, of_photo)


def total_variation(x: Tensor) -> Tensor:
    """Mean |x(i, j+1) - x(i, j)| + mean |x(i+1, j) - x(i, j)| (Rudin, Osher, Fatemi, 1992, anisotropic)."""
    return _across(x).abs().mean() + _down(x).abs().mean()


def colour(output: Tensor, photo: Tensor, sigma: float = 4.0) -> Tensor:
    """||blur(YUV(G(p))) - blur(YUV(p))||_1: broad colours stay, edges and texture are free.

    After AnimeGAN's colour reconstruction loss (Chen, Liu, Chen, 2019, eq. 5), which is L1 on Y and Huber
    on U and V; here it is L1 on all three, behind a Gaussian of `sigma` pixels.
    """
    return F.l1_loss(blur(to_yuv(output), sigma), blur(to_yuv(photo), sigma))


def gram(features: Tensor, of_style: Tensor) -> Tensor:
    """||F F^T / HWC of one - of the other||_1 (Gatys et al., CVPR 2016, with AnimeGAN's L1)."""
    return F.l1_loss(_gram_matrix(features), _gram_matrix(of_style))


def structure(features: Tensor, of_flat_photo: Tensor) -> Tensor:
    """White-box Cartoonization's structure loss: ||VGG(G(p)) - VGG(superpixels)||_1 (CVPR 2020, eq. 4).

    The superpixels are those of the photo, filled with their mean colours; takes feature maps.
    """
    return F.l1_loss(features, of_flat_photo)


def surface_view(x: Tensor, radius: int = 5, eps: float = 0.2) -> Tensor:
    """White-box Cartoonization's surface: what its surface discriminator sees (CVPR 2020, eq. 2).

    The guided filter with the picture as its own guide (He, Sun, Tang, 2010): in every window of
    (2 radius + 1)^2 pixels, a = var / (var + eps), b = mean - a mean; the output is mean(a) x + mean(b).
    """
    mean = _box(x, radius)
    variance = (_box(x * x, radius) - mean * mean).clamp(min=0)
    a = variance / (variance + eps)
    return _box(a, radius) * x + _box(mean - a * mean, radius)


def texture_view(x: Tensor, mix: Tensor, luma: float = 0.8) -> Tensor:
    """White-box Cartoonization's texture: what its texture discriminator sees (CVPR 2020, eq. 5).

    F(x) = (1 - luma) (b1 R + b2 G + b3 B) + luma Y, with `mix` = b of shape (N, 3), drawn from U(-1, 1);
    (N, 1, H, W), repeated to three channels.
    """
    random = (x * mix[:, :, None, None]).sum(1, keepdim=True)
    return ((1 - luma) * random + luma * to_yuv(x)[:, :1]).expand(-1, 3, -1, -1)


def temporal(
    generate: Callable[[Tensor], Tensor], photo: Tensor, output: Tensor, motion: Tensor, noise: Tensor
) -> Tensor:
    """||G(warp(p) + noise) - warp(G(p))||_1 where the warp stays inside the picture.

    Holds G to one answer for a picture that moves a little, as neighbouring frames do: the equivariance
    loss of Eilertsen, Mantiuk, Unger (CVPR 2019). `motion` is (N, 2, 3), see `random_motion`; `noise` has
    the shape of `photo`. What comes into the photo from outside is its reflection: a black border, which
    videos have not, would reach into the picture as far as G sees.
    """
    inside = warp(torch.ones_like(photo[:, :1]), motion) > 0.999
    distance = (generate(warp(photo, motion, "reflection") + noise) - warp(output, motion)).abs() * inside
    return distance.sum() / (3 * inside.sum()).clamp(min=1)


def temporal_consistency(generate: Callable[[Tensor], Tensor], photo: Tensor, output: Tensor) -> Tensor:
    """How far G is from drawing a video in which nothing happens but small things as a still one.

    Half of the pictures move a little under noise (`temporal`); in the other half, of which a still camera
    films a place, something passes by (`locality`). Draws come from PyTorch's global generator.
    """
    half = len(photo) // 2
    motion = random_motion(len(photo) - half, photo.shape[-1]).to(photo.device)
    unrest = temporal(generate, photo[half:], output[half:], motion, random_noise(photo[half:]))
    return unrest + locality(generate, photo[:half], output[:half]) if half else unrest


def locality(generate: Callable[[Tensor], Tensor], photo: Tensor, output: Tensor, margin: int = 12) -> Tensor:
    """||G(p') - G(p)||_1 at least `margin` pixels away from where p' shows something else.

    In p' a rectangle of half the sides, at a random place, shows another part of the photo. A network whose
    view is wide lets such a change be felt far away, where a video stands still.
    """
    height, width = photo.shape[-2:]
    top, left = (int(torch.randint(side // 2 + 1, ())) for side in (height, width))
    inside = torch.zeros_like(photo[:1, :1])
    inside[..., top : top + height // 2, left : left + width // 2] = 1
    near = F.max_pool2d(inside, 2 * margin + 1, stride=1, padding=margin)
    passing = torch.where(inside > 0, photo.roll((height // 2, width // 2), (2, 3)), photo)
    return ((generate(passing) - output).abs() * (1 - near)).mean()


def random_noise(like: Tensor, level: float = 0.02) -> Tensor:
    """What changes from frame to frame in a still video, with a deviation of `level` (2.5 of 255 levels).

    Half of its power is the sensor's, white; half is the codec's, which comes in patches of 4 pixels.
    """
    white, patches = torch.randn_like(like), torch.randn_like(like[..., ::4, ::4])
    broad: Tensor = F.interpolate(patches, like.shape[-2:], mode="bilinear", align_corners=False)
    return (white + broad / broad.std().clamp(min=1e-6)) * (level * math.sqrt(0.5))


def random_motion(count: int, size: int, shift: float = 4.0, scale: float = 0.02) -> Tensor:
    """Shifts up to `shift` pixels of a picture `size` wide, scales up to 1 +- `scale`; (count, 2, 3)."""
    uniform = 2 * torch.rand(count, 3) - 1
    motion = torch.zeros(count, 2, 3)
    motion[:, 0, 0] = motion[:, 1, 1] = 1 + scale * uniform[:, 2]
    motion[:, :, 2] = uniform[:, :2] * (2 * shift / size)
    return motion


def warp(x: Tensor, motion: Tensor, padding: str = "zeros") -> Tensor:
    """Move pictures by affine maps (N, 2, 3) of their coordinates in [-1, 1].

    From outside come what `padding` names, "zeros" or a "reflection".
    """
    grid = F.affine_grid(motion, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode=padding, align_corners=False)


def gradient_distance(output: Tensor, target: Tensor) -> Tensor:
    """||dx(y) - dx(t)||_1 + ||dy(y) - dy(t)||_1: lines of the right sharpness (Mathieu et al., ICLR 2016)."""
    return total_variation(output - target)


def unevenness(output: Tensor, target: Tensor, level: float = 4 / 255) -> Tensor:
    """By how much the output varies more than the target where that is nearly flat.

    |d(y)| - |d(t)|, where that is positive and |d(t)| < `level`, across and down. The means are over all
    pixels. `level` is 2 of 255 levels; below it, a surface looks flat. Only the excess counts: a loss of all
    variation would wipe out the slopes of mist, which are far below that level.
    """
    steps = ((d(output).abs(), d(target).abs()) for d in (_across, _down))
    excess = ((y - t).clamp(min=0) * (t.amax(1, keepdim=True) < level) for y, t in steps)
    return torch.stack([part.mean() for part in excess]).sum()


def faint_distance(output: Tensor, target: Tensor, floor: float = 0.04) -> Tensor:
    """How far the output is from the target in large structures, as a share of their contrast.

    |band(y) - band(t)| / (|band(t)| + `floor`), where the band lies between Gaussians of 4 and 16 pixels, as
    in the figure of faint structures. For the distance of the pixels a mountain in mist is a tenth of a
    contour; in proportion to its contrast it counts as much. Bands below `floor`, 5 levels, count less.
    """
    small = [F.avg_pool2d(x, 4) for x in (output, target)]
    band, wanted = (blur(x, 1.0) - blur(x, 4.0) for x in small)
    return ((band - wanted).abs() / (wanted.abs() + floor)).mean()


def faintness(output: Tensor, target: Tensor, sigma: float = 3.0) -> Tensor:
    """How much lighter the output is where the target has a line, weighed by how dark that line is.

    A line is what is darker than its surround, a Gaussian of `sigma` pixels. The distances to a target are
    least at the median of all plausible pictures, which has no line where one is less likely than not;
    this one is least where a line is drawn that is still rather likely.
    """
    lightness, wanted = to_yuv(output)[:, :1], to_yuv(target)[:, :1]
    line = (blur(wanted, sigma) - wanted).clamp(min=0)
    return ((lightness - wanted).clamp(min=0) * line).mean()


def softness(output: Tensor, target: Tensor, radius: int = 1) -> Tensor:
    """How much less steep the output is than the target: its steepest step of luma within `radius` pixels.

    As an edge may lie a pixel aside, a network that is not sure of its place does better with a sharp edge in
    one of its places than with the mean of all, which is what the distances to a target ask for.
    """
    lightness, wanted = to_yuv(output)[:, :1], to_yuv(target)[:, :1]
    missing = (
        (step(wanted).abs() - F.max_pool2d(step(lightness).abs(), 2 * radius + 1, 1, radius)).clamp(min=0)
        for step in (_across, _down)
    )
    return torch.stack([part.mean() for part in missing]).sum()


def to_yuv(x: Tensor) -> Tensor:
    """RGB -> luma and two colour differences, Rec. 601, all scaled to span 2."""
    matrix = x.new_tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
    return torch.einsum("ij,njhw->nihw", matrix, x)


def blur(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, cut at three sigma; the border is repeated."""
    radius = max(1, round(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    kernel = torch.softmax(-offsets.square() / (2 * sigma * sigma), 0)
    channels = x.shape[1]
    across = kernel[None, None, None, :].expand(channels, 1, 1, -1)
    padded = F.pad(x, (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, across, groups=channels), across.mT, groups=channels)


def _across(x: Tensor) -> Tensor:
    return x[..., 1:] - x[..., :-1]


def _down(x: Tensor) -> Tensor:
    return x[..., 1:, :] - x[..., :-1, :]


def _gram_matrix(features: Tensor) -> Tensor:
    flat = features.flatten(2)
    return flat @ flat.mT / flat[0].numel()


def _box(x: Tensor, radius: int) -> Tensor:
    """The mean of the pixels within `radius`, counting only those inside the picture."""
    return F.avg_pool2d(x, 2 * radius + 1, stride=1, padding=radius, count_include_pad=False)
