"""Compare the results of two runs of a benchmark: the ratio of each figure, B to A.

    python benchmarks/drawing.py pepper --out before.json
    python benchmarks/drawing.py pepper --out after.json
    python benchmarks/compare.py before.json after.json

A figure whose name ends in `_fps` or `_per_second` is better when it is larger, one in `_seconds`, `_ms` or
`_mb` when it is smaller. Settings and versions that differ are listed first, as they may explain a ratio.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

FORMAT = ("benchmark", "machine", "settings", "figures")


def main() -> None:
    """Print the differences and the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("a", type=Path, metavar="A.json")
    parser.add_argument("b", type=Path, metavar="B.json")
    options = parser.parse_args()
    a, b = read_results(options.a), read_results(options.b)
    if a["benchmark"] != b["benchmark"]:
        sys.exit(f"These are results of two benchmarks: {a['benchmark']} and {b['benchmark']}.")
    for section in ("machine", "settings"):
        for name in sorted(a[section].keys() | b[section].keys()):
            before, after = a[section].get(name), b[section].get(name)
            if before != after:
                print(f"{section}: {name} {before} -> {after}")
    for line in compare_figures(a["figures"], b["figures"]):
        print(line)


def read_results(path: Path) -> dict[str, Any]:
    """The content of a file that a benchmark wrote with --out; exits with a message for any other file."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"Cannot read {path}: {error}.")
    if not isinstance(content, dict) or not all(name in content for name in FORMAT):
        sys.exit(f"{path} holds no results of a benchmark: write them with --out.")
    return content


def compare_figures(a: dict[str, float], b: dict[str, float]) -> list[str]:
    """A line for each figure of either run; the ratio B to A where both have it and A's is not 0."""
    width = max(map(len, a.keys() | b.keys()), default=0)
    lines = []
    for name in dict.fromkeys((*a, *b)):
        before, after = a.get(name), b.get(name)
        if before is None or after is None:
            lines.append(f"{name:{width}}  only in {'B' if before is None else 'A'}")
        else:
            ratio = f"x {after / before:.3f}" if before else "no ratio"
            lines.append(f"{name:{width}}  {before:10.4g} -> {after:10.4g}  {ratio}")
    return lines


if __name__ == "__main__":
    main()
