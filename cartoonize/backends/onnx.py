"""Networks in ONNX Runtime, ours and others'. Torch is never imported, so that deployments need none."""

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core import cpus
from ..core.choices import ChannelOrder, InputRange, ProviderName
from ..core.errors import BackendError, ModelError
from ..core.frames import Images
from .closable import Closable
from .layout import Layout, read_layout, settle
from .providers import choose, settings, what_ran
from .thread_pool import MOST, ThreadPool
from .tiles import CPU_BUDGET, OutOfMemory, TiledBackend, tiled

if TYPE_CHECKING:
    import onnxruntime as ort

# Of networks that do not tell: as CartoonGAN, the most demanding that people have.
FOREIGN = {"reach": "96", "stride": "8", "floats_per_pixel": "400"}
# As `export-onnx` writes them; a file of a stranger can hold anything under these names.
_TOLD = {
    "reach": "[0-9]{1,4}",
    "stride": "[1-9][0-9]?",
    "floats_per_pixel": r"[1-9][0-9]{0,5}(\.[0-9]+)?",
    "flop_per_pixel": "[1-9][0-9]{0,9}",
}
PRECISIONS = ("fp32", "fp16", "int8")
"""What `export-onnx` writes."""
_TOO_LARGE = ("bad allocation", "bad_alloc", "Failed to allocate memory", "out of memory")


@dataclass(frozen=True, slots=True)
class OnnxOptions:
    """What can be said of an .onnx file beyond its name.

    `provider`: "tensorrt", "cuda", "cpu", or "auto", which takes the GPU when there is one. `input_range` and
    `channel_order` describe networks that were not exported by this program: "-1..1", "0..1" or "0..255", and
    "rgb" or "bgr", each for the input and the output; a range of "auto" is found by trying (see layout.py).
    """

    provider: ProviderName = "auto"
    input_range: InputRange = "auto"
    channel_order: ChannelOrder = "rgb"


