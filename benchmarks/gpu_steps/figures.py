"""The figures of all steps: OUT/results.json, which is complete at any time."""

import json
from pathlib import Path
from typing import Any

FILE = "results.json"


def read_figures(out: Path) -> dict[str, Any]:
    """Return the figures of each step; none if there is no file yet."""
    path = out / FILE
    figures: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return figures


def record(out: Path, step: str, figures: dict[str, Any]) -> None:
    """Write the figures of a step in place of its earlier ones."""
    text = json.dumps(read_figures(out) | {step: figures}, indent=2)
    part = out / f"{FILE}.part"
    part.write_text(text + "\n")
    part.replace(out / FILE)
