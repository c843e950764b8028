"""Styles that the user added: each is a file in the user's data folder, and a record of its origin.

HOME/styles/NAME.json            the record: the file, its hash, its licence, its origin
HOME/styles/NAME-HASH.SUFFIX     the file; without a record that names it, it is ignored
HOME/styles/NAME-HASH.int8.onnx  its int8 file, if it has one

Records are created, changed and deleted in one step, so that a style is complete or does not exist.
"""

import errno
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from hashlib import file_digest
from pathlib import Path

from ..core.atomic import AtomicFile
from ..core.errors import MediaError, ModelError, WriteError
from ..core.messages import did_you_mean
from ..core.safe_files import is_device_name
from .card import int8_path, to_printable

HOME_VARIABLE = "CARTOONIZE_HOME"
"""The environment variable that names a folder for the user's data, in place of the system's."""

MAX_NAME = 40  # characters of a name
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FILE = re.compile(r"[a-z0-9-]+\.(safetensors|onnx)")
_MAX_RECORD = 1 << 16  # bytes; ours are under 1 KB
_NO_FILE = {errno.ENOENT, errno.ELOOP}  # of links that lead nowhere or in a circle


@dataclass(frozen=True, slots=True)
class Record:
    """The record of a style from when it was added. `network` and `licence` are sentences for people.

    `int8_sha256` is the hash of the int8 file that was added with it; empty without one.
    """

    file: str
    sha256: str
    source: str  # a path, or an address without its secrets
    licence: str
    network: str
    added: str  # the day, as 2026-05-31
    int8_sha256: str = ""


def folder() -> Path:
    """Return the folder of the styles; it need not exist yet."""
    home = os.environ.get(HOME_VARIABLE)
    if home:
        return Path(home) / "styles"
    from platformdirs import user_data_path

    return user_data_path("cartoonize", appauthor=False) / "styles"


def names() -> list[str]:
    """Return the names of the added styles, sorted; none if the folder cannot be read."""
    with suppress(OSError):
        return sorted(path.stem for path in folder().glob("*.json") if is_valid_name(path.stem))
    return []


def is_valid_name(text: str) -> bool:
    """Whether a style can have this name: lower-case letters and digits, with single hyphens between them.

    Names of devices of Windows are not valid on any system, so that a folder of styles can be copied.
    """
    return len(text) <= MAX_NAME and bool(_NAME.fullmatch(text)) and not is_device_name(text)


def suggest_name(text: str) -> str:
    """Return the valid name that is most similar to a text; empty if no letter or digit is in it."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower())[:MAX_NAME].strip("-")
    return f"my-{name}" if is_device_name(name) else name


def read_record(name: str) -> Record:
    """Read the record of an added style.

    Raises:
        ModelError: there is no such style, or its record is damaged.
    """
    if name not in names():
        raise ModelError(_unknown_style_message(name))
    path = folder() / f"{name}.json"
    try:
        if path.stat().st_size > _MAX_RECORD:
            raise ValueError
        entries = json.loads(path.read_text(encoding="utf-8"))
        known = [entry.name for entry in fields(Record) if entry.name in entries]
        record = Record(**{key: to_printable(entries[key]) for key in known})
        if not _FILE.fullmatch(record.file):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_FILE:
            raise ModelError(f"Cannot read {path}: {error.strerror}.") from error
        raise ModelError(
            f"The record of your style {name}, {path}, is damaged: `cartoonize styles remove {name}`, and "
            "add it again."
        ) from error
    return record


def verify_file(name: str) -> Path:
    """Return the file of an added style, after a check that it has not changed since.

    Raises:
        ModelError: as `read_record`; or the file was removed or changed.
    """
    known = read_record(name)
    path = folder() / known.file
    try:
        has_changed = sha256_of(path) != known.sha256
    except OSError as error:
        raise ModelError(f"Cannot read your style {name}, {path}: {error.strerror}.") from error
    if has_changed:
        raise ModelError(
            f"Your style {name}, {path}, is not what you added: its SHA-256 differs. Add it again from "
            f"{known.source} with --overwrite, or `cartoonize styles remove {name}`."
        )
    return path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal; 40 MB take about 0.1 s."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def store(name: str, file: Path, record: Record, *, overwrite: bool, int8_file: Path | None = None) -> None:
    """Give a file and its int8 file, both in `folder()` already, their names, and write the record.

    Raises:
        MediaError: the name is taken and `overwrite` is false, or the folder cannot be written to.
    """
    target = folder() / record.file
    moves = {target: file} | ({int8_path(target): int8_file} if int8_file else {})
    try:
        with _changing_styles():
            earlier = _named_files(name)
            with AtomicFile(folder() / f"{name}.json", overwrite=overwrite) as pending:
                # In ASCII, as the name of a source need not be UTF-8.
                pending.path.write_text(json.dumps(asdict(record), indent=2), encoding="ascii")
                for new, old in moves.items():
                    old.replace(new)
            for path in earlier:
                if path not in moves:
                    path.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError.from_os_error(target, error) from error


def remove(name: str) -> None:
    """Delete the record and the files of a style.

    Raises:
        ModelError: there is no such style.
        MediaError: the system does not allow deleting it.
    """
    if name not in names():
        raise ModelError(_unknown_style_message(name))
    try:
        with _changing_styles():
            files = _named_files(name)
            (folder() / f"{name}.json").unlink(missing_ok=True)  # another process may have been faster
            for file in files:
                file.unlink(missing_ok=True)
    except OSError as error:
        raise MediaError(f"Cannot delete your style {name}: {error.strerror}.") from error


@contextmanager
def _changing_styles() -> Iterator[None]:
    """Let one process at a time change styles: else one could delete the file that another has just added."""
    from filelock import FileLock  # here, as completion imports this module

    with FileLock(folder().with_name("styles.lock")):
        yield


def _named_files(name: str) -> tuple[Path, ...]:
    """Return the file that a record names and the path of its int8 file, which may not exist.

    Empty if there is no such record, or it is damaged.
    """
    with suppress(ModelError):
        file = folder() / read_record(name).file
        return file, int8_path(file)
    return ()


def _unknown_style_message(name: str) -> str:
    known = f" Yours are {', '.join(names())}." if names() else " `cartoonize styles add` adds one."
    return f"You have added no style {name!r}.{did_you_mean(name, names()) or known}"
