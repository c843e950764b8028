"""The backend that runs style files in PyTorch."""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...core import cpus
from ...core.frames import Images
from ...models.checkpoint import load_style
from ...models.cost import multiplications
from ...models.deploy import deploy
from ..loaded_backend import LoadedBackend
from ..thread_pool import MAX_THREADS, ThreadPool
from ..tiles import OutOfMemory, TiledBackend
from . import device as devices
from .threads import own_threads, set_own_threads

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_CPU_BATCH, _GPU_BATCH = 2, 4  # pictures per thread and call


class PyTorchBackend(LoadedBackend):
    """A generator on a device: channels-last, convolutions in the chosen precision, norms in float32.

    A batch is spread over threads. On a GPU each has a stream, so that one copies pictures from or to pinned
    memory while another computes.
    """

    runtime = "pytorch"

    def __init__(self, path: Path, device: str, precision: str) -> None:
        self._device = devices.choose_device(device)
        self.device = devices.device_name(self._device)
        self.precision = devices.choose_precision(self._device, precision)
        generator, header = load_style(path)
        self.card, self.network = header.card, header.network
        self.generator = generator
        dtype = _DTYPES[self.precision]
        model = deploy(generator, dtype)
        self._model = model.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._pool = self._make_pool(cpus.count_threads())
        limit = int(devices.memory_budget(self._device) / (generator.floats_per_pixel * dtype.itemsize))
        self._tiled = TiledBackend(self._pool, limit=limit, reach=generator.reach, stride=generator.stride)

    @property
    def notices(self) -> list[str]:
        """See LoadedBackend."""
        return self._tiled.notices

    def gflop(self, height: int, width: int) -> float:
        """See LoadedBackend."""
        return 2e-9 * multiplications(self.generator, height, width)

    def _make_pool(self, cores: int) -> ThreadPool:
        """Make the threads of the device, and set `batch` so that it keeps all of them busy."""
        if self._device.type == "cpu":
            count = min(cores, MAX_THREADS)
            self.batch = _CPU_BATCH * count
            initializer = partial(set_own_threads, max(1, cores // count))
            return ThreadPool(self._draw_part, count=count, cores=cores, initializer=initializer)
        count = devices.count_streams(self._device)
        self.batch = _GPU_BATCH * count
        initializer = partial(devices.use_own_stream, self._device)
        return ThreadPool(
            self._draw_part, count=count, cores=cores, one_part_each=True, initializer=initializer
        )

    def _draw(self, images: Images) -> Images:
        return self._tiled(images)

    def _release(self) -> None:
        self._pool.close()

    @torch.inference_mode()
    def _draw_part(self, images: Images, threads: int) -> Images:
        if not images.flags.writeable:
            images = images.copy()  # PyTorch warns of arrays that it might write to, though nothing here does
        pixels = torch.from_numpy(images)
        try:
            result = self._on_cpu(pixels, threads) if self._device.type == "cpu" else self._on_gpu(pixels)
        except RuntimeError as error:
            if not devices.is_out_of_memory(error):
                raise
            size = f"{images.shape[0]} x {images.shape[2]}x{images.shape[1]}"
        else:
            # The result is NHWC already, so this copies nothing; later stages rely on the layout.
            return np.ascontiguousarray(result.numpy())
        # Out here, where the error no longer holds the tensors of the call that failed.
        devices.release_memory(self._device)
        raise OutOfMemory(f"{self.device} has too little memory for {size} pixels at once.")

    def _on_cpu(self, pixels: Tensor, threads: int) -> Tensor:
        with own_threads(threads):
            result: Tensor = self._model(pixels)
        return result

    def _on_gpu(self, pixels: Tensor) -> Tensor:
        """Wait once per call: all else is queued on the calling thread's stream."""
        if devices.count_streams(self._device) == 1:
            only: Tensor = self._model(pixels.to(self._device)).cpu()
            return only
        drawn = self._model(pixels.pin_memory().to(self._device, non_blocking=True))
        result: Tensor = drawn.to("cpu", non_blocking=True)  # into pinned memory
        devices.wait_for_stream(self._device)
        return result
