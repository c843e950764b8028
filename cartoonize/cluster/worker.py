"""The code that runs in Ray's workers: they load a style once, and convert frame ranges of videos with it."""

import socket
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ray

from ..backends import LoadedBackend, RuntimeOptions, load
from ..backends.ncnn.files import SUFFIX, weights_path
from ..core import cpus, onnx_runtime, opencv
from ..core.choices import Precision
from ..core.errors import BackendError, ClusterError, ModelError, SourceError
from ..core.messages import without_folder
from ..effects.look import Look
from ..media import Decoding, Encoding, Segment, SegmentSink, VideoSource
from ..media.remote import Location
from ..run.frame_range import FrameRange, convert_frame_range
from ..run.job import backend_identity, written_size
from ..run.segmented import source_identity
from ..styles import ENGINES, find_style
from ..styles.card import int8_path
from ..version import __version__

SIGN_OF_LIFE = 20.0
"""Seconds after which a worker shows that it is at work, with the next frame."""


@dataclass(frozen=True, slots=True)
class StyleFiles:
    """A style and where it runs. Its files are stored once in Ray's object store, and sent once to each node.

    `data` is a list of one reference, as Ray would replace a bare reference by what it refers to: the
    contents of the files by their names, the style file first.
    """

    name: str
    digest: str
    device: str
    precision: Precision
    options: RuntimeOptions | None
    data: list[Any] = field(compare=False)


@dataclass(frozen=True, slots=True)
class WorkerBackend:
    """Describes the backend of a worker (see LoadedBackend).

    `identity` holds everything on which the bits of a drawing depend (see backend_identity).
    """

    version: str
    identity: list[str]
    runtime: str
    device: str
    precision: str
    batch: int
    notices: list[str]


@dataclass(frozen=True, slots=True)
class VideoTask:
    """Describes a video for the workers that convert its ranges.

    `identity` is that of the source when the driver opened it, `muxer` FFmpeg's name of the output container,
    `batch` the frames per call, `segment` the frames of a segment. `backend` describes the first worker; the
    others must draw as it does.
    """

    source: Location
    identity: dict[str, Any]
    start: float | None
    end: float | None
    decoding: Decoding
    encoding: Encoding
    muxer: str
    style: StyleFiles
    batch: int
    segment: int
    look: Look
    backend: WorkerBackend


