"""Derives the settings of the filters from a measured look."""

import math

from ..recipe import TargetLook
from .measured_look import MeasuredLook, ToneLook

# Fills of 200 photos (figures of OpenStax books), measured like drawings. Bands run from dark to light.
PHOTO_CHROMA = (7.3, 20.7, 29.1, 25.2, 12.8)
PHOTO_HUE = ((2.0, 0.3), (4.7, 6.8), (6.0, 10.0), (0.8, 10.1), (-1.5, 7.1))
PHOTO_MEDIAN = 47.5  # of L

# Shares of the difference between photos and drawings. The other part comes from the motifs, not from the
# style.
TOWARDS_CHROMA = 0.5
TOWARDS_HUE = 0.35
TOWARDS_MEDIAN = 0.5
TOWARDS_BLACK = 0.35  # more would turn night scenes grey
LARGEST_TINT = 6.0  # Lab
WIDTH_OF_SIGMA = 2.5  # width of a drawn line at a step of 0.3 of the luma, in units of `line_width`
INK_ON_PAPER = 10.0  # mean chroma below which drawings on paper are ink on paper


def target_look(look: MeasuredLook) -> TargetLook:
    """The settings with which filters redraw photos in a measured look."""
    has_lines = look.lines.are_drawn
    slopes = look.fills.gradient / max(look.fills.gradient + look.fills.flat, 1e-6)
    is_ink = look.paper is not None and max(look.chroma) < INK_ON_PAPER
    return TargetLook(
        scales=(1.0, 2.0),
        # little before the lines are drawn, more after (polish): contours stay, fills are flat
        smoothing=0.012,
        borders=1.0,  # protects the borders of areas from the polish
        detail=0.7,
        faint=0.3,  # restores faint structures without borders
        brightness=_brightness(look.tones),
        tones=max(3, look.tones.count) if is_ink else 7,
        tone_mix=round(0.6 * (1 - slopes), 2),
        black=round(TOWARDS_BLACK * look.tones.black, 1),
        white=round(50 + 0.5 * min(look.tones.white, 100), 1),
        chroma=1.0,
        chroma_by_lightness=tuple(
            round(min(max((artist / photo) ** TOWARDS_CHROMA, 0.4), 1.8), 2)
            for artist, photo in zip(look.chroma, PHOTO_CHROMA, strict=True)
        ),
        tint=tuple(
            (_tint(artist[0] - photo[0]), _tint(artist[1] - photo[1]))
            for artist, photo in zip(look.hue, PHOTO_HUE, strict=True)
        ),
        paper=look.paper if is_ink else None,
        line_width=round(min(max(look.lines.width / WIDTH_OF_SIGMA, 0.5), 2.5), 2) if has_lines else 1.0,
        line_reach=0.99,
        line_darkness=round(look.lines.darkness, 2) if has_lines else 0.0,
        ink=tuple(round(channel, 3) for channel in look.lines.ink),  # type: ignore[arg-type]
        polish=0.026,
    )


def _brightness(tones: ToneLook) -> float:
    """Return the exponent of lightness that moves the median of photos halfway to the artist's."""
    share = (tones.median - tones.black) / max(tones.white - tones.black, 1)
    exponent = math.log(min(max(share, 0.05), 0.95)) / math.log(PHOTO_MEDIAN / 100)
    return round(min(max(math.pow(exponent, TOWARDS_MEDIAN), 0.6), 1.3), 2)


def _tint(difference: float) -> float:
    return round(min(max(TOWARDS_HUE * difference, -LARGEST_TINT), LARGEST_TINT), 1) + 0.0  # no -0.0
