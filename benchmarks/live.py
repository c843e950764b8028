"""Frame rate and latency of `cartoonize live` on this machine.

    python benchmarks/live.py [--style pepper] [--precision auto] [--size 640x360] [--rate 30] [--seconds 20]
                              [--threads 1 2]

FFmpeg's test source testsrc2, which moves in many places, runs in real time. It is drawn to the null sink and
to UDP, with each number of threads for the network. Latency is from the arrival of a frame to the return of
the sink.
"""

import argparse
import os
import time

import torch
from results import Results, make_parser

from cartoonize import load
from cartoonize.core import cpus
from cartoonize.live import LiveReport, LiveSource, open_live_sink, resolve_source, run

SINKS = ("null", "udp://127.0.0.1:5999")  # UDP packets are sent even if nobody listens


def main() -> None:
    """Print a row for each sink and number of threads."""
    parser = make_parser(__doc__)
    parser.add_argument("--style", default="pepper")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--rate", type=int, default=30)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, cpus.count_cores()}))
    options = parser.parse_args()
    results = Results("live", options)
    cpus.set_passive_waiting()
    settings = f"{options.style} ({options.precision}), {options.size} at {options.rate} frames/s"
    print(f"{settings}, {options.seconds} s, {cpus.count_cores()} cores")
    print("| sink | threads | frames/s | dropped | median ms | p95 ms | max ms | CPU ms per frame |")
    print("|---|---|---|---|---|---|---|---|")
    for sink in SINKS:
        for threads in options.threads:
            print(measure(sink, threads, options, results), flush=True)
    results.write()


def measure(sink: str, threads: int, options: argparse.Namespace, results: Results) -> str:
    """Run once; return a row of the table."""
    torch.set_num_threads(threads)
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for other runtimes
    address = f"lavfi:testsrc2=size={options.size}:rate={options.rate}:duration={options.seconds}"
    with (
        load(options.style, precision=options.precision) as backend,
        LiveSource(resolve_source(address)) as source,
    ):
        target = open_live_sink(sink, source)
        started = time.process_time()
        report = run(source, target, backend, LiveReport(sink, options.style, address))
    cpu_ms = 1000 * (time.process_time() - started) / max(report.frames, 1)
    kind = sink.partition(":")[0]
    latency = report.latency
    key = f"{kind}_{threads}_threads"
    results[f"{key}_fps"], results[f"{key}_latency_ms"] = report.fps, latency["median"]
    results[f"{key}_cpu_ms"] = cpu_ms
    cells = (kind, threads, report.fps, report.dropped, latency["median"], latency["p95"], latency["max"])
    return "| " + " | ".join(map(str, cells)) + f" | {cpu_ms:.1f} |"


if __name__ == "__main__":
    main()
