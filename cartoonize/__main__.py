"""The command `cartoonize`, also as `python -m cartoonize`, which is what torchrun launches."""

import os
from typing import NoReturn

from .core import signals


def main() -> NoReturn:
    """Import the command line and run it. Ctrl-C ends the program without a traceback from the start on."""
    signals.exit_at_once()
    # For the processes that libraries start, as training does to read pictures; see core/isolated.py.
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    from .cli.main import main as run

    run()


if __name__ == "__main__":
    main()
