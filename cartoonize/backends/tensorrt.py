"""Engine files of TensorRT, each for one size of frames and one kind of GPU: `cartoonize export-tensorrt`.

An engine is a program for a GPU. Trust those of strangers as much as any program of theirs.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import BackendError, ModelError
from ..core.frames import Images
from ..styles import ENGINES
from ..styles.card import Card
from .loaded_backend import LoadedBackend
from .options import RuntimeOptions
from .registry import register

if TYPE_CHECKING:
    import torch

FORMAT = "cartoonize-engines/1"
MAX_MANIFEST = 1 << 20  # bytes; ours are under 1 KB


@dataclass(frozen=True, slots=True)
class Engines:
    """The manifest of a folder of engines: files by (width, height), and what they were built for."""

    style: str
    licence: str
    precision: str
    batch: int
    gpu: str
    tensorrt: str
    files: dict[tuple[int, int], str]


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
        self._engines = read_engines(manifest)
        self.precision = self._engines.precision
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
        if (self.device, self._tensorrt.__version__) != (self._engines.gpu, self._engines.tensorrt):
            raise BackendError(
                f"The engines in {manifest.parent} are for {self._engines.gpu} and TensorRT "
                f"{self._engines.tensorrt}; this machine has {self.device} and "
                f"{self._tensorrt.__version__}. Build them again."
            )
        self._folder = manifest.parent
        self._contexts: dict[tuple[int, int], Any] = {}
        self.batch = self._engines.batch
        self.card = Card(name=self._engines.style, licence=self._engines.licence)
        self.network = "engines of TensorRT"

    def _draw(self, images: Images) -> Images:
        """Draw in batches; one that is not full is filled up.

        Raises:
            BackendError: there is no engine for this size.
        """
        batches = [images[i : i + self.batch] for i in range(0, len(images), self.batch)]
        with self._stream:  # its GPU is the current one then
            context = self._context(images.shape[2], images.shape[1])
            return np.concatenate([self._draw_batch(context, batch) for batch in batches])

    def _release(self) -> None:
        self._contexts.clear()  # the engines leave the GPU's memory

    def _draw_batch(self, context: Any, images: Images) -> Images:
        import torch

        source = torch.empty((self.batch, *images.shape[1:]), dtype=torch.uint8, device=self._gpu)
        source[: len(images)] = torch.from_numpy(np.ascontiguousarray(images)).to(self._gpu)
        result = torch.empty_like(source)
        context.set_tensor_address("images", source.data_ptr())
        context.set_tensor_address("cartoons", result.data_ptr())
        if not context.execute_async_v3(torch.cuda.current_stream().cuda_stream):
            raise BackendError(f"TensorRT could not draw pictures of {images.shape}.")
        drawn: Images = result[: len(images)].cpu().numpy()
        return drawn

    def _context(self, width: int, height: int) -> Any:
        size = width, height
        if size not in self._engines.files:
            known = ", ".join("{}x{}".format(*size) for size in self._engines.files)
            raise BackendError(
                f"There is no engine for frames of {width}x{height}; the engines are for {known}. Build one: "
                f"cartoonize export-tensorrt STYLE FOLDER --size {width}x{height}"
            )
        if size not in self._contexts:
            trt = self._tensorrt
            runtime = trt.Runtime(trt.Logger(trt.Logger.ERROR))
            path = self._folder / self._engines.files[size]
            engine = runtime.deserialize_cuda_engine(path.read_bytes())
            if engine is None:
                raise ModelError(f"{path} is damaged; build the engines again.")
            self._contexts[size] = engine.create_execution_context()
        return self._contexts[size]


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
        entries = json.loads(manifest.read_text(encoding="utf-8"))
        if entries.pop("format") != FORMAT:
            raise ValueError
        files = {
            (int(engine["width"]), int(engine["height"])): engine["file"] for engine in entries.pop("engines")
        }
        if not files or any(name != f"{width}x{height}.engine" for (width, height), name in files.items()):
            raise ValueError
        return Engines(files=files, **entries)
    except OSError as error:
        raise ModelError(f"Cannot read {manifest}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"{manifest} is damaged, or was not written by `cartoonize export-tensorrt`."
        ) from error


def write_engines(folder: Path, engines: Engines) -> None:
    """Write the manifest of a folder of engines."""
    entries = {
        "format": FORMAT,
        "style": engines.style,
        "licence": engines.licence,
        "precision": engines.precision,
        "batch": engines.batch,
        "gpu": engines.gpu,
        "tensorrt": engines.tensorrt,
        "engines": [
            {"width": width, "height": height, "file": file}
            for (width, height), file in engines.files.items()
        ],
    }
    (folder / ENGINES).write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def import_tensorrt() -> Any:
    """The `tensorrt` package.

    Raises:
        BackendError: it is not installed.
    """
    try:
        import tensorrt
    except ImportError as error:
        raise BackendError(
            f"Engines of TensorRT need another package: pip install 'cartoonize[tensorrt]' ({error})."
        ) from error
    return tensorrt
