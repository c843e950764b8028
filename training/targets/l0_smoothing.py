"""L0 gradient minimisation: smoothing that keeps few and strong edges."""

import torch
from torch import Tensor
from torch.nn import functional as F

# The coupling grows by the factor KAPPA to LARGEST_BETA, beyond which the result changes by less than a
# quarter of a level; the paper ends at 1e5. From 0, for no smoothing, it would never end.
KAPPA, LEAST_BETA, LARGEST_BETA = 2.4, 1e-9, 1e4
MARGIN = 24  # pixels, at least, of reflected borders


def l0_smooth(picture: Tensor, smoothing: float | Tensor) -> Tensor:
    """Keep few and strong edges: minimise |S - I|^2 + smoothing * (number of non-zero gradients of S).

    L0 gradient minimisation (Xu, Lu, Xu, Jia, SIGGRAPH Asia 2011) by half-quadratic splitting: threshold
    the gradients, then solve for the picture in the Fourier domain, with a coupling beta that grows from
    twice the largest smoothing. `smoothing` may be a map (H, W). The borders are reflected first, as the
    transform is periodic.
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
    while beta < LARGEST_BETA:
        h, v = s.roll(-1, 2) - s, s.roll(-1, 1) - s
        weak = (h.square() + v.square()).sum(0) < local / beta
        h, v = h.masked_fill(weak, 0), v.masked_fill(weak, 0)
        backwards = h.roll(1, 2) - h + v.roll(1, 1) - v  # the adjoint of both differences
        s = torch.fft.irfft2((data + beta * torch.fft.rfft2(backwards)) / (1 + beta * gradient_power), s=size)
        beta *= KAPPA
    left, top = pad[0], pad[2]
    return s[:, top : top + height, left : left + width].clamp(0, 1)


def _difference_response(size: torch.Size, device: torch.device) -> tuple[Tensor, Tensor]:
    """Transforms of the forward differences along x and y, for `rfft2` of pictures of `size`."""
    height, width = size
    fx = torch.arange(width // 2 + 1, device=device) / width
    fy = torch.arange(height, device=device) / height
    return (torch.exp(2j * torch.pi * fx) - 1)[None, :], (torch.exp(2j * torch.pi * fy) - 1)[:, None]


def _margins(length: int) -> tuple[int, int]:
    """Pixels to reflect before and after `length`, up to a length for which the FFT is fast."""
    padded = length + 2 * MARGIN
    while not _is_smooth(padded):
        padded += 1
    return min(MARGIN, length - 1), min(padded - length - MARGIN, length - 1)


def _is_smooth(number: int) -> bool:
    """Whether a number has no prime factor above 7."""
    for prime in (2, 3, 5, 7):
        while number % prime == 0:
            number //= prime
    return number == 1
