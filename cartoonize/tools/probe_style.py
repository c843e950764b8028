"""Try a style file of unknown origin: does it load, and does it draw?

`python -m cartoonize.tools.probe_style FILE` runs in a process of its own with limits of memory and time. A
graph of a hundred bytes can ask for a terabyte, loop for ever, or hit a flaw of the library that runs it: all
that ends with that process.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from ..core.errors import CartoonizeError, ModelError
from ..styles.card import Card

MEMORY = 4 << 30
"""Bytes; four times what CartoonGAN at its full width takes. Enforced on Linux, where the system can."""
SECONDS = 120
SIDE = 64  # of the picture that is drawn


@dataclass(frozen=True, slots=True)
class Found:
    """What a style says of itself, and what network it is, for people."""

    card: Card
    network: str


def try_style(path: Path) -> Found:
    """Load a style and draw a small picture, on the CPU.

    Raises:
        ModelError: it is damaged, cannot be drawn with, or takes more memory or time than a style may.
    """
    command = [sys.executable, "-m", "cartoonize.tools.probe_style", str(path.absolute())]
    try:
        done = subprocess.run(  # noqa: S603  # this program
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{path} took more than {SECONDS} s to draw {SIDE}x{SIDE} pixels.") from error
    if done.returncode:
        raise ModelError(
            f"{path} cannot be used: loading it, or drawing {SIDE}x{SIDE} pixels, crashed or took more than "
            f"{MEMORY >> 30} GB of memory."
        )
    told = json.loads(done.stdout)
    if "error" in told:
        raise ModelError(told["error"])
    return Found(Card(**told["card"]), told["network"])


def _draw(path: Path) -> Found:
    import numpy as np

    from ..backends import load

    down, across = np.mgrid[0:SIDE, 0:SIDE] * (255 // (SIDE - 1))
    picture = np.stack((across, down, 255 - across), -1).astype(np.uint8)
    with load(str(path), device="cpu") as backend:
        drawn = backend(picture[None])[0]
    if drawn.shape != picture.shape or np.ptp(drawn) == 0:
        raise ModelError(f"{path} draws nothing: what comes out is all of one colour.")
    return Found(backend.card, backend.network)


def _limit_memory() -> None:
    """Memory that is written to counts, not addresses, of which threads and libraries reserve many."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def main() -> None:
    """Try the style named on the command line; what was found goes to stdout, as JSON."""
    _limit_memory()
    try:
        told = asdict(_draw(Path(sys.argv[1])))
    except CartoonizeError as error:
        told = {"error": str(error)}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
