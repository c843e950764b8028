"""L0 gradient minimisation: smoothing that keeps few and strong edges."""

import torch
from torch import Tensor
from torch.nn import functional as F

LEAST_BETA = 1e-4  # the coupling grows by a factor: from 0, for no smoothing, it would never end


def l0_smooth(
    picture: Tensor, smoothing: float | Tensor, kappa: float = 2.4, beta_max: float = 1e4
) -> Tensor:
    """Keep few and strong edges: minimise |S - I|^2 + smoothing * (number of non-zero gradients of S).

    L0 gradient minimisation (Xu, Lu, Xu, Jia, SIGGRAPH Asia 2011) by half-quadratic splitting: threshold
    the gradients, then solve for the picture in the Fourier domain, with a coupling beta that grows by
    `kappa` from twice the largest smoothing to `beta_max`. `smoothing` may be a map (H, W). The borders are
    reflected first, as the transform is periodic.

    The paper ends at 1e5; beyond 1e4 the result changes by less than a quarter of a level.
    """
    _, height, width = picture.shape
    local = torch.as_tensor(smoothing, dtype=picture.dtype, device=picture.device).expand(height, width)
    pad = *_margins(width), *_margins(height)
    s = F.pad(picture[None], pad, mode="reflect")[0]
    local = F.pad(local[None, None], pad, mode="reflect")[0, 0]
    size = s.shape[-2:]
    dx, dy = _difference_response(size, s.device)
    data, gradient_power = torch.fft.rfft2(s), dx.abs().square() + dy.abs().square()
    beta = max(2 * local.max().item(), LEAST_BETA)
    while beta < beta_max:
        h, v = s.roll(-1, 2) - s, s.roll(-1, 1) - s
        weak = (h.square() + v.square()).sum(0) < local / beta
        h, v = h.masked_fill(weak, 0), v.masked_fill(weak, 0)
        backwards = h.roll(1, 2) - h + v.roll(1, 1) - v  # the adjoint of both differences
        s = torch.fft.irfft2((data + beta * torch.fft.rfft2(backwards)) / (1 + beta * gradient_power), s=size)
        beta *= kappa
    left, top = pad[0], pad[2]
    return s[:, top : top + height, left : left + width].clamp(0, 1)


def _difference_response(size: torch.Size, device: torch.device) -> tuple[Tensor, Tensor]:
    """Transforms of the forward differences along x and y, for `rfft2` of pictures of `size`."""
    height, width = size
    fx = torch.arange(width // 2 + 1, device=device) / width
    fy = torch.arange(height, device=device) / height
    return (torch.exp(2j * torch.pi * fx) - 1)[None, :], (torch.exp(2j * torch.pi * fy) - 1)[:, None]


def _margins(length: int, minimum: int = 24) -> tuple[int, int]:
    """Pixels to reflect before and after `length`: at least 24, up to a length for which the FFT is fast."""
    padded = length + 2 * minimum
    while not _is_smooth(padded):
        padded += 1
    before, after = minimum, padded - length - minimum
    return min(before, length - 1), min(after, length - 1)


def _is_smooth(number: int) -> bool:
    """Whether a number has no prime factor above 7."""
    for prime in (2, 3, 5, 7):
        while number % prime == 0:
            number //= prime
    return number == 1
