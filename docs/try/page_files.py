"""A hook of mkdocs: puts the page `try` into the documentation (see export/browser_files.py)."""

from pathlib import Path
from typing import Any

from cartoonize.export.browser_files import page_files

FOLDER = Path(__file__).parent
LIBRARY = "library"
"""The folder in which vendor.py puts ONNX Runtime Web."""


def on_files(files: Any, config: Any) -> Any:
    """Add the files of the page to the site; mkdocs calls this."""
    from mkdocs.structure.files import File

    library = f"{LIBRARY}/" if (FOLDER / LIBRARY).is_dir() else ""
    for name, content in page_files(sorted(FOLDER.glob("*.onnx")), library):
        files.append(File.generated(config, f"try/{name}", content=content))
    return files
