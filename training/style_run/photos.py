"""Step: choose the photos to learn from and those to measure by, and how each is enlarged.

Networks draw at 720 lines. Small photos are soft at that size: they teach faces and scenes at their own size
and at twice it. Large ones are reduced, and teach real detail. A third of the versions are of large photos,
if there are any.
"""

import math
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
from msgspec import Struct

from ...core.draw_size import NORMAL_LINES
from ...core.errors import TrainingError
from ..pictures import list_pictures, read_size
from ..recipe import AboveZero, Scale
from ..targets.pairs import MOST_PIXELS, Version
from .drawings import store_pictures
from .json_files import read_json, write_json
from .step import Display, Step
from .workspace import Workspace

FILE = "photos.json"
ENOUGH = 200  # photos: the documented minimum
FEWEST = 8
SMALLEST = 160  # lines: a crop of the trainings
LARGE = 480  # lines from which a photo has real detail at the size of drawings
LARGE_LINES = (540, NORMAL_LINES)  # to which large photos are reduced
ENLARGED_EVERY = 3  # every third small photo is also enlarged twofold
LONGEST_STEM = 100  # bytes
HELD_BACK = 10  # every tenth photo is held back ...
MOST_HELD_BACK = 100  # ... but no more than these


class Choice(Struct):
    """A version of a photo, with its size in megapixels."""

    photo: str
    name: str
    scale: Scale
    megapixels: AboveZero

    def __post_init__(self) -> None:
        if Path(self.name).name != self.name:  # the files of the pair would leave the run folder
            raise ValueError(f"{self.name!r} is not the name of a file")

    def version(self) -> Version:
        """The version, as pairs are made from it."""
        return Version(Path(self.photo), self.name, self.scale)


class ChoosePhotos(Step):
    """Write RUN/photos.json, and copy the held-back photos."""

    name, title = "photos", "Choosing photos"

    def estimate(self, workspace: Workspace) -> float:  # noqa: ARG002  # it is quick
        """A moment."""
        return 5.0

    def run(self, workspace: Workspace, display: Display) -> None:
        """List the photos, and shuffle them by the seed."""
        folders = workspace.options.photos
        if not folders:
            raise TrainingError(
                f"Name a folder of photos by --photos, with {ENOUGH} or more of what you want to convert: "
                f"people, rooms, streets, nature. Your own will do, and they stay on this computer. Free "
                f"collections are Open Images, Unsplash Lite and COCO: see Photos in docs/training.md."
            )
        listed = [(folder, path) for folder in folders for path in list_pictures(folder)]
        order = np.random.default_rng(workspace.options.seed).permutation(len(listed))
        shuffled = [listed[number] for number in order]
        count = min(MOST_HELD_BACK, max(2, len(shuffled) // HELD_BACK))
        for number, folder in enumerate(folders):
            paths = [path for root, path in shuffled[:count] if root == folder]
            list(store_pictures(paths, folder, workspace.held_back / f"{number:02d}", NORMAL_LINES))
        choices = choose_versions([path for _, path in shuffled[count:]])
        _check_number(len({choice.photo for choice in choices}), count, display)
        write_json(workspace.folder / FILE, choices)


def _check_number(learned: int, held_back: int, display: Display) -> None:
    if learned < FEWEST:
        raise TrainingError(
            f"There are {learned} photos of {SMALLEST} lines or more to learn from, and a style needs at "
            f"least {FEWEST}, better {ENOUGH}: name more folders by --photos."
        )
    if learned + held_back < ENOUGH:
        display.show_note(
            f"{learned + held_back} photos are few: a style that learned from fewer than {ENOUGH} draws "
            f"other photos worse. --photos may be repeated."
        )


def choose_versions(photos: list[Path]) -> list[Choice]:
    """The versions of the photos, in the order in which a run redraws them until its time is over."""
    small: list[Choice] = []
    large: list[Choice] = []
    for number, path in enumerate(photos):
        size = read_size(path)
        lines = min(size)
        if lines < SMALLEST:
            continue
        if lines >= LARGE:
            scales = [min(goal / lines, 4 / 3) for goal in LARGE_LINES]
        else:
            scales = [1.0, 2.0] if number % ENLARGED_EVERY == 0 else [1.0]
        largest = math.sqrt(MOST_PIXELS / (size[0] * size[1]))
        distinct: dict[float, float] = {}  # by the scale that is drawn: a panorama's are both reduced
        for scale in scales:
            distinct.setdefault(min(scale, largest), scale)
        group = large if lines >= LARGE else small
        name = f"{number:05d}-{_short(path.stem)}"
        group += [
            Choice(str(path), name, scale, size[0] * size[1] * scale**2 / 1e6) for scale in distinct.values()
        ]
    return interleave(small, large)


def _short(stem: str) -> str:
    """A stem that leaves room for more in the name of a file, which has up to 255 bytes."""
    return stem.encode(errors="replace")[:LONGEST_STEM].decode(errors="ignore")


def interleave(small: list[Choice], large: list[Choice]) -> list[Choice]:
    """Alternate two small ones and one large one; the remaining ones follow."""
    pairs = zip_longest(small[::2], small[1::2], large)
    return [choice for choice in chain.from_iterable(pairs) if choice is not None]


def read_choices(folder: Path) -> list[Choice]:
    """The versions that `ChoosePhotos` wrote.

    Raises:
        TrainingError: the file is damaged.
    """
    advice = "name another --run"
    choices = read_json(folder / FILE, list[Choice], advice)
    if not choices:
        raise TrainingError(f"{folder / FILE} is damaged: {advice}.")
    return choices
