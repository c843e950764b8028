"""How fast and how late `cartoonize live` is here.

    python benchmarks/live.py [--style pepper] [--precision auto] [--size 640x360] [--rate 30] [--seconds 20]
                              [--threads 1 2]

A source of FFmpeg's own (testsrc2, which moves in many places) in real time, drawn into nothing and into UDP,
with each number of threads for the network. Latency is from a frame's coming in to the sink's having sent it.
"""

import argparse
import os
import time

from cartoonize import load
from cartoonize.core import cpus
from cartoonize.live import LiveReport, LiveSource, open_live_sink, resolve_source, run

SINKS = ("null", "udp://127.0.0.1:5999")  # UDP is sent whether or not somebody listens


def main() -> None:
    """Print a row for each sink and number of threads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--style", default="pepper")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--rate", type=int, default=30)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, cpus.count_cores()}))
    options = parser.parse_args()
    cpus.set_passive_waiting()
    source = f"lavfi:testsrc2=size={options.size}:rate={options.rate}:duration={options.seconds}"
    what = f"{options.style} ({options.precision}), {options.size} at {options.rate} frames/s"
    print(f"{what}, {options.seconds} s, {cpus.count_cores()} cores")
    print("| sink | threads | frames/s | dropped | median ms | p95 ms | most ms | CPU ms a frame |")
    print("|---|---|---|---|---|---|---|---|")
    for sink in SINKS:
        for threads in options.threads:
            print(_row(source, sink, options, threads), flush=True)


def _row(source: str, sink: str, options: argparse.Namespace, threads: int) -> str:
    import torch

    torch.set_num_threads(threads)
    os.environ["OMP_NUM_THREADS"] = str(threads)  # of other runtimes
    with (
        load(options.style, precision=options.precision) as backend,
        LiveSource(resolve_source(source)) as pictures,
    ):
        target = open_live_sink(sink, pictures)
        began = time.process_time()
        report = run(pictures, target, backend, LiveReport(sink, options.style, source))
    spent = 1000 * (time.process_time() - began) / report.frames
    took = report.latency
    cells = (
        sink.partition(":")[0],
        threads,
        report.fps,
        report.dropped,
        took["median"],
        took["p95"],
        took["most"],
    )
    return "| " + " | ".join(map(str, cells)) + f" | {spent:.1f} |"


if __name__ == "__main__":
    main()
