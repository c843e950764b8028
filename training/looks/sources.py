"""The artist's pictures: single files, folders, and frames of the scenes of films."""

import math
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from ... import media  # reading videos needs PyAV, which is imported at the first use
from ...core.draw_size import NORMAL_LINES
from ...core.errors import TrainingError
from ...media import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from ..frames import Extraction, ExtractionCount, list_films
from ..pictures import list_files, list_pictures

FRAMES = 300  # smallest number taken from all films together, before near-duplicates are removed
MIN_SPACING = 0.5  # smallest time between two frames of a scene, in seconds


@dataclass(slots=True)
class ArtistSources:
    """Films, and lists of pictures with the folder that their names are relative to."""

    films: list[Path] = field(default_factory=list)
    folders: list[tuple[Path, list[Path]]] = field(default_factory=list)


def sort_sources(sources: Sequence[Path]) -> ArtistSources:
    """Sort sources into films, pictures and folders of pictures.

    Raises:
        TrainingError: a source does not exist, or holds neither films nor pictures.
    """
    artist = ArtistSources()
    for source in sources:
        suffix = source.suffix.lower()
        if source.is_file() and suffix in VIDEO_SUFFIXES:
            artist.films.append(source)
        elif source.is_file() and suffix in PICTURE_SUFFIXES:
            artist.folders.append((source.parent, [source]))
        elif source.is_file():
            raise TrainingError(f"{source} is neither a film, nor a picture, nor a folder of them.")
        else:
            films = list_films(source)
            artist.films += films
            if not films or list_files(source, PICTURE_SUFFIXES):
                artist.folders.append((source, list_pictures(source)))
    return artist


def extract_frames(films: Sequence[Path], out: Path) -> Iterator[ExtractionCount]:
    """Write frames of each scene of the films to `out`: one, or several of a long scene if there are few.

    Yields the count of each film.

    Raises:
        TrainingError: a film cannot be read, or the disk cannot be written.
    """
    lines, seconds = [], 0.0
    for film in films:
        with closing(media.VideoSource(film)) as source:
            lines.append(min(source.video.width, source.video.height))
            seconds += source.measure_duration() or 0.0
    spacing = max(MIN_SPACING, seconds / FRAMES) if seconds else math.inf
    yield from Extraction(out, min(NORMAL_LINES, *lines), spacing=spacing).run(films)


@contextmanager
def open_pictures(sources: Sequence[Path]) -> Iterator[list[Path]]:
    """The pictures of all sources; frames of films are extracted to a temporary folder.

    Raises:
        TrainingError: a source does not exist, holds neither pictures nor films, or cannot be read.
    """
    artist = sort_sources(sources)
    with TemporaryDirectory(prefix="cartoonize-look-") as scratch:
        out = Path(scratch)
        if artist.films and not any(count.kept for count in list(extract_frames(artist.films, out))):
            names = ", ".join(film.name for film in artist.films)
            raise TrainingError(f"{names}: no frames to measure, as all of them are blank or damaged.")
        yield sorted(out.glob("*.png")) + [path for _, pictures in artist.folders for path in pictures]
