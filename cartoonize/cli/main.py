"""The command line. Commands import heavy modules when they run, so that `--help` answers at once."""

import os
import re
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from ..core import cpus, opencv, signals
from ..core.choices import did_you_mean
from ..core.errors import CartoonizeError, Stopped, UnexpectedError
from ..version import __version__
from .batch import batch
from .benchmark import benchmark
from .clean import clean
from .console import print_error, print_message, print_result
from .demo import demo
from .doctor import doctor
from .export import app as export_app
from .groups import expand_groups
from .image import image
from .live import live
from .styles import app as styles_app
from .train import app as training_app
from .video import video
from .web import web

_FILES_OF_OTHERS = ("-i", "-o", "--input", "--output")
"""Options for files of other programs, such as ffmpeg."""


class Commands(TyperGroup):
    """The group of all commands: it also knows `cartoonize help`, files in the place of a command, and near
    misses of the values that an option takes."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, *rest = args
        if name == "help":
            if not rest:
                print_result(ctx.get_help())
                raise typer.Exit
            return super().resolve_command(ctx, [*rest, "--help"])
        if name not in self.commands and self._means_a_file(name, rest):
            raise CartoonizeError(
                f"{name} is not a command. To convert a file, name the command first: "
                "`cartoonize video INPUT OUTPUT` or `cartoonize image INPUT OUTPUT`."
            )
        return super().resolve_command(ctx, args)

    def _means_a_file(self, name: str, rest: list[str]) -> bool:
        """Whether an unknown command is a file, or a word such as `convert` before files."""
        is_near = did_you_mean(name, list(self.commands)) != ""
        return "." in name or Path(name).exists() or (not is_near and any("." in word for word in rest))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            # Typer's sentence: Value error, 'bf61' is not one of 'fp32', 'bf16'.
            error.message = error.message.replace("Value error, ", "").replace("Input should", "it should")
            value, *choices = re.findall("'([^']*)'", error.message) or [""]
            error.message += did_you_mean(value, choices)
            raise
        except TyperException as error:
            if getattr(error, "option_name", None) in _FILES_OF_OTHERS:
                error.message += ". INPUT and OUTPUT need no option: name INPUT first and OUTPUT last."
            raise


app = typer.Typer(
    name="cartoonize",
    cls=Commands,
    invoke_without_command=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (video, image, batch, live, web, demo, benchmark, clean, doctor):
    app.command()(expand_groups(command))
app.add_typer(export_app)  # without a name: its commands are added to those above
app.add_typer(styles_app, name="styles")
app.add_typer(training_app, name="train")

INTERRUPTED = 130  # the exit code of Ctrl-C; 128 + SIGINT


def _print_version(wanted: bool) -> None:
    if wanted:
        print_result(f"cartoonize {__version__}")
        raise typer.Exit


_OVERVIEW = """\
cartoonize converts videos and pictures into cartoons, on this machine.

  [bold]cartoonize demo[/bold]                            try it on a short clip
  [bold]cartoonize video holiday.mp4 cartoon.mp4[/bold]   convert a video, with its sound
  [bold]cartoonize image portrait.jpg cartoon.png[/bold]  convert a picture
  [bold]cartoonize styles[/bold]                          list the styles, for --style NAME
  [bold]cartoonize --help[/bold]                          list all commands"""


@app.callback()
def root(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Convert videos and pictures into cartoons, and train the networks that draw them.

    [bold]Examples[/bold]
      cartoonize video holiday.mp4 cartoon.mp4
      cartoonize image *.jpg cartoons/ --style ink
    """
    if context.invoked_subcommand is None:
        print_result(_OVERVIEW)


def main() -> NoReturn:
    """Run the command line. An error that a user can correct is one sentence and an exit code of its kind."""
    # Pillow warns about each oddity in the EXIF of a picture; what matters to users is in our notices.
    warnings.filterwarnings("ignore", module="PIL")
    signals.install()
    cpus.set_passive_waiting()
    os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder prints its settings otherwise; 1 is errors only
    opencv.set_one_thread()
    try:
        app(prog_name="cartoonize")
    except Stopped as stopped:
        print_error(stopped, label="")
        sys.exit(stopped.exit_code)
    except CartoonizeError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except MemoryError as error:
        full = UnexpectedError.from_exception(error)
        try:
            print_error(full)
        except MemoryError:  # Rich is not imported yet, and there is no memory for it
            sys.stderr.write(f"Error: {full}\n")
        sys.exit(full.exit_code)
    except SystemExit as stopped:
        if stopped.code == INTERRUPTED:
            print_message("Stopped.")
        raise
    sys.exit(0)
