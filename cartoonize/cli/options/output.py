"""What to do about an output that exists, and how to report."""

from dataclasses import dataclass
from typing import Annotated

import typer

from ..console import be_quiet, show_tracebacks

Overwrite = Annotated[bool, typer.Option("--overwrite", "-y", help="Replace output that exists.")]

AsJson = Annotated[bool, typer.Option("--json", help="Print only one JSON object, at the end.")]

Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="Print only errors, and notes about what was changed or left out.",
        callback=be_quiet,
    ),
]

Debug = Annotated[
    bool,
    typer.Option("--debug", help="Print the traceback of each error.", callback=show_tracebacks),
]


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """What to do about an output that exists, and how to report."""

    overwrite: Overwrite = False
    as_json: AsJson = False
    quiet: Quiet = False
    debug: Debug = False


@dataclass(frozen=True, slots=True)
class FilesOptions:
    """As OutputOptions, for commands that convert many files."""

    overwrite: Overwrite = False
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Skip files whose result exists already.")
    ] = False
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Convert each file that appears in the folder INPUT, until Ctrl-C."),
    ] = False
    as_json: AsJson = False
    quiet: Quiet = False
    debug: Debug = False
