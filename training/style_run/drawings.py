"""Step: collect the artist's pictures, from films by their scenes, and from folders."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

from PIL import Image as Pillow

from ...core import cpus
from ...core.atomic import AtomicFile
from ...core.draw_size import NORMAL_LINES
from ...core.errors import TrainingError
from ...media import PICTURE_SUFFIXES, VIDEO_SUFFIXES, VideoSource
from ..frames import Extraction, list_films
from ..pairs import name_photos
from ..parallel import disk_errors
from ..pictures import list_pictures, read_rgb
from .step import Display, Step
from .workspace import Workspace

FEWEST = 8  # drawings: a batch of the discriminator
FEW = 50  # drawings below which the look is measured poorly
FRAMES = 300  # to take from all films together, at least, if near-duplicates are not counted
CLOSEST = 0.5  # seconds between two frames of a scene, at least


class CollectDrawings(Step):
    """Fill RUN/drawings from the films, pictures and folders of --style."""

    name, title = "drawings", "Collecting the artist's drawings"

    def is_wanted(self, workspace: Workspace) -> bool:
        """Unless the style is a look without an artist."""
        return bool(workspace.options.styles)

    def estimate(self, workspace: Workspace) -> float | None:  # noqa: ARG002  # the films' length is not known yet
        """Unknown."""
        return None

    def run(self, workspace: Workspace, display: Display) -> None:
        """Extract frames, and copy pictures."""
        films, folders = _sort_sources(workspace.options.styles)
        if films:
            _extract_frames(films, workspace.drawings / "films", display)
        for number, (root, pictures) in enumerate(folders):
            out = workspace.drawings / f"{number:02d}"
            for done, _ in enumerate(store_pictures(pictures, root, out, NORMAL_LINES), 1):
                display.show_pictures(done, len(pictures))
        count = len(list_pictures(workspace.drawings))
        if count < FEWEST:
            raise TrainingError(
                f"--style holds {count} usable drawings, and a style needs at least {FEWEST}, better {FEW}: "
                f"add drawings, or films with more scenes."
            )
        few = f" More than {FEW} would describe the style better." if count < FEW else ""
        display.show_note(f"{count} drawings to learn from.{few}")


def _sort_sources(sources: Sequence[Path]) -> tuple[list[Path], list[tuple[Path, list[Path]]]]:
    """The films, and the pictures with the folder that their names are relative to.

    Raises:
        TrainingError: a source does not exist, or holds neither films nor pictures.
    """
    films: list[Path] = []
    folders = []
    for source in sources:
        suffix = source.suffix.lower()
        if source.is_dir():
            found = list_films(source)
            films += found
            if not found or _has_pictures(source):
                folders.append((source, list_pictures(source)))
        elif source.is_file() and suffix in VIDEO_SUFFIXES:
            films.append(source)
        elif source.is_file() and suffix in PICTURE_SUFFIXES:
            folders.append((source.parent, [source]))
        else:
            raise TrainingError(f"--style {source} is neither a film, nor a picture, nor a folder of them.")
    return films, folders


def _has_pictures(folder: Path) -> bool:
    return any(path.suffix.lower() in PICTURE_SUFFIXES for path in folder.rglob("[!.]*"))


def _extract_frames(films: Sequence[Path], out: Path, display: Display) -> None:
    """Write frames of the films to `out`, unless an earlier run did."""
    if (out / "manifest.csv").exists():
        return
    lines, seconds = [], 0.0
    for film in films:
        with closing(VideoSource(film)) as source:
            lines.append(min(source.video.width, source.video.height))
            seconds += source.measure_duration() or 0.0
    spacing = max(CLOSEST, seconds / FRAMES) if seconds else math.inf
    extraction = Extraction(out, min(NORMAL_LINES, *lines), spacing=spacing)
    for done, count in enumerate(extraction.run(films), 1):
        display.show_pictures(done, len(films))
        display.show_note(
            f"{count.film.name}: {count.scenes} scenes, {count.kept} frames kept, {count.blank} blank, "
            f"{count.repeated} repeated, {count.failed} damaged."
        )


def store_pictures(pictures: Sequence[Path], root: Path, out: Path, lines: int) -> Iterator[bool]:
    """Copy pictures below `root` to `out` as PNG files of at most `lines` lines; those that exist are kept.

    Yields whether each could be read.

    Raises:
        TrainingError: the disk cannot be written.
    """
    copies = [out / f"{name}.png" for name in name_photos(root, pictures).values()]
    with disk_errors(), ThreadPoolExecutor(cpus.count_cores()) as pool:
        for copy in copies:
            copy.parent.mkdir(parents=True, exist_ok=True)
        yield from pool.map(partial(_store_picture, lines=lines), pictures, copies)


def _store_picture(path: Path, copy: Path, lines: int) -> bool:
    if copy.exists():
        return True
    try:
        picture = read_rgb(path, lines)
    except TrainingError:
        return False
    with AtomicFile(copy, overwrite=True) as pending:
        Pillow.fromarray(picture).save(pending.path, compress_level=1)
    return True
