"""The command `cartoonize`, also as `python -m cartoonize`, which is what torchrun launches."""

import os
from typing import NoReturn

from .core import signals


def main() -> NoReturn:
    """Import the command line and run it. Ctrl-C ends the program without a traceback from the start on."""
    signals.exit_at_once()
    _set_home()
    # For the processes that libraries start, as training does to read pictures; see core/isolated.py.
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    from .cli.main import main as run

    run()


def _set_home() -> None:
    """Let / be the home of a user without one, as Docker does: libraries raise errors if there is none."""
    if os.name == "posix" and os.path.expanduser("~") == "~":  # noqa: PTH111  # Path.expanduser raises an error
        os.environ["HOME"] = "/"


if __name__ == "__main__":
    main()
