"""`cartoonize train`: thin commands over the package `training`, whose heavy modules they import inside."""

from collections.abc import Callable

import typer

from ..app import App, print_help
from .look import look
from .phases import adversarial, distil, pretrain
from .prepare import frames, smooth, targets
from .results import average, evaluate
from .run import run_all

app = App("train", invoke_without_command=True)


@app.callback()
def train(context: typer.Context) -> None:
    """Train a style from photos and an artist's drawings or films.

    Examples:
      cartoonize train run --style film.mkv --photos photos/ --run runs/mine
      cartoonize train run --style art/ --photos photos/ --run quick --minutes 10
      cartoonize train evaluate runs/mine --photos photos/
    """
    if context.invoked_subcommand is None:
        print_help(context)


PANELS: dict[str, dict[str, Callable[..., None]]] = {
    "Make a style": {"run": run_all, "look": look, "evaluate": evaluate},
    "Step by step": {
        "frames": frames,
        "smooth": smooth,
        "targets": targets,
        "pretrain": pretrain,
        "adversarial": adversarial,
        "distil": distil,
        "average": average,
    },
}

for panel, commands in PANELS.items():
    for name, command in commands.items():
        app.command(name, rich_help_panel=panel)(command)