@dataclass(frozen=True, slots=True)
class Node:
    """A node: its id in the cluster, and a name for people, which tells nodes on one machine apart."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """A worker has begun a range, or still works on it."""

    node: Node


@dataclass(frozen=True, slots=True)
class FinishedSegment:
    """A segment and its file, the node that converted it, and the damage of the source up to its end."""

    segment: Segment
    data: bytes
    node: Node
    damage: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FinishedRange:
    """The end of a range: whether the video ends with it, and what the worker reports."""

    at_end: bool
    damage: dict[str, Any]
    notices: list[str]


def put_style(name: str, device: str, precision: Precision, options: RuntimeOptions | None) -> StyleFiles:
    """Store the files of a style for all nodes.

    Raises:
        ModelError: there is none, or it is built for one machine.
    """
    if name == "null":
        return StyleFiles(name, "", "auto", precision, options, [])
    path = find_style(name)
    if path.name == ENGINES:
        raise ModelError(
            f"The engines of {name} are built for one GPU; a cluster uses style files or .onnx files."
        )
    beside = weights_path(path) if path.suffix == SUFFIX else int8_path(path)
    files = {file.name: file.read_bytes() for file in (path, beside) if file.is_file()}
    digest = sha256(b"".join(files.values())).hexdigest()
    return StyleFiles(name, digest, device, precision, options, [ray.put(files)])


@ray.remote
def describe(style: StyleFiles) -> WorkerBackend:
    """Load a style in a worker, and describe its backend."""
    return describe_backend(_backend(style))


def describe_backend(backend: LoadedBackend) -> WorkerBackend:
    """Describe the backend of this process."""
    return WorkerBackend(
        __version__, backend_identity(backend), backend.runtime, backend.device, backend.precision,
        backend.batch, backend.notices,
    )  # fmt: skip


def check_backend(expected: WorkerBackend, backend: WorkerBackend, node: str) -> None:
    """Check that this node draws as the one that was asked first: else the look would change in the video.

    Raises:
        ClusterError: it has another version, runtime or precision.
    """
    if backend.version != expected.version:
        raise ClusterError(
            f"{node} has cartoonize {backend.version}, and other nodes {expected.version}; install the same "
            "version on all."
        )
    ours, theirs = (f"{side.runtime} in {side.precision}" for side in (backend, expected))
    if ours != theirs:
        raise ClusterError(
            f"{node} draws with {ours}, and other nodes with {theirs}: the look would change in the video. "
            "Name a --precision that all nodes have."
        )


# If a worker dies, the driver has the missing part of its range converted again; Ray would repeat all of it.
# The length of ranges bounds how far workers are ahead: Ray's own limit (backpressure) would have workers
# wait forever for a driver that has abandoned their range.
@ray.remote(num_returns="streaming", max_retries=0)
def convert_range(
    task: VideoTask, frames: FrameRange
) -> Iterator[SignOfLife | FinishedSegment | FinishedRange]:
    """Convert a range, and yield each segment once it is finished, then the end."""
    node = _node()
    yield SignOfLife(node)
    backend, latest = _backend(task.style), time.monotonic()
    check_backend(task.backend, describe_backend(backend), node.name)
    with VideoSource(task.source, start=task.start, end=task.end, decoding=task.decoding) as source:
        _check_source(task, node.name)
        sink = SegmentSink(source.video, task.encoding, task.muxer, written_size(source, task.look))
        segments = convert_frame_range(
            source, sink, backend, frames, task.look, batch=task.batch, segment=task.segment
        )
        for finished in segments:
            if finished is not None:
                segment, data = finished
                if segment.end == frames.until:  # later ranges have to know of earlier damage
                    deque(segments, maxlen=0)
                yield FinishedSegment(segment, data, node, asdict(source.damage))
            elif time.monotonic() - latest > SIGN_OF_LIFE:
                latest = time.monotonic()
                yield SignOfLife(node)
        notices = [*source.notices, *backend.notices, *sink.notices]
        damage = source.damage.sentence(source.path.name)
        notices = [notice for notice in notices if notice != damage]  # the driver reports it, for all ranges
        yield FinishedRange(source.is_exhausted, asdict(source.damage), notices)


_loaded: dict[StyleFiles, LoadedBackend] = {}
"""The backend of this worker, by its style; the next task mostly uses the same one."""


def _backend(style: StyleFiles) -> LoadedBackend:
    if style not in _loaded:
        while _loaded:
            _loaded.popitem()[1].close()
        _loaded[style] = _load(style)
    return _loaded[style]


def _load(style: StyleFiles) -> LoadedBackend:
    """Load a style. The process is the worker's own, and is set up as the command line sets up its own."""
    cpus.set_passive_waiting()
    onnx_runtime.disable_telemetry()
    opencv.set_one_thread()
    if not style.data:
        return load(style.name)
    with TemporaryDirectory() as folder:
        files = {Path(folder) / name: data for name, data in ray.get(style.data[0]).items()}
        for path, data in files.items():
            path.write_bytes(data)
        file = str(next(iter(files)))
        try:
            return load(file, device=style.device, precision=style.precision, options=style.options)
        except (BackendError, ModelError) as error:  # the user does not know these copies of the files
            message = without_folder(str(error).replace(file, style.name), Path(folder))
            raise type(error)(message) from error


def _node() -> Node:
    node_id = ray.get_runtime_context().get_node_id()
    return Node(node_id, f"{socket.gethostname()}-{node_id[:6]}")


def _check_source(task: VideoTask, node: str) -> None:
    """Check that this node sees the file that the driver sees; copies may differ in their times."""
    identity = source_identity(task.source)
    if any(identity[name] != task.identity[name] for name in ("size", "parts")):
        raise SourceError(
            f"{task.source} on {node} is not the file that the work began with; give all nodes the same file."
        )
