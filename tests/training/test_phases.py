"""The phases: which network learns from which loss."""

import copy

import pytest
import torch
from msgspec.structs import replace

from cartoonize.core.errors import TrainingError
from cartoonize.training.losses import Weights
from cartoonize.training.networks import build_generator
from cartoonize.training.recipe import Schedule, Schedules
from cartoonize.training.recipe_files import load_recipe
from cartoonize.training.run import build_phase, open_data, train
from cartoonize.training.trainer import choose_compute


def start(settings):
    torch.manual_seed(0)
    phase = build_phase(settings, build_generator(settings.recipe), choose_compute("cpu", "fp32"))
    items, _ = open_data(settings)
    batch = [items[number] for number in range(4)]
    return phase, {name: torch.stack([item[name] for item in batch]) for name in batch[0]}


def snapshot(trainer):
    return copy.deepcopy(trainer.network.state_dict())


def changed(trainer, before):
    after = trainer.network.state_dict()
    return any(not torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("phase_name", ["pretrain", "adversarial"])
def test_vgg_is_not_trained(settings, phase_name):
    """The perceptual network gets no gradient and does not change in a step; the generator does."""
    phase, batch = start(settings(phase_name))
    features, generator = copy.deepcopy(phase.features.state_dict()), snapshot(phase.generator)
    phase.step(batch, 0.0)
    assert all(weight.grad is None for weight in phase.features.parameters())
    for name, value in phase.features.state_dict().items():
        assert torch.equal(value, features[name])
    assert changed(phase.generator, generator)


def test_pretraining_lowers_the_content_loss(settings):
    """Steps on one batch bring the generator's features closer to the photo's."""
    phase, batch = start(settings("pretrain"))
    values = [phase.step(batch, 0.0)["content"].item() for _ in range(12)]
    assert values[-1] < 0.9 * values[0]


def test_discriminator_learns(settings):
    """After steps on one batch the discriminator tells artist, generated and smoothed apart better."""
    fast = Schedules(adversarial=Schedule(epochs=1, lr=2e-3))
    phase, batch = start(settings("adversarial", schedules=fast))
    values = [phase.step(batch, 0.0)["d_adversarial"].item() for _ in range(12)]
    assert values[-1] < 0.8 * values[0]


def test_both_networks_learn_each_from_its_own_loss(settings):
    """A step changes generator and discriminator, and the generator's loss leaves no gradient in D."""
    phase, batch = start(settings("adversarial"))
    discriminator = phase.discriminators["adversarial"]
    before = snapshot(discriminator), snapshot(phase.generator)
    output = phase.generator(phase.compute.to_unit(batch["photo"]))
    phase.generator.descend(phase.criterion(discriminator(output), 1.0), 0.0)
    assert all(weight.grad is None for weight in discriminator.weights)
    phase.step(batch, 0.0)
    assert changed(discriminator, before[0])
    assert changed(phase.generator, before[1])


def test_distil_without_a_discriminator(settings, photos):
    """Without a weight of the adversarial loss there is no discriminator."""
    weights = Weights(pixel=1.0)
    given = settings("distil", preset="pepper", weights=weights, targets=photos)
    phase, batch = start(given)
    assert set(phase.parts()) == {"generator"}
    assert phase.step(batch, 1.0).keys() == {"pixel", "gradient", "gradient_norm"}


def test_distil_with_all_its_losses(settings, photos):
    """Late in distillation every loss of the recipe is computed, and both discriminators learn."""
    given = settings("distil", preset="pepper-int8", int8=False, targets=photos, late_losses_at=0.6)
    phase, batch = start(given)
    early, late = phase.step(batch, 0.1), phase.step(batch, 0.9)
    early_losses = {"pixel", "gradient", "flat", "line", "soft", "faint", "gradient_norm"}
    late_losses = {"temporal", "adversarial", "artist", "d_adversarial", "d_artist"}
    assert early.keys() == early_losses
    assert late.keys() == early_losses | late_losses
    assert all(torch.isfinite(value) for value in late.values())


def test_batch_norm_freezes(settings, photos):
    """From the recipe's `freeze_batch_norm_at` on, the statistics of batch norms stay."""
    given = settings("distil", preset="pepper-hq", targets=photos, freeze_batch_norm_at=0.1, width=4)
    phase, batch = start(given)
    network = phase.generator.network
    initial = {name: value.clone() for name, value in network.state_dict().items() if "running" in name}
    phase.step(batch, 0.0)
    moved = {name: value.clone() for name, value in network.state_dict().items() if name in initial}
    assert all(not torch.equal(moved[name], initial[name]) for name in initial)
    phase.step(batch, 0.2)
    assert all(torch.equal(network.state_dict()[name], moved[name]) for name in initial)


def test_distilling_in_integers(settings, photos):
    """A recipe with int8 learns from the output of the rounded network, which does not add the source."""
    weights = Weights(pixel=1.0, temporal=1.0)
    given = settings(
        "distil",
        preset="pepper",
        model="swift",
        int8=True,
        weights=weights,
        targets=photos,
        late_losses_at=0.0,
    )
    phase, batch = start(given)
    before = snapshot(phase.generator)
    values = [phase.step(batch, 0.5)["pixel"].item() for _ in range(20)]
    assert values[-1] < values[0]
    assert changed(phase.generator, before)
    assert not phase.generator.network.gain.any()
    pictures = phase.compute.to_unit(batch["photo"])
    assert not torch.equal(phase.int8(pictures), phase.generator(pictures))


def test_integers_are_for_swift_networks(settings, photos):
    """int8 with another model than swift is refused before the training."""
    with pytest.raises(TrainingError, match="only train the model swift"):
        train(settings("distil", preset="pepper", int8=True, targets=photos))


def test_official_recipe_steps(settings):
    """Instance norm, least squares and an image pool work together."""
    phase, batch = start(settings("adversarial", preset="official"))
    assert phase.step(batch, 0.0)["adversarial"].isfinite()
    assert len(phase.pool.pictures) == 4


def test_bfloat16_keeps_norms_in_float32(settings):
    """In bf16 the weights and running statistics stay float32, and the step's losses are close to fp32's."""
    exact, batch = start(settings("pretrain"))
    torch.manual_seed(0)
    rough_settings = settings("pretrain")
    rough = build_phase(rough_settings, build_generator(rough_settings.recipe), choose_compute("cpu", "bf16"))
    a, b = exact.step(batch, 0.0)["content"], rough.step(batch, 0.0)["content"]
    assert b.item() == pytest.approx(a.item(), rel=0.05)
    assert {t.dtype for t in rough.generator.network.state_dict().values() if t.is_floating_point()} == {
        torch.float32
    }


def test_gradients_are_clipped(settings):
    """A gradient longer than the recipe's `clip` is scaled down to it before the step."""
    phase, batch = start(settings("pretrain", clip=1e-6))
    norm = phase.step(batch, 0.0)["gradient_norm"]
    length = torch.stack([weight.grad.square().sum() for weight in phase.generator.weights]).sum().sqrt()
    assert norm > 1e-6
    assert length.item() == pytest.approx(1e-6, rel=1e-2)


def test_schedule_fades():
    """The rate stays for the epochs and falls to zero over the further ones."""
    schedule = load_recipe("official").schedule("pretrain")
    assert [schedule.rate(p) for p in (0.0, 0.5, 0.75, 1.0)] == pytest.approx([2e-4, 2e-4, 1e-4, 0])
    cosine = load_recipe("pepper").schedule("distil")
    assert cosine.rate(0.5) == pytest.approx(0.5 * cosine.lr)
    assert replace(schedule, fade=0).rate(0.99) == 2e-4
