"""The JSON files of a run. Paths in them may hold any bytes, as file names on Linux do."""

import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ...core.atomic import AtomicFile
from ...core.errors import TrainingError
from ..recipe_files import check_finite

Content = TypeVar("Content")


def write_json(path: Path, content: Any) -> None:
    """Replace a file by a structure of msgspec.

    Raises:
        MediaError: the disk cannot be written.
    """
    # msgspec's own encoder refuses names that are not UTF-8. The standard library escapes them.
    packed = json.dumps(msgspec.to_builtins(content), indent=2)
    with AtomicFile(path, overwrite=True) as pending:
        pending.path.write_text(packed + "\n", encoding="utf-8")


def read_json(path: Path, kind: type[Content], advice: str) -> Content:
    """Read what `write_json` wrote.

    Raises:
        TrainingError: the file is missing or damaged; the error ends with `advice`.
    """
    try:
        content = json.loads(path.read_bytes())
        check_finite(content)
        return msgspec.convert(content, kind)
    except (OSError, ValueError, RecursionError) as error:
        raise TrainingError(f"{path} is damaged: {advice}.") from error
