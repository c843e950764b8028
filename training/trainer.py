"""A network in training: its device and precision, its optimiser, and the step down a loss."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..backends import check_device, resolve_device
from ..backends.pytorch.device import choose_device, choose_precision, has_streams
from ..backends.pytorch.hardware import can_compile
from ..core.errors import BackendError
from .distributed import average_gradients, local_device, sync_batch_norm
from .recipe import Schedule


@dataclass(frozen=True, slots=True)
class Compute:
    """The device, whether it computes in bfloat16, and whether networks are compiled for it."""

    device: torch.device
    bf16: bool
    compiled: bool = False

    def to_unit(self, pictures: Tensor) -> Tensor:
        """uint8 -> [-1, 1], float32, channels-last, on the device; the transfer is of bytes."""
        # Metal does not keep the source of such a copy alive (PyTorch issue 189690).
        moved = pictures.to(self.device, non_blocking=has_streams(self.device))
        return (moved.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)

    def place(self, network: nn.Module) -> nn.Module:
        """Move a network to the device, channels-last. If networks are compiled, its first call compiles."""
        network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.compiled:
            network.compile()
        return network

    def run(self, network: nn.Module, x: Tensor) -> Tensor:
        """The network's output in float32.

        With `bf16`, convolutions compute in bfloat16; norms, whose sums need the digits, keep float32 weights
        and statistics.
        """
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            return network(x).float()  # type: ignore[no-any-return]


def choose_compute(device: str, precision: str, compiled: bool | None = None) -> Compute:
    """Resolve "auto": the GPU if there is one, bf16 if the hardware supports it.

    If `compiled` is None, networks are compiled for a GPU if the machine has what that needs. Compiling takes
    minutes at the start, which small networks on a CPU do not earn back.

    Raises:
        BackendError: the device or precision is unknown, or the machine has no such GPU, or cannot compile.
    """
    check_device(device)
    chosen = local_device(choose_device(resolve_device(device)))
    if precision not in ("auto", "bf16", "fp32"):
        raise BackendError(f"Training supports the precisions bf16 and fp32, not {precision!r}.")
    bf16 = choose_precision(chosen, precision) == "bf16"
    if compiled and not can_compile(chosen):
        is_cpu = chosen.type == "cpu"
        needs = (
            "a CPU, PyTorch needs a C++ compiler" if is_cpu else "a GPU, PyTorch needs Triton, a C compiler"
        )
        raise BackendError(
            f"To compile networks for {needs} and the headers of Python: "
            "install them, or leave --compile out."
        )
    is_worth_compiling = chosen.type != "cpu" and can_compile(chosen)
    return Compute(chosen, bf16, is_worth_compiling if compiled is None else compiled)


def initialise(network: nn.Module, std: float) -> None:
    """Sample the weights of all convolutions from N(0, std) and zero their biases; 0 changes none."""
    if not std:
        return
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class Trainer:
    """A network with its optimiser. It is one part of a checkpoint."""

    def __init__(self, network: nn.Module, schedule: Schedule, compute: Compute, clip: float) -> None:
        self.network = compute.place(sync_batch_norm(network)).train()
        self.schedule, self.compute, self.clip = schedule, compute, clip
        self.weights = [weight for weight in network.parameters() if weight.requires_grad]
        self.optimiser = torch.optim.AdamW(
            self.weights,
            schedule.lr,
            schedule.betas,
            weight_decay=schedule.weight_decay,
            fused=True,
        )

    def __call__(self, x: Tensor) -> Tensor:
        """The network's output in float32."""
        return self.compute.run(self.network, x)

    def freeze_batch_norm(self) -> None:
        """Make batch norm use its running statistics from now on, as in inference.

        The statistics of a small batch describe the brightness of a picture badly, so the network
        cannot learn it.
        """
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()

    def descend(self, loss: Tensor, progress: float) -> Tensor:
        """One step down the loss, at the learning rate of `progress`; returns the norm of the gradient.

        Only this network's gradients are computed, even if the loss depends on others.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate(progress)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward(inputs=self.weights)  # type: ignore[no-untyped-call]
        average_gradients(self.network)
        norm = torch.nn.utils.clip_grad_norm_(self.weights, self.clip)
        self.optimiser.step()
        return norm

    def state_dict(self) -> dict[str, Any]:
        """The weights and the optimiser's moments."""
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of `state_dict()`."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
