"""A backend that runs effects in PyTorch, as a GPU does, on the CPU and with any function as its network."""

import numpy as np
import torch

from cartoonize.backends import LoadedBackend


class InPyTorch(LoadedBackend):
    """Draws by a function from pictures to pictures, (N, H, W, 3) uint8."""

    runtime, device, precision, batch, runs_effects = "test", "CPU", "none", 4, True

    def __init__(self, draw):
        self._function = draw

    def _draw(self, images):
        return self._function(images)

    @torch.inference_mode()
    def _submit(self, pictures, apply_effects):
        groups = [torch.from_numpy(np.stack(list(group))) for group in pictures]
        drawings = torch.from_numpy(np.ascontiguousarray(self._draw(groups[0].numpy())))
        result = apply_effects(drawings, *groups)
        return result.numpy
