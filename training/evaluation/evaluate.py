"""The quality report of a style: figures on photos, flicker of a clip, distances to the artist's pictures.

Pictures are (H, W, 3) uint8 RGB.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from ... import media  # reading videos needs PyAV, which is imported at the first use
from ...backends import load
from ...core.choices import Detail
from ...core.draw_size import enlarge, resize_to_draw_size, resolve_detail
from ...core.errors import TrainingError
from ...core.frames import Backend, Frame, Image
from ...media import PICTURE_SUFFIXES
from ...models.weights import NamedTensors, read_weights
from ...styles.figures import describe_figure
from ..errors import memory_errors
from ..features import Features, load_features
from ..pictures import centre_square, list_pictures, read_rgb, sample_evenly
from .distances import inception_distances, vgg_frechet_distance
from .figures import FigureSums
from .flicker import flicker

SQUARE = 256  # sides of the squares of which the distributions are compared


@dataclass(slots=True)
class QualityReport:
    """Figures by name, and notes on those that could not be measured."""

    style: str
    figures: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, figures: Mapping[str, float]) -> None:
        """Add figures; undefined ones, NaN, become a note."""
        for name, value in figures.items():
            if math.isfinite(value):
                self.figures[name] = value
            else:
                title = describe_figure(name).title
                self.notes.append(f'The figure "{title}" is not defined on these pictures.')

    def to_json(self) -> str:
        """The report as JSON text."""
        return json.dumps(asdict(self), indent=2, allow_nan=False) + "\n"


@memory_errors()
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
    progress: Callable[[int, int], None] | None = None,
) -> QualityReport:
    """Measure a style on `count` photos and the first `frames` frames of a clip, drawn at `detail`.

    Distances to the artist's pictures need `drawings`, and the weights of the network that measures them.
    `progress` is called with the numbers of measured photos and of all photos.

    Raises:
        CartoonizeError: the style, a folder, the clip or weights cannot be used, or the memory is too small.
    """
    if clip is not None:
        check_clip(clip)
    artist = sample_evenly(list_pictures(drawings), count) if drawings else []
    network = load_features("vgg16", features) if artist and features else None
    inception = read_weights(metric_weights) if metric_weights else None
    sums, squares, report = FigureSums(), [], QualityReport(style)
    chosen = resolve_detail(detail, style, report.notes)
    with load(style, device=device) as backend:
        paths = sample_evenly(list_pictures(photos), count)
        for number, photo in enumerate(_read_all(paths, report), 1):
            frame = resize_to_draw_size(Frame(photo), chosen, keep_source=False)
            drawing = backend(frame.image[None].copy())[0]
            output = enlarge(drawing, frame.size)
            sums.add(photo, output)
            sums.add_structures(frame.image, drawing)
            squares.append([centre_square(picture, SQUARE) for picture in (photo, output)])
            if progress:
                progress(number, len(paths))
        if not squares:
            raise TrainingError("None of the photos can be read.")
        report.add(sums.figures())
        gflop = backend.gflop(720, 1280)
        if gflop is not None:
            report.add({"gflop_720p": gflop})
        _measure_flicker(report, backend, clip, frames, chosen)
    _measure_distances(report, squares, artist, network, inception)
    return report


def _read_all(paths: Sequence[Path], report: QualityReport) -> Iterator[Image]:
    """The pictures that can be read; a note for each of the others."""
    for path in paths:
        try:
            yield read_rgb(path)
        except TrainingError as error:
            report.notes.append(f"Left out: {error}")


def check_clip(clip: Path) -> None:
    """Refuse an unusable clip before the work on the photos.

    Raises:
        TrainingError: it is a picture.
        MediaError: it cannot be read, or has no video stream.
    """
    if clip.suffix.lower() in PICTURE_SUFFIXES:  # the video reader would read it as a clip of one frame
        raise TrainingError(f"{clip} is a picture: flicker needs a video.")
    with media.VideoSource(clip):
        pass


def _measure_flicker(
    report: QualityReport, backend: Backend, clip: Path | None, count: int, detail: Detail
) -> None:
    if clip is None:
        report.notes.append("Flicker was not measured: pass a clip (--video).")
        return
    with media.VideoSource(clip, decoding=media.Decoding(detail=detail)) as source:
        try:
            report.add(flicker(backend, (frame.image for frame in islice(source, count))))
        except TrainingError as error:
            report.notes.append(str(error))


def _measure_distances(
    report: QualityReport,
    pairs: Sequence[Sequence[Image]],
    drawings: Sequence[Path],
    network: Features | None,
    inception: NamedTensors | None,
) -> None:
    """Distances to the artist's pictures, of the outputs and of the photos; `pairs` are squares of both."""
    if not drawings:
        report.notes.append("Distances to the artist were not measured: pass --style.")
        return
    artist_squares = [centre_square(picture, SQUARE) for picture in _read_all(drawings, report)]
    if min(len(artist_squares), len(pairs)) < 2:
        report.notes.append("Distances to the artist were not measured: they need two pictures of each.")
        return
    artist = _stack(artist_squares)
    source, output = (_stack(pictures) for pictures in zip(*pairs, strict=True))
    if network:
        for name, pictures in (("output", output), ("source", source)):
            report.add({f"frechet_vgg16_{name}": vgg_frechet_distance(network, pictures, artist)})
    else:
        report.notes.append("The Fréchet distance on VGG16 was not measured: pass --features.")
    if inception:
        report.add(inception_distances(inception, output, artist))
    else:
        report.notes.append("FID and KID were not measured: pass --metric-weights.")


def _stack(squares: Sequence[Image]) -> torch.Tensor:
    """Pictures of the same size as (N, 3, H, W) uint8."""
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)
