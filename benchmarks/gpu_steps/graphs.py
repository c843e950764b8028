"""Whether CUDA graphs and compiled kernels pay: the same work at a fixed size, launched in each way."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from . import StepOptions
from .conversion import drawn_lines
from .timing import choose, median_seconds, name_of

Work = Callable[[], Any]
WAYS = ("eager", "graph", "compiled", "compiled_graph")


def measure_graphs(options: StepOptions) -> Iterator[dict[str, Any]]:
    """Frames/s of `pepper` at `lines`, and of its stabilizer at the draw size, in each way of launching.

    "eager" is what the backend does. "graph" records the kernels once and launches them together
    (torch.cuda.CUDAGraph). "compiled" is `torch.compile`, which joins kernels; "compiled_graph" is both. If a
    way fails, or the device does not have it, the reason takes the place of the figure.
    """
    import torch

    device, sizes = choose(options.device), options.sizes
    yield {"device": name_of(device)}
    network, shape = _network(device), (sizes.batch, *sizes.lines, 3)
    works = {  # the work, and its frames
        "pepper": (partial(network, _noise(shape, device)), sizes.batch),
        "stabilizer": (_stabilizer(drawn_lines(sizes), device), 1),
        "pepper_batch_1": (partial(network, _noise((1, *shape[1:]), device)), 1),
    }
    rates: dict[str, dict[str, float | str]] = {name: {} for name in works}
    with torch.inference_mode():
        for way in WAYS:  # compiling, which takes most of the time, comes last
            for name, (work, frames) in works.items():
                rates[name][way] = _rate(way, work, frames, options, device)
                yield {name: rates[name]}


def _rate(way: str, work: Any, frames: int, options: StepOptions, device: Any) -> float | str:
    """Frames/s of a partial of a function of tensors alone."""
    try:
        prepared = _prepare(way, work, device, is_tiny=options.is_tiny)
        return round(frames / median_seconds(prepared, device, 4 * options.sizes.rounds), 1)
    except Exception as error:  # noqa: BLE001  # the other ways are still measured
        return f"{type(error).__name__}: {error}"[:200]


def _prepare(way: str, work: Any, device: Any, *, is_tiny: bool) -> Work:
    """Record or compile the work; at tiny size it is traced only."""
    import torch

    if way == "eager":
        return work
    if way == "graph":
        return _record(work, device)
    settings = {"backend": "eager"} if is_tiny else {"mode": {"compiled_graph": "reduce-overhead"}.get(way)}
    return partial(torch.compile(work.func, fullgraph=True, dynamic=False, **settings), *work.args)


def _record(work: Work, device: Any) -> Work:
    """Record the kernels of a call as a graph, after calls that let libraries prepare themselves."""
    import torch

    if device.type != "cuda":
        raise ValueError("Only CUDA has graphs.")
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def _network(device: Any) -> Any:
    import torch

    from cartoonize.models.checkpoint import load_style
    from cartoonize.models.deploy import deploy
    from cartoonize.styles import find_style

    generator, _ = load_style(find_style("pepper"))
    return deploy(generator, torch.bfloat16).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _stabilizer(drawn: tuple[int, int], device: Any) -> Work:
    """One step of the stabilizer, for frames whose sides are multiples of its blocks."""
    import torch

    from cartoonize.effects.pytorch import stabilizer

    height, width = (side - side % 8 for side in drawn)
    first, second, drawing = (_noise((1, height, width, 3), device) for _ in range(3))
    state = stabilizer.State(stabilizer.reduce(first)[0], first[0])
    refresh = torch.ones(height // 8, 1, device=device)
    return partial(stabilizer.stabilize, state, stabilizer.reduce(second)[0], drawing[0], refresh)


def _noise(shape: tuple[int, ...], device: Any) -> Any:
    import torch

    return torch.randint(0, 256, shape, dtype=torch.uint8, device=device)
