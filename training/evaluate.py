"""How good a style is: the figures of figures.py on photos, flicker of a clip, distance to the artist.

Pictures here are (H, W, 3) uint8 RGB.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..backends import load
from ..core.choices import Detail
from ..core.draw_size import enlarge, resize_to_draw_size, resolve_detail
from ..core.errors import TrainingError
from ..core.frames import Backend, Frame, Image
from ..core.opencv import load_opencv
from ..effects.stabilizer import Stabilizer
from ..media import PICTURE_SUFFIXES, Decoding, VideoSource
from .distances import frechet_of_features, inception_distances
from .features import load_features
from .figures import FigureSums, ratio
from .pictures import centre_square, list_pictures, read_rgb, sample

SQUARE = 256  # sides of the pictures whose distribution is compared with the artist's

Flow = NDArray[np.float32]


@dataclass(slots=True)
class QualityReport:
    """Figures by name, and what could not be measured, in sentences."""

    style: str
    figures: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, figures: Mapping[str, float]) -> None:
        """Take over figures; those that are no number become a note."""
        for name, value in figures.items():
            if math.isfinite(value):
                self.figures[name] = value
            else:
                self.notes.append(f"{name.replace('_', ' ').capitalize()} is not defined on these pictures.")


def evaluate(
    style: str,
    photos: Path,
    *,
    drawings: Path | None = None,
    clip: Path | None = None,
    features: Path | None = None,
    metric_weights: Path | None = None,
    count: int = 200,
    frames: int = 120,
    device: str = "auto",
    detail: str = "normal",
) -> QualityReport:
    """Measure a style on `count` photos and the first `frames` frames of a clip, drawn at `detail`.

    Distances to the artist need `drawings`, and the weights of the network that they are measured with.

    Raises:
        CartoonizeError: the style, a folder, the clip or weights cannot be used.
    """
    _check_clip(clip)
    artist = sample(list_pictures(drawings), count) if drawings else []
    tally, squares, report = FigureSums(), [], QualityReport(style)
    chosen = resolve_detail(detail, style, report.notes)
    with load(style, device=device) as backend:
        for photo in _readable(sample(list_pictures(photos), count), report):
            frame = resize_to_draw_size(Frame(photo), chosen, keep_source=False)
            drawing = backend(frame.image[None].copy())[0]
            drawn = enlarge(drawing, frame.size)
            tally.add(photo, drawn)
            tally.add_structures(frame.image, drawing)
            squares.append([centre_square(picture, SQUARE) for picture in (photo, drawn)])
        if not squares:
            raise TrainingError("None of the photos can be read.")
        report.add(tally.figures())
        work = backend.gflop(720, 1280)
        if work is not None:
            report.add({"gflop_720p": work})
        _measure_flicker(report, backend, clip, frames, chosen)
    _measure_distances(report, squares, artist, features, metric_weights)
    return report


def flicker(backend: Backend, frames: Iterable[Image]) -> dict[str, float]:
    """Change between neighbouring frames that motion does not explain, of output and source, in 0..255.

    The last figure is of the output as videos are drawn by default, held where the source stands still.

    The motion is the optical flow of the *source*, so that a style is not excused by its own unrest; pixels
    that it hides or uncovers are left out.

    Raises:
        TrainingError: there are fewer than two frames.
    """
    stabilizer = Stabilizer()
    answers = ((frame, backend(frame[None])[0]) for frame in frames)
    drawn = ((frame, answer, stabilizer.stabilize(frame, answer)) for frame, answer in answers)
    changes = [
        [unrest(before, after, flow, seen) for before, after in zip(earlier, later, strict=True)]
        for earlier, later in pairwise(drawn)
        for flow, seen in [motion(earlier[0], later[0])]
        if seen.any()
    ]
    if not changes:
        raise TrainingError("Flicker needs a clip of two frames or more with something in common.")
    source, output, held = np.mean(changes, axis=0).tolist()
    return {
        "flicker_output": output,
        "flicker_source": source,
        "flicker_ratio": ratio(output, source),
        "flicker_ratio_stabilized": ratio(held, source),
    }


def motion(earlier: Image, later: Image) -> tuple[Flow, NDArray[np.bool_]]:
    """Where each pixel of `later` was in `earlier`, (H, W, 2) offsets x, y; and whether it was seen there.

    DIS optical flow (Kroeger et al., ECCV 2016) both ways. A pixel is left out where
    |w + w'|^2 >= 0.01 (|w|^2 + |w'|^2) + 0.5, w' being the flow back from where w leads (Sundaram, Brox,
    Keutzer, ECCV 2010), or where w leads out of the picture.
    """
    cv2 = load_opencv()
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (earlier, later)]
    back, forth = dis.calc(grey[1], grey[0], None), dis.calc(grey[0], grey[1], None)
    returned = _follow(forth, back)
    lengths = (back**2).sum(2) + (returned**2).sum(2)
    agrees = ((back + returned) ** 2).sum(2) < 0.01 * lengths + 0.5
    inside = _follow(np.ones(back.shape[:2], np.float32), back) > 0.999
    return back, agrees & inside


def unrest(earlier: Image, later: Image, flow: Flow, seen: NDArray[np.bool_]) -> float:
    """Mean absolute difference in 0..255 of `later` and `earlier` moved by the flow, where it was seen."""
    moved = _follow(earlier.astype(np.float32), flow)
    return float(np.abs(later - moved)[seen].mean())


def _follow(picture: NDArray[np.float32], flow: Flow) -> NDArray[np.float32]:
    """The picture read, bilinearly, at every pixel plus the flow; zeros outside."""
    cv2 = load_opencv()
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved: NDArray[np.float32] = cv2.remap(picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
    return moved


def _readable(paths: Sequence[Path], report: QualityReport) -> Iterator[Image]:
    for path in paths:
        try:
            yield read_rgb(path)
        except TrainingError as error:
            report.notes.append(f"Left out: {error}")


def _check_clip(clip: Path | None) -> None:
    """Find out before the work that goes before the clip."""
    if clip is None:
        return
    if clip.suffix.lower() in PICTURE_SUFFIXES:  # which the video reader would take for a clip of one frame
        raise TrainingError(f"{clip} is a picture: flicker needs a video.")
    with VideoSource(clip):
        pass


def _measure_flicker(
    report: QualityReport, backend: Backend, clip: Path | None, count: int, detail: Detail
) -> None:
    if clip is None:
        report.notes.append("Flicker was not measured: it needs a clip (--video).")
        return
    with VideoSource(clip, decoding=Decoding(detail=detail)) as source:
        try:
            report.add(flicker(backend, (frame.image for frame in islice(source, count))))
        except TrainingError as error:
            report.notes.append(str(error))


def _measure_distances(
    report: QualityReport,
    pairs: Sequence[Sequence[Image]],
    drawings: Sequence[Path],
    features: Path | None,
    metric_weights: Path | None,
) -> None:
    """How far outputs are from the artist's pictures, and how far the photos were; `pairs` are squares."""
    if not drawings:
        report.notes.append("Distances to the artist were not measured: they need --style.")
        return
    theirs = [centre_square(picture, SQUARE) for picture in _readable(drawings, report)]
    if min(len(theirs), len(pairs)) < 2:
        report.notes.append("Distances to the artist were not measured: they need two pictures of each.")
        return
    artist = _stack(theirs)
    source, output = (_stack(pictures) for pictures in zip(*pairs, strict=True))
    if features:
        network = load_features("vgg16", features)
        for name, pictures in (("output", output), ("source", source)):
            report.add({f"frechet_vgg16_{name}": frechet_of_features(network, pictures, artist)})
    else:
        report.notes.append("The Fréchet distance on VGG16 was not measured: it needs --features.")
    if metric_weights:
        report.add(inception_distances(metric_weights, output, artist))
    else:
        report.notes.append("FID and KID were not measured: they need --metric-weights.")


def _stack(squares: Sequence[Image]) -> torch.Tensor:
    """Pictures of one size as (N, 3, H, W) uint8."""
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)
