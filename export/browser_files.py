"""The files with which browsers draw: a module, the page `try`, and styles.json. No PyTorch is imported.

The module, in the folder browser/, loads ONNX Runtime Web, whose address and hashes are in library.json, and
the styles that styles.json names. The page is in browser/page/; `cartoonize web` has it too.
"""

import io
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..core.sample_photos import open_photo
from ..styles import builtin_styles
from ..styles.card import Card, int8_path, read_header
from .checks import WEB_FOLDER

BROWSER = Path(__file__).parent / "browser"
MODULE = ("cartoonize.js", "draw_size.js", "interpolation.js", "loader.js", "remote.js", "worker.js")
"""The files of the module, in BROWSER."""
EXAMPLE = ("index.html", "example.css", "example.js")
"""The files of the example page of `export-web`, in BROWSER."""
MANIFEST = WEB_FOLDER.marker


def browser_styles() -> dict[str, Path]:
    """Return the names and files of the built-in styles in 8-bit integers: other files are large and slow."""
    return {name: path for name, path in builtin_styles().items() if int8_path(path).is_file()}


def page_files(exported: Collection[Path] = (), library: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file of the page `try`.

    Args:
        exported: float files of the styles, NAME.onnx, for browsers with WebGPU.
        library: see `manifest`.
    """
    styles = browser_styles()
    previews = [path.with_suffix(".webp") for path in styles.values()]
    beside = [file for file in (*previews, *map(int8_path, styles.values()), *exported) if file.is_file()]
    page = sorted((BROWSER / "page").iterdir())
    for file in (*page, *(BROWSER / name for name in MODULE), *beside):
        yield file.name, file.read_bytes()
    cards = {name: read_header(path).card for name, path in styles.items()}
    yield MANIFEST, manifest(cards, {file.name: file.stat().st_size for file in beside}, library).encode()
    photo = io.BytesIO()
    open_photo("astronaut.png").save(photo, "webp", quality=80)
    yield "example.webp", photo.getvalue()


def manifest(cards: Mapping[str, Card], sizes: Mapping[str, int], library: str = "") -> str:
    """Return the text of styles.json.

    Args:
        cards: the card of each style by its name.
        sizes: the bytes of each file beside styles.json, by its name. A style is drawn in integers if
            NAME.int8.onnx is among them, and by WebGPU if NAME.onnx is. NAME.webp is its preview.
        library: the folder or address of ONNX Runtime Web; its CDN by default.
    """
    styles: dict[str, Any] = {}
    for name, card in cards.items():
        styles[name] = {"summary": card.summary, "licence": card.licence, "credit": card.credit}
        if f"{name}.webp" in sizes:
            styles[name]["preview"] = quote(f"{name}.webp")
        for key, file in (("int8", f"{name}.int8.onnx"), ("float", f"{name}.onnx")):
            if file in sizes:
                styles[name][key] = {"file": quote(file), "bytes": sizes[file]}
    described = read_library()
    return json.dumps(
        {"library": described | {"url": library or described["url"]}, "styles": styles}, indent=4
    )


def read_library() -> dict[str, Any]:
    """Return what library.json says: the version of ONNX Runtime Web, its address, hashes of its files."""
    library: dict[str, Any] = json.loads((BROWSER / "library.json").read_text(encoding="utf-8"))
    return library
