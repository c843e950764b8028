"""Sizes and durations in words."""

import pytest

from cartoonize.cli.quantities import describe_duration, format_duration, format_size


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (640, "640 bytes"), (3_400, "3.4 kB"), (34_000_000, "34 MB"), (1.5e9, "1.5 GB")],
)
def test_sizes(count, text):
    """Sizes have two digits and the unit that makes them short."""
    assert format_size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"), (200, "3 min 20 s"), (3_900, "1 h 05 min")],
)
def test_durations(seconds, text):
    """Durations have tenths of a second up to a minute, then whole seconds, then minutes."""
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 second"), (45, "45 seconds"), (95, "2 minutes"), (2280, "38 minutes"), (7200, "2 hours"),
        (300_000, "3 days"),
    ],
)  # fmt: skip
def test_durations_in_sentences(seconds, text):
    """In a sentence, a duration is one number and a whole word."""
    assert describe_duration(seconds) == text
