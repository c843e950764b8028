"""What a GPU learns is what the CPU learns."""

import copy

import pytest
import torch

pytest.importorskip("msgspec", reason="recipes need msgspec")

from training_phases import RECIPES, build, step

from cartoonize.backends.pytorch import device as devices
from cartoonize.backends.pytorch import hardware
from cartoonize.training.distil import Distil
from cartoonize.training.losses import Weights
from cartoonize.training.networks import build_generator
from cartoonize.training.recipe import Recipe, Schedule, Schedules
from cartoonize.training.trainer import choose_compute

pytestmark = pytest.mark.gpu


def distil(device, steps, start=None):
    """The phase after some steps of distillation, without the random temporal loss, and its log."""
    recipe = Recipe(
        model="swift",
        width=8,
        weights=Weights(pixel=1.0, gradient=1.0, flat=1.0, adversarial=0.02),
        discriminator="small",
        criterion="least_squares",
        late_losses_at=0.0,
        batch=4,
        size=64,
        schedules=Schedules(distil=Schedule(epochs=1, lr=1e-3)),
    )
    torch.manual_seed(0)
    phase = Distil(build_generator(recipe), recipe, choose_compute(device, "fp32", compiled=False))
    if start is not None:
        for name, part in phase.parts().items():
            part.load_state_dict(start[name])
    rng = torch.Generator().manual_seed(1)
    batches = [
        {
            name: torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8, generator=rng)
            for name in ("photo", "target")
        }
        for _ in range(4)
    ]
    logged = []
    with devices.exact_convolutions(torch.device(device)):
        for number in steps:
            torch.manual_seed(number)
            logged.append({name: value.item() for name, value in phase.step(batches[number], 0.5).items()})
    return phase, logged


def weights_of(phase):
    return [weight.detach().cpu() for weight in phase.generator.network.parameters()]


def test_a_step_of_training_equals_the_cpus(gpu):
    """Losses and gradients of the same batches are the same on both devices, but for rounding."""
    _, on_gpu = distil(gpu, range(3))
    _, on_cpu = distil("cpu", range(3))
    for values, others in zip(on_gpu, on_cpu, strict=True):
        assert values == pytest.approx(others, rel=1e-2)


def test_a_resumed_training_equals_an_uninterrupted_one(gpu, monkeypatch):
    """Two steps, the state saved and loaded, and two more steps end where four steps end."""
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)  # or the order of sums would vary
    whole, _ = distil(gpu, range(4))
    half, _ = distil(gpu, range(2))
    state = copy.deepcopy({name: part.state_dict() for name, part in half.parts().items()})
    resumed, _ = distil(gpu, range(2, 4), state)
    for once, twice in zip(weights_of(whole), weights_of(resumed), strict=True):
        assert torch.allclose(once, twice, atol=1e-5)


RANDOM = {"temporal", "texture", "d_texture"}  # by numbers that each device draws by itself


@pytest.mark.parametrize("name", RECIPES)
def test_every_phase_has_the_cpus_losses(gpu, name):
    """In each phase, with all its losses and in integers too, the first losses are the CPU's."""

    def first_losses(device):
        phase = build(name, choose_compute(device, "fp32", compiled=False))
        if name == "adversarial":
            phase.pool.size = 0  # it would choose pictures at random
        return step(phase)[0]

    with devices.exact_convolutions(torch.device(gpu)):
        on_gpu, on_cpu = first_losses(gpu), first_losses("cpu")
    assert on_gpu.keys() == on_cpu.keys()
    for loss in on_cpu.keys() - RANDOM - {"gradient_norm"}:
        assert on_gpu[loss].item() == pytest.approx(on_cpu[loss].item(), rel=1e-2, abs=1e-4), loss


@pytest.mark.filterwarnings("default")  # of PyTorch's compiler
@pytest.mark.parametrize("name", ["distil int8", "distil"])
def test_compiled_networks_learn(gpu, name):
    """In the precision and with the compiled networks that a training on a GPU has by default, it learns."""
    if not hardware.can_compile(torch.device(gpu)):
        pytest.skip("PyTorch cannot compile here")
    logged = step(build(name, choose_compute(gpu, "auto", compiled=True)))
    assert all(value.isfinite() for values in logged for value in values.values())
