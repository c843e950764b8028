"""Conversion between sRGB and CIE Lab, and from sRGB to luma, as differentiable tensor operations."""

import torch
from torch import Tensor

_RGB_TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_D65 = (0.95047, 1.0, 1.08883)
_LUMA = (0.299, 0.587, 0.114)  # Rec. 601


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """SRGB (3, H, W) in [0, 1] -> CIE Lab under D65, L in [0, 100] (CIE 15; IEC 61966-2-1)."""
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


def luma(rgb: Tensor) -> Tensor:
    """SRGB (3, H, W) in [0, 1] -> luma (1, H, W) in [0, 1] (Rec. 601)."""
    return (rgb * rgb.new_tensor(_LUMA)[:, None, None]).sum(0, keepdim=True)