class OnnxBackend(Closable):
    """A network from pictures to pictures: those of `cartoonize export-onnx`, and most others there are.

    Raises:
        ModelError: the file is damaged, or no network from pictures to pictures.
        BackendError: the device or provider is not to be had. Nothing else runs in its place.
    """

    runtime = "onnxruntime"

    def __init__(self, path: Path, device: str, precision: str, options: OnnxOptions | None = None) -> None:
        options = options or OnnxOptions()
        chosen = choose(options.provider, device)
        described = _open_session(path, [("CPUExecutionProvider", {})], 1) if chosen == "tensorrt" else None
        about = (described.get_inputs()[0], _precision(described)) if described else ()
        providers = settings(chosen, device, path, *about)
        threads = cpus.count_threads()
        self._session = _open_session(path, providers, threads)
        ran = self._session.get_providers()[0]
        if ran != providers[0][0]:
            raise BackendError(f"{chosen} was asked for, but ONNX Runtime fell back to {ran}.")
        self.device = what_ran(self._session)
        self.precision = _precision(self._session)
        if precision not in ("auto", self.precision):
            raise BackendError(f"{path} computes in {self.precision}; export it anew for {precision}.")
        self._ends = self._session.get_inputs()[0].name, self._session.get_outputs()[0].name
        self._quiet = _silent()
        self.about: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        metadata = {
            key: self.about[key] for key, form in _TOLD.items() if re.fullmatch(form, self.about.get(key, ""))
        }
        self._told: list[str] = []
        self._layout = self._read_layout(path, options, ours=bool(metadata))
        self._lanes = ThreadPool(self._draw, count=self._count_lanes(chosen, threads), cores=threads)
        self._narrow = self._session
        if self._lanes.count > 1:  # threads belong to a session; a second one of a small network costs little
            self._narrow = _open_session(path, providers, threads // self._lanes.count)
        self.reading = f"{self._layout.range} {self._layout.order}"
        self.batch = self._layout.batch or (
            4 if chosen != "cpu" else 2 * self._lanes.count if self._lanes.count > 1 else 1
        )
        own = FOREIGN | metadata
        limit = int(CPU_BUDGET / (4 * float(own["floats_per_pixel"])))
        self._flop = float(own.get("flop_per_pixel", 0))
        self._run = TiledBackend(self._lanes, limit=limit, reach=int(own["reach"]), stride=int(own["stride"]))
        self._tile = partial(tiled, self._lanes, reach=int(own["reach"]), stride=int(own["stride"]))

    @property
    def notices(self) -> list[str]:
        """What a user has to be told of how it ran."""
        return [*self._told, *self._run.notices]

    def gflop(self, height: int, width: int) -> float | None:
        """See LoadedBackend; None for networks that do not tell."""
        return 1e-9 * self._flop * height * width or None

    def __call__(self, images: Images) -> Images:
        """(N, H, W, 3) uint8 -> the same; what is too large for the memory or the graph is done in parts."""
        self._check_open()
        if self._layout.size is None:
            return self._run(images)
        if images.shape[1] <= self._layout.size[0] and images.shape[2] <= self._layout.size[1]:
            return self._lanes(images)
        return np.concatenate([self._tile(image[None], self._layout.size) for image in images])

    def close(self) -> None:
        """See LoadedBackend."""
        if not self._closed:
            super().close()
            self._lanes.close()
            del self._session, self._narrow  # which own threads, too

    def _read_layout(self, path: Path, options: OnnxOptions, *, ours: bool) -> Layout:
        layout = read_layout(self._session.get_inputs(), self._session.get_outputs(), str(path))
        if ours and layout.dtype is np.uint8:
            return layout  # ours: any size, and nothing to guess
        settled = settle(layout, self._call, str(path), options.input_range, options.channel_order)
        if options.input_range == "auto" and layout.dtype is not np.uint8:
            self._told.append(
                f"{path.name} was taken for a network on pictures of {settled.range}, found by trying; "
                "--input-range and --channel-order say otherwise."
            )
        return settled

    def _draw(self, images: Images, threads: int) -> Images:
        """At most as many pictures, and as large, as the graph takes; a smaller batch is filled up."""
        session = self._session if threads == self._lanes.cores else self._narrow
        step = self._layout.batch or len(images)
        parts = [images[i : i + step] for i in range(0, len(images), step)]
        drawn = [self._layout.unpack(self._call(self._layout.pack(part), session), part) for part in parts]
        return drawn[0] if len(drawn) == 1 else np.concatenate(drawn)

    def _count_lanes(self, chosen: str, threads: int) -> int:
        """On CPUs networks in integers are so fast that threads at one picture would mostly wait."""
        small = chosen == "cpu" and self.precision == "int8" and not self._layout.batch
        return min(threads, MOST) if small else 1

    def _call(self, tensor: NDArray[Any], session: "ort.InferenceSession | None" = None) -> NDArray[Any]:
        """The graph itself; on a GPU one copy in and one out, and nothing is fetched in between."""
        session = session or self._session
        binding = session.io_binding()
        binding.bind_cpu_input(self._ends[0], tensor)
        binding.bind_output(self._ends[1], "cpu")
        try:
            session.run_with_iobinding(binding, self._quiet)
        except Exception as error:  # its exceptions share no base class
            if any(sign in str(error) for sign in _TOO_LARGE):
                raise OutOfMemory(
                    f"{self.device} has too little memory for {tensor.shape} at once."
                ) from error
            raise ModelError(f"ONNX Runtime cannot draw pictures of {tensor.shape}: {error}.") from error
        (result,) = binding.copy_outputs_to_cpu()
        return result  # type: ignore[no-any-return]


def _open_session(
    path: Path, providers: list[tuple[str, dict[str, str]]], threads: int
) -> "ort.InferenceSession":
    """Open a graph. ONNX Runtime refuses weights that lie outside of the file's folder (from 1.24.1 on)."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4  # its messages are about graphs; what users need to know is raised
    # Threads that wait by spinning would take the cores from the decoder and the encoder.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    options.intra_op_num_threads = threads
    try:
        return ort.InferenceSession(path, options, providers=providers)
    except Exception as error:  # its exceptions share no base class
        raise ModelError(f"{path} is damaged or no ONNX file: {error}.") from error


def _silent() -> "ort.RunOptions":
    import onnxruntime as ort

    options = ort.RunOptions()
    options.log_severity_level = 4
    return options


def _precision(session: "ort.InferenceSession") -> str:
    """What the file was exported in; of other files, what their input says."""
    told = session.get_modelmeta().custom_metadata_map.get("precision", "")
    return (
        told
        if told in PRECISIONS
        else ("fp16" if session.get_inputs()[0].type == "tensor(float16)" else "fp32")
    )
