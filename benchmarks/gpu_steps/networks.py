"""Networks alone, and a style from and to the memory of the CPU."""

import statistics
from collections.abc import Iterator
from typing import Any

from . import StepOptions
from .timing import choose, median_seconds, name_of, timed


def measure_matrix(options: StepOptions) -> Iterator[dict[str, Any]]:
    """TFLOP/s of a bf16 matrix product, against which the networks are measured."""
    device = choose(options.device)
    yield {"device": name_of(device), "tflops": matrix_rate(device, options)}


def matrix_rate(device: Any, options: StepOptions) -> float:
    """Return the TFLOP/s of a product of two random bf16 matrices."""
    import torch

    side = options.sizes.matrix
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2e-12 * side**3 / median_seconds(lambda: a @ b, device, options.sizes.rounds)


def measure_network(options: StepOptions) -> Iterator[dict[str, Any]]:
    """The deck's generator alone, on frames that are in the device's memory.

    Also with cuDNN's trials of all its algorithms, which a library must not turn on for its caller.
    """
    import torch

    from cartoonize.models import ARCHITECTURES
    from cartoonize.models.cost import multiplications
    from cartoonize.models.deploy import deploy

    device, sizes = choose(options.device), options.sizes
    generator = ARCHITECTURES["cartoongan"](width=sizes.width).eval()
    tflop = 2e-12 * multiplications(generator, *sizes.lines)
    model = deploy(generator, torch.bfloat16).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    frames = torch.randint(0, 256, (sizes.batch, *sizes.lines, 3), dtype=torch.uint8, device=device)
    peak = matrix_rate(device, options)
    yield {"device": name_of(device), "tflop_per_frame": tflop}
    for name, is_tried in (("", False), ("_with_trials", True)):
        torch.backends.cudnn.benchmark = is_tried
        with torch.inference_mode():
            seconds = median_seconds(lambda: model(frames), device, sizes.rounds)
        rate = tflop * sizes.batch / seconds
        yield {
            f"frames_per_s{name}": round(sizes.batch / seconds, 3),
            f"tflops{name}": rate,
            f"of_matrix_rate{name}": rate / peak,
        }


def measure_style(options: StepOptions) -> Iterator[dict[str, Any]]:
    """`pepper` from bytes to bytes in the CPU's pinned memory, by the backend that the command uses.

    "frames_per_s" has one call after the other, as programs draw; "frames_per_s_queued" has two batches in
    flight, as `video` draws.
    """
    import torch

    from cartoonize import load
    from cartoonize.backends.pytorch.device import has_streams

    with load("pepper", device=options.device) as backend:
        count = 8 * backend.batch
        is_pinned = has_streams(choose(options.device))
        pinned = torch.empty(count, *options.sizes.lines, 3, dtype=torch.uint8, pin_memory=is_pinned)
        frames = pinned.random_().numpy()
        batches = [frames[start : start + backend.batch] for start in range(0, count, backend.batch)]
        yield {"device": backend.device, "precision": backend.precision}

        def call() -> None:
            for batch in batches:
                backend(batch)

        def queue() -> None:
            waits = [backend.submit([batch], lambda drawings, _: drawings) for batch in batches[:1]]
            for batch in batches[1:]:
                waits.append(backend.submit([batch], lambda drawings, _: drawings))
                waits.pop(0)()
            waits.pop()()

        for name, work in {"": call, **({"_queued": queue} if backend.runs_effects else {})}.items():
            work()
            seconds = statistics.median(timed(work) for _ in range(options.sizes.rounds))
            yield {f"frames_per_s{name}": round(count / seconds, 2), "notices": backend.notices}


def measure_profile(options: StepOptions) -> Iterator[dict[str, Any]]:
    """What the device spends its time on while networks draw, copies included; the tables are in OUT."""
    import torch
    from torch.profiler import profile

    from cartoonize.backends.pytorch.device import has_streams
    from cartoonize.models import ARCHITECTURES
    from cartoonize.models.checkpoint import load_style
    from cartoonize.models.deploy import deploy
    from cartoonize.styles import find_style

    device, sizes = choose(options.device), options.sizes
    networks = {
        "pepper": load_style(find_style("pepper"))[0],
        "cartoongan": ARCHITECTURES["cartoongan"](width=sizes.width).eval(),
    }
    frames = torch.zeros(sizes.batch, *sizes.lines, 3, dtype=torch.uint8, pin_memory=has_streams(device))
    key = "cpu_time_total" if device.type == "cpu" else "device_time_total"
    for name, generator in networks.items():
        model = deploy(generator, torch.bfloat16).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        with torch.inference_mode():
            model(frames.to(device)).cpu()
            with profile(activities=torch.profiler.supported_activities()) as profiler:
                for _ in range(sizes.rounds):
                    model(frames.to(device, non_blocking=True)).cpu()
        table = profiler.key_averages().table(sort_by=key, row_limit=25)
        (options.out / f"profile-{name}.txt").write_text(table)
        yield {"device": name_of(device), name: f"profile-{name}.txt"}
