"""The parts of messages."""

from pathlib import PurePosixPath, PureWindowsPath

import pytest

from cartoonize.core.messages import format_number, without_folder


@pytest.mark.parametrize("folder", [PurePosixPath("/srv/x"), PureWindowsPath(r"C:\srv\x")])
def test_messages_name_no_folder(folder):
    """A message names a visitor's file without the server's folder, on every system."""
    assert without_folder(f"{folder / 'a.mp4'} is damaged.", folder) == "a.mp4 is damaged."


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1e-5, "0.00001"), (0.0667, "0.0667"), (1.5, "1.5"), (66.66, "66.7"), (200, "200"),
     (999.6, "1,000"), (4000, "4,000"), (2.5e9, "2,500,000,000")],
)  # fmt: skip
def test_numbers_have_no_exponent(value, text):
    """A number is readable at any size."""
    assert format_number(value) == text
