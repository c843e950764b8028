"""Step: collect the artist's pictures, from films by their scenes, and from folders."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from ...core import cpus
from ...core.draw_size import NORMAL_LINES
from ...core.errors import TrainingError
from ..errors import disk_errors
from ..looks.sources import extract_frames, sort_sources
from ..pictures import list_pictures, read_rgb, save_png
from ..targets.pairs import name_photos
from .step import Display, Step
from .workspace import Workspace

FEWEST = 8  # drawings: a batch of the discriminator
FEW = 50  # drawings below which the look is measured poorly


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
        artist = sort_sources(workspace.options.styles)
        if artist.films:
            _extract_frames(artist.films, workspace.drawings / "films", display)
        for number, (root, pictures) in enumerate(artist.folders):
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


def _extract_frames(films: Sequence[Path], out: Path, display: Display) -> None:
    """Write frames of the films to `out`, unless an earlier run did."""
    if (out / "manifest.csv").exists():
        return
    for done, count in enumerate(extract_frames(films, out), 1):
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
        yield from pool.map(partial(_store_picture, lines=lines), pictures, copies)


def _store_picture(path: Path, copy: Path, lines: int) -> bool:
    if copy.exists():
        return True
    try:
        picture = read_rgb(path, lines)
    except TrainingError:
        return False
    save_png(picture, copy)
    return True
