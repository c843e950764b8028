"""The command line. Commands import heavy modules when they run, so that `--help` answers at once."""

import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from ..core import cpus, onnx_runtime, opencv, signals
from ..core.errors import CartoonizeError, Stopped, UnexpectedError
from ..core.messages import did_you_mean
from ..version import __version__
from .app import App, HelpGroup, print_help
from .batch import batch
from .benchmark import benchmark
from .clean import clean
from .console import be_quiet, print_error, print_message, print_result
from .demo import demo
from .doctor import doctor
from .export import app as export_app
from .image import image
from .live import live
from .styles import app as styles_app
from .train import app as training_app
from .usage import print_usage_error
from .video import video
from .web import web


class Commands(HelpGroup):
    """The group of all commands: it also knows `cartoonize help`, and files named in place of a command."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, *arguments = args
        if name == "help":
            if not arguments:
                print_help(ctx)
                raise typer.Exit
            return super().resolve_command(ctx, [*arguments, "--help"])
        if name not in self.commands and self._means_a_file(name, arguments):
            raise CartoonizeError(
                f"{name} is not a command. To convert a file, name the command first: "
                "`cartoonize video INPUT OUTPUT` or `cartoonize image INPUT OUTPUT`."
            )
        return super().resolve_command(ctx, args)

    def _means_a_file(self, name: str, arguments: list[str]) -> bool:
        """Whether an unknown command is a file, or a word such as `convert` before files."""
        is_near = did_you_mean(name, list(self.commands)) != ""
        return "." in name or Path(name).exists() or (not is_near and any("." in word for word in arguments))


app = App("cartoonize", cls=Commands, invoke_without_command=True)
machine_app = App()
for command in (video, image, live, web, demo, batch):
    app.command(rich_help_panel="Convert")(command)
for tool in (benchmark, doctor, clean):
    machine_app.command(rich_help_panel="This machine")(tool)
app.add_typer(styles_app, name="styles", rich_help_panel="Styles")
app.add_typer(training_app, name="train", rich_help_panel="Styles")
app.add_typer(export_app)  # without a name: its commands are added to those above
app.add_typer(machine_app)

INTERRUPTED = 130  # the exit code of Ctrl-C; 128 + SIGINT


def _print_version(requested: bool) -> None:
    if requested:
        print_result(f"cartoonize {__version__}")
        raise typer.Exit


_OVERVIEW = {
    "cartoonize demo": "try it on a short clip",
    "cartoonize video holiday.mp4 cartoon.mp4": "convert a video, with its sound",
    "cartoonize image portrait.jpg cartoon.png": "convert a picture",
    "cartoonize styles": "list the styles, for --style NAME",
    "cartoonize --help": "list all commands",
}


def _print_overview() -> None:
    from rich.table import Table

    commands = Table.grid(padding=(0, 2, 0, 0))
    commands.add_column(no_wrap=True)  # a command in two lines cannot be copied
    for command, purpose in _OVERVIEW.items():
        commands.add_row(f"  [bold]{command}[/bold]", purpose)
    print_result("cartoonize converts videos and pictures into cartoons, on this machine.\n")
    print_result(commands)


@app.callback()
def root(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Convert videos and pictures into cartoons, and train the networks that draw them.

    Examples:
      cartoonize video holiday.mp4 cartoon.mp4
      cartoonize image *.jpg cartoons/ --style ink
    """
    if context.invoked_subcommand is None:
        _print_overview()


def main() -> NoReturn:
    """Run the command line. An error that a user can correct prints one sentence and sets its exit code."""
    # Pillow warns about each oddity in the EXIF of a picture; what matters to users is in our notices.
    warnings.filterwarnings("ignore", module="PIL")
    be_quiet(False)  # of an earlier command in this process
    signals.install()
    cpus.set_passive_waiting()
    onnx_runtime.disable_telemetry()
    os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder prints its settings otherwise; 1 is errors only
    opencv.set_one_thread()
    try:
        code = app(prog_name="cartoonize", standalone_mode=False)
    except TyperException as error:
        print_usage_error(error)
        sys.exit(error.exit_code)
    except Stopped as stopped:
        print_error(stopped, label="")
        sys.exit(stopped.exit_code)
    except CartoonizeError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except OSError as error:
        refused = UnexpectedError.from_exception(error)
        print_error(refused)
        sys.exit(refused.exit_code)
    except MemoryError as error:
        full = UnexpectedError.from_exception(error)
        try:
            print_error(full)
        except MemoryError:  # Rich is not imported yet, and there is no memory for it
            sys.stderr.write(f"Error: {full}\n")
        sys.exit(full.exit_code)
    if code == INTERRUPTED:
        print_message("Stopped.")
    sys.exit(code or 0)
