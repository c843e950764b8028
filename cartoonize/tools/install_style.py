"""A style from elsewhere: fetched, tried, and put with one's own.

with fetched("https://example.org/ink.safetensors") as candidate:
    add(candidate, "my-ink", licence="CC0")
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..core.errors import ModelError, WriteError
from ..styles import ENGINES, find_style_file, user
from ..styles.card import Card
from .download import Progress, download, is_address, public_part
from .probe_style import try_style

LARGEST = 1 << 28
"""Bytes of a style file: six times CartoonGAN's full width in float32."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """A style that loads and draws, in a file that is gone when it is not added."""

    file: Path
    source: str
    sha256: str
    card: Card
    network: str


def default_name(place: str) -> str:
    """The name for a style from a path or an address; empty if nothing of that can be a name."""
    path = Path(unquote(urlsplit(place).path)) if is_address(place) else Path(place).absolute()
    text = path.stem if path.suffix.lower() in (".safetensors", ".onnx") else path.name
    return user.suggest_name(path.parent.name if text == "style" else text)  # as training names its result


@contextmanager
def fetched(
    place: str, *, sha256: str | None = None, progress: Progress | None = None
) -> Iterator[Candidate]:
    """Copy or download a style and try it, in the `with` block.

    Args:
        place: a style file or a network (.safetensors, .onnx), the folder of a training run, or an address.
        sha256: the hash that the file has to have; refused before anything reads it.
        progress: is told how many bytes of how many have come.

    Raises:
        ModelError: there is no such file, it is larger than any style, has another hash, or is no style that
            loads and draws.
        MediaError: the folder of one's own styles cannot be written to.
    """
    if sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise ModelError(f"{sha256!r} is no SHA-256, which has 64 hexadecimal digits.")
    try:
        user.folder().mkdir(parents=True, exist_ok=True)
        holder = tempfile.TemporaryDirectory(dir=user.folder(), prefix=".adding-")
    except OSError as error:
        raise WriteError.from_os_error(user.folder(), error) from error
    with holder as scratch:
        copy = Path(scratch) / "style"
        if is_address(place):
            source = public_part(place)
            download(place, copy, limit=LARGEST, progress=progress)
        else:
            source = str(_copy(Path(place), copy).absolute())
        digest = user.sha256_of(copy)
        if sha256 is not None and digest != sha256.lower():
            raise ModelError(f"{source} is not what was asked for: its SHA-256 is {digest}.")
        typed = copy.rename(copy.with_suffix(_suffix(copy, source)))
        try:
            found = try_style(typed)
        except ModelError as error:
            raise ModelError(str(error).replace(str(typed), source)) from error
        yield Candidate(typed, source, digest, found.card, found.network)


def add(candidate: Candidate, name: str, *, licence: str, overwrite: bool = False) -> None:
    """Put a candidate with one's own styles, under a name that `styles.check_style_name` takes.

    Raises:
        MediaError: the name is taken and `overwrite` is false, or the folder cannot be written to.
    """
    record = user.Record(
        file=f"{name}-{candidate.sha256[:16]}{candidate.file.suffix}",
        sha256=candidate.sha256,
        source=candidate.source,
        licence=licence,
        network=candidate.network,
        added=datetime.now(UTC).date().isoformat(),
    )
    user.store(name, candidate.file, record, overwrite=overwrite)


def _copy(path: Path, target: Path) -> Path:
    """Copy a style's file, or that of a run's folder, but no more than a style may have; what was copied."""
    file = find_style_file(path)
    if file is None:
        raise ModelError(f"There is no file {path}.")
    if file.name == ENGINES:
        raise ModelError(f"{path} holds engines for one GPU, which are used where they are: --style {path}.")
    try:
        with file.open("rb") as given, target.open("wb") as taken:
            left = LARGEST
            while chunk := given.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    raise ModelError(f"{file} is larger than {LARGEST >> 20} MB, which no style is.")
                taken.write(chunk)
    except OSError as error:
        raise WriteError.from_os_error(target, error) from error
    return file


def _suffix(file: Path, source: str) -> str:
    """What kind of file it is, by how it begins: names on the web tell little.

    Raises:
        ModelError: it is of a kind that is known, and no style.
    """
    with file.open("rb") as opened:
        start = opened.read(9)
    if start[8:] == b"{":  # first, as the length before it may begin like any of the others
        return ".safetensors"
    if start.startswith((b"PK", b"\x80")):
        raise ModelError(
            f"{source} holds weights of PyTorch: `cartoonize import-weights` makes a style file of them."
        )
    if start.lstrip().startswith(b"<"):
        raise ModelError(f"{source} is a web page, or a text, and no style.")
    return ".onnx"
