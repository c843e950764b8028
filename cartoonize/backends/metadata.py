"""The numbers in the metadata of exported files, from which backends plan their memory."""

import re
from collections.abc import Mapping

_FORMS = {
    "reach": "[0-9]{1,4}",
    "stride": "[1-9][0-9]?",
    "floats_per_pixel": r"[1-9][0-9]{0,5}(\.[0-9]+)?",
    "flop_per_pixel": "[1-9][0-9]{0,9}",
}
"""As the exports write them; models/generator.py explains them."""


def stated_numbers(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the well-formed numbers by name. A stranger's file can hold any text under these names."""
    return {key: metadata[key] for key, form in _FORMS.items() if re.fullmatch(form, metadata.get(key, ""))}
