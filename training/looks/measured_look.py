"""The measured look of an artist's pictures."""

from msgspec import Struct

from ..recipe import Colour

MIN_LINE_SHARE = 0.5  # smallest share of contours that are lines, if an artist draws lines
MAX_WIDTH_SPREAD = 0.9  # largest relative spread of the width of lines; ridges vary more at folds and shadows


class LineLook(Struct, frozen=True, forbid_unknown_fields=True):
    """Dark lines between fills."""

    share: float  # of contours that have a line
    width: float = 0.0  # median in pixels, at half the depth
    spread: float = 0.0  # interquartile range of the width over its median
    darkness: float = 0.0  # 1: lines have the colour of the ink; below 1, the fill beside them shines through
    ink: Colour = (0.0, 0.0, 0.0)
    depth: float = 1.0  # median brightness of a line over that of the fills beside it

    @property
    def are_drawn(self) -> bool:
        """Whether the artist draws lines."""
        return self.share >= MIN_LINE_SHARE and 0 < self.spread <= MAX_WIDTH_SPREAD


class ToneLook(Struct, frozen=True, forbid_unknown_fields=True):
    """The lightness of fills: CIE L of 0 to 100."""

    count: int  # number of tones in a picture
    mean: float
    deviation: float
    black: float  # 1st percentile
    low: float  # 5th
    median: float
    high: float  # 95th
    white: float  # 99th


class FillShares(Struct, frozen=True, forbid_unknown_fields=True):
    """Shares of the area of the fills. The remaining area has texture."""

    flat: float
    gradient: float


class PaletteColour(Struct, frozen=True, forbid_unknown_fields=True):
    """A common colour of the fills, "#rrggbb", and its share of the fills."""

    colour: str
    share: float


class MeasuredLook(Struct, frozen=True, forbid_unknown_fields=True):
    """Measurements of an artist's pictures. Chroma and hue are given for five equal bands of lightness."""

    pictures: int  # number of measured pictures
    left_out: dict[str, int]  # numbers of pictures by the reason: damaged, small, blank, title, photograph
    lines: LineLook
    tones: ToneLook
    chroma: tuple[float, ...]  # mean, from dark to light
    hue: tuple[tuple[float, float], ...]  # mean Lab a and b, from dark to light
    fills: FillShares
    grain: float  # standard deviation in levels of 255
    paper: Colour | None  # None if most pictures share none
    paper_share: float  # of pictures with this paper
    one_hue: float  # share of the colours' variance along one line of Lab, median of pictures
    palette: tuple[PaletteColour, ...]

    def rows(self) -> list[tuple[str, str]]:
        """Names and values of all figures, for people."""
        lines, tones = self.lines, self.tones
        left_out = ", ".join(f"{count} {reason}" for reason, count in self.left_out.items())
        rows = [
            ("pictures", f"{self.pictures} measured" + (f"; left out: {left_out}" if left_out else "")),
            (
                "lines",
                f"{'drawn' if lines.are_drawn else 'none'}; {lines.share:.0%} of the contours have one",
            ),
        ]
        if lines.are_drawn:
            rows += [
                ("line width", f"{lines.width:.1f} pixels, spread {lines.spread:.2f}"),
                ("line colour", f"{as_hex(lines.ink)}, darkness {lines.darkness:.2f}"),
                ("line against fill", f"{lines.depth:.2f} of its brightness"),
            ]
        return [
            *rows,
            ("tones", f"{tones.count} in a picture, mean {tones.mean:.0f}, deviation {tones.deviation:.0f}"),
            ("black and white", f"L {tones.black:.0f} and {tones.white:.0f}"),
            ("chroma, dark to light", ", ".join(f"{chroma:.0f}" for chroma in self.chroma)),
            ("hue (a, b), dark to light", ", ".join(f"({a:.0f}, {b:.0f})" for a, b in self.hue)),
            ("fills", f"{self.fills.flat:.0%} flat, {self.fills.gradient:.0%} gradients"),
            ("grain", f"{self.grain:.1f} levels"),
            (
                "paper",
                f"{as_hex(self.paper)}, {self.paper_share:.0%} of the pictures" if self.paper else "none",
            ),
            ("palette", ", ".join(f"{entry.colour} {entry.share:.0%}" for entry in self.palette)),
        ]


def as_hex(colour: Colour) -> str:
    """A colour in [0, 1] as "#rrggbb"."""
    return "#" + "".join(f"{round(255 * min(max(channel, 0), 1)):02x}" for channel in colour)
