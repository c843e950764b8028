"""Makes the pictures of the documentation, and the previews of the built-in styles.

    python docs/gallery.py                  all of them
    python docs/gallery.py styles moving    some: styles, previews, looks, moving, terminal

The photos are those of the demo. They come with scikit-image, and docs/gallery.md credits them. Run this
script if a style was added or changed, and look at every picture.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from fractions import Fraction
from importlib.resources import files
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image as Pillow

from cartoonize import Frame, Look, Retouch, load, stream
from cartoonize.core.draw_size import draw_picture, resize
from cartoonize.core.frames import Backend, Image
from cartoonize.run.preview import Cell, draw_sheet, draw_style_sheet
from cartoonize.styles import DEFAULT, builtin_styles
from cartoonize.tools.demo import FADE, RATE, SHOT, make_demo_clip, render_frames

SUBJECTS = {
    "astronaut": "astronaut.png",
    "coffee": "coffee.png",
    "cat": "chelsea.png",
    "rocket": "rocket.jpg",
}
OUT = Path(__file__).parent / "images"
STYLE_SIDE = 280  # pixels of a drawing on a sheet of styles; the photo is twice as large
FRAMES = 6
MOVING = (*range(2 * SHOT + FADE, 3 * SHOT), *range(SHOT))  # frames of the demo's clip: the astronaut, coffee
MOVING_SIZE = (416, 234)
COLUMNS = 80


def styles() -> None:
    """Each subject as it is and in every style."""
    with ExitStack() as stack:
        backends = {name: stack.enter_context(load(name, device="cpu")) for name in builtin_styles()}
        for name, file in SUBJECTS.items():
            photo = read(file)
            drawings = [Cell((draw_picture(backend, photo),), style) for style, backend in backends.items()]
            made = draw_style_sheet(Cell((photo,), "photo"), drawings, side=STYLE_SIDE)
            save(np.asarray(made), f"gallery-{name}.webp")


def previews() -> None:
    """A face before and after, for the card of each style."""
    photo, face = read("astronaut.png"), np.s_[:256, 100:356]
    for name, path in builtin_styles().items():
        with load(name, device="cpu") as backend:
            pair = np.hstack([photo[face], draw_picture(backend, photo)[face]])
        Pillow.fromarray(pair).save(Path(path).with_suffix(".webp"), quality=60, method=6)


def looks() -> None:
    """The options that change a look, on one subject each, and consecutive frames."""
    astronaut, coffee, cat = map(read, ("astronaut.png", "coffee.png", "chelsea.png"))
    with load(DEFAULT, device="cpu") as backend:
        drawn = {name: draw_picture(backend, photo) for name, photo in (("coffee", coffee), ("cat", cat))}
        strengths = {f"--strength {x}": retouch(cat, drawn["cat"], strength=x) for x in (0.0, 0.3, 0.6, 1.0)}
        save(sheet(strengths), "strength.webp")
        save(
            sheet({
                "photo": coffee,
                "without": drawn["coffee"],
                "--keep-colour": retouch(coffee, drawn["coffee"], keep_colour=True),
            }, columns=3),
            "keep-colour.webp",
        )  # fmt: skip
        save(retouch(cat, drawn["cat"], compare="split"), "split.webp")
        save(details(backend, astronaut), "detail.webp")
        save(consecutive(backend), "gallery-frames.webp")


def moving() -> None:
    """Clips: before and after, and with drawings that are held."""
    with load(DEFAULT, device="cpu") as backend:
        wipe = convert(MOVING, backend, Look(retouch=Retouch(compare="wipe")))
        save_clip([frame.image for frame in wipe[::3]], "before-after.webp", milliseconds=125)
        second = MOVING[:RATE]
        ones, twos = convert(second, backend, Look()), convert(second, backend, Look(hold=2))
        pairs = [np.hstack([one.image, two.image]) for one, two in zip(ones, twos, strict=True)]
        save_clip(pairs, "on-twos.webp", milliseconds=42, size=(340, 96))


def terminal() -> None:
    """The terminal while a video is converted."""
    from rich._export_format import CONSOLE_SVG_FORMAT
    from rich.console import Console
    from rich.text import Text

    with TemporaryDirectory() as folder:
        make_demo_clip(Path(folder) / "holiday.mp4", 1280, 720)
        printed = record(["video", "holiday.mp4", "cartoon.mp4"], Path(folder))
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    console.print("$ cartoonize video holiday.mp4 cartoon.mp4")
    for line in printed:
        console.print(Text.from_ansi(line))
    # The site loads nothing from other servers.
    template = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    text = console.export_svg(title="cartoonize video", code_format=template, unique_id="terminal")
    (OUT / "terminal.svg").write_text(text.rstrip() + "\n", encoding="utf-8")


def record(arguments: Sequence[str], folder: Path) -> list[str]:
    """Run the program in a terminal; return its lines as they were halfway, and the last line."""
    import pty

    main, child = pty.openpty()
    size = {"COLUMNS": str(COLUMNS), "LINES": "24", "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "cartoonize", *arguments]
    with subprocess.Popen(command, cwd=folder, env=os.environ | size, stdout=child, stderr=child):  # noqa: S603
        os.close(child)
        output = b""
        try:
            while chunk := os.read(main, 1 << 16):
                output += chunk
        except OSError:  # the end of a terminal
            pass
    os.close(main)
    states = re.split(r"[\r\n]+", re.sub(r"\x1b\[\??\d*[A-Zhl]", "", output.decode()))
    bars = [state for state in states if "frames" in state and "/s" in state and "━" in state]
    words = [state for state in states if state.strip() and "━" not in state and "Loading" not in state]
    return [words[0], bars[len(bars) // 2], words[-1]]


def read(file: str) -> Image:
    """Return a photo of scikit-image as RGB."""
    with files("skimage").joinpath("data", file).open("rb") as opened:
        return np.array(Pillow.open(opened).convert("RGB"))


def retouch(photo: Image, drawing: Image, **options: Any) -> Image:
    """Return a drawing as `cartoonize image` writes it with these options."""
    retouched = Retouch(**options)(Frame(photo, 0), Frame(drawing, 0))
    assert retouched is not None  # only effects that hold frames return none
    return retouched.image


def convert(numbers: Sequence[int], backend: Backend, look: Look) -> list[Frame]:
    """Return frames of the demo's clip as `cartoonize video` writes them with a look."""
    pictures = dict(enumerate(islice(render_frames(1280, 720), max(numbers) + 1)))
    images = (np.asarray(pictures[number]) for number in numbers)
    source = (Frame(image, n, Fraction(1, RATE), 1) for n, image in enumerate(images))
    with closing(stream(source, backend, batch=4, effects=look.effects())) as frames:
        return list(frames)


