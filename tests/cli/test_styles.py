"""`cartoonize styles`: the table and the cards fit a terminal of 80 columns."""

import pytest

from cartoonize.styles import DEFAULT, builtin_styles
from cartoonize.styles.card import read_header


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_the_table_breaks_no_word(run):
    """All words of every built-in style stand whole in a table of 80 columns."""
    code, out, _ = run("styles")
    assert code == 0
    assert all(len(line.rstrip()) <= 80 for line in out.splitlines())
    words = out.split()
    for name, path in builtin_styles().items():
        card = read_header(path).card
        assert {name, *card.summary.split(), *card.licence.split(), "built", "in"} <= set(words)
    assert "default)" in words


def test_a_card_begins_with_what_people_ask_for(run):
    """File, figures and licence come before the training data; the recipe is behind --recipe."""
    _, out, _ = run("styles", "show", DEFAULT)
    labels = [line.split("  ")[0] for line in out.splitlines() if line[:1].strip()]
    order = ["file", "figures", "licence", "credit", "trained on", "network"]
    assert [label for label in labels if label in order] == order
    assert "recipe" not in labels
    assert "recipe" in run("styles", "show", DEFAULT, "--recipe")[1]
