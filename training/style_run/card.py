"""The card of a style that a run makes."""

from dataclasses import replace
from pathlib import Path

from ...styles import builtin_styles
from ...styles.card import UNKNOWN, Card, read_header
from ..pictures import list_pictures
from .networks import START, TEACHER_START, Redraw
from .workspace import Workspace


def complete_card(workspace: Workspace) -> Card:
    """Return the card that the user stated, completed from the run.

    The weights come from a built-in style's, so the credit always names that style's data too.
    """
    stated, options = workspace.options.card, workspace.options
    base = read_header(builtin_styles()[START]).card
    styles = ", ".join(path.absolute().name for path in options.styles)
    photos = ", ".join(path.absolute().name for path in options.photos)
    drawings = f"{len(list_pictures(workspace.drawings))} drawings of {styles}; " if styles else ""
    counts = workspace.state.counts
    look = Path(options.look).stem
    source = f"--style {styles}" if styles else f"--look {look}"
    started = f"The weights started from the style {START}: "
    data = f"{drawings}photos of {photos}, redrawn by filters"
    credit = f"the authors of {f'{styles} and of ' if styles else ''}{photos}"
    is_taught = Redraw.name in workspace.state.done
    taught = f"a teacher from {TEACHER_START} with {counts['teach']:,} images, " if is_taught else ""
    recipe = (
        f"cartoonize train run {source} --photos {photos}: {counts['targets']:,} pairs, {taught}"
        f"{counts['learn']:,} images in floats, {counts['refine']:,} in 8-bit integers, seed {options.seed}"
    )
    return replace(
        stated,
        name=stated.name or workspace.folder.absolute().name,
        summary=stated.summary or f"the look of {styles or look}",
        data=f"{_or(stated.data, data)}. {started}{base.data}",
        credit=f"{_or(stated.credit, credit)}. {started}{base.credit}",
        recipe=stated.recipe or recipe,
    )


def _or(stated: str, default: str) -> str:
    return default if stated in ("", UNKNOWN) else stated.rstrip(".")
