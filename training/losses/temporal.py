"""Temporal consistency without videos: pictures that move a little stand for neighbouring frames."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def temporal_consistency(generate: Callable[[Tensor], Tensor], photo: Tensor, output: Tensor) -> Tensor:
    """Measure how much the output changes if the input changes as little as between two frames.

    Half of the pictures move a little under noise (`equivariance`). In the other half, as in front of a
    static camera, an object passes (`locality`). The random numbers come from PyTorch's global generator.
    """
    half = len(photo) // 2
    motion = random_motion(len(photo) - half, photo.shape[-1], device=photo.device)
    moved = equivariance(generate, photo[half:], output[half:], motion, random_noise(photo[half:]))
    return moved + locality(generate, photo[:half], output[:half]) if half else moved


def equivariance(
    generate: Callable[[Tensor], Tensor], photo: Tensor, output: Tensor, motion: Tensor, noise: Tensor
) -> Tensor:
    """||G(warp(p) + noise) - warp(G(p))||_1 where the warp stays inside the picture.

    The equivariance loss of Eilertsen, Mantiuk, Unger (CVPR 2019): a picture that moves a little, as between
    two frames, must give an output that moves along. `motion` is (N, 2, 3), see `random_motion`; `noise` has
    the shape of `photo`. The photo is reflected at its borders: a black border, which videos do not have,
    would affect the output as far inside as G sees.
    """
    inside = warp(torch.ones_like(photo[:, :1]), motion) > 0.999
    distance = (generate(warp(photo, motion, "reflection") + noise) - warp(output, motion)).abs() * inside
    return distance.sum() / (3 * inside.sum()).clamp(min=1)


def locality(generate: Callable[[Tensor], Tensor], photo: Tensor, output: Tensor, margin: int = 12) -> Tensor:
    """||G(p') - G(p)||_1 at least `margin` pixels away from where p' shows something else.

    In p' a random rectangle of half the width and height shows another part of the photo. A network with a
    large receptive field changes its output far from such a change, where a video is static.
    """
    height, width = photo.shape[-2:]
    top, left = (int(torch.randint(side // 2 + 1, ())) for side in (height, width))
    inside = torch.zeros_like(photo[:1, :1])
    inside[..., top : top + height // 2, left : left + width // 2] = 1
    affected = F.max_pool2d(inside, 2 * margin + 1, stride=1, padding=margin)
    changed = torch.where(inside > 0, photo.roll((height // 2, width // 2), (2, 3)), photo)
    return ((generate(changed) - output).abs() * (1 - affected)).mean()


def random_noise(like: Tensor, level: float = 0.02) -> Tensor:
    """Noise between frames of a still video, with a standard deviation of `level` (2.5 of 255 levels).

    Half of its power is the sensor's, white; half is the codec's, in patches of 4 pixels.
    """
    white, patches = torch.randn_like(like), torch.randn_like(like[..., ::4, ::4])
    broad: Tensor = F.interpolate(patches, like.shape[-2:], mode="bilinear", align_corners=False)
    return (white + broad / broad.std().clamp(min=1e-6)) * (level * math.sqrt(0.5))


def random_motion(
    count: int, size: int, shift: float = 4.0, scale: float = 0.02, device: torch.device | None = None
) -> Tensor:
    """Shifts up to `shift` pixels of a picture `size` wide, scales up to 1 +- `scale`; (count, 2, 3)."""
    uniform = 2 * torch.rand(count, 3, device=device) - 1
    motion = torch.zeros(count, 2, 3, device=device)
    motion[:, 0, 0] = motion[:, 1, 1] = 1 + scale * uniform[:, 2]
    motion[:, :, 2] = uniform[:, :2] * (2 * shift / size)
    return motion


def warp(x: Tensor, motion: Tensor, padding: str = "zeros") -> Tensor:
    """Move pictures by affine maps (N, 2, 3) of their coordinates in [-1, 1].

    `padding`, "zeros" or "reflection", decides what pixels outside the picture are.
    """
    grid = F.affine_grid(motion, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode=padding, align_corners=False)
