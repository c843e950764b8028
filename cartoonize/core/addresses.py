"""Distinguishes paths from addresses of files, such as s3://bucket/name."""

import re
from pathlib import Path, PurePath

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(?=[^/])")  # a Path keeps only one of the two slashes
_LOCAL_SCHEMES = {"file", "local"}  # fsspec's names for this machine


def address_of(path: PurePath) -> str:
    """Return the address that a path was made of; empty if it is a path.

    Drives of Windows are paths, and so are the files of this machine, file:///tmp/a.mp4: see `local_path`.
    """
    text = path.as_posix()
    match = _ADDRESS.match(text)
    return f"{match[1]}://{text[match.end() :]}" if match and match[1] not in _LOCAL_SCHEMES else ""


def local_path(path: Path) -> Path:
    """Return the path behind file:// or local://; any other path as it is."""
    text = path.as_posix()
    match = _ADDRESS.match(text)
    return Path("/", text[match.end() :]) if match and match[1] in _LOCAL_SCHEMES else path


def unreadable_address_message(address: object) -> str:
    """Return the sentence for the address of anything but a video."""
    return f"{address}: only videos are read from addresses; download the file first."


def local_address_message(path: Path) -> str:
    """Return the sentence for a file:// address where a path is needed."""
    return f"{path}: this is an address on this machine; write its path, {local_path(path)}."
