"""Distil: teach a small network what slow filters, or a large network, make of photos.

`Distil.step` is the whole of it: L1 and gradient distance between picture and target, then, as these
settle on the average of all plausible lines and soften them, a patch discriminator that tells targets from
outputs. Its weight rises slowly over the middle of the run.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..models import Generator
from .checkpoint import Part
from .discriminator import Discriminator
from .loop import to_unit


class Distil:
    """Generator towards targets, with an optional adversarial term of the given weight."""

    def __init__(
        self,
        generator: Generator,
        device: torch.device,
        *,
        lr: float = 1e-3,
        gradient: float = 1.0,      # weight of the gradient distance
        steady: float = 0.0,        # weight of the temporal term
        adversarial: float = 0.0,   # weight of the adversarial term, once fully risen
        rise: tuple[float, float] = (0.3, 0.5),  # progress between which it rises
    ) -> None:  # fmt: skip
        self.device, self.lr = device, lr
        self.weights = {"gradient": gradient, "steady": steady, "adversarial": adversarial}
        self.rise = rise
        self.generator = generator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimiser = torch.optim.Adam(generator.parameters(), lr, betas=(0.9, 0.99))
        self.discriminator = Discriminator(24, "instance").to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.d_optimiser = torch.optim.Adam(self.discriminator.parameters(), 2e-4, betas=(0.5, 0.99))

    def parts(self) -> dict[str, Part]:
        """Both networks and both optimisers."""
        return {
            "generator": self.generator,
            "optimiser": self.optimiser,
            "discriminator": self.discriminator,
            "d_optimiser": self.d_optimiser,
        }

    def step(self, batch: list[Tensor], progress: float) -> dict[str, Tensor]:
        """Learn from photos and targets, both (N, 3, H, W) uint8."""
        photo, target = (to_unit(pictures, self.device) for pictures in batch)
        set_lr(self.optimiser, self.lr * cosine(progress))
        weight = self.weights["adversarial"] * ramp(progress, *self.rise)

        with torch.autocast(self.device.type, torch.bfloat16):
            output = self.generator(photo)
        output = output.float()
        losses = {
            "l1": F.l1_loss(output, target),
            "gradient": F.l1_loss(differences(output), differences(target)),
        }
        loss = losses["l1"] + self.weights["gradient"] * losses["gradient"]

        if self.weights["steady"]:
            noisy = photo + torch.randn_like(photo) * 0.02
            with torch.autocast(self.device.type, torch.bfloat16):
                again = self.generator(noisy)
            losses["steady"] = F.l1_loss(again.float(), output)
            loss = loss + self.weights["steady"] * losses["steady"]

        if weight > 0:
            # Least squares, as the official CartoonGAN code: D sees the photo's target as real.
            with torch.autocast(self.device.type, torch.bfloat16):
                fooled = self.discriminator(output)
            losses["g"] = (fooled.float() - 1).square().mean()
            loss = loss + weight * losses["g"]

        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        if self.weights["adversarial"] and progress >= self.rise[0] - 0.02:
            losses["d"] = self._learn_to_tell(target, output.detach())
        return {name: value.detach() for name, value in losses.items()}

    def _learn_to_tell(self, real: Tensor, fake: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16):
            on_real, on_fake = self.discriminator(real), self.discriminator(fake)
        loss = 0.5 * ((on_real.float() - 1).square().mean() + on_fake.float().square().mean())
        self.d_optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.d_optimiser.step()
        return loss


def differences(x: Tensor) -> Tensor:
    """Forward differences along both axes, flattened into one tensor."""
    return torch.cat([(x[..., 1:] - x[..., :-1]).flatten(), (x[..., 1:, :] - x[..., :-1, :]).flatten()])


def ramp(progress: float, start: float, end: float) -> float:
    """0 before `start`, 1 after `end`, linear between."""
    return min(1.0, max(0.0, (progress - start) / (end - start)))


def cosine(progress: float) -> float:
    """From 1 down to 0.02 along a cosine."""
    return 0.02 + 0.98 * 0.5 * (1 + float(torch.cos(torch.tensor(progress * torch.pi))))


def set_lr(optimiser: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of all groups."""
    for group in optimiser.param_groups:
        group["lr"] = lr
