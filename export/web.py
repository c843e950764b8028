"""A style for web pages: its ONNX files, the module that draws with them in browsers, and an example page."""

import shutil
from pathlib import Path

from ..core.atomic_folder import atomic_folder
from ..styles.card import Header, int8_path, read_header
from ..styles.user import sha256_of
from .browser_files import BROWSER, EXAMPLE, MANIFEST, MODULE, manifest
from .checks import WEB_FOLDER, check_folder_export
from .onnx import export_onnx


def export_web(style: str, folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Write a folder that draws with a style in browsers, from any web server; return its files.

    Args:
        style: a built-in name, a style file or a run folder.
        folder: the folder to write; it appears only when it is complete.
        overwrite: replace an earlier folder of this kind.

    Raises:
        ModelError: there is no such style, its file is damaged, or the exported network disagrees.
        MediaError: `folder` exists already or cannot be written.
        BackendError: the packages that write ONNX files are not installed.
    """
    path = check_folder_export(style, folder, WEB_FOLDER, overwrite=overwrite)
    header = read_header(path)
    name = path.resolve().parent.name if path.stem == "style" else path.stem
    with atomic_folder(folder, WEB_FOLDER, overwrite=overwrite) as written:
        for file in (*MODULE, *EXAMPLE):
            shutil.copy(BROWSER / file, written / file)
        export_onnx(style, written / f"{name}.onnx")
        _write_int8(style, path, header, written / f"{name}.int8.onnx")
        sizes = {file.name: file.stat().st_size for file in written.iterdir()}
        (written / MANIFEST).write_text(manifest({name: header.card}, sizes), encoding="utf-8")
    return sorted(folder.iterdir())


def _write_int8(style: str, path: Path, header: Header, target: Path) -> None:
    """Copy the style's own int8 file, or write one; only swift networks can have one."""
    own = int8_path(path)
    if header.int8_sha256 and own.is_file() and sha256_of(own) == header.int8_sha256:
        shutil.copy(own, target)
    elif header.architecture == "swift":
        export_onnx(style, target, precision="int8")
