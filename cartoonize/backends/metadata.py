"""The metadata of exported files: from its numbers, backends plan their memory."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..styles.card import Header
from ..version import __version__

if TYPE_CHECKING:
    from ..models import Generator

_FORMS = {
    "reach": "[0-9]{1,4}",
    "stride": "[1-9][0-9]?",
    "floats_per_pixel": r"[1-9][0-9]{0,5}(\.[0-9]+)?",
    "flop_per_pixel": "[1-9][0-9]{0,9}",
}
"""As `describe_network` writes them; models/generator.py explains them."""


def describe_network(generator: "Generator", header: Header) -> dict[str, str]:
    """Return the metadata that every kind of exported file holds, for people and for `stated_numbers`."""
    from ..models.cost import multiplications  # here, so that reading metadata does not import PyTorch

    side = 8 * generator.stride
    return {
        "architecture": header.architecture,
        "style": header.card.name,
        "licence": header.card.licence,
        "credit": header.card.credit,
        "reach": str(generator.reach),
        "stride": str(generator.stride),
        "floats_per_pixel": str(generator.floats_per_pixel),
        "flop_per_pixel": str(2 * multiplications(generator, side, side) // side**2),
        "cartoonize": __version__,
    }


def stated_numbers(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the well-formed numbers by name. A stranger's file can hold any text under these names."""
    return {key: metadata[key] for key, form in _FORMS.items() if re.fullmatch(form, metadata.get(key, ""))}
