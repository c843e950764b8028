"""The report that a run ends with: each figure beside what is wanted, and what to do if it is poor."""

from dataclasses import dataclass, replace

from ...styles.figures import FIGURES, Figure
from .quality import read_figures
from .workspace import Workspace


@dataclass(frozen=True, slots=True)
class Wanted:
    """The limit of a figure, None if the look decides it, and what to do about a figure beyond it."""

    limit: float | None
    advice: str = ""


MORE_TIME = "more --minutes in another run, or more photos"
FLICKER = "flicker_ratio_stabilized"
DEMO_FLICKER_LIMIT = 0.9  # on the clip of `demo`

# By the keys of styles/figures.py, which says whether the limit is an upper or a lower one.
WANTED = {
    "faint_lost": Wanted(
        0.05,
        "mist and clouds vanish. Raise `faint`, or lower `smoothing` and `polish`, in look.toml, and pass "
        "it to another run by --look.",
    ),
    "flatness_ratio": Wanted(
        1.7, f"the fills are not flat yet: {MORE_TIME}. Raise `polish` in look.toml to flatten the targets."
    ),
    "contours_kept": Wanted(
        0.85,
        f"outlines are missing: {MORE_TIME}. A higher `line_darkness` or `line_reach` in look.toml helps.",
    ),
    "colour_shift": Wanted(None),
    FLICKER: Wanted(0.8, f"videos tremble: {MORE_TIME}."),
    "artist_distance": Wanted(
        0.75, f"the drawings do not look like the artist's yet: more drawings in --style; {MORE_TIME}."
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A figure for people."""

    title: str
    value: str
    wanted: str
    is_good: bool
    advice: str


def assess(workspace: Workspace) -> list[Row]:
    """The rows of the report; figures that could not be measured say how they can be."""
    figures = dict(read_figures(workspace))
    if figures.get("frechet_vgg16_source"):
        figures["artist_distance"] = figures["frechet_vgg16_output"] / figures["frechet_vgg16_source"]
    return [_row(key, figures.get(key), on_demo=workspace.options.clip is None) for key in WANTED]


def _row(key: str, value: float | None, *, on_demo: bool) -> Row:
    """A row; `on_demo` if the flicker is that of the clip of `demo`, as the run was given none."""
    figure, wanted = FIGURES[key], WANTED[key]
    if key == FLICKER and on_demo:
        figure, wanted = replace(figure, unit="times the demo's"), replace(wanted, limit=DEMO_FLICKER_LIMIT)
    title = figure.title if figure.is_percent else f"{figure.title}, {figure.unit}"
    limit = "as the look has it"
    if wanted.limit is not None:
        limit = f"{'at most' if figure.better == 'less' else 'at least'} {figure.format(wanted.limit)}"
    if value is None:
        advice = ": pass --features" if key == "artist_distance" else ""
        return Row(title, f"not measured{advice}", limit, True, "")
    return Row(title, figure.format(value), limit, _is_good(value, wanted, figure), wanted.advice)


def _is_good(value: float, wanted: Wanted, figure: Figure) -> bool:
    if wanted.limit is None:
        return True
    return value <= wanted.limit if figure.better == "less" else value >= wanted.limit
