"""What the engine costs: a film by Ray on all of this machine, against the same without Ray.

    python benchmarks/cluster.py --seconds 60 --rounds 3

Both commands run in turns, A B A B, each in a process of its own, as users start it. Ray runs already, as
clusters do; what it takes to start it is said by itself. The results are compared packet for packet. On an
idle machine only.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import av
import ray

from cartoonize.tools.demo import make_demo_clip


def make_clip(path: Path, seconds: int, width: int, height: int) -> None:
    """The picture of the demo's clip, over and over."""
    once = path.with_name("once.mp4")
    make_demo_clip(once, width, height)
    with av.open(once) as clip, av.open(path, "w") as container:
        taken = clip.streams.video[0]
        stream = container.add_stream_from_template(taken)
        packets = [packet for packet in clip.demux(taken) if packet.size]
        length = sum(packet.duration for packet in packets)
        for turn in range(-(-seconds // round(float(length * taken.time_base)))):
            for packet in packets:
                copy = av.Packet(bytes(packet))
                copy.pts, copy.dts = packet.pts + turn * length, packet.dts + turn * length
                copy.time_base, copy.duration = packet.time_base, packet.duration
                copy.is_keyframe, copy.stream = packet.is_keyframe, stream
                container.mux(copy)


def draw(source: Path, target: Path, style: str, *more: str) -> float:
    """Seconds of the command."""
    command = [sys.executable, "-m", "cartoonize", "video", source, target, "-y", "--style", style, *more]
    started = time.perf_counter()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)  # noqa: S603  # our own
    return time.perf_counter() - started


def packets(path: Path) -> list[tuple[int | None, int | None, bytes]]:
    with av.open(path) as container:
        return [(packet.pts, packet.dts, bytes(packet)) for packet in container.demux() if packet.size]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--style", default="pepper")
    asked = parser.parse_args()
    started = time.perf_counter()
    ray.init("local", include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    print(f"Ray started in {time.perf_counter() - started:.1f} s")
    address = ray.get_runtime_context().gcs_address
    with TemporaryDirectory() as folder:
        source, alone, many = (Path(folder) / name for name in ("in.mp4", "alone.mp4", "many.mp4"))
        make_clip(source, asked.seconds, *map(int, asked.size.split("x")))
        times: dict[str, list[float]] = {"alone": [], "on Ray": []}
        for _ in range(asked.rounds):
            times["alone"].append(draw(source, alone, asked.style))
            times["on Ray"].append(draw(source, many, asked.style, "--cluster", address))
        equal = packets(alone) == packets(many)
    for name, seconds in times.items():
        print(f"{name:7} {median(seconds):7.1f} s   ({', '.join(f'{s:.1f}' for s in seconds)})")
    ratio = median(times["on Ray"]) / median(times["alone"])
    print(f"on Ray takes {ratio - 1:+.1%}; the packets are {'equal' if equal else 'NOT EQUAL'}")


if __name__ == "__main__":
    main()
