"""The backend that runs style files in PyTorch."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ...core import cpus
from ...core.frames import Backend, Image, Images
from ...models.checkpoint import load_style
from ...models.cost import multiplications
from ...models.deploy import deploy
from ..loaded_backend import LoadedBackend
from ..thread_pool import MAX_THREADS, ThreadPool
from ..tiles import TiledBackend
from . import device as devices
from . import hardware
from .gpu import GpuModel
from .memory import call_within_memory
from .threads import own_threads, set_own_threads

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_CPU_BATCH = 2  # pictures per thread and call
_GPU_BATCH = 8  # pictures per call


class PyTorchBackend(LoadedBackend):
    """A generator on a device: channels-last, convolutions in the chosen precision, norms in float32.

    On a CPU a batch is spread over threads. A GPU also applies effects.
    """

    runtime = "pytorch"

    def __init__(self, path: Path, device: str, precision: str) -> None:
        self._device = devices.choose_device(device)
        self.device = hardware.device_name(self._device)
        self.precision = devices.choose_precision(self._device, precision)
        generator, header = load_style(path)
        self.card, self.network = header.card, header.network
        self.generator = generator
        dtype = _DTYPES[self.precision]
        model = deploy(generator, dtype)
        self._model: nn.Module = model.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._pool: ThreadPool | None = None
        self._gpu: GpuModel | None = None
        draw = self._prepare_cpu() if self._device.type == "cpu" else self._prepare_gpu()
        limit = int(devices.memory_budget(self._device) / (generator.floats_per_pixel * dtype.itemsize))
        self._tiled = TiledBackend(draw, limit=limit, reach=generator.reach, stride=generator.stride)

    @property
    def notices(self) -> list[str]:
        """See LoadedBackend."""
        return [*self._tiled.notices, *(self._gpu.notices if self._gpu else [])]

    def gflop(self, height: int, width: int) -> float:
        """See LoadedBackend."""
        return 2e-9 * multiplications(self.generator, height, width)

    def _prepare_cpu(self) -> Backend:
        """Make the threads, and set `batch` so that it keeps all of them busy."""
        cores = cpus.count_threads()
        count = min(cores, MAX_THREADS)
        self.batch = _CPU_BATCH * count
        initializer = partial(set_own_threads, max(1, cores // count))
        self._pool = ThreadPool(self._draw_on_cpu, count=count, cores=cores, initializer=initializer)
        return self._pool

    def _prepare_gpu(self) -> Backend:
        self.batch, self.runs_effects = _GPU_BATCH, True
        self._gpu = GpuModel(self._model, self._device, is_exact=self.precision == "fp32")
        return self._gpu

    def _draw(self, images: Images) -> Images:
        return self._tiled(images)

    def _submit(
        self, pictures: Sequence[Sequence[Image] | Images], apply_effects: Callable[..., Tensor]
    ) -> Callable[[], Images]:
        assert self._gpu is not None, "only GPUs run effects"
        return self._gpu.submit(pictures, self._tiled, apply_effects)

    def _release(self) -> None:
        if self._pool is not None:
            self._pool.close()

    @torch.inference_mode()
    def _draw_on_cpu(self, images: Images, threads: int) -> Images:
        if not images.flags.writeable:
            images = images.copy()  # PyTorch warns of arrays that it might write to, though nothing here does
        pixels = torch.from_numpy(images)
        with own_threads(threads):
            drawn: Tensor = call_within_memory(self._device, images.shape, lambda: self._model(pixels))
        # The result is NHWC already, so this copies nothing; later stages rely on the layout.
        return np.ascontiguousarray(drawn.numpy())
