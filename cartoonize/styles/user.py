"""Styles of one's own: each a file in the user's data folder, and a record of where it is from.

HOME/styles/NAME.json            the record: which file, its hash, its licence, where it is from
HOME/styles/NAME-HASH.SUFFIX     the file; it counts only if a record names it

A record appears, changes and goes in one step: a style is there whole, or not at all.
"""

import json
import os
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from hashlib import file_digest
from pathlib import Path

from ..core.atomic import AtomicFile
from ..core.choices import did_you_mean
from ..core.errors import MediaError, ModelError, WriteError
from .card import to_printable

HOME_VARIABLE = "CARTOONIZE_HOME"
"""The environment variable that names another folder than the system's for a user's data."""

MAX_NAME = 40  # characters of a name
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FILE = re.compile(r"[a-z0-9-]+\.(safetensors|onnx)")
_MAX_RECORD = 1 << 16  # bytes; ours are under 1 KB


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a style since it was added; `network` and `licence` are sentences for people."""

    file: str
    sha256: str
    source: str  # a path, or an address without what may be secret in it
    licence: str
    network: str
    added: str  # the day, as 2026-05-31


def folder() -> Path:
    """Where the styles are kept; it need not be there yet."""
    told = os.environ.get(HOME_VARIABLE)
    if told:
        return Path(told) / "styles"
    from platformdirs import user_data_path

    return user_data_path("cartoonize", appauthor=False) / "styles"


def names() -> list[str]:
    """The names of what was added, sorted; none where the folder cannot be read."""
    with suppress(OSError):
        return sorted(path.stem for path in folder().glob("*.json") if is_valid_name(path.stem))
    return []


def is_valid_name(text: str) -> bool:
    """Whether it could be the name of a style: lower-case letters, digits, and hyphens between them."""
    return len(text) <= MAX_NAME and bool(_NAME.fullmatch(text))


def suggest_name(text: str) -> str:
    """The name of a style that is most like the text; empty if nothing of it can stay."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:MAX_NAME].strip("-")


def read_record(name: str) -> Record:
    """What is known of a style of one's own.

    Raises:
        ModelError: there is none of the name, or its record is damaged.
    """
    if name not in names():
        raise ModelError(f"You have added no style {name!r}.{did_you_mean(name, names())}")
    path = folder() / f"{name}.json"
    try:
        if path.stat().st_size > _MAX_RECORD:
            raise ValueError
        entries = json.loads(path.read_text(encoding="utf-8"))
        found = Record(**{entry.name: to_printable(entries[entry.name]) for entry in fields(Record)})
        if not _FILE.fullmatch(found.file):
            raise ValueError
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(
            f"The record of your style {name}, {path}, is damaged: `cartoonize styles remove {name}`, and "
            "add it again."
        ) from error
    return found


def verify_file(name: str) -> Path:
    """The file of a style of one's own, which still is what was added.

    Raises:
        ModelError: as `read_record`; or the file is gone, or was changed since.
    """
    known = read_record(name)
    path = folder() / known.file
    try:
        changed = sha256_of(path) != known.sha256
    except OSError as error:
        raise ModelError(f"Cannot read your style {name}, {path}: {error.strerror}.") from error
    if changed:
        raise ModelError(
            f"Your style {name}, {path}, is not what you added: its SHA-256 is another. Add it again from "
            f"{known.source} with --overwrite, or `cartoonize styles remove {name}`."
        )
    return path


def sha256_of(path: Path) -> str:
    """The hash of a file, in hexadecimal; 40 MB take about 0.1 s."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def store(name: str, file: Path, found: Record, *, overwrite: bool) -> None:
    """Move a file, which has to stand in `folder()`, to its place, and write its record.

    Raises:
        MediaError: the name is taken and `overwrite` is false, or the folder cannot be written to.
    """
    earlier = _named_file(name)
    place = folder() / found.file
    try:
        with AtomicFile(folder() / f"{name}.json", overwrite=overwrite) as pending:
            pending.path.write_text(json.dumps(asdict(found), indent=2, ensure_ascii=False), encoding="utf-8")
            file.replace(place)
        if earlier not in (None, place):
            earlier.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError.from_os_error(place, error) from error


def remove(name: str) -> None:
    """Forget a style and delete its file.

    Raises:
        ModelError: there is none of the name.
        MediaError: the system does not let it be deleted.
    """
    if name not in names():
        raise ModelError(f"You have added no style {name!r}.{did_you_mean(name, names())}")
    file = _named_file(name)
    try:
        (folder() / f"{name}.json").unlink()
        if file is not None:
            file.unlink(missing_ok=True)
    except OSError as error:
        raise MediaError(f"Cannot delete your style {name}: {error.strerror}.") from error


def _named_file(name: str) -> Path | None:
    """The file that the record of a name tells of; None where there is no such record, or a damaged one."""
    with suppress(ModelError):
        return folder() / read_record(name).file
    return None
