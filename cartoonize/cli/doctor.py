"""`cartoonize doctor`."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.messages import format_number
from .console import escape, literal_text, print_json, print_result
from .options import AsJson
from .progress import spinner
from .quantities import format_size

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from ..tools.diagnosis import Diagnosis
    from ..tools.gpu_check import DeviceCheck

Rows = Iterator[tuple[str, str]]
_FOLDERS = {
    "styles": "your styles",
    "tensorrt_engines": "TensorRT engines",
    "temporary": "temporary files",
    "current": "current folder",
}


def doctor(
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Draw one picture on every device, and compare with the CPU.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check this installation: what it can do, what is missing, and the command that repairs it.

    It converts a small picture; the exit code is 1 if that fails.

    Examples:
      cartoonize doctor
      cartoonize doctor --json
      cartoonize doctor --gpu
    """
    if gpu:
        _check_gpus(as_json=as_json)
        return
    with spinner("Checking this installation"):
        from ..tools.doctor import diagnose

        diagnosis = diagnose()
    if as_json:
        print_json({**asdict(diagnosis), "problems": [item._asdict() for item in diagnosis.problems]})
    else:
        print_result(_tables(diagnosis))
    if not diagnosis.converts:
        raise typer.Exit(1)


def _check_gpus(*, as_json: bool) -> None:
    """Print lines for each device as soon as it is tried; the whole can be pasted into a bug report."""
    import platform

    from ..tools.gpu_check import check_gpus, versions
    from ..version import __version__

    libraries = {"cartoonize": __version__, "system": platform.platform(), **versions()}
    if not as_json:
        _print_rows(libraries.items())
    checks = []
    for check in check_gpus():
        checks.append(check)
        if not as_json:
            print_result(f"\n[bold]{escape(check.device)}[/bold]")
            _print_rows(_describe_check(check))
    if as_json:
        print_json({"versions": libraries, "devices": [asdict(check) for check in checks]})
    if checks[0].error:
        raise typer.Exit(1)


def _describe_check(check: "DeviceCheck") -> Rows:
    if check.error:
        yield "failed", check.error
        return
    yield "hardware", check.name
    yield "drawn by", f"{check.runtime} in {check.precision}"
    yield "time", f"{format_number(check.milliseconds or 0.0)} ms for a picture of 640x360"
    if check.difference is None:
        yield "difference", "unknown, as the CPU failed"
    elif check.device != "cpu":
        yield "difference", f"at most {check.difference} of 255 levels, from the CPU in fp32"


def _print_rows(rows: Iterable[tuple[str, str]]) -> None:
    print_result(_grid(rows))


def _grid(rows: Iterable[tuple[str, str]]) -> "Table":
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=19)
    table.add_column()
    for label, text in rows:
        table.add_row(f"  {label}", literal_text(text, overflow="fold"))
    return table


def _tables(diagnosis: "Diagnosis") -> "Group":
    from rich.console import Group
    from rich.text import Text

    parts: list[Table | Text] = []
    for title, rows in (
        ("versions", _versions(diagnosis)),
        ("devices", _devices(diagnosis)),
        ("codecs", _codecs(diagnosis)),
        ("extras", _extras(diagnosis)),
        ("folders", _folders(diagnosis)),
        ("conversion", _conversion(diagnosis)),
    ):
        parts += [Text(title, style="bold"), _grid(rows)]
    for problem in diagnosis.problems:
        command = f"\n    {problem.command}" if problem.command else ""
        parts.append(Text.assemble(("Problem: ", "bold red"), literal_text(f"{problem.text}{command}")))
    return Group(*parts)


def _versions(diagnosis: "Diagnosis") -> Rows:
    yield from diagnosis.versions.items()
    packages = (f"{name} {version or 'missing'}" for name, version in diagnosis.packages.items())
    yield "packages", ", ".join(packages)


def _devices(diagnosis: "Diagnosis") -> Rows:
    if diagnosis.cpu:
        name, features = diagnosis.cpu["name"], ", ".join(diagnosis.cpu["features"])
        yield "cpu", f"{name}, {features}; networks run in int8, or {diagnosis.cpu['precision']}"
    for gpu in diagnosis.gpus:
        memory = f"{format_size(gpu['memory'])}, {format_size(gpu['free'])} free"
        yield gpu["device"], f"{gpu['name']}, {memory}; networks run in {gpu['precision']}"
    for gpu in diagnosis.vulkan:
        memory, kind = format_size(gpu["memory"]), gpu["kind"]
        precision = "fp16" if gpu["has_fp16"] else "fp32"
        software = "no GPU: the driver computes on the CPU"
        text = software if kind == "software" else f"{kind}, {memory} free; networks run in {precision}"
        yield f"vulkan:{gpu['number']}", f"{gpu['name']}, {text}"
    if not diagnosis.gpus and not diagnosis.vulkan:
        yield "gpu", "none" if diagnosis.cpu else "unknown without PyTorch"
    yield from diagnosis.backends.items()


def _codecs(diagnosis: "Diagnosis") -> Rows:
    for label, codecs in (("decoders", diagnosis.decoders), ("encoders", diagnosis.encoders)):
        available = ", ".join(name for name, usable in codecs.items() if usable)
        missing = ", ".join(name for name, usable in codecs.items() if not usable)
        yield label, available or "unknown without PyAV"
        if missing:
            yield "  not available", missing


def _extras(diagnosis: "Diagnosis") -> Rows:
    from ..tools.requirements import extra_install_command

    for extra, missing in diagnosis.extras.items():
        command = f"{', '.join(missing)} missing: {extra_install_command(extra)}"
        yield extra, command if missing else "installed"


def _folders(diagnosis: "Diagnosis") -> Rows:
    for name, folder in diagnosis.folders.items():
        path = f"{folder['path']}, " if "path" in folder else ""
        writable = "" if folder["writable"] else ", not writable"
        yield _FOLDERS[name], f"{path}{format_size(folder['free'])} free{writable}"
    if diagnosis.styles:
        yield "number of styles", str(diagnosis.styles["own"])


def _conversion(diagnosis: "Diagnosis") -> Rows:
    result = diagnosis.conversion
    if diagnosis.converts:
        yield result["style"], f"converted a small picture in {result['seconds']} s, {result['precision']}"
    else:
        yield result["style"], f"failed: {result.get('error', 'the picture was not changed')}"
