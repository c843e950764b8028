"""The measured figures of a style, in words: what each says, and whether more of it is better."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from .console import literal_text

if TYPE_CHECKING:
    from rich.table import Table


class Meaning(NamedTuple):
    """A figure for people."""

    title: str
    meaning: str
    is_percent: bool = False


# By their names on style cards (training/evaluate.py). The first ones are those by which a style is chosen.
MEANINGS = {
    "contours_kept": Meaning("outlines kept", "of the photo's; more is better", is_percent=True),
    "faint_lost": Meaning("faint things lost", "mist, clouds; less is better", is_percent=True),
    "flatness_ratio": Meaning("flat areas", "times the photo's; more is flatter"),
    "colour_shift": Meaning("colour change", "in Lab; less is closer to the photo"),
    "flicker_ratio_stabilized": Meaning("flicker in videos", "times the source's; less is steadier"),
    "flicker_ratio": Meaning("flicker, unstabilized", "the same with --no-stabilize"),
    "faint_gain_median": Meaning("faint contrast", "kept of mist, of 1; more is better"),
    "faint_gain_p10": Meaning("faint contrast, worst", "in the worst tenth of places"),
    "rough_edges": Meaning("lines in foliage", "times the photo's; above 1 scribbles"),
    "flatness_output": Meaning("flat, the drawing", "of its pixels; more is flatter", is_percent=True),
    "flatness_source": Meaning("flat, the photos", "of their pixels, to compare", is_percent=True),
    "flicker_output": Meaning("change, the drawing", "levels of 255; less is steadier"),
    "flicker_source": Meaning("change, the source", "levels of 255, to compare"),
    "frechet_vgg16_output": Meaning("distance to the artist", "by VGG16; less is closer"),
    "frechet_vgg16_source": Meaning("distance, the photos", "to the artist, to compare"),
    "fid": Meaning("FID", "distance to the artist's pictures by Inception; less is closer"),
    "kid": Meaning("KID", "as FID, for few pictures; less is closer"),
    "gflop_720p": Meaning("work for 720p", "billions of operations a frame"),
    "pictures": Meaning("photos measured", "more make the figures surer"),
}
MAIN = tuple(MEANINGS)[:5]


def figures_table(figures: Mapping[str, float], *, every: bool) -> "Table":
    """A line for each figure: its title, its value, its meaning.

    Args:
        figures: by their names on style cards.
        every: show all of them; otherwise only those by which a style is chosen.
    """
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column()
    known = [name for name in MEANINGS if name in figures and (every or name in MAIN)]
    others = [name for name in figures if name not in MEANINGS] if every else []
    for name in (*known, *others):
        meaning = MEANINGS.get(name, Meaning(name.replace("_", " "), ""))
        value = _format(figures[name], meaning)
        table.add_row(literal_text(meaning.title), value, literal_text(meaning.meaning))
    return table


def _format(value: float, meaning: Meaning) -> str:
    if meaning.is_percent:
        return f"{100 * value:.3g} %"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
