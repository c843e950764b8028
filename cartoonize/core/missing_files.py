"""The message about a file that does not exist."""

from pathlib import Path

from .choices import did_you_mean


def missing_file_message(path: object) -> str:
    """Return the sentence for a missing path, with the most similar name in its folder, if there is one.

    Of addresses, such as s3://bucket/name, no folder is listed. Of a link, its target is missing.
    """
    if not isinstance(path, Path):
        return f"There is no file {path}."
    if path.is_symlink():
        return f"{path} is a link to a file that does not exist."
    try:
        neighbours = [neighbour.name for neighbour in path.parent.iterdir()]
    except OSError:
        neighbours = []
    return f"There is no file or folder {path}.{did_you_mean(path.name, neighbours)}"
