"""`cartoonize styles`: the table and the cards fit a terminal of 80 columns."""

import shutil

import pytest

from cartoonize.models.checkpoint import write_card
from cartoonize.styles import DEFAULT, builtin_styles
from cartoonize.styles.card import Card, read_header
from cartoonize.styles.figures import FIGURES


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_the_table_breaks_no_word(run):
    """A table of 80 columns breaks no word of any built-in style."""
    code, out, _ = run("styles")
    assert code == 0
    assert all(len(line.rstrip()) <= 80 for line in out.splitlines())
    words = out.split()
    for name, path in builtin_styles().items():
        card = read_header(path).card
        assert {
            name,
            *card.summary.split(),
            *card.licence.replace("cartoonize", "cartoonize:").split(),
            "Built",
        } <= set(words)
    assert "(default)" in words


def test_a_card_begins_with_what_people_ask_for(run):
    """File, figures and licence come before the training data; the recipe is behind --recipe."""
    _, out, _ = run("styles", "show", DEFAULT)
    labels = [line.split("  ")[0] for line in out.splitlines() if line[:1].strip()]
    order = ["file", "figures", "licence", "credit", "trained on", "network"]
    assert [label for label in labels if label in order] == order
    assert "recipe" not in labels
    assert "recipe" in run("styles", "show", DEFAULT, "--recipe")[1]


def test_each_command_of_a_recipe_has_its_line(run, tiny_style, tmp_path):
    """A recipe keeps its line breaks, also if its card is written again, but no other control characters."""
    path = shutil.copy(tiny_style, tmp_path / "mine.safetensors")
    write_card(path, Card("mine", credit="a\nb", recipe="first\n\x1b[2Jsecond\r\u202e\x07third\n"))
    write_card(path, read_header(path).card)
    card = read_header(path).card
    assert (card.recipe, card.credit) == ("first\n [2Jsecond   third\n", "a b")
    lines = [line.strip() for line in run("styles", "show", str(path), "--recipe")[1].splitlines()]
    assert lines[-3:-1] == ["recipe      first", "[2Jsecond   third"]


def test_no_figure_has_an_exponent():
    """Figures are written out."""
    assert FIGURES["gflop_720p"].format(999.7) == "1,000"
    assert FIGURES["contours_kept"].format(0.999_96) == "100 %"


def test_figures_are_explained(run):
    """A card explains the five figures by which a style is chosen, and with --figures all of them."""
    figures = read_header(builtin_styles()[DEFAULT]).card.figures
    shown, every = (run("styles", "show", DEFAULT, *words)[1] for words in ([], ["--figures"]))
    assert [name in shown for name in ("contours kept", "flatness", "colour shift")] == [True] * 3
    assert "lines in foliage" not in shown
    assert all(FIGURES[name].title in every for name in figures)
    assert max(len(line.rstrip()) for line in every.splitlines()) <= 80


def test_piped_lines_do_not_end_in_spaces(run):
    """In a pipe, the list of styles and the card of one have no padding."""
    for words in (("styles",), ("styles", "show", "pepper")):
        lines = run(*words)[1].splitlines()
        assert lines == [line.rstrip() for line in lines]
