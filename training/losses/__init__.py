"""The losses of all phases: the equations in the modules of this folder, their factors in `Weights`.

Every loss is a pure function of tensors that returns a scalar, a mean over the elements, so that factors do
not depend on the size of pictures or batches. Pictures are (N, 3, H, W) in [-1, 1].

This file imports no torch, so that recipes are read and help texts printed without it.
"""

from typing import Annotated

from msgspec import Meta, Struct

Factor = Annotated[float, Meta(ge=0)]


class Weights(Struct, frozen=True, forbid_unknown_fields=True):
    """Factors of the losses. A loss of factor 0 is not computed, with the exceptions that its phase names."""

    content: Factor = 0.0  # perceptual.py: keep what the photo shows
    adversarial: Factor = 0.0  # gan.py: be taken for a drawing, or for a target picture
    tv: Factor = 0.0  # pixels.py: total variation
    colour: Factor = 0.0  # pixels.py: keep broad colours
    gram: Factor = 0.0  # perceptual.py: the drawings' textures
    surface: Factor = 0.0  # gan.py: be taken for a drawing when both are smoothed
    structure: Factor = 0.0  # perceptual.py: content of the photo in superpixels
    texture: Factor = 0.0  # gan.py: be taken for a drawing when both are grey
    temporal: Factor = 0.0  # temporal.py: steady in videos
    pixel: Factor = 0.0  # supervised.py, as the next five: L1 distance to the target picture
    gradient: Factor = 0.0  # L1 of the differences between neighbours
    flat: Factor = 0.0  # variation that the target does not have
    line: Factor = 0.0  # dark lines that are missing
    soft: Factor = 0.0  # edges that are not as steep
    faint: Factor = 0.0  # large structures, in proportion to their contrast
    artist: Factor = 0.0  # gan.py: be taken for the artist's drawings, beside the targets
