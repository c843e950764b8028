"""`cartoonize train`: thin commands over the package `training`, whose heavy modules they import inside."""

import typer

from .phases import adversarial, distil, pretrain, run_all
from .prepare import frames, smooth, targets
from .results import average, evaluate

app = typer.Typer(name="train", no_args_is_help=True, rich_markup_mode="rich")


@app.callback()
def train() -> None:
    """Train a style from photos and an artist's frames.

    [bold]Examples[/bold]
      cartoonize train run --photos photos/ --style films/ --run runs/mine
      cartoonize train evaluate runs/mine --photos photos/
    """


app.command()(frames)
app.command()(smooth)
app.command()(targets)
app.command()(pretrain)
app.command()(adversarial)
app.command("run")(run_all)
app.command()(distil)
app.command()(average)
app.command()(evaluate)
