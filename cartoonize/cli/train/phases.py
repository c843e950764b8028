"""`train pretrain`, `train adversarial`, `train distil`, and both phases of a preset in one."""

import shlex
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ...core.errors import TrainingError
from ...styles import builtin_styles, user
from ...training.recipe import PhaseName, Recipe
from ...training.recipe_files import builtin_recipes, load_recipe
from ...training.settings import Settings
from ..console import escape, print_message
from . import options
from .dry_run import print_settings
from .prepare import FRAME_SIZE, frames, smooth
from .values import parse_weight, weights_of_phase


def pretrain(
    photos: options.Photos,
    run: options.Run,
    recipe: options.PretrainRecipeOptions,
    training: options.TrainingOptions,
    features: options.FeaturesFile = None,
    start: options.Start = None,
) -> None:
    """Phase 1: the generator learns to keep a photo's content.

    Examples:
      cartoonize train pretrain --photos photos/ --run runs/mine
      cartoonize train pretrain --photos photos/ --run runs/fast --model swift
    """
    chosen = choose_recipe("pretrain", recipe)
    settings = Settings("pretrain", chosen, photos, run=run, features=features, start=start)
    _train_or_describe(settings, training)


def adversarial(
    photos: options.Photos,
    style: options.StyleFolder,
    run: options.Run,
    recipe: options.AdversarialRecipeOptions,
    training: options.TrainingOptions,
    smoothed: options.Smoothed = None,
    features: options.FeaturesFile = None,
    start: options.Start = None,
    scratch: Annotated[bool, typer.Option("--scratch", help="Start without a pretrained generator.")] = False,
) -> None:
    """Phase 2: the generator learns to draw like the artist. Starts from phase 1 of the same run.

    Examples:
      cartoonize train adversarial --photos photos/ --style art/ --run runs/mine
      cartoonize train adversarial --photos photos/ --style art/ --run b --scratch
    """
    chosen = choose_recipe("adversarial", recipe)
    settings = Settings(
        "adversarial", chosen, photos, style=style, smoothed=smoothed, run=run, features=features,
        start=start, scratch=scratch,
    )  # fmt: skip
    _train_or_describe(settings, training)


def distil(
    pairs: Annotated[Path, typer.Option(help="A folder with `photo` and `target`, made by `targets`.")],
    run: options.Run,
    recipe: options.DistilRecipeOptions,
    training: options.TrainingOptions,
    style: Annotated[Path | None, typer.Option(help="The artist's drawings, for the loss `artist`.")] = None,
    start: options.Start = None,
) -> None:
    """Teach a small network from pairs of photo and redrawn photo, in place of phases 1 and 2.

    Examples:
      cartoonize train distil --pairs pairs/ --style drawings/ --run runs/fast
      cartoonize train distil --pairs pairs/ --run runs/ink --weight artist=0
    """
    chosen = choose_recipe("distil", recipe)
    settings = Settings(
        "distil", chosen, pairs / "photo", targets=pairs / "target", style=style, run=run, start=start
    )
    _train_or_describe(settings, training)


def run_preset(
    photos: Path,
    style: Path,
    run: Path,
    recipe: options.PresetOptions,
    training: options.TrainingOptions,
    features: Path | None,
) -> None:
    """Both phases of a preset, from folders to a style file; frames first if `style` holds films."""
    films = _list_films(style)
    drawings = run / "frames" if films else style
    smoothed = run / "smoothed"
    chosen = choose_recipe("adversarial", recipe)
    second = training.apply_to(
        Settings("adversarial", chosen, photos, style=drawings, smoothed=smoothed, run=run, features=features)
    )
    first_options = recipe.for_pretraining(weights_of_phase("pretrain", recipe.weight))
    first_recipe = choose_recipe("pretrain", first_options)
    first = replace(second, phase="pretrain", recipe=first_recipe, style=None, smoothed=None)
    frame_size = max(FRAME_SIZE, chosen.size)
    if training.dry_run:
        print_settings(_plan(films, frame_size, first, second), as_json=training.as_json)
        return
    if films and not (drawings / "manifest.csv").exists():
        frames([*films, drawings], size=frame_size)
    smooth(drawings, smoothed, training.workers)
    _train(first)
    _train(second)


def choose_recipe(phase: PhaseName, recipe_options: options.RecipeOptions) -> Recipe:
    """The preset with the changes that the options state.

    Raises:
        TrainingError: there is no such preset, it lacks the phase, or a weight is not one of the phase's.
    """
    changes = asdict(recipe_options)
    preset, weights = changes.pop("preset"), changes.pop("weight") or []
    recipe = load_recipe(preset)
    if phase not in recipe.phases():
        raise TrainingError(
            f"The preset {preset!r} has no phase {phase!r}: choose {', '.join(builtin_recipes(phase))}."
        )
    return recipe.with_changes(dict(parse_weight(text, phase) for text in weights), **changes)


def add_command(run: Path) -> str:
    """The command that adds the style of a run to the user's own styles."""
    name = user.suggest_name(run.absolute().name) or "mine"
    free_name = f"my-{name}" if name in builtin_styles() else name
    return f"cartoonize styles add {shlex.quote(str(run))} --name {free_name}"


def _train_or_describe(chosen: Settings, training: options.TrainingOptions) -> None:
    from ...training.run import describe

    settings = training.apply_to(chosen)
    if training.dry_run:
        print_settings(describe(settings), as_json=training.as_json)
    else:
        _train(settings)


def _train(settings: Settings) -> None:
    from ...training.run import train

    print_message(escape(f"{settings.phase}: {settings.folder}"))
    print_message(escape(f"The style is {train(settings)}"))
    if settings.phase != "pretrain":
        print_message(escape(f"To use it by name: {add_command(settings.run)}"))


def _plan(films: list[Path], frame_size: int, first: Settings, second: Settings) -> dict[str, Any]:
    """The steps of `run`."""
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
