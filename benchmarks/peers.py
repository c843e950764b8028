"""What others run, written from published layer tables, with random weights: they take the same time."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cartoonize.frames import Images


def unit(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1, bias: bool = False
) -> nn.Module:
    """AnimeGANv2's building block; the strided ones pad right and bottom only."""
    padding = (0, 1, 0, 1) if stride == 2 else (kernel // 2,) * 4
    return nn.Sequential(
        nn.ReflectionPad2d(padding),
        nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=bias),
        nn.GroupNorm(1, outputs),
        nn.LeakyReLU(0.2),
    )


class InvertedResidual(nn.Module):
    """Expand by two, depthwise, project to 256; the input is added where it fits."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        wide = 2 * inputs
        self.layers = nn.Sequential(
            unit(inputs, wide, 1),
            unit(wide, wide, groups=wide, bias=True),
            nn.Conv2d(wide, 256, 1, bias=False),
            nn.GroupNorm(1, 256),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, 256, H, W)."""
        y: Tensor = self.layers(x)
        return x + y if x.shape[1] == y.shape[1] else y


class AnimeGANv2(nn.Module):
    """The PyTorch port's generator: 2.14 M parameters, 26.3 GMAC at 256x256."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Sequential(unit(3, 32, 7), unit(32, 64, stride=2), unit(64, 64))
        self.b = nn.Sequential(unit(64, 128, stride=2), unit(128, 128))
        residuals = [InvertedResidual(128), *(InvertedResidual(256) for _ in range(3))]
        self.c = nn.Sequential(unit(128, 128), *residuals, unit(256, 128))
        self.d = nn.Sequential(unit(128, 128), unit(128, 128))
        self.e = nn.Sequential(unit(128, 64), unit(64, 64), unit(64, 32, 7))
        self.out = nn.Conv2d(32, 3, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> the same."""
        half, full = [(side // 2 for side in x.shape[-2:]), x.shape[-2:]]
        y = self.c(self.b(self.a(x)))
        y = self.d(F.interpolate(y, tuple(half), mode="bilinear", align_corners=True))
        y = self.e(F.interpolate(y, tuple(full), mode="bilinear", align_corners=True))
        return torch.tanh(self.out(y))


@torch.no_grad()
def plain(network: nn.Module, images: Images) -> Images:
    """How scripts run such a network: NCHW, float32, one picture at a time, one stage after the other."""
    drawn = []
    for image in images:
        x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
        y = network(x)[0].clamp(-1, 1).permute(1, 2, 0)
        drawn.append(((y + 1) * 127.5).byte().numpy())
    return np.stack(drawn)
