"""The presets hold the published settings."""

import pytest

from cartoonize import TrainingError
from cartoonize.training.presets import preset, presets
from cartoonize.training.run import build_generator

DECK, PAPER, OFFICIAL = (preset(name) for name in ("deck", "paper", "official"))


def test_deck():
    """The study group's table."""
    first, second = DECK.schedules["pretrain"], DECK.schedules["adversarial"]
    assert (DECK.model, DECK.batch, DECK.size, DECK.vgg, DECK.criterion) == (
        "cartoongan_blur", 16, 256, "vgg16", "bce",
    )  # fmt: skip
    assert (first.epochs, first.lr, first.betas, first.weight_decay) == (10, 1e-3, (0.5, 0.999), 1e-3)
    assert (second.epochs, second.lr, second.betas, second.weight_decay) == (10, 1.5e-4, (0.5, 0.999), 1e-4)


def test_paper_and_official():
    """CartoonGAN's paper and its authors' code."""
    assert (PAPER.norm, PAPER.criterion, PAPER.vgg, PAPER.weights.content) == ("batch", "bce", "vgg19", 10)
    assert PAPER.schedules["adversarial"].epochs == 200
    assert (OFFICIAL.norm, OFFICIAL.criterion, OFFICIAL.pool, OFFICIAL.batch) == (
        "instance", "least_squares", 50, 8,
    )  # fmt: skip
    assert OFFICIAL.init_std == 0.02
    second = OFFICIAL.schedules["adversarial"]
    assert (second.lr, second.epochs, second.fade, second.betas[0]) == (1e-5, 100, 100, 0.5)


def test_networks_of_the_presets():
    """Each preset's generator can be built; CartoonGAN's has its 11.1 million parameters."""
    sizes = {name: sum(p.numel() for p in build_generator(preset(name)).parameters()) for name in presets()}
    assert 11.0e6 < sizes["paper"] < 11.2e6
    assert 11.0e6 < sizes["official"] < 11.2e6


def test_a_recipe_of_ones_own(tmp_path):
    """A TOML file of the same form is a preset; what it leaves out has its default."""
    path = tmp_path / "mine.toml"
    path.write_text(
        "model = 'swift'\nwidth = 16\n[weights]\npixel = 1\n"
        "[schedules.distil]\nepochs = 2\nlr = 1e-3\n[look]\npaper = [1, 1, 1]\n"
    )
    recipe = preset(str(path))
    assert (recipe.width, recipe.weights.pixel, recipe.batch) == (16, 1.0, 16)
    assert recipe.schedules["distil"].epochs == 2
    assert recipe.look.paper == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model = ", "Invalid value"),
        ("modle = 'swift'", "no setting 'modle'"),
        ("model = 'swift'\nwidth = 'wide'", "width cannot be 'wide'"),
        ("model = 'swift'", "missing"),
        ("model = 'swift'\nwidth = 8\nvgg = 'vgg11'", "vgg cannot be 'vgg11'"),
        ("model = 'swift'\nwidth = 8\n[schedules.sleep]\nlr = 1", "not 'sleep'"),
    ],
)
def test_recipes_that_are_none(tmp_path, text, said):
    """What is wrong with a recipe is a sentence that names it."""
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(TrainingError, match=said):
        preset(str(path))


def test_presets_that_are_not_there():
    """An unknown name is answered with the names that there are."""
    with pytest.raises(
        TrainingError, match="deck, ink, ink-int8, official, paper, pepper, pepper-hq, pepper-int8"
    ):
        preset("deckk")
