"""The effects alone, and the whole chain from frames in memory to frames in memory."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from . import Sizes, StepOptions
from .timing import choose, median_seconds, name_of


def measure_effects(options: StepOptions) -> Iterator[dict[str, Any]]:
    """The stabilizer and the enlargement to `lines`, on drawings that are in the device's memory.

    As they are, and with `torch.compile` for the step of the stabilizer; at tiny size that is only traced.
    """
    import torch

    from cartoonize.effects.pytorch import stabilizer
    from cartoonize.effects.pytorch.chain import TensorChain

    device, sizes = choose(options.device), options.sizes
    height, width = sizes.lines
    shape = (sizes.batch, *drawn_lines(sizes), 3)
    drawings = torch.randint(0, 256, shape, dtype=torch.uint8, device=device)
    yield {"device": name_of(device)}
    with torch.inference_mode():
        for way in ("as_it_is", "compiled"):
            if way == "compiled":
                stabilizer.stabilize = torch.compile(
                    stabilizer.stabilize, fullgraph=True, backend="eager" if options.is_tiny else "inductor"
                )
            chain = TensorChain([stabilizer.TensorStabilizer()], enlarges=True)
            apply = partial(chain, drawings, drawings, (width, height))
            seconds = median_seconds(apply, device, sizes.rounds)
            yield {f"frames_per_s_{way}": round(sizes.batch / seconds, 1)}


def measure_chain(options: StepOptions) -> Iterator[dict[str, Any]]:
    """Frames in memory at the draw size -> network -> effects -> frames of `lines`, as `video` makes them.

    In RGB and, on a GPU, with the conversion to YUV 4:2:0 for an encoder.
    """
    import numpy as np

    from cartoonize import Frame, load, stream
    from cartoonize.core.yuv import YuvWeights, yuv_weights
    from cartoonize.effects.look import Look
    from cartoonize.run.threads import StageWaits

    sizes = options.sizes
    (height, width), drawn = sizes.lines, drawn_lines(sizes)
    wide = np.random.default_rng(0).integers(0, 256, (drawn[0], drawn[1] + 64, 3), dtype=np.uint8)
    pan = [np.ascontiguousarray(wide[:, i : i + drawn[1]]) for i in range(64)]
    count = 32 * sizes.rounds
    with load("pepper", device=options.device) as backend:

        def convert(count: int, weights: YuvWeights | None) -> StageWaits:
            frames = (Frame(pan[i % 64], pts=i, full_size=(width, height)) for i in range(count))
            waits, effects = StageWaits(), Look().effects(weights)
            for _ in stream(frames, backend, batch=backend.batch, effects=effects, waits=waits):
                pass
            return waits

        rec709 = yuv_weights(0.2126, 0.0722, full_range=False)
        for name, weights in {"": None, **({"_yuv": rec709} if backend.runs_effects else {})}.items():
            convert(backend.batch, weights)  # the first batch also chooses kernels
            began = time.perf_counter()
            waits = convert(count, weights)
            seconds = time.perf_counter() - began
            yield {
                "device": backend.device,
                "notices": backend.notices,
                f"frames_per_s{name}": round(count / seconds, 2),
                f"waited_for{name}": {
                    stage: round(getattr(waits, stage), 2) for stage in ("decode", "network", "encode")
                },
            }


def drawn_lines(sizes: Sizes) -> tuple[int, int]:
    """Height and width at which frames of `lines` are drawn by default."""
    from cartoonize.core.draw_size import draw_size

    height, width = sizes.lines
    return draw_size(width, height, "normal")[::-1]
