"""The presets hold the published settings."""

from cartoonize.training.presets import DECK, OFFICIAL, PAPER, PRESETS
from cartoonize.training.run import build_generator


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
    sizes = {
        name: sum(p.numel() for p in build_generator(recipe).parameters()) for name, recipe in PRESETS.items()
    }
    assert 11.0e6 < sizes["paper"] < 11.2e6
    assert 11.0e6 < sizes["official"] < 11.2e6
