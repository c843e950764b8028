"""Adds a style to the user's own styles, from a file, a training run or an address.

with fetch_style("https://example.org/ink.safetensors") as candidate:
    install_style(candidate, "my-ink", licence="CC0")
"""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from ..backends.ncnn.graph import MAGIC as NCNN_MAGIC
from ..core.errors import ModelError, WriteError
from ..core.messages import missing_file_message
from ..run.find_files import is_pattern
from ..styles import ENGINES, find_style_file, user
from ..styles.card import Card, int8_path, read_header
from .download import Progress, check_url, download, is_url, too_large_message, without_secrets
from .probe_style import probe_style

MAX_BYTES = 1 << 28
"""Bytes of a style file, at most: six times CartoonGAN's full width in float32."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """A style that loads and draws, in a temporary file.

    `source` is the path or address that it came from, without secrets; `network` describes it for people.
    `int8_file` is a copy of its int8 file. If the style names one that cannot be used, `int8_problem` is a
    sentence that says why.
    """

    file: Path
    source: str
    sha256: str
    card: Card
    network: str
    int8_file: Path | None = None
    int8_problem: str = ""


def default_name(location: str) -> str:
    """The name for a style from a path or an address; empty if none can be made of it.

    Raises:
        ModelError: as `check_location`.
    """
    check_location(location)
    path = Path(unquote(urlsplit(location).path)) if is_url(location) else Path(location).absolute()
    text = path.stem if path.suffix.lower() in (".safetensors", ".onnx") else path.name
    return user.suggest_name(path.parent.name if text == "style" else text)  # as training names its result


def check_location(location: str) -> None:
    """Refuse what names no single style.

    Raises:
        ModelError: the address is malformed, or the path is a pattern, such as runs/*.
    """
    if is_url(location):
        check_url(location)
    elif is_pattern(Path(location)):
        raise ModelError(
            f"{location} is a pattern, and styles are added one by one: name a file or a folder."
        )


@contextmanager
def fetch_style(
    location: str, *, sha256: str | None = None, progress: Progress | None = None
) -> Iterator[Candidate]:
    """Copy or download a style and probe it. The file is removed at the end of the `with` block.

    An int8 file beside the style comes with it, if the header of the style names its hash.

    Args:
        location: a style file or a network (.safetensors, .onnx), the folder of a training run, or an
            address.
        sha256: the hash that the file must have; it is checked before anything reads the file.
        progress: is called with the number of downloaded bytes, see download.Progress.

    Raises:
        ModelError: there is no such file, it is too large, has another hash, or is not a style that loads and
            draws.
        MediaError: the folder of the user's styles is not writable.
    """
    check_location(location)
    if sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise ModelError(f"{sha256!r} is not a SHA-256, which has 64 hexadecimal digits.")
    try:
        user.folder().mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(dir=user.folder(), prefix=".adding-")
    except OSError as error:
        raise WriteError.from_os_error(user.folder(), error) from error
    with temporary as folder:
        copy = Path(folder) / "style"
        if is_url(location):
            source = without_secrets(location)
            download(location, copy, limit=MAX_BYTES, progress=progress)
        else:
            location = source = str(_copy(Path(location), copy).absolute())
        digest = user.sha256_of(copy)
        if sha256 is not None and digest != sha256.lower():
            raise ModelError(f"{source} does not match the given hash: its SHA-256 is {digest}.")
        file = copy.rename(copy.with_suffix(_recognise_suffix(copy, source)))
        try:
            description = probe_style(file)
        except ModelError as error:
            raise ModelError(str(error).replace(str(file), source)) from error
        int8 = _fetch_int8(location, file, progress)
        yield Candidate(file, source, digest, description.card, description.network, *int8)


def install_style(candidate: Candidate, name: str, *, licence: str, overwrite: bool = False) -> None:
    """Add a candidate to the user's styles, under a name that `styles.check_style_name` accepts.

    Raises:
        MediaError: the name is taken and `overwrite` is false, or the folder is not writable.
    """
    record = user.Record(
        file=f"{name}-{candidate.sha256[:16]}{candidate.file.suffix}",
        sha256=candidate.sha256,
        source=candidate.source,
        licence=licence,
        network=candidate.network,
        added=datetime.now(UTC).date().isoformat(),
        int8_sha256=user.sha256_of(candidate.int8_file) if candidate.int8_file else "",
    )
    user.store(name, candidate.file, record, overwrite=overwrite, int8_file=candidate.int8_file)


def _copy(path: Path, target: Path) -> Path:
    """Copy a style's file, or that of a run's folder, within the limit; return the file that was copied."""
    file = find_style_file(path)
    if file is None:
        raise ModelError(missing_file_message(path))
    if file.name == ENGINES:
        raise ModelError(
            f"{path} holds TensorRT engines for one GPU, which cannot be added; use them by --style {path}."
        )
    _copy_file(file, target)
    return file


def _copy_file(file: Path, target: Path) -> None:
    """Copy a file within the limit of bytes."""
    try:
        source = file.open("rb")
    except OSError as error:
        raise ModelError(f"Cannot read {file}: {error.strerror}.") from error
    too_large = ModelError(too_large_message(file, MAX_BYTES))
    try:
        with source, target.open("wb") as copy:
            if source.seek(0, os.SEEK_END) > MAX_BYTES:  # before hundreds of megabytes are written
                raise too_large
            source.seek(0)
            left = MAX_BYTES
            while chunk := source.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:  # it grew in the meantime
                    raise too_large
                copy.write(chunk)
    except OSError as error:
        raise WriteError.from_os_error(target, error) from error


def _fetch_int8(location: str, file: Path, progress: Progress | None) -> tuple[Path | None, str]:
    """Copy or download the int8 file beside a style, and probe it.

    Args:
        location: the path or address of the style.
        file: the copy of the style; the int8 file is written beside it.
        progress: see download.Progress.

    Returns:
        The int8 file, and an empty text; or None and, if the style names such a file, why it is not used.
    """
    expected = read_header(file).int8_sha256 if file.suffix == ".safetensors" else ""
    if not expected:
        return None, ""
    target = int8_path(file)
    beside = _int8_location(location)
    shown = without_secrets(beside) if is_url(beside) else beside
    try:
        if is_url(beside):
            download(beside, target, limit=MAX_BYTES, progress=progress)
        elif not Path(beside).is_file():
            return None, f"{shown} does not exist."
        else:
            _copy_file(Path(beside), target)
        if user.sha256_of(target) != expected:
            raise ModelError(f"{shown} is not the file that the style names.")
        probe_style(file)  # draws with the int8 file now
    except ModelError as error:
        target.unlink(missing_ok=True)
        return None, str(error).replace(str(target), shown).replace(str(file), shown)
    return target, ""


def _int8_location(location: str) -> str:
    """Return where the int8 file of a style is expected, beside its path or address."""
    if not is_url(location):
        return str(int8_path(Path(location)))
    parts = urlsplit(location)
    folder, _, name = parts.path.rpartition("/")
    stem = name.removesuffix(".safetensors")
    return urlunsplit(parts._replace(path=f"{folder}/{stem}.int8.onnx", fragment=""))


def _recognise_suffix(file: Path, source: str) -> str:
    """The suffix for a file, by its first bytes: names on the web say little.

    Raises:
        ModelError: it is of a known kind that is not a style.
    """
    with file.open("rb") as opened:
        start = opened.read(9)
    if not start:
        raise ModelError(f"{source} is empty: copy or download it again.")
    if start[8:] == b"{":  # first, as the length before it may begin like any of the others
        return ".safetensors"
    if start.startswith((b"PK", b"\x80")):
        raise ModelError(
            f"{source} holds weights of PyTorch: `cartoonize import-weights` converts them into a style file."
        )
    if start.startswith(NCNN_MAGIC.encode()):
        raise ModelError(
            f"{source} is a network for ncnn, which has two files and cannot be added. Add the style file "
            f"that it was exported from, or use it by --style {source}."
        )
    if start.lstrip().startswith(b"<"):
        raise ModelError(f"{source} is a web page or a text, not a style; name the file itself.")
    return ".onnx"
