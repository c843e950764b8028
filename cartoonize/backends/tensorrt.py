"""Engine files of TensorRT, each for one size of frames and one kind of GPU: `cartoonize export-tensorrt`.

An engine is a program for a GPU. Trust those of strangers as much as any program of theirs.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import numpy as np

from ..core.choices import EnginePrecision
from ..core.errors import BackendError, ModelError
from ..core.frames import Images
from ..styles import ENGINES
from ..styles.card import Card, to_printable
from .loaded_backend import LoadedBackend
from .options import RuntimeOptions
from .registry import register

if TYPE_CHECKING:
    import torch

Size = tuple[int, int]
"""Width and height of frames."""
MAX_MANIFEST = 1 << 20  # bytes; ours are under 1 KB


class Engine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The engine for a size of frames, in pixels, and its file in the folder."""

    width: int
    height: int
    file: str


class Engines(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The manifest of a folder of engines: its files, and what they were built for."""

    format: Literal["cartoonize-engines/1"] = "cartoonize-engines/1"
    style: str
    licence: str
    precision: EnginePrecision
    batch: Annotated[int, msgspec.Meta(ge=1)]
    gpu: str
    tensorrt: str
    engines: Annotated[list[Engine], msgspec.Meta(min_length=1)]


@register("tensorrt", suffixes=(ENGINES,), devices=("cuda",))
class TensorRTBackend(LoadedBackend):
    """The engines of a folder; PyTorch manages memory and streams.

    Raises:
        ModelError: the folder is damaged.
        BackendError: there is no NVIDIA GPU or no TensorRT, or the engines were built for another GPU.
    """

    runtime = "tensorrt"

    def __init__(
        self,
        manifest: Path,
        device: str,
        precision: str,
        _options: RuntimeOptions | None = None,
    ) -> None:
        engines = read_engines(manifest)
        self.precision, self.batch = engines.precision, engines.batch
        if precision not in ("auto", self.precision):
            raise BackendError(
                f"The engines in {manifest.parent} compute in {self.precision}, not {precision}; leave "
                "--precision out."
            )
        self._gpu = nvidia_gpu(device)
        self._tensorrt = import_tensorrt()
        import torch

        from .pytorch.hardware import device_name

        self._stream = torch.Stream(self._gpu)  # in the default one, TensorRT would wait after each step
        self.device = device_name(self._gpu)
        if (self.device, self._tensorrt.__version__) != (engines.gpu, engines.tensorrt):
            raise BackendError(
                f"The engines in {manifest.parent} are for {engines.gpu} and TensorRT {engines.tensorrt}; "
                f"this machine has {self.device} and {self._tensorrt.__version__}. Build them again."
            )
        self._files = {
            (engine.width, engine.height): manifest.parent / engine.file for engine in engines.engines
        }
        self._contexts: dict[Size, Any] = {}
        self.card = Card(name=to_printable(engines.style), licence=to_printable(engines.licence))
        self.network = "engines of TensorRT"

    def _draw(self, images: Images) -> Images:
        """Draw in batches; one that is not full is filled up.

        Raises:
            ModelError: the engine for this size is damaged.
            BackendError: there is no engine for this size, or the GPU has too little memory.
        """
        from .pytorch.memory import call_within_memory

        with self._stream:  # its GPU is the current one then
            context = self._context(images.shape[2], images.shape[1])
            return call_within_memory(self._gpu, images.shape, lambda: self._draw_batches(context, images))

    def _release(self) -> None:
        self._contexts.clear()  # the engines leave the GPU's memory

    def _draw_batches(self, context: Any, images: Images) -> Images:
        import torch

        source = torch.empty((self.batch, *images.shape[1:]), dtype=torch.uint8, device=self._gpu)
        result = torch.empty_like(source)
        context.set_tensor_address("images", source.data_ptr())
        context.set_tensor_address("cartoons", result.data_ptr())
        drawn: list[Images] = []
        for start in range(0, len(images), self.batch):
            batch = images[start : start + self.batch]
            source[: len(batch)] = torch.tensor(batch)
            if not context.execute_async_v3(torch.cuda.current_stream().cuda_stream):
                raise BackendError(f"TensorRT could not draw pictures of {images.shape}.")
            drawn.append(result[: len(batch)].cpu().numpy())
        return np.concatenate(drawn)

    def _context(self, width: int, height: int) -> Any:
        size = width, height
        if size not in self._files:
            known = ", ".join("{}x{}".format(*size) for size in self._files)
            raise BackendError(
                f"There is no engine for frames of {width}x{height}; the engines are for {known}. Build one: "
                f"cartoonize export-tensorrt STYLE FOLDER --size {width}x{height}"
            )
        if size not in self._contexts:
            self._contexts[size] = self._open(self._files[size])
        return self._contexts[size]

    def _open(self, path: Path) -> Any:
        """Return an execution context of an engine file, which keeps the engine in the memory of the GPU."""
        trt = self._tensorrt
        runtime = trt.Runtime(trt.Logger(trt.Logger.ERROR))
        try:
            engine = runtime.deserialize_cuda_engine(path.read_bytes())
        except OSError as error:
            raise ModelError(f"Cannot read {path}: {error.strerror}.") from error
        if engine is None:
            raise ModelError(f"{path} is damaged; build the engines again.")
        context = engine.create_execution_context()
        if context is None:
            raise BackendError(f"{self.device} has too little memory for the engine {path}.")
        return context


def nvidia_gpu(device: str = "auto") -> "torch.device":
    """Return the NVIDIA GPU of that name, which TensorRT needs.

    Raises:
        BackendError: there is none.
    """
    from .pytorch.device import choose_device

    gpu = choose_device(device)
    if gpu.type != "cuda":
        raise BackendError(
            "TensorRT engines need an NVIDIA GPU, and PyTorch finds none; `cartoonize doctor` lists devices."
        )
    return gpu


def read_engines(manifest: Path) -> Engines:
    """Read the manifest of a folder of engines.

    Raises:
        ModelError: it is damaged, or names files outside of its folder.
    """
    try:
        if manifest.stat().st_size > MAX_MANIFEST:
            raise ValueError
        engines = msgspec.json.decode(manifest.read_bytes(), type=Engines)
        if any(engine.file != engine_name((engine.width, engine.height)) for engine in engines.engines):
            raise ValueError
    except OSError as error:
        raise ModelError(f"Cannot read {manifest}: {error.strerror}.") from error
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise ModelError(
            f"{manifest} is damaged, or was not written by `cartoonize export-tensorrt`."
        ) from error
    return engines


def write_engines(folder: Path, engines: Engines) -> None:
    """Write the manifest of a folder of engines."""
    (folder / ENGINES).write_bytes(msgspec.json.format(msgspec.json.encode(engines)) + b"\n")


def engine_name(size: Size) -> str:
    """Return the name of the engine file for a size of frames."""
    return "{}x{}.engine".format(*size)


def import_tensorrt() -> Any:
    """The `tensorrt` package.

    Raises:
        BackendError: it is not installed.
    """
    try:
        import tensorrt
    except ImportError as error:
        raise BackendError(
            f'Engines of TensorRT need another package: pip install "cartoonize[tensorrt]" ({error}).'
        ) from error
    return tensorrt
