"""`train pretrain`, `train adversarial`, `train distil`, and `train run`, which does everything."""

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ...core.errors import TrainingError
from ...styles import builtin_styles, user
from ...training.settings import Settings
from ..console import escape, print_json, print_message
from . import options
from .prepare import FRAME_SIZE, frames, smooth
from .settings import choose_recipe, count_loaders, read_card, weights_of_phase


def pretrain(
    photos: options.Photos, run: options.Run, preset: options.Preset = "deck",
    model: options.Model = None, width: options.Width = None, batch: options.Batch = None,
    size: options.Size = None, vgg: options.Vgg = None, weight: options.Weight = None,
    images: options.Images = None, features: options.FeaturesFile = None, start: options.Start = None,
    device: options.Device = "auto", precision: options.Precision = "auto",
    compiled: options.Compile = None, seed: options.Seed = 0, workers: options.LoaderProcesses = None,
    log_every: options.LogEvery = 400, save_every: options.SaveEvery = 600, card: options.CardFile = None,
    dry_run: options.DryRun = False,
) -> None:  # fmt: skip
    """Phase 1: the generator learns to keep a photo's content.

    [bold]Examples[/bold]
      cartoonize train pretrain --photos photos/ --run runs/mine
      cartoonize train pretrain --photos photos/ --run runs/fast --model swift
    """
    settings = Settings(
        "pretrain",
        choose_recipe(
            "pretrain", preset, weight, model=model, width=width, batch=batch, size=size, vgg=vgg
        ),
        photos, start=start, seed=seed, run=run, features=features, images=images,
        device=device, precision=precision, compiled=compiled, workers=count_loaders(workers),
        log_every=log_every, save_every=save_every, card=read_card(card),
    )  # fmt: skip
    _train_or_describe(settings, dry_run)


def adversarial(
    photos: options.Photos, style: options.StyleFolder, run: options.Run,
    smoothed: options.Smoothed = None, preset: options.Preset = "deck",
    model: options.Model = None, width: options.Width = None, batch: options.Batch = None,
    size: options.Size = None, vgg: options.Vgg = None, weight: options.Weight = None,
    spectral_norm: options.SpectralNorm = None, pool: options.Pool = None,
    images: options.Images = None, features: options.FeaturesFile = None, start: options.Start = None,
    scratch: Annotated[bool, typer.Option("--scratch", help="Start without a pretrained generator.")] = False,
    device: options.Device = "auto", precision: options.Precision = "auto",
    compiled: options.Compile = None, seed: options.Seed = 0, workers: options.LoaderProcesses = None,
    log_every: options.LogEvery = 400, save_every: options.SaveEvery = 600, card: options.CardFile = None,
    dry_run: options.DryRun = False,
) -> None:  # fmt: skip
    """Phase 2: the generator learns to draw like the artist. Starts from phase 1 of the same run.

    [bold]Examples[/bold]
      cartoonize train adversarial --photos photos/ --style art/ --run runs/mine
      cartoonize train adversarial --photos photos/ --style art/ --run b --scratch
    """
    settings = Settings(
        "adversarial",
        choose_recipe(
            "adversarial", preset, weight, model=model, width=width, batch=batch, size=size, vgg=vgg,
            spectral_norm=spectral_norm, pool=pool,
        ),
        photos, style=style, smoothed=smoothed, start=start, scratch=scratch, seed=seed, run=run,
        features=features, images=images,
        device=device, precision=precision, compiled=compiled, workers=count_loaders(workers),
        log_every=log_every, save_every=save_every, card=read_card(card),
    )  # fmt: skip
    _train_or_describe(settings, dry_run)


def distil(
    pairs: Annotated[Path, typer.Option(help="A folder with `photo` and `target`, made by `targets`.")],
    run: options.Run,
    style: Annotated[Path | None, typer.Option(help="The artist's drawings, for the loss `artist`.")] = None,
    preset: options.DistilPreset = "pepper",
    model: options.Model = None, width: options.Width = None, batch: options.Batch = None,
    size: options.Size = None, weight: options.Weight = None,
    images: options.Images = None, start: options.Start = None,
    device: options.Device = "auto", precision: options.Precision = "auto",
    compiled: options.Compile = None, seed: options.Seed = 0, workers: options.LoaderProcesses = None,
    log_every: options.LogEvery = 400, save_every: options.SaveEvery = 600, card: options.CardFile = None,
    dry_run: options.DryRun = False,
) -> None:  # fmt: skip
    """Teach a small network from pairs of photo and redrawn photo, in place of phases 1 and 2.

    [bold]Examples[/bold]
      cartoonize train distil --pairs pairs/ --style drawings/ --run runs/fast
      cartoonize train distil --pairs pairs/ --run runs/ink --weight artist=0
    """
    settings = Settings(
        "distil",
        choose_recipe("distil", preset, weight, model=model, width=width, batch=batch, size=size),
        pairs / "photo", targets=pairs / "target", style=style, start=start, seed=seed, run=run,
        images=images,
        device=device, precision=precision, compiled=compiled, workers=count_loaders(workers),
        log_every=log_every, save_every=save_every, card=read_card(card),
    )  # fmt: skip
    _train_or_describe(settings, dry_run)


