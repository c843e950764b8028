"""One job from end to end: open, stylise, write, report."""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..backends import LoadedBackend, load
from ..backends.onnx import OnnxOptions
from ..core.choices import Detail, Precision
from ..core.draw_size import resolve_detail
from ..core.errors import DamageError
from ..core.frames import Frame
from ..effects.compositing import Retouch
from ..effects.stabilizer import can_stabilize
from ..media import (
    Decoding,
    Encoding,
    PictureSource,
    SegmentSink,
    Sink,
    Source,
    StillsSource,
    VideoSink,
    VideoSource,
    open_sink,
    open_source,
)
from ..styles import DEFAULT
from .pipeline import StageWaits, stream
from .segmented import SegmentedRun


@dataclass(slots=True)
class Report:
    """What a job did: frames written, seconds taken in all, and what ran.

    `resumed` of the frames were drawn by an earlier run, which `seconds` and `fps` leave out. `waiting` holds
    the seconds spent waiting for each stage; `notices` what a user has to be told.
    """

    output: str
    style: str
    device: str = ""
    precision: str = ""
    backend: str = ""
    stabilized: bool = False
    frames: int = 0
    resumed: int = 0
    seconds: float = 0.0
    fps: float = 0.0
    width: int = 0
    height: int = 0
    partial: bool = False
    waiting: dict[str, float] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def took(self, seconds: float) -> None:
        """Fill in how long the job took, and how fast it was."""
        self.seconds = round(seconds, 3)
        self.fps = round((self.frames - self.resumed) / self.seconds, 2)


def stylize(
    source: str | Path,
    target: str | Path,
    style: str = DEFAULT,
    *,
    device: str = "auto",
    precision: Precision = "auto",
    batch: int | None = None,
    start: float | None = None,
    end: float | None = None,
    encoding: Encoding | None = None,
    decoding: Decoding | None = None,
    detail: Detail = "normal",
    stabilize: bool = True,
    retouch: Retouch | None = None,
    onnx: OnnxOptions | None = None,
    resume: bool = True,
    tolerate_errors: bool = False,
    overwrite: bool = False,
) -> Report:
    """Turn a picture or video into a cartoon.

    Args:
        source: a picture, a folder of pictures, or a video; see `open_source`.
        target: the file to write; a folder for a folder; see `open_sink`.
        style: see `load`; so are `device` and `precision`.
        batch: frames a call of the network; None for what suits the device.
        start: seconds of a video to leave out at the beginning.
        end: the second of a video at which to stop.
        encoding: how to compress a video.
        decoding: how to read a video.
        detail: the size at which it is drawn, whatever its own: "low" is 480 lines, "normal" 720, "high"
            1080, "full" the source's own.
        stabilize: hold the drawing where a video stands still, move it where that moves (see stabilizer.py).
        retouch: what is done with each drawing beside its source, as a comparison of both.
        onnx: what else can be said of an .onnx file.
        resume: go on where an interrupted run of the same job stopped (see resume.py).
        tolerate_errors: take what can be drawn of a damaged video for the result.
        overwrite: replace what is there.

    Raises:
        DamageError: parts of the source are damaged. What could be drawn is in NAME.partial.SUFFIX.
        CartoonizeError: what a user can mend, in a sentence. Nothing is left under `target` then.
    """
    report = Report(str(target), style)
    decoding = replace(
        decoding or Decoding(),
        detail=resolve_detail(detail, style, report.notices),
        keep_source=retouch is not None and retouch.needs_source,
    )
    with (
        open_source(Path(source), start=start, end=end, decoding=decoding) as frames,
        load(style, device=device, precision=precision, onnx=onnx) as backend,
    ):
        sink = open_sink(
            Path(target), frames, encoding=encoding, overwrite=overwrite, size=written_size(frames, retouch)
        )
        steady = stabilize and not isinstance(frames, PictureSource)
        run(frames, sink, backend, report, batch=batch, stabilize=steady, retouch=retouch,
            resume=resume, tolerate_errors=tolerate_errors)  # fmt: skip
    if report.partial:
        raise DamageError(damage_sentence(report))
    return report


def run(
    source: Source,
    sink: Sink,
    backend: LoadedBackend,
    report: Report,
    *,
    batch: int | None = None,
    stabilize: bool = False,
    retouch: Retouch | None = None,
    resume: bool = True,
    tolerate_errors: bool = False,
    on_frame: Callable[[int], None] | None = None,
) -> Report:
    """Move all frames of `source` through `backend` into `sink`; fills in the report and returns it.

    `stabilize` is for the frames of one video; the null back end, which draws nothing, needs none. `retouch`
    has to be the one that the sink was opened for. `on_frame`
    is told how many frames are done: first those of an earlier run, if that can be gone on from. Without
    `tolerate_errors` what could be drawn of a damaged video is set apart, and the report says `partial`.
    """
    waits, started = StageWaits(), time.perf_counter()
    batch = batch or backend.batch
    report.stabilized = stabilize and can_stabilize(backend.runtime, report.notices)
    report.device, report.precision, report.backend = backend.device, backend.precision, backend.runtime
    if isinstance(source, VideoSource):
        report.width, report.height = source.width, source.height
    with sink:
        course = SegmentedRun(source, sink, stabilize=report.stabilized, retouch=retouch)
        report.frames = report.resumed = course.begin(report.style, ran_of(backend), batch, anew=not resume)
        with closing(drawing(source, sink, backend, course, batch, waits)) as drawn:
            for frame in drawn:
                report.frames += 1
                report.height, report.width = frame.image.shape[:2]
                if on_frame is not None:
                    on_frame(report.frames)
        if isinstance(source, VideoSource) and isinstance(sink, VideoSink) and not tolerate_errors:
            set_apart(source, sink, report)
    report.took(time.perf_counter() - started)
    report.waiting = {stage: round(getattr(waits, stage), 3) for stage in ("decode", "network", "encode")}
    report.notices += [*source.notices, *backend.notices, *sink.notices]
    return report


def written_size(source: Source, retouch: Retouch | None) -> tuple[int, int] | None:
    """Width and height of the frames to write, for `open_sink`; None for pictures, which have their own."""
    if retouch is None or not isinstance(source, VideoSource | StillsSource):
        return None
    return retouch.size(source.width, source.height)


def drawing(
    source: Source,
    sink: Sink | SegmentSink,
    backend: LoadedBackend,
    course: SegmentedRun,
    batch: int,
    waits: StageWaits | None = None,
) -> Generator[Frame]:
    """Draw the frames of `source` and write them to `sink`, in the segments of `course`; gives each then.

    Hold it in `contextlib.closing(...)`, as `stream`.
    """
    with closing(stream(source, backend, batch=batch, finish=course.finish, waits=waits)) as styled:
        for frame in styled:
            sink.write(frame)
            course.passed()
            yield frame


def ran_of(backend: LoadedBackend) -> list[str]:
    """What decides, beside the style, what frames look like to the bit."""
    return [backend.runtime, backend.device, backend.precision, backend.reading]


def damage_sentence(report: Report) -> str:
    """What to say of a partial result."""
    return f"The source is damaged; what could be drawn of it is in {report.output}."


def set_apart(source: VideoSource, sink: VideoSink, report: Report) -> None:
    """Name what is left of a damaged video as what it is."""
    if source.damage:
        sink.salvage()
        report.partial, report.output = True, str(sink.path)
