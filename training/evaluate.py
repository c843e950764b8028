"""How good a style is, in figures: flicker, colours, flatness, contours, and distance to the artist.

Pictures here are (H, W, 3) uint8 RGB.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..backends import load
from ..errors import TrainingError
from ..frames import Backend, Image
from ..media import open_source
from .distances import frechet_of_features, inception_distances
from .extras import load_opencv
from .features import load_features
from .pictures import centre_square, list_pictures, read_rgb, sample

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601
FLAT = 2 / 255  # gradient magnitude below which a pixel is flat
CANNY = (100, 200)  # thresholds of contours, on a 3x3 Sobel gradient
NEAR = 2  # pixels within which a contour counts as kept
BROAD = 8.0  # sigma of the blur before colours are compared
SQUARE = 256  # sides of the pictures whose distribution is compared with the artist's

Flow = NDArray[np.float32]


@dataclass(slots=True)
class Report:
    """Figures by name, and what could not be measured, in sentences."""

    style: str
    figures: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


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
) -> Report:
    """Measure a style on `count` photos and the first `frames` frames of a clip.

    Distances to the artist need `drawings`, and the weights of the network that they are measured with.

    Raises:
        CartoonizeError: the style, a folder, the clip or weights cannot be used.
    """
    backend, report = load(style, device=device), Report(style)
    pairs = _draw(backend, sample(list_pictures(photos), count), report)
    report.figures["pictures"] = len(pairs)
    report.figures |= compare(pairs)
    if clip:
        report.figures |= flicker(backend, _frames(clip, frames))
    else:
        report.notes.append("Flicker was not measured: it needs a clip (--video).")
    _measure_distances(report, pairs, drawings, features, metric_weights, count)
    return report


def compare(pairs: Sequence[tuple[Image, Image]]) -> dict[str, float]:
    """Means over (source, output) of what can be told from single pictures."""
    source = float(np.mean([flatness(photo) for photo, _ in pairs]))
    output = float(np.mean([flatness(drawn) for _, drawn in pairs]))
    return {
        "colour_shift": float(np.mean([colour_shift(photo, drawn) for photo, drawn in pairs])),
        "flatness_output": output,
        "flatness_source": source,
        "flatness_ratio": output / source if source else float("nan"),
        "contours_kept": float(np.nanmean([contours_kept(photo, drawn) for photo, drawn in pairs])),
    }


def colour_shift(source: Image, output: Image) -> float:
    """Mean CIE 1976 distance in Lab of both pictures behind a Gaussian of sigma 8."""
    from skimage.color import deltaE_cie76, rgb2lab

    cv2 = load_opencv()
    broad = [cv2.GaussianBlur(picture / np.float32(255), (0, 0), BROAD) for picture in (source, output)]
    lab = [rgb2lab(picture) for picture in broad]
    return float(deltaE_cie76(*lab).mean())  # type: ignore[no-untyped-call]


def flatness(picture: Image) -> float:
    """Share of pixels where luma in [0, 1] has a gradient (central differences) under 2/255."""
    dy, dx = np.gradient(picture @ LUMA / 255)
    return float((np.hypot(dx, dy) < FLAT).mean())


def contours_kept(source: Image, output: Image) -> float:
    """Share of the source's Canny edge pixels that have one of the output within 2 pixels; NaN for none."""
    cv2 = load_opencv()
    before, after = (
        cv2.Canny(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), *CANNY) > 0 for picture in (source, output)
    )
    near = cv2.dilate(after.astype(np.uint8), np.ones((2 * NEAR + 1, 2 * NEAR + 1), np.uint8)) > 0
    return float(near[before].mean()) if before.any() else float("nan")


def flicker(backend: Backend, frames: Iterable[Image]) -> dict[str, float]:
    """Change between neighbouring frames that motion does not explain, of output and source, in 0..255.

    The motion is the optical flow of the *source*, so that a style is not excused by its own unrest; pixels
    that it hides or uncovers are left out.

    Raises:
        TrainingError: there are fewer than two frames.
    """
    drawn = ((frame, backend(frame[None])[0]) for frame in frames)
    changes = [
        [unrest(before, after, flow, seen) for before, after in zip(earlier, later, strict=True)]
        for earlier, later in pairwise(drawn)
        for flow, seen in [motion(earlier[0], later[0])]
        if seen.any()
    ]
    if not changes:
        raise TrainingError("Flicker needs a clip of two frames or more with something in common.")
    source, output = np.mean(changes, axis=0).tolist()
    ratio = output / source if source else float("nan")
    return {"flicker_output": output, "flicker_source": source, "flicker_ratio": ratio}


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


def _draw(backend: Backend, paths: Sequence[Path], report: Report) -> list[tuple[Image, Image]]:
    pairs = []
    for path in paths:
        try:
            photo = read_rgb(path)
        except TrainingError as error:
            report.notes.append(f"Left out: {error}")
            continue
        pairs.append((photo, backend(photo[None].copy())[0]))
    if not pairs:
        raise TrainingError("None of the photos can be read.")
    return pairs


def _frames(clip: Path, count: int) -> Iterator[Image]:
    with open_source(clip) as source:
        yield from (frame.image for frame in islice(source, count))


def _measure_distances(
    report: Report,
    pairs: Sequence[tuple[Image, Image]],
    drawings: Path | None,
    features: Path | None,
    metric_weights: Path | None,
    count: int,
) -> None:
    """How far outputs are from the artist's pictures, and how far the photos were."""
    if drawings is None:
        report.notes.append("Distances to the artist were not measured: they need --style.")
        return
    artist = _squares(read_rgb(path) for path in sample(list_pictures(drawings), count))
    source, output = (_squares(pictures) for pictures in zip(*pairs, strict=True))
    if features:
        network = load_features("vgg16", features)
        for name, pictures in (("output", output), ("source", source)):
            report.figures[f"frechet_vgg16_{name}"] = frechet_of_features(network, pictures, artist)
    else:
        report.notes.append("The Fréchet distance on VGG16 was not measured: it needs --features.")
    if metric_weights:
        report.figures |= inception_distances(metric_weights, output, artist)
    else:
        report.notes.append("FID and KID were not measured: they need --metric-weights.")


def _squares(pictures: Iterable[Image]) -> torch.Tensor:
    """Centre squares as (N, 3, 256, 256) uint8."""
    squares = np.stack([centre_square(picture, SQUARE) for picture in pictures])
    return torch.from_numpy(squares).permute(0, 3, 1, 2)
