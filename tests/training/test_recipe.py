"""Recipes: the built-in ones hold the published settings, mistakes are named, bases are inherited."""

import pytest

from cartoonize import TrainingError
from cartoonize.training.distil import LATE
from cartoonize.training.networks import build_generator
from cartoonize.training.recipe_files import builtin_recipes, load_recipe

DECK, PAPER, OFFICIAL = (load_recipe(name) for name in ("deck", "paper", "official"))
SWIFT = "model = 'swift'\nwidth = 8\n"


def test_deck_has_the_settings_of_its_table():
    """`deck` has the settings of the deck's table."""
    first, second = DECK.schedule("pretrain"), DECK.schedule("adversarial")
    assert (DECK.model, DECK.batch, DECK.size, DECK.vgg, DECK.criterion) == (
        "cartoongan_blur", 16, 256, "vgg16", "bce",
    )  # fmt: skip
    assert (first.epochs, first.lr, first.betas, first.weight_decay) == (10, 1e-3, (0.5, 0.999), 1e-3)
    assert (second.epochs, second.lr, second.betas, second.weight_decay) == (10, 1.5e-4, (0.5, 0.999), 1e-4)


def test_paper_and_official():
    """`paper` has the settings of CartoonGAN's paper, `official` those of its code."""
    assert (PAPER.norm, PAPER.criterion, PAPER.vgg, PAPER.weights.content) == ("batch", "bce", "vgg19", 10)
    assert PAPER.schedule("adversarial").epochs == 200
    assert (OFFICIAL.norm, OFFICIAL.criterion, OFFICIAL.pool, OFFICIAL.batch) == (
        "instance", "least_squares", 50, 8,
    )  # fmt: skip
    assert OFFICIAL.init_std == 0.02
    second = OFFICIAL.schedule("adversarial")
    assert (second.lr, second.epochs, second.fade, second.betas[0]) == (1e-5, 100, 100, 0.5)


def test_networks_of_the_presets():
    """Each preset's generator can be built; CartoonGAN's has its 11.1 million parameters."""
    sizes = {
        name: sum(p.numel() for p in build_generator(load_recipe(name)).parameters())
        for name in builtin_recipes()
    }
    assert 11.0e6 < sizes["paper"] < 11.2e6
    assert 11.0e6 < sizes["official"] < 11.2e6


def test_a_recipe_of_ones_own(tmp_path):
    """A TOML file can be the preset; settings that it leaves out have their defaults."""
    path = tmp_path / "mine.toml"
    path.write_text(
        "model = 'swift'\nwidth = 16\n[weights]\npixel = 1\n"
        "[schedules.distil]\nepochs = 2\nlr = 1e-3\n[look]\npaper = [1, 1, 1]\n"
    )
    recipe = load_recipe(str(path))
    assert (recipe.width, recipe.weights.pixel, recipe.batch) == (16, 1.0, 16)
    assert recipe.schedule("distil").epochs == 2
    assert recipe.look.paper == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("name", builtin_recipes())
def test_every_loss_of_a_recipe_is_used(name):
    """No recipe has a factor of a loss that never begins: the style's card would name it."""
    recipe = load_recipe(name)
    unused = LATE if recipe.late_losses_at >= 1 else ()
    assert not [loss for loss in unused if getattr(recipe.weights, loss)]


def write_recipe(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model = ", "Invalid value"),
        ("modle = 'swift'", "unknown key 'modle'; the keys are model, width.* Did you mean model?"),
        ("model = 'swift'\nwidth = 'wide'", "width: expected int, got str"),
        ("model = 'swift'", "missing required field width"),
        (SWIFT + "vgg = 'vgg11'", "vgg: invalid enum value 'vgg11'"),
        (SWIFT + "batch = 0", "batch: expected int >= 1"),
        (SWIFT + "[weights]\npixel = 'high'", "weights.pixel: expected float, got str"),
        (SWIFT + "[weights]\npixel = nan", "weights.pixel: expected a finite number, got nan"),
        (SWIFT + "[look]\npaper = [1.0, 1.0, 1e999]", "look.paper: expected a finite number, got inf"),
        (SWIFT + "[look]\nscales = [0.0]", "look.scales.*: expected float > 0"),
        (SWIFT + "[look]\nscales = []", "look.scales: expected array of length >= 1"),
        (SWIFT + "[look]\ntones = 0", "look.tones: expected int >= 1"),
        (SWIFT + "size = 1_000_000", "size: expected int <= 4096"),
        ("a = " + "[" * 5000, "is not valid TOML"),
        (f"base = '{'x' * 5000}'", "which is neither a built-in recipe nor a file"),
        (SWIFT + "[weights]\npixle = 1", "weights: unknown key 'pixle'; the keys are content.* mean pixel?"),
        (SWIFT + "[schedules.sleep]\nlr = 1", "schedules: unknown key 'sleep'; the keys are pretrain"),
        (SWIFT + "[schedules.distil]\nepochs = 0\nlr = 1", "schedules.distil: epochs and fade are both 0"),
        (SWIFT + "[look]\nink = [0, 0]", "look.ink: expected array of length 3"),
        ("base = 3", "base: expected the name of a recipe"),
        ("base = 'peper'", "has the base 'peper', which is neither .* Did you mean pepper?"),
    ],
)
def test_mistakes_are_named_by_their_place(tmp_path, text, message):
    """A mistake in a recipe is a sentence that names the file, the key and what it should be."""
    path = write_recipe(tmp_path / "wrong.toml", text)
    with pytest.raises(TrainingError, match=message) as error:
        load_recipe(path)
    assert path in str(error.value)


def test_a_recipe_holds_only_what_differs_from_its_base(tmp_path):
    """`base` names a built-in recipe: tables merge, other values are replaced."""
    path = write_recipe(tmp_path / "mine.toml", "base = 'pepper'\nsize = 96\n[weights]\nline = 9\n")
    mine, pepper = load_recipe(path), load_recipe("pepper")
    assert (mine.size, mine.weights.line) == (96, 9)
    assert (mine.weights.pixel, mine.look) == (pepper.weights.pixel, pepper.look)


def test_a_base_is_found_beside_the_recipe(tmp_path):
    """`base` may be a path, relative to the recipe's folder and not to the current one; bases have bases."""
    write_recipe(tmp_path / "base.toml", "base = 'ink'\nbatch = 3\nsize = 64\n")
    path = write_recipe(tmp_path / "sub" / "mine.toml", "base = '../base.toml'\nsize = 32\n")
    recipe = load_recipe(path)
    assert (recipe.size, recipe.batch, recipe.look) == (32, 3, load_recipe("ink").look)


def test_bases_that_lead_back(tmp_path):
    """A loop of bases is refused with the files that form it."""
    first = write_recipe(tmp_path / "a.toml", "base = 'b.toml'")
    write_recipe(tmp_path / "b.toml", "base = 'a.toml'")
    with pytest.raises(TrainingError, match=r"lead back to it: a.toml -> b.toml -> a.toml"):
        load_recipe(first)


def test_unknown_presets():
    """An unknown name is answered with the names of the built-in recipes."""
    with pytest.raises(
        TrainingError, match="deck, ink, ink-int8, official, paper, pepper, pepper-hq, pepper-int8"
    ):
        load_recipe("deckk")
