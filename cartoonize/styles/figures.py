"""The measured figures of a style, in words. Style cards, reports and tables call each by the same name."""

from dataclasses import dataclass
from typing import Literal

from ..core.messages import format_number


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure for people: its title, its unit, and what more or less means."""

    title: str
    unit: str
    better: Literal["more", "less"] | None = None  # None: neither is better
    effect: str = "better"  # what more, or less, means
    is_percent: bool = False

    @property
    def meaning(self) -> str:
        """The unit, and which direction is better."""
        return f"{self.unit}; {self.better} is {self.effect}" if self.better else self.unit

    def format(self, value: float) -> str:
        """The value for people."""
        return f"{format_number(100 * value)} %" if self.is_percent else format_number(value)


# By their keys on style cards and in quality.json (training/evaluation/evaluate.py measures them).
FIGURES = {
    "contours_kept": Figure("contours kept", "of the photo's", "more", is_percent=True),
    "faint_lost": Figure("faint structures lost", "mist, clouds", "less", is_percent=True),
    "flatness_ratio": Figure("flatness", "times the photo's", "more", "flatter"),
    "colour_shift": Figure("colour shift", "in Lab", "less", "closer to the photo"),
    "flicker_ratio_stabilized": Figure("flicker in videos", "times the source's", "less", "steadier"),
    "flicker_ratio": Figure("flicker, unstabilized", "the same with --no-stabilize"),
    "faint_gain_median": Figure("faint contrast", "kept of mist, of 1", "more"),
    "faint_gain_p10": Figure("faint contrast, worst", "in the worst tenth of places"),
    "rough_edges": Figure("lines in foliage", "times the photo's; above 1 scribbles"),
    "flatness_output": Figure("flat, the drawing", "of its pixels", "more", "flatter", is_percent=True),
    "flatness_source": Figure("flat, the photos", "of their pixels, to compare", is_percent=True),
    "flicker_output": Figure("change, the drawing", "levels of 255", "less", "steadier"),
    "flicker_source": Figure("change, the source", "levels of 255, to compare"),
    "artist_distance": Figure("distance to the artist", "times the photos'", "less", "closer"),
    "frechet_vgg16_output": Figure("distance, the drawings", "to the artist, by VGG16", "less", "closer"),
    "frechet_vgg16_source": Figure("distance, the photos", "to the artist, to compare"),
    "fid": Figure("FID", "distance to the artist's pictures by Inception", "less", "closer"),
    "kid": Figure("KID", "as FID, for few pictures", "less", "closer"),
    "gflop_720p": Figure("work for 720p", "billions of operations a frame"),
    "pictures": Figure("photos measured", "more make the figures surer"),
}
MAIN = tuple(FIGURES)[:5]
"""The figures by which a style is chosen."""


def describe_figure(key: str) -> Figure:
    """The figure of that key; one that is unknown, as on cards of other programs, is called by its key."""
    return FIGURES.get(key, Figure(key.replace("_", " "), ""))
