"""The report that a run ends with: each figure beside what is wanted, and what to do if it is poor."""

import math
from dataclasses import dataclass

from .quality import read_figures
from .workspace import Workspace


@dataclass(frozen=True, slots=True)
class Wanted:
    """A figure: its title, its limit, which may be infinite, and what to do beyond the limit."""

    title: str
    limit: float
    is_upper: bool
    advice: str
    percent: bool = False


MORE_TIME = "more --minutes in another run, or more photos"
WANTED = {
    "faint_lost": Wanted(
        "faint structures lost", 0.05, True,
        "mist and clouds vanish. Raise `faint`, or lower `smoothing` and `polish`, in look.toml, and pass "
        "it to another run by --look.",
        percent=True,
    ),
    "flatness_ratio": Wanted(
        "flatness, of the photos'", 1.7, False,
        f"the fills are not flat yet: {MORE_TIME}. Raise `polish` in look.toml to flatten the targets.",
    ),
    "contours_kept": Wanted(
        "contours kept", 0.85, False,
        f"outlines are missing: {MORE_TIME}. A higher `line_darkness` or `line_reach` in look.toml helps.",
        percent=True,
    ),
    "colour_shift": Wanted("colour shift", math.inf, True, ""),
    "flicker_ratio_stabilized": Wanted(
        "flicker in videos, of the clip's", 0.8, True, f"videos tremble: {MORE_TIME}.",
    ),
    "demo_flicker": Wanted(
        "flicker in the demo's clip, of its own", 0.9, True, f"videos tremble: {MORE_TIME}.",
    ),
    "artist_distance": Wanted(
        "distance to the artist, of the photos'", 0.75, True,
        f"the drawings do not look like the artist's yet: more drawings in --style; {MORE_TIME}.",
    ),
}  # fmt: skip


FLICKER = ("flicker_ratio_stabilized", "demo_flicker")  # of the user's clip, or of the one of `demo`


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
    if workspace.options.clip is None and "flicker_ratio_stabilized" in figures:
        figures["demo_flicker"] = figures.pop("flicker_ratio_stabilized")
    if figures.get("frechet_vgg16_source"):
        figures["artist_distance"] = figures["frechet_vgg16_output"] / figures["frechet_vgg16_source"]
    names = [name for name in WANTED if name in figures or name not in FLICKER]
    return [_row(name, WANTED[name], figures.get(name)) for name in names]


def _row(name: str, wanted: Wanted, value: float | None) -> Row:
    bound = "at most" if wanted.is_upper else "at least"
    limit = (
        f"{bound} {_format(wanted.limit, wanted)}" if math.isfinite(wanted.limit) else "as the look has it"
    )
    if value is None:
        option = "pass --features" if name == "artist_distance" else ""
        return Row(wanted.title, "not measured" + (f": {option}" if option else ""), limit, True, "")
    is_good = value <= wanted.limit if wanted.is_upper else value >= wanted.limit
    return Row(wanted.title, _format(value, wanted), limit, is_good, wanted.advice)


def _format(value: float, wanted: Wanted) -> str:
    return f"{100 * value:.1f} %" if wanted.percent else f"{value:.3g}"
