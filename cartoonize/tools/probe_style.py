"""Probes a style file of unknown origin: does it load, and does it draw?

`python -m cartoonize.tools.probe_style FILE` runs in a separate process, with limits of memory and time. A
graph of a hundred bytes can allocate a terabyte, loop forever, or exploit a flaw in the library that runs
it: all of this ends with that process.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from ..core.errors import CartoonizeError, ModelError
from ..core.isolated import python_command
from ..styles.card import Card

MAX_MEMORY = 4 << 30
"""Bytes; four times what CartoonGAN at its full width takes. Only Linux can enforce it."""
TIMEOUT = 120  # seconds
SIDE = 64  # pixels of the picture that is drawn


@dataclass(frozen=True, slots=True)
class StyleDescription:
    """A style's card, and a description of its network for people."""

    card: Card
    network: str


def probe_style(path: Path) -> StyleDescription:
    """Load a style and draw a small picture on the CPU, in a separate process.

    Raises:
        ModelError: it is damaged, does not draw, or takes more memory or time than a style may.
    """
    command = python_command("cartoonize.tools.probe_style", str(path.absolute()))
    try:
        done = subprocess.run(  # noqa: S603  # this program
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{path} took more than {TIMEOUT} s to draw {SIDE}x{SIDE} pixels.") from error
    if done.returncode:
        raise ModelError(
            f"{path} cannot be used: loading it, or drawing {SIDE}x{SIDE} pixels, crashed or took more than "
            f"{MAX_MEMORY >> 30} GB of memory."
        )
    result = json.loads(done.stdout)
    if "error" in result:
        raise ModelError(result["error"])
    return StyleDescription(Card(**result["card"]), result["network"])


def _load_and_draw(path: Path) -> StyleDescription:
    import numpy as np

    from ..backends import load

    down, across = np.mgrid[0:SIDE, 0:SIDE] * (255 // (SIDE - 1))
    picture = np.stack((across, down, 255 - across), -1).astype(np.uint8)
    with load(str(path), device="cpu") as backend:
        drawing = backend(picture[None])[0]
    if drawing.shape != picture.shape or np.ptp(drawing) == 0:
        raise ModelError(f"{path} draws nothing: its output has one colour only.")
    return StyleDescription(backend.card, backend.network)


def _limit_memory() -> None:
    """Limit writable memory, not address space, because threads and libraries reserve many addresses."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))


def main() -> None:
    """Probe the style named on the command line, and print the result as JSON."""
    _limit_memory()
    try:
        result = asdict(_load_and_draw(Path(sys.argv[1])))
    except CartoonizeError as error:
        result = {"error": str(error)}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
