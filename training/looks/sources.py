"""The pictures that a look is measured from: of folders, files of pictures, frames of films."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ...core.draw_size import NORMAL_LINES
from ...core.errors import TrainingError
from ...media import PICTURE_SUFFIXES, VIDEO_SUFFIXES, VideoSource
from ..frames import Extraction, list_films
from ..pictures import list_pictures


@contextmanager
def open_pictures(sources: Sequence[Path]) -> Iterator[list[Path]]:
    """The pictures of all sources; frames of films, one per scene, are extracted to a temporary folder.

    Raises:
        TrainingError: a source does not exist, holds neither pictures nor films, or cannot be read.
    """
    with TemporaryDirectory(prefix="cartoonize-look-") as scratch:
        pictures: list[Path] = []
        for number, source in enumerate(sources):
            films = [source] if source.suffix.lower() in VIDEO_SUFFIXES else list_films(source)
            for film in films if source.exists() else []:
                pictures += _extract_frames(film, Path(scratch) / f"{number}-{len(pictures)}")
            if source.is_file() and source.suffix.lower() in PICTURE_SUFFIXES:
                pictures.append(source)
            elif not films or not source.exists():
                pictures += list_pictures(source)
        yield pictures


def _extract_frames(film: Path, out: Path) -> list[Path]:
    """Frames of a film, one per scene, as files in `out`.

    Raises:
        TrainingError: no frame could be extracted.
    """
    with VideoSource(film) as video:
        size = min(NORMAL_LINES, *next(iter(video)).image.shape[:2])
    list(Extraction(out, size).run([film]))
    frames = sorted(out.glob("*.png"))
    if not frames:
        raise TrainingError(f"{film} has no frames to measure: all of them are blank or damaged.")
    return frames
