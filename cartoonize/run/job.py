"""One job from end to end: open, convert, write, report."""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from ..backends import LoadedBackend, RuntimeOptions, load
from ..core.choices import Detail, Precision
from ..core.draw_size import resolve_detail
from ..core.errors import DamageError
from ..core.frames import Frame
from ..effects.compositing import Retouch
from ..effects.look import Look
from ..media import Decoding, Encoding, Sink, Source, open_sink, open_source
from ..styles import DEFAULT
from .pipeline import segment_length, stream
from .report import STAGES, DescribedBackend, Report
from .segmented import SegmentedRun, identity
from .threads import StageWaits


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
    hold: int = 1,
    retouch: Retouch | None = None,
    options: RuntimeOptions | None = None,
    resume: bool = True,
    tolerate_errors: bool = False,
    overwrite: bool = False,
) -> Report:
    """Turn a picture or video into a cartoon.

    Args:
        source: a picture, a video, or a folder of pictures; see `open_source`.
        target: the file to write, or a folder if `source` is one; see `open_sink`.
        style: the name or file of a style; see `load`.
        device: the device that runs the network; see `load`.
        precision: the precision of the network; see `load`.
        batch: frames per call of the network; None for the default of the device.
        start: seconds; earlier frames of a video are left out.
        end: seconds; this and later frames of a video are left out.
        encoding: how to compress a video.
        decoding: how to read a video; its `detail` and `keep_source` follow from `detail` and `retouch`.
        detail: the size at which the network draws: "low" is 480 lines, "normal" 720, "high" 1080, "full" the
            size of the source. The result has the size of the source.
        stabilize: keep the drawing still where a video is still, and move it along where the video moves.
        hold: frames, at 24 per second, for which each drawing of a video is held: 1, 2 ("on twos") or 3 ("on
            threes").
        retouch: how to blend the drawing with the source, or to compare them.
        options: further options of the runtime; see `load`.
        resume: continue an interrupted run of the same job.
        tolerate_errors: accept the readable part of a damaged video as the result.
        overwrite: replace an existing target.

    Raises:
        DamageError: the source is damaged. Its readable part is converted, in NAME.partial.SUFFIX.
        CartoonizeError: every other error that the user can correct; the message says how. `target` is
            unchanged.
    """
    report = Report(str(target), style, str(source))
    look = Look(stabilize=stabilize, hold=hold, retouch=retouch or Retouch())
    chosen = replace(decoding or Decoding(), detail=detail)
    decoding = prepare_decoding(chosen, look, style, report.notices)
    with open_source(Path(source), start=start, end=end, decoding=decoding) as frames:
        size = written_size(frames, look)
        sink = open_sink(Path(target), frames, encoding=encoding, overwrite=overwrite, size=size)
        with load(style, device=device, precision=precision, options=options) as backend:
            run(frames, sink, backend, report, look=look, batch=batch,
                resume=resume, tolerate_errors=tolerate_errors)  # fmt: skip
    if report.partial:
        raise DamageError(report.error)
    return report


def prepare_decoding(decoding: Decoding, look: Look, style: str, notices: list[str]) -> Decoding:
    """Return the options for reading a source, adapted to a style and a look.

    The detail is replaced, with a notice, if the style or this machine cannot use it. The picture at the
    source's own size is kept if the look shows it.

    Raises:
        MediaError: there is no such detail.
    """
    detail = resolve_detail(decoding.detail, style, notices)
    return replace(decoding, detail=detail, keep_source=look.needs_source)


def prepare_look(look: Look, backend: DescribedBackend, report: Report) -> Look:
    """Return the look without what cannot work here, and enter it and the backend into the report."""
    look = look.available(backend.runtime, report.notices)
    report.stabilized, report.hold = look.stabilize, look.hold
    report.device, report.precision, report.backend = backend.device, backend.precision, backend.runtime
    return look


def run(
    source: Source,
    sink: Sink,
    backend: LoadedBackend,
    report: Report,
    *,
    look: Look | None = None,
    batch: int | None = None,
    resume: bool = True,
    tolerate_errors: bool = False,
    on_frame: Callable[[int], None] | None = None,
) -> Report:
    """Move all frames of `source` through `backend` into `sink`; fill in the report and return it.

    `source` and `sink` have to be opened for `look` (see `prepare_decoding` and `written_size`); pictures get
    only those of its effects that need no other frames. After each frame, `on_frame` is called with the
    number of finished frames, which includes those of an earlier run. Without `tolerate_errors`, the result
    of a damaged video is written to NAME.partial.SUFFIX, and the report is `partial`.
    """
    waits, started = StageWaits(), time.perf_counter()
    batch = backend.batch if batch is None else batch
    look = look or Look()
    if source.video is None:
        look = look.for_pictures()
    look = prepare_look(look, backend, report)
    report.width, report.height = written_size(source, look) or (0, 0)
    with sink:
        segments = SegmentedRun()
        video, output = source.resumable, sink.resumable
        if video is not None and output is not None:
            key = identity(video, output.encoding, report.style, backend_identity(backend), look, batch)
            segments.begin(video, output, key, segment_length(batch), resume=resume)
        report.frames = report.resumed = segments.written
        with closing(convert_frames(source, sink, backend, segments, look, batch, waits)) as written:
            for frame in written:
                report.frames += 1
                report.width, report.height = frame.size
                if on_frame is not None:
                    on_frame(report.frames)
        if not tolerate_errors:
            mark_partial(source, sink, report)
    report.set_duration(time.perf_counter() - started)
    report.waiting = {stage: round(getattr(waits, stage), 3) for stage in STAGES}
    report.notices += [*source.notices, *backend.notices, *sink.notices]
    return report


def written_size(source: Source, look: Look) -> tuple[int, int] | None:
    """Width and height of the frames to write, for `open_sink`; None for pictures, which have their own."""
    return look.size(source.video.width, source.video.height) if source.video else None


def convert_frames(
    source: Source,
    sink: Sink,
    backend: LoadedBackend,
    segments: SegmentedRun,
    look: Look,
    batch: int,
    waits: StageWaits | None = None,
) -> Generator[Frame]:
    """Convert the frames of `source`, write them to `sink` in segments, and yield each once it is written.

    Wrap it in `contextlib.closing(...)`, as `stream`.
    """
    frames = stream(
        source,
        backend,
        batch=batch,
        effects=look.effects(sink.yuv_weights),
        segment=segments.length or segment_length(batch),
        waits=waits,
    )
    with closing(frames):
        for frame in frames:
            sink.write(frame)
            segments.frame_written()
            yield frame


def backend_identity(backend: LoadedBackend) -> list[str]:
    """Everything except the style that decides the bits of a drawing."""
    return [backend.runtime, backend.device, backend.precision, backend.pixel_format]


def mark_partial(source: Source, sink: Sink, report: Report) -> None:
    """If a video is damaged, write the result to NAME.partial.SUFFIX, and report the job as failed."""
    partial = sink.mark_partial() if source.damage else None
    if partial is not None:
        report.partial, report.output = True, str(partial)
        report.fail(DamageError(f"The source is damaged; what could be read of it is in {partial}."))
