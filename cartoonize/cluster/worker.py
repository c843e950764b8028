"""What runs in Ray's workers: a stretch of a film, drawn where its style was loaded once."""

import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ray

from ..backends import LoadedBackend, RuntimeOptions, load
from ..backends.int8 import int8_path
from ..core.choices import Precision
from ..core.errors import ModelError, SourceError
from ..effects.look import Look
from ..media import Decoding, Encoding, Segment, SegmentSink, VideoSource
from ..media.remote import Location
from ..run.frame_range import FrameRange, convert_frame_range
from ..run.job import backend_identity, written_size
from ..run.segmented import source_identity
from ..styles import ENGINES, find_style
from ..version import __version__


@dataclass(frozen=True, slots=True)
class Style:
    """A style and where it runs; its files lie once in the object store, and go to each node once.

    `data` holds the reference, in a list, as Ray would replace one that it sees by what it refers to. They
    are contents by name; the style file comes first.
    """

    name: str
    digest: str
    device: str
    precision: Precision
    options: RuntimeOptions | None
    data: list[Any] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a worker draws with: see LoadedBackend. `what` is what decides how frames look to the bit."""

    version: str
    what: list[str]
    runtime: str
    device: str
    precision: str
    batch: int
    notices: list[str]


@dataclass(frozen=True, slots=True)
class Work:
    """All that is to be known of a film to draw a part of it.

    `identity` is what its source was when the driver opened it; `container` the format that is written.
    """

    source: Location
    identity: dict[str, Any]
    start: float | None
    end: float | None
    decoding: Decoding
    encoding: Encoding
    container: str
    style: Style
    batch: int
    every: int
    look: Look


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finished segment and its file, the node that drew it, and the damage of the source up to its end."""

    segment: Segment
    data: bytes
    node: str
    damage: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a stretch: whether the film ends with it, and what the worker has to tell."""

    film_ended: bool
    damage: dict[str, Any]
    notices: list[str]


def put_style(name: str, device: str, precision: Precision, options: RuntimeOptions | None) -> Style:
    """Have a style file ready for all nodes.

    Raises:
        ModelError: there is none, or it is made for one machine.
    """
    if name == "null":
        return Style(name, "", "auto", precision, options, [])
    path = find_style(name)
    if path.name == ENGINES:
        raise ModelError(
            f"The engines of {name} are made for one GPU; a cluster draws with style or .onnx files."
        )
    files = {file.name: file.read_bytes() for file in (path, int8_path(path)) if file.is_file()}
    digest = sha256(b"".join(files.values())).hexdigest()
    return Style(name, digest, device, precision, options, [ray.put(files)])


@ray.remote
def describe(style: Style) -> Ran:
    """What a worker draws with."""
    backend = _loaded(style)
    return Ran(
        __version__, backend_identity(backend), backend.runtime, backend.device, backend.precision,
        backend.batch, backend.notices,
    )  # fmt: skip


# If a worker dies, the driver has what is missing of its stretch drawn again; Ray would repeat all of it. How
# far workers are ahead is bounded by the length of stretches: those that Ray has wait for their driver would
# wait for ever when it has given up.
@ray.remote(num_returns="streaming", max_retries=0)
def draw(work: Work, stretch: FrameRange) -> Iterator[Drawn | Done]:
    """The segments of a stretch, each once it is finished."""
    backend, node = _loaded(work.style), _node()
    with VideoSource(work.source, start=work.start, end=work.end, decoding=work.decoding) as source:
        _check(work, node)
        sink = SegmentSink(source.video, work.encoding, work.container, written_size(source, work.look))
        drawn = convert_frame_range(
            source, sink, backend, stretch, work.look, batch=work.batch, segment=work.every
        )  # fmt: skip
        for segment, data in drawn:
            if segment.end == stretch.until:  # what follows has to know of all damage
                next(drawn, None)
            yield Drawn(segment, data, node, asdict(source.damage))
        told = [*source.notices, *backend.notices, *sink.notices]
        damage = source.damage.sentence(source.path.name)
        yield Done(
            source.is_exhausted, asdict(source.damage), [notice for notice in told if notice != damage]
        )


_in_use: dict[Style, LoadedBackend] = {}
"""The back end of this worker, by its style; the next task mostly draws in the same one."""


def _loaded(style: Style) -> LoadedBackend:
    if style not in _in_use:
        while _in_use:
            _in_use.popitem()[1].close()
        _in_use[style] = _load(style)
    return _in_use[style]


def _load(style: Style) -> LoadedBackend:
    if not style.data:
        return load(style.name)
    with TemporaryDirectory() as folder:
        files = {Path(folder) / name: data for name, data in ray.get(style.data[0]).items()}
        for path, data in files.items():
            path.write_bytes(data)
        return load(
            str(next(iter(files))), device=style.device, precision=style.precision, options=style.options
        )


def _node() -> str:
    """The name of this node, which tells nodes of one machine apart, too."""
    return f"{socket.gethostname()}-{ray.get_runtime_context().get_node_id()[:6]}"


def _check(work: Work, node: str) -> None:
    """See that this node sees the file that the driver sees; copies may differ in their times."""
    here = source_identity(work.source)
    if any(here[name] != work.identity[name] for name in ("size", "parts")):
        raise SourceError(
            f"{work.source} is another file on {node} than where the work began, or has changed."
        )
