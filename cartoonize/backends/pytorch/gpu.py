"""Draws on a GPU: pictures are copied there and back as bytes, while others are computed."""

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from ...core.frames import Image, Images
from ..tiles import OutOfMemory, TiledBackend
from . import device as devices
from .device_queue import DeviceQueue
from .memory import call_within_memory

PARTS = 2
"""Parts of a batch: one is computed while another is copied."""


class GpuModel:
    """A model on a GPU, as a function from pictures to pictures, (N, H, W, 3) uint8.

    It also works on a CPU, only without any overlap.

    Args:
        model: draws pictures that are in the memory of the device.
        device: where its weights are.
        is_exact: whether convolutions in float32 may not be rounded, see `exact_convolutions`.

    `notices` are sentences for the user about too little memory for effects.

    Raises:
        OutOfMemory: a call needs more memory than there is.
    """

    def __init__(self, model: nn.Module, device: torch.device, *, is_exact: bool = False) -> None:
        self._model, self._device, self._is_exact = model, device, is_exact
        self._queue = DeviceQueue(device)
        self._largest_batch = math.inf  # with effects; 0 if these run on the CPU
        self.notices: list[str] = []

    @torch.inference_mode()
    def __call__(self, images: Images) -> Images:
        """Draw pictures."""
        return call_within_memory(self._device, images.shape, lambda: self._draw_parts(images))

    def _draw_parts(self, images: Images) -> Images:
        result = self._queue.allocate_on_host(images.shape)
        size = -(-len(images) // PARTS)
        waits = [
            self._queue.submit([images[start : start + size]], self._draw, result[start : start + size])
            for start in range(0, len(images), size)
        ]
        for wait in waits:
            wait()
        return result.numpy()

    @torch.inference_mode()
    def submit(
        self,
        pictures: Sequence[Sequence[Image] | Images],
        tiled: TiledBackend,
        apply_effects: Callable[..., Tensor],
    ) -> Callable[[], Images]:
        """Draw pictures and apply effects: see `LoadedBackend.submit`.

        What is larger than the limit of `tiled`, or than the memory, is drawn by that. If the memory is too
        small for the effects, they get fewer pictures at a time, and at last run on the CPU. From then on it
        stays so, and `notices` says it.
        """
        count = len(pictures[0])
        if not self._largest_batch:
            return self._submit_to_cpu(pictures, tiled, apply_effects)
        if count > self._largest_batch:
            size = int(self._largest_batch)
            parts = [slice(start, start + size) for start in range(0, count, size)]
            waits = [self.submit([group[part] for group in pictures], tiled, apply_effects) for part in parts]
            return lambda: np.concatenate([wait() for wait in waits])
        try:
            return self._submit_to_gpu(pictures, tiled, apply_effects)
        except OutOfMemory as error:
            self._lower_batch(count, str(error))
        # Outside of the handler, the error no longer refers to the tensors of the failed call.
        devices.synchronize(self._device)  # then nothing in flight needs memory, and all states are complete
        devices.release_memory(self._device)
        return self.submit(pictures, tiled, apply_effects)

    def _lower_batch(self, count: int, reason: str) -> None:
        self._largest_batch = count // 2
        batches = f"It continued in batches of {count // 2}"
        change = batches if count > 1 else "Its effects continued on the CPU"
        self.notices = [f"{reason} {change}; no frame was lost."]

    def _submit_to_gpu(
        self,
        pictures: Sequence[Sequence[Image] | Images],
        tiled: TiledBackend,
        apply_effects: Callable[..., Tensor],
    ) -> Callable[[], Images]:
        shape = (len(pictures[0]), *pictures[0][0].shape)
        if math.prod(shape[:3]) <= tiled.limit:
            wait = self._submit_whole(pictures, shape, apply_effects)
            if wait is not None:
                return wait
        # Not within `compute`: `tiled` uses the same streams, and older versions of PyTorch refuse to enter a
        # stream twice (issue 176560).
        lists = [tiled(np.stack(list(pictures[0]))), *pictures]
        return call_within_memory(self._device, shape, lambda: self._queue.submit(lists, apply_effects))

    def _submit_whole(
        self,
        pictures: Sequence[Sequence[Image] | Images],
        shape: Sequence[int],
        apply_effects: Callable[..., Tensor],
    ) -> Callable[[], Images] | None:
        """Queue the drawing and the effects; return None if the drawing alone needs too much memory."""
        is_drawn = False

        def compute(sources: Tensor, *others: Tensor) -> Tensor:
            nonlocal is_drawn
            drawings = self._draw(sources)
            is_drawn = True
            return apply_effects(drawings, sources, *others)

        try:
            return call_within_memory(self._device, shape, lambda: self._queue.submit(pictures, compute))
        except OutOfMemory:
            if is_drawn:
                raise
            return None

    def _submit_to_cpu(
        self,
        pictures: Sequence[Sequence[Image] | Images],
        tiled: TiledBackend,
        apply_effects: Callable[..., Tensor],
    ) -> Callable[[], Images]:
        """Draw on the GPU and apply the effects on the CPU, now."""
        lists = [np.stack(list(group)) for group in pictures]
        tensors = map(torch.from_numpy, (tiled(lists[0]), *lists))
        result = call_within_memory(devices.CPU, lists[0].shape, lambda: apply_effects(*tensors)).numpy()
        return lambda: result

    def _draw(self, sources: Tensor) -> Tensor:
        drawn: Tensor = call_within_memory(self._device, sources.shape, lambda: self._run_model(sources))
        return drawn

    def _run_model(self, sources: Tensor) -> Tensor:
        with devices.exact_convolutions(self._device) if self._is_exact else nullcontext():
            drawn: Tensor = self._model(sources)
        return drawn
