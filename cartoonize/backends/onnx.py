"""Networks in ONNX Runtime, this program's and others'. PyTorch is never imported: deployments need none."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core import cpus
from ..core.errors import BackendError, ModelError
from ..core.frames import Images
from ..core.onnx_runtime import load_onnxruntime
from ..styles import label_style
from ..styles.card import UNKNOWN, Card, to_printable
from .layout import Layout, detect_layout, read_layout
from .loaded_backend import LoadedBackend
from .metadata import stated_numbers
from .onnx_session import open_session
from .options import RuntimeOptions
from .providers import CPU, assigned_providers, choose_provider, provider_settings
from .registry import register
from .thread_pool import MAX_THREADS, ThreadPool
from .tiles import CPU_BUDGET, OutOfMemory, TiledBackend, draw_in_tiles

if TYPE_CHECKING:
    import onnxruntime as ort

DEMANDING = {"reach": "96", "stride": "8", "floats_per_pixel": "400"}
"""Assumed if a file does not state it: the value of CartoonGAN, the most demanding network in common use."""
PRECISIONS = ("fp32", "fp16", "int8")
"""What `export-onnx` writes."""
_OUT_OF_MEMORY = ("bad allocation", "bad_alloc", "Failed to allocate memory", "out of memory")
_LONGEST = 1000  # characters of a text of a stranger's file


@register(
    "onnxruntime",
    suffixes=(".onnx",),
    devices=("cpu", "cuda"),
    options=("provider", "input_range", "channel_order"),
)
class OnnxBackend(LoadedBackend):
    """A network from pictures to pictures: those of `cartoonize export-onnx`, and most others.

    `metadata` holds the texts of the file by name.

    Raises:
        ModelError: the file is damaged, or no network from pictures to pictures.
        BackendError: the device or provider is not available. Nothing else runs in its place. Only if "auto"
            chose a GPU that does not start, the CPU draws, and a notice says why.
    """

    runtime = "onnxruntime"

    def __init__(
        self, path: Path, device: str, precision: str, options: RuntimeOptions | None = None
    ) -> None:
        options = options or RuntimeOptions()
        provider, threads = choose_provider(options.provider, device), cpus.count_threads()
        self._own_notices: list[str] = []
        try:
            self._open_session(path, provider, device, threads)
        except BackendError as error:
            if (options.provider, device) != ("auto", "auto"):
                raise
            self._own_notices.append(f"The CPU draws. {error}")
            provider = "cpu"
            self._open_session(path, provider, device, threads)
        if precision not in ("auto", self.precision):
            name = label_style(path)
            raise BackendError(f"{name} computes in {self.precision}; export it again for {precision}.")
        numbers = stated_numbers(self.metadata)
        self._layout = self._find_layout(path, options, is_own_file=bool(numbers))
        self._describe()
        self._make_pool(path, provider, threads)
        self._set_limits(DEMANDING | numbers)

    @property
    def notices(self) -> list[str]:
        """See LoadedBackend."""
        return [*self._own_notices, *self._tiled.notices]

    def gflop(self, height: int, width: int) -> float | None:
        """See LoadedBackend; None for networks whose file does not say."""
        return 1e-9 * self._flop * height * width or None

    def _open_session(self, path: Path, provider: str, device: str, threads: int) -> None:
        """Open the graph on the provider, and read what it and its metadata say."""
        graph_input, precision = None, ""
        # TensorRT builds an engine for known sizes. A graph that brings its own engine, a program for a GPU,
        # is refused here: the CPU cannot open it.
        if provider == "tensorrt":
            described = open_session(path, CPU, 1)
            graph_input, precision = described.get_inputs()[0], _precision(described)
        self._providers = provider_settings(provider, device, path, graph_input, precision)
        self._session = open_session(path, self._providers, threads)
        self.device, self.precision = assigned_providers(self._session), _precision(self._session)
        if self.device == "cpu" and provider != "cpu":
            raise BackendError(f"{provider} runs no part of {path}; export it in fp32.")
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        self._names = self._session.get_inputs()[0].name, self._session.get_outputs()[0].name
        self._run_options = _silent_run_options()

    def _find_layout(self, path: Path, options: RuntimeOptions, *, is_own_file: bool) -> Layout:
        layout = read_layout(self._session.get_inputs(), self._session.get_outputs(), str(path))
        if is_own_file and layout.dtype is np.uint8:
            return layout  # any size, and nothing to detect
        detected = detect_layout(layout, self._run, str(path), options.input_range, options.channel_order)
        if options.input_range == "auto" and layout.dtype is not np.uint8:
            self._own_notices.append(
                f"{path.name} does not say what pictures it expects; trials say {detected.range}. If that is "
                "wrong, pass --input-range and --channel-order."
            )
        return detected

    def _describe(self) -> None:
        """Set the attributes for people, from the metadata of `export-onnx` or the detected layout."""
        self.pixel_format = f"{self._layout.range} {self._layout.order}"
        texts = {key: to_printable(text)[:_LONGEST] for key, text in self.metadata.items()}
        self.card = Card(licence=texts.get("licence") or UNKNOWN, credit=texts.get("credit") or UNKNOWN)
        architecture = texts.get("architecture")
        self.network = f"{architecture} as ONNX" if architecture else f"ONNX on {self.pixel_format}"

    def _make_pool(self, path: Path, provider: str, threads: int) -> None:
        """Make the threads that draw, and set `batch` so that it keeps all of them busy."""
        # On CPUs networks in integers are so fast that threads which share one picture would mostly wait.
        spread = provider == "cpu" and self.precision == "int8" and not self._layout.batch
        count = min(threads, MAX_THREADS) if spread else 1
        self._pool = ThreadPool(self._draw_part, count=count, cores=threads)
        # Threads belong to a session; a second session of a small network costs little.
        self._thread_session = (
            self._session if count == 1 else open_session(path, self._providers, threads // count)
        )
        default = 4 if provider != "cpu" else 2 * count if count > 1 else 1
        self.batch = self._layout.batch or default

    def _set_limits(self, numbers: dict[str, str]) -> None:
        """Set the limits of size above which pictures are drawn in tiles."""
        reach, stride = int(numbers["reach"]), int(numbers["stride"])
        limit = int(CPU_BUDGET / (4 * float(numbers["floats_per_pixel"])))
        self._flop = float(numbers.get("flop_per_pixel", 0))
        self._tiled = TiledBackend(self._pool, limit=limit, reach=reach, stride=stride)
        self._in_tiles = partial(draw_in_tiles, self._pool, reach=reach, stride=stride)

    def _draw(self, images: Images) -> Images:
        """Draw in tiles what is too large for the memory or the graph."""
        if self._layout.size is None:
            return self._tiled(images)
        if images.shape[1] <= self._layout.size[0] and images.shape[2] <= self._layout.size[1]:
            return self._pool(images)
        return np.concatenate([self._in_tiles(image[None], self._layout.size) for image in images])

    def _release(self) -> None:
        self._pool.close()
        del self._session, self._thread_session  # which own threads, too

    def _draw_part(self, images: Images, threads: int) -> Images:
        """Draw pictures that are no larger than the graph takes; a batch that is too small is filled up."""
        session = self._session if threads == self._pool.cores else self._thread_session
        step = self._layout.batch or len(images)
        batches = [images[i : i + step] for i in range(0, len(images), step)]
        drawn = [
            self._layout.unpack(self._run(self._layout.pack(batch), session), batch) for batch in batches
        ]
        return drawn[0] if len(drawn) == 1 else np.concatenate(drawn)

    def _run(self, tensor: NDArray[Any], session: "ort.InferenceSession | None" = None) -> NDArray[Any]:
        """Run the graph; on a GPU one copy in and one out, and nothing is copied in between."""
        session = session or self._session
        binding = session.io_binding()
        binding.bind_cpu_input(self._names[0], tensor)
        binding.bind_output(self._names[1], "cpu")
        try:
            session.run_with_iobinding(binding, self._run_options)
        except Exception as error:  # its exceptions share no base class
            if any(sign in str(error) for sign in _OUT_OF_MEMORY):
                raise OutOfMemory(
                    f"{self.device} has too little memory for {tensor.shape} at once."
                ) from error
            raise ModelError(f"ONNX Runtime cannot draw pictures of {tensor.shape}: {error}.") from error
        (result,) = binding.copy_outputs_to_cpu()
        return result  # type: ignore[no-any-return]


def _silent_run_options() -> "ort.RunOptions":
    ort = load_onnxruntime()
    options = ort.RunOptions()
    options.log_severity_level = 4
    return options


def _precision(session: "ort.InferenceSession") -> str:
    """Return the precision in which a file was exported; for files of other programs, that of their input."""
    stated: str = session.get_modelmeta().custom_metadata_map.get("precision", "")
    if stated in PRECISIONS:
        return stated
    return "fp16" if session.get_inputs()[0].type == "tensor(float16)" else "fp32"
