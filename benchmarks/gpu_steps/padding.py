"""What reflection padding costs before a convolution on a GPU, and whether there is a faster way."""

from collections.abc import Iterator
from typing import Any

from . import StepOptions
from .timing import choose, median_seconds, name_of


def measure_padding(options: StepOptions) -> Iterator[dict[str, Any]]:
    """Milliseconds to pad the features of a residual block of `cartoongan`, and of its convolution.

    PyTorch's kernel for CUDA returns channels first, so each convolution after it converts back to channels
    last. Indexing the rows and columns keeps channels last.
    """
    import torch
    from torch.nn import functional as F

    device, sizes = choose(options.device), options.sizes
    channels, last = 4 * sizes.width, torch.channels_last
    height, width = (side // 4 for side in sizes.lines)
    x = torch.randn(sizes.batch, channels, height, width, device=device, dtype=torch.bfloat16)
    x = x.contiguous(memory_format=last)
    weight = torch.randn(channels, channels, 3, 3, device=device, dtype=torch.bfloat16)
    weight = weight.contiguous(memory_format=last)
    rows, columns = (_reflected(side, device) for side in (height, width))

    def pad() -> Any:
        return F.pad(x, (1, 1, 1, 1), mode="reflect").contiguous(memory_format=last)

    def index() -> Any:
        return x.permute(0, 2, 3, 1)[:, rows[:, None], columns].permute(0, 3, 1, 2)

    if not torch.equal(pad(), index()):
        raise ValueError("The two ways differ.")
    padded = pad()
    works = {"pad": pad, "index": index, "convolution": lambda: F.conv2d(padded, weight)}
    yield {"device": name_of(device)}
    for name, work in works.items():
        yield {f"ms_{name}": 1000 * median_seconds(work, device, 4 * sizes.rounds)}


def _reflected(length: int, device: Any) -> Any:
    """The positions of a row with one reflected pixel on each side."""
    import torch

    return torch.tensor([1, *range(length), length - 2], device=device)