def run_all(
    photos: options.Photos, style: options.StyleFolder, run: options.Run, preset: options.Preset = "deck",
    model: options.Model = None, width: options.Width = None, batch: options.Batch = None,
    size: options.Size = None, vgg: options.Vgg = None, weight: options.Weight = None,
    spectral_norm: options.SpectralNorm = None, pool: options.Pool = None,
    images: options.Images = None, features: options.FeaturesFile = None,
    device: options.Device = "auto", precision: options.Precision = "auto",
    compiled: options.Compile = None, seed: options.Seed = 0, workers: options.LoaderProcesses = None,
    log_every: options.LogEvery = 400, save_every: options.SaveEvery = 600, card: options.CardFile = None,
    dry_run: options.DryRun = False,
) -> None:  # fmt: skip
    """Everything, from folders to a style file: frames (if --style holds films), smooth, and both phases.

    [bold]Examples[/bold]
      cartoonize train run --photos photos/ --style films/ --run runs/mine
      cartoonize train run --photos photos/ --style art/ --run runs/mine --dry-run
    """
    films = _list_films(style)
    drawings = run / "frames" if films else style
    smoothed = run / "smoothed"
    second = Settings(
        "adversarial",
        choose_recipe(
            "adversarial", preset, weight, model=model, width=width, batch=batch, size=size, vgg=vgg,
            spectral_norm=spectral_norm, pool=pool,
        ),
        photos, style=drawings, smoothed=smoothed, seed=seed, run=run, features=features, images=images,
        device=device, precision=precision, compiled=compiled, workers=count_loaders(workers),
        log_every=log_every, save_every=save_every, card=read_card(card),
    )  # fmt: skip
    first_recipe = choose_recipe(
        "pretrain", preset, weights_of_phase("pretrain", weight),
        model=model, width=width, batch=batch, size=size, vgg=vgg,
    )  # fmt: skip
    first = replace(second, phase="pretrain", recipe=first_recipe, style=None, smoothed=None)
    frame_size = max(FRAME_SIZE, second.recipe.size)
    if dry_run:
        print_json(_plan(films, frame_size, first, second), indent=2)
        return
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise TrainingError(
            "Several processes would prepare the same files: run `cartoonize train frames` and `smooth` "
            "first, and under torchrun `pretrain` and `adversarial`."
        )
    if films and not (drawings / "manifest.csv").exists():
        frames([*films, drawings], size=frame_size)
    smooth(drawings, smoothed, workers)
    _train(first)
    _train(second)


def add_command(run: Path) -> str:
    """The command that adds the style of a run to the user's own styles."""
    name = user.suggest_name(run.absolute().name) or "mine"
    free_name = f"my-{name}" if name in builtin_styles() else name
    return f"cartoonize styles add {shlex.quote(str(run))} --name {free_name}"


def _train_or_describe(settings: Settings, dry_run: bool) -> None:
    from ...training.run import describe

    if dry_run:
        print_json(describe(settings), indent=2)
    else:
        _train(settings)


def _train(settings: Settings) -> None:
    from ...training.run import train

    print_message(escape(f"{settings.phase}: {settings.folder}"))
    print_message(escape(f"The style is {train(settings)}"))
    if settings.phase != "pretrain":
        print_message(escape(f"To use it by name: {add_command(settings.run)}"))


def _plan(films: list[Path], frame_size: int, first: Settings, second: Settings) -> dict[str, Any]:
    """What `run` would do, step by step."""
    from ...training.pictures import list_pictures
    from ...training.run import describe

    drawings = second.style
    if drawings and not films:
        list_pictures(drawings)  # raises if the folder cannot be used
    extraction = {"films": [str(film) for film in films], "out": str(drawings), "size": frame_size}
    return {
        "frames": extraction if films else None,
        "smooth": {"frames": str(drawings), "out": str(second.smoothed)},
        "pretrain": describe(first),
        "adversarial": describe(second, planned=True),
    }


def _list_films(folder: Path) -> list[Path]:
    from ...training.frames import list_films

    return list_films(folder)
