"""Addresses of files on other machines, such as s3://bucket/name, told from paths."""

import re
from pathlib import PurePath

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(?=[^/])")  # a Path keeps only one of the two slashes


def address_of(path: PurePath) -> str:
    """Return the address that a path was made of; empty if it is a path. Drives of Windows are paths."""
    text = path.as_posix()
    match = _ADDRESS.match(text)
    return f"{match[1]}://{text[match.end() :]}" if match else ""


def unreadable_address_message(address: object) -> str:
    """Return the sentence for the address of anything but a video."""
    return f"{address}: only videos are read from addresses; download the file first."
