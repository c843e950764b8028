"""Copies ONNX Runtime Web from npm into the folder `library`, beside the page: python docs/try/vendor.py.

Without it the page loads these files from a public CDN. With `--webgpu` it also writes the float files of the
styles, which browsers with WebGPU prefer. None of these files is committed.
"""

import argparse
import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from cartoonize.export.browser_files import browser_styles, read_library


def copy_library(folder: Path) -> None:
    """Copy the files of the library into `folder`, if all have the hashes of library.json.

    Raises:
        RuntimeError: npm cannot fetch the package, or a file has another hash.
    """
    library = read_library()
    hashes = library["files"]
    package = f"{library['name']}@{library['version']}"
    contents = read_package(package, [f"dist/{name}" for name in hashes])
    for (name, wanted), content in zip(hashes.items(), contents, strict=True):
        if integrity(content) != wanted:
            raise RuntimeError(f"{name} of {package} has another hash than in library.json.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in zip(hashes, contents, strict=True):
        (folder / name).write_bytes(content)


def read_package(package: str, names: list[str]) -> list[bytes]:
    """Fetch NAME@VERSION from npm, and return the contents of some of its files.

    Raises:
        RuntimeError: npm cannot fetch it, or it does not have these files.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("npm is missing: install Node.js.")
    with tempfile.TemporaryDirectory() as work:
        command = [npm, "pack", "--silent", package]
        packed = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)  # noqa: S603
        archives = list(Path(work).glob("*.tgz"))
        if packed.returncode or not archives:
            raise RuntimeError(f"npm cannot fetch {package}: {packed.stderr.strip()}")
        with tarfile.open(archives[0]) as files:
            try:
                members = [files.extractfile(f"package/{name}") for name in names]
            except KeyError as error:
                raise RuntimeError(f"{package} has other files: {error}.") from error
            return [member.read() if member else b"" for member in members]


def integrity(content: bytes) -> str:
    """Return the hash of a file as browsers expect it."""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def main() -> None:
    """Copy the library, and export the float files if they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--webgpu", action="store_true", help="write the float files of the styles too")
    arguments = parser.parse_args()
    here = Path(__file__).parent
    copy_library(here / "library")
    if arguments.webgpu:
        from cartoonize.export.onnx import export_onnx

        for style in browser_styles():
            export_onnx(style, here / f"{style}.onnx", overwrite=True)


if __name__ == "__main__":
    main()
