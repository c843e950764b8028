"""`cartoonize doctor`."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from .console import print_json, print_result
from .options import AsJson

if TYPE_CHECKING:
    from rich.console import Group

    from ..tools.doctor import Diagnosis

Rows = Iterator[tuple[str, str]]


def doctor(as_json: AsJson = False) -> None:
    """Look at this installation: what it can do, what is missing, and the command that mends it.

    A small picture is drawn; the exit code is 1 if that fails.

    [bold]Examples[/bold]

      cartoonize doctor

      cartoonize doctor --json
    """
    from ..tools.doctor import diagnose

    found = diagnose()
    if as_json:
        print_json(asdict(found))
    else:
        print_result(_shown(found))
    if not found.draws:
        raise typer.Exit(1)


def _shown(found: "Diagnosis") -> "Group":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[Table | Text] = []
    for title, rows in (
        ("versions", _versions(found)),
        ("devices", _devices(found)),
        ("codecs", _codecs(found)),
        ("extras", _extras(found)),
        ("folders", _folders(found)),
        ("drawing", _drawing(found)),
    ):
        table = Table.grid(padding=(0, 2))
        table.add_column(width=19)
        for label, text in rows:
            table.add_row(f"  {label}", Text(text, overflow="fold"))
        parts += [Text(title, style="bold"), table]
    for what, mend in found.problems:
        parts.append(Text.assemble(("Problem: ", "bold red"), what, f"\n    {mend}" if mend else ""))
    return Group(*parts)


def _versions(found: "Diagnosis") -> Rows:
    yield from found.versions.items()
    yield "packages", ", ".join(f"{name} {here or 'missing'}" for name, here in found.packages.items())


def _devices(found: "Diagnosis") -> Rows:
    if found.cpu:
        features = ", ".join(found.cpu["features"])
        yield "cpu", f"{found.cpu['name']}, {features}; draws in int8, or {found.cpu['precision']}"
    for gpu in found.gpus:
        memory = f"{_size(gpu['memory'])}, {_size(gpu['free'])} free"
        yield gpu["device"], f"{gpu['name']}, {memory}; draws in {gpu['precision']}"
    if not found.gpus:
        yield "gpu", "none" if found.cpu else "not known without PyTorch"
    yield from found.back_ends.items()


def _codecs(found: "Diagnosis") -> Rows:
    for label, known in (("decoders", found.decoders), ("encoders", found.encoders)):
        yield label, ", ".join(name for name, there in known.items() if there) or "not known without PyAV"
        missing = ", ".join(name for name, there in known.items() if not there)
        if missing:
            yield "  not here", missing


def _extras(found: "Diagnosis") -> Rows:
    from ..tools.requirements import extra_mending

    for extra, missing in found.extras.items():
        yield extra, f"{', '.join(missing)} missing: {extra_mending(extra)}" if missing else "installed"


def _folders(found: "Diagnosis") -> Rows:
    for name, told in found.folders.items():
        path = f"{told['path']}, " if "path" in told else ""
        yield name, f"{path}{_size(told['free'])} free{'' if told['writable'] else ', cannot be written to'}"
    if found.styles:
        yield "styles of yours", str(found.styles["yours"])


def _drawing(found: "Diagnosis") -> Rows:
    told = found.drawing
    if found.draws:
        yield told["style"], f"drew a small picture in {told['seconds']} s, {told['precision']}"
    else:
        yield told["style"], f"drew nothing: {told.get('error', 'the picture came out as it was')}"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