def consecutive(backend: Backend) -> Image:
    """Return drawings of consecutive frames of the demo's clip, from the middle of a camera move."""
    frames = [np.asarray(p) for p in islice(render_frames(), SHOT + 20, SHOT + 20 + FRAMES)]
    drawn = {f"frame {n + 1}": draw_picture(backend, frame)[:300, 170:470] for n, frame in enumerate(frames)}
    return sheet(drawn)


def details(backend: Backend, photo: Image) -> Image:
    """Return one crop of a photo at 2160 and at 360 lines: the source, and at each detail."""
    cells = {}
    for lines in (2160, 360):
        large = resize(photo, (lines, lines))
        crop = np.s_[: lines // 2, lines // 4 : lines * 3 // 4]
        drawn = {detail: draw_picture(backend, large, detail) for detail in ("full", "high", "normal", "low")}
        for label, picture in {"source": large, **drawn}.items():
            cells[f"{lines} lines, {label}"] = resize(picture[crop], (260, 260))
    return sheet(cells, columns=5)


def sheet(pictures: dict[str, Image], columns: int | None = None) -> Image:
    """Arrange pictures of one size in rows, each with its name below."""
    cells = [Cell((picture,), name) for name, picture in pictures.items()]
    return np.asarray(draw_sheet(cells, columns=columns))


def save(picture: Image, name: str) -> None:
    """Save a WebP that is small enough for a repository."""
    Pillow.fromarray(picture).save(OUT / name, quality=34, method=6)


def save_clip(
    pictures: Sequence[Image], name: str, *, milliseconds: int, size: tuple[int, int] = MOVING_SIZE
) -> None:
    """Save an animated WebP that repeats."""
    first, *rest = [Pillow.fromarray(picture).resize(size, Pillow.Resampling.LANCZOS) for picture in pictures]
    first.save(
        OUT / name, save_all=True, append_images=rest, duration=milliseconds, loop=0, quality=18, method=6
    )


GROUPS: dict[str, Callable[[], None]] = {
    "styles": styles, "previews": previews, "looks": looks, "moving": moving, "terminal": terminal
}  # fmt: skip


if __name__ == "__main__":
    for group in sys.argv[1:] or GROUPS:
        GROUPS[group]()
