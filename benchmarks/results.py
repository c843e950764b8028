"""What all benchmarks share: the option --out, the JSON file of results that compare.py reads, and timing."""

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cartoonize.tools.benchmark import describe_machine


def make_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the option --out, which shows the script's docstring as it is written."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write the figures for compare.py")
    return parser


class Results:
    """Figures of one run of a benchmark. Their names end in a unit: `swift_fps`, `start_seconds`."""

    def __init__(self, benchmark: str, options: argparse.Namespace) -> None:
        settings = {name: value for name, value in vars(options).items() if name != "out"}
        self.out: Path | None = options.out
        self.content: dict[str, Any] = {
            "benchmark": benchmark,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": describe_machine(),
            "settings": settings,
            "figures": {},
        }

    def __setitem__(self, name: str, value: float) -> None:
        self.content["figures"][name] = float(value)

    def write(self) -> None:
        """Write the JSON file if --out names one."""
        if self.out:
            self.out.write_text(json.dumps(self.content, indent=2, default=str) + "\n")


def seconds(work: Callable[[], object]) -> float:
    """The wall-clock time of a call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
