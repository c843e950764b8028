"""The backend that runs networks in ncnn: on GPUs by Vulkan, or on the CPU."""

from typing import Any

import numpy as np

from ...core import cpus
from ...core.errors import BackendError, ModelError
from ...core.frames import Image, Images
from ...core.opencv import load_opencv
from ...styles.card import UNKNOWN, Card, to_printable
from ..loaded_backend import LoadedBackend
from ..thread_pool import ThreadPool
from ..tiles import CPU_BUDGET, OutOfMemory, TiledBackend
from .check import Plan, check_graph
from .gpus import VulkanGpu, choose_gpu, free_memory, hidden_log, import_ncnn
from .graph import INPUT, OUTPUT, NcnnNetwork

IN_FLIGHT = 3
"""Pictures at once on a GPU: one is uploaded, one is drawn and one is downloaded."""
PRECISIONS = ("fp32", "fp16")
GPU_SHARE = 0.5  # of the free memory, for the blobs of all pictures in flight
_LEAST_BLOB, _COMMON_BLOB = 1 << 27, 1 << 30
"""Bytes that shaders reach in a blob: what Vulkan guarantees, and what GPUs of VENDORS have at least."""
_NO_MEMORY = -100  # ncnn's code


class NcnnBackend(LoadedBackend):
    """A checked network on a GPU, several pictures at once, or on all cores of the CPU.

    In fp16 blobs and weights are stored in 16 bits, and sums are computed in float32.

    Raises:
        BackendError: the GPU or the precision is not available. Nothing else runs in its place.
    """

    runtime = "ncnn"

    def __init__(self, network: NcnnNetwork, device: str, precision: str) -> None:
        self._ncnn = import_ncnn()
        self._gpu = None if device == "cpu" else choose_gpu(device)
        self.precision = _choose_precision(precision, self._gpu)
        self._network, self._cv2 = network, load_opencv()
        self._net = self._open()
        metadata = network.graph.metadata
        self._stride = int(metadata["stride"])
        self._flop = float(metadata["flop_per_pixel"])
        self._describe()
        count, threads = (IN_FLIGHT, IN_FLIGHT) if self._gpu else (1, cpus.count_threads())
        self.batch = 2 * count
        self._pool = ThreadPool(self._draw_part, count=count, cores=threads)
        self._checked: set[tuple[int, int]] = set()
        self._tiled = TiledBackend(
            self._pool, limit=self._limit(), reach=int(metadata["reach"]), stride=self._stride
        )

    @property
    def notices(self) -> list[str]:
        """See LoadedBackend."""
        slow = self._gpu is not None and self._gpu.is_software
        notice = f"{self.device} is no GPU: this driver computes on the CPU. --device cpu is faster."
        return [*([notice] if slow else []), *self._tiled.notices]

    def gflop(self, height: int, width: int) -> float:
        """See LoadedBackend."""
        return 1e-9 * self._flop * height * width

    def _open(self) -> Any:
        """Give the network to ncnn, which compiles its shaders."""
        net, half = self._ncnn.Net(), self.precision == "fp16"
        net.opt.use_vulkan_compute = self._gpu is not None
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = half
        # Sums in float16 would change CartoonGAN with instance norm by up to 4 levels.
        net.opt.use_fp16_arithmetic = False
        net.opt.use_bf16_packed = net.opt.use_bf16_storage = False
        net.opt.num_threads = cpus.count_threads() if self._gpu is None else 1
        net.opt.openmp_blocktime = 0  # threads that wait sleep
        if self._gpu is not None:
            net.set_vulkan_device(self._gpu.number)
        with hidden_log():
            if net.load_param_mem(self._network.graph.to_text()):
                raise ModelError("This version of ncnn cannot read the network; install a newer one.")
            net.load_model_mem(self._network.weights)  # which it keeps reading from
        return net

    def _describe(self) -> None:
        """Set the attributes for people."""
        self.device = "cpu" if self._gpu is None else f"{self._gpu.name} (Vulkan)"
        texts = {key: to_printable(text) for key, text in self._network.graph.metadata.items()}
        self.network = f"{texts.get('network') or 'network'} in ncnn"
        self.card = Card(
            name=texts.get("style", ""),
            licence=texts.get("licence") or UNKNOWN,
            credit=texts.get("credit") or UNKNOWN,
        )

    def _limit(self) -> int:
        """Return how many pixels a call may have."""
        side = 64 * self._stride
        plan = check_graph(self._network.graph, side, side)
        shares = [self._bytes(plan.peak) / self._budget(), self._bytes(plan.largest) / self._largest_blob()]
        return int(side**2 / max(shares))

    def _bytes(self, floats: int) -> int:
        return floats * (2 if self.precision == "fp16" else 4)

    def _budget(self) -> float:
        """Return the bytes that all pictures in flight may take."""
        if self._gpu is None:
            return CPU_BUDGET
        budget = GPU_SHARE * free_memory(self._gpu)
        return min(budget, CPU_BUDGET) if self._gpu.is_software else budget

    def _largest_blob(self) -> int:
        return _COMMON_BLOB if self._gpu is None or self._gpu.vendor else _LEAST_BLOB

    def _draw(self, images: Images) -> Images:
        return self._tiled(images)

    def _release(self) -> None:
        self._pool.close()
        del self._net

    def _draw_part(self, images: Images, _threads: int) -> Images:
        return np.stack([self._draw_picture(image) for image in images])

    def _draw_picture(self, image: Image) -> Image:
        """Pad a picture to the stride by its border, draw it, and crop and round the drawing."""
        height, width, _ = image.shape
        image = self._cv2.copyMakeBorder(
            image, 0, -height % self._stride, 0, -width % self._stride, self._cv2.BORDER_REPLICATE
        )
        sides = image.shape[:2]
        self._check_size(*sides)
        pixels = self._ncnn.Mat.from_pixels(image, self._ncnn.Mat.PixelType.PIXEL_RGB, sides[1], sides[0])
        extractor = self._net.create_extractor()
        extractor.input(INPUT, pixels)
        code, result = extractor.extract(OUTPUT)  # without the lock of Python
        if code == _NO_MEMORY:
            raise self._out_of_memory(sides)
        if code:
            raise BackendError(
                f"ncnn could not draw {width}x{height} pixels on {self.device} (error {code})."
            )
        planes = [self._cv2.convertScaleAbs(plane) for plane in np.asarray(result)]  # rounds
        drawing: Image = self._cv2.merge(planes)[:height, :width]
        return drawing

    def _check_size(self, height: int, width: int) -> None:
        """Check the first picture of a size: ncnn checks neither the sizes of blobs nor the free memory."""
        if (height, width) in self._checked:
            return
        try:
            plan: Plan = check_graph(self._network.graph, height, width)
        except ValueError as error:
            raise ModelError(f"The network cannot draw {width}x{height} pixels: {error}.") from error
        if self._bytes(plan.peak) > self._budget() or self._bytes(plan.largest) > self._largest_blob():
            raise self._out_of_memory((height, width))
        self._checked.add((height, width))

    def _out_of_memory(self, sides: tuple[int, int]) -> OutOfMemory:
        return OutOfMemory(f"{self.device} has too little memory for {sides[1]}x{sides[0]} pixels at once.")


def _choose_precision(precision: str, gpu: VulkanGpu | None) -> str:
    """Return the precision to compute in; "auto" is fp16 where the GPU stores it.

    Raises:
        BackendError: ncnn or the GPU does not compute in it.
    """
    if gpu is None:
        if precision not in ("auto", "fp32"):
            raise BackendError("On CPUs ncnn computes in fp32 here; leave --precision out.")
        return "fp32"
    if precision == "auto":
        return "fp16" if gpu.has_fp16 else "fp32"
    if precision not in PRECISIONS:
        raise BackendError(
            f"Vulkan runs networks in fp16 or fp32, not in {precision}; leave --precision out."
        )
    if precision == "fp16" and not gpu.has_fp16:
        raise BackendError(f"{gpu.name} does not store numbers in fp16; use --precision fp32.")
    return precision
