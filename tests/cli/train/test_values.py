"""From the options of `cartoonize train` to settings."""

import re

import pytest

from cartoonize import TrainingError
from cartoonize.cli.train.options import DistilRecipeOptions, RecipeOptions
from cartoonize.cli.train.phases import choose_recipe
from cartoonize.cli.train.values import count_loaders, read_card, weights_of_phase


def test_options_change_the_preset():
    """Options that are given replace the preset's values; the others keep them."""
    recipe = choose_recipe("distil", DistilRecipeOptions(weight=["line=9", "artist=0"], width=8))
    assert (recipe.width, recipe.batch) == (8, 8)
    assert (recipe.weights.line, recipe.weights.artist, recipe.weights.pixel) == (9, 0, 1.5)


def test_a_preset_without_the_phase():
    """A preset that lacks the phase is refused with those that have it."""
    with pytest.raises(TrainingError, match="has no phase 'distil': choose comic, ink, ink-int8, pepper"):
        choose_recipe("distil", RecipeOptions(preset="deck"))


def test_weights_of_a_phase():
    """`train run` gives each phase the weights of its own losses."""
    assert weights_of_phase("pretrain", ["content=2", "tv=1"]) == ["content=2"]


def test_processes_that_load():
    """One process per core loads pictures, at most eight, unless a number is stated."""
    assert 1 <= count_loaders(None) <= 8
    assert count_loaders(20) == 20


def test_a_card_may_state_some_entries(tmp_path):
    """A card may state some of its entries."""
    path = tmp_path / "card.json"
    path.write_text('{"name": "mine", "figures": {"flatness": 1}}')
    card = read_card(path)
    assert (card.name, card.figures, card.licence) == ("mine", {"flatness": 1.0}, "unknown")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": 3}', "name: expected str, got int"),
        ('{"license": "MIT"}', "Did you mean licence?"),
        ('{"name": ', "is not valid"),
        (None, "Cannot read the card"),
    ],
)
def test_wrong_cards(tmp_path, text, message):
    """A card that cannot be read, has an unknown key or a wrong type is refused; the place is named."""
    path = tmp_path / "card.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(TrainingError, match=re.escape(message)) as error:
        read_card(path)
    assert str(path) in str(error.value)
