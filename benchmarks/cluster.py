"""The cost of Ray: a film converted on all of this machine by Ray, against the same without Ray.

    python benchmarks/cluster.py --seconds 60 --rounds 3

Both commands take turns, A B A B, each in its own process, as users start it. Ray runs already, as clusters
do; its start is measured separately. The outputs are compared packet by packet. Use an idle machine.
"""

import logging
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import av
import ray
from clips import repeat
from results import Results, make_parser, seconds

from cartoonize.tools.demo import make_demo_clip


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--style", default="pepper")
    options = parser.parse_args()
    results = Results("cluster", options)
    start_ray = partial(
        ray.init, "local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
    )
    results["ray_start_seconds"] = start_seconds = seconds(start_ray)
    print(f"Ray started in {start_seconds:.1f} s")
    address = ray.get_runtime_context().gcs_address
    with TemporaryDirectory() as name:
        folder = Path(name)
        source, alone, on_ray = (folder / name for name in ("in.mp4", "alone.mp4", "ray.mp4"))
        make_demo_clip(folder / "once.mp4", *map(int, options.size.split("x")))
        repeat(folder / "once.mp4", source, options.seconds)
        times: dict[str, list[float]] = {"alone": [], "ray": []}
        for _ in range(options.rounds):
            times["alone"].append(convert(source, alone, options.style))
            times["ray"].append(convert(source, on_ray, options.style, "--cluster", address))
        equal = read_packets(alone) == read_packets(on_ray)
    for name, measured in times.items():
        results[f"{name}_seconds"] = median(measured)
        print(f"{name:7} {median(measured):7.1f} s   ({', '.join(f'{s:.1f}' for s in measured)})")
    ratio = median(times["ray"]) / median(times["alone"])
    print(f"Ray takes {ratio - 1:+.1%}; the packets are {'equal' if equal else 'NOT EQUAL'}")
    results.write()


def convert(source: Path, target: Path, style: str, *options: str) -> float:
    """Seconds of the command."""
    command = [sys.executable, "-m", "cartoonize", "video", source, target, "-y", "--style", style, *options]
    run = partial(subprocess.run, command, check=True, stderr=subprocess.DEVNULL)
    return seconds(run)


def read_packets(path: Path) -> list[tuple[int | None, int | None, bytes]]:
    """Presentation time, decoding time and data of all packets."""
    with av.open(path) as container:
        return [(packet.pts, packet.dts, bytes(packet)) for packet in container.demux() if packet.size]


if __name__ == "__main__":
    main()
