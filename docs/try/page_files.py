"""The files that the page `try` needs beside those of its folder, as a hook of MkDocs (see mkdocs.yml)."""

import io
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from PIL import Image
from skimage import data

from cartoonize.export.web import BROWSER, MANIFEST, MODULE, manifest
from cartoonize.styles import builtin_styles
from cartoonize.styles.card import read_header

STYLES = ("pepper", "ink")
"""The styles of the page: those in 8-bit integers, as other files are large and slow."""
FOLDER = Path(__file__).parent
LIBRARY = "library"
"""The folder in which vendor.py puts ONNX Runtime Web."""


def generated_files() -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file: module, styles, previews, styles.json, example photo."""
    for name in MODULE:
        yield name, (BROWSER / name).read_bytes()
    styles = {name: path for name, path in builtin_styles().items() if name in STYLES}
    for path in styles.values():
        for suffix in (".int8.onnx", ".webp"):
            yield path.stem + suffix, path.with_suffix(suffix).read_bytes()
    files = [f"{name}.int8.onnx" for name in styles] + [path.name for path in FOLDER.glob("*.onnx")]
    cards = {name: read_header(path).card for name, path in styles.items()}
    library = f"{LIBRARY}/" if (FOLDER / LIBRARY).is_dir() else ""
    yield MANIFEST, manifest(cards, files, library).encode()
    photo = io.BytesIO()
    Image.fromarray(data.astronaut()).save(photo, "webp", quality=80)
    yield "example.webp", photo.getvalue()


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files to the site."""
    for name, content in generated_files():
        files.append(File.generated(config, f"try/{name}", content=content))
    return files
