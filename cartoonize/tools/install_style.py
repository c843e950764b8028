"""Install a style from a file, a training run or an address among the user's own styles.

with fetch_style("https://example.org/ink.safetensors") as candidate:
    install_style(candidate, "my-ink", licence="CC0")
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..backends.ncnn.graph import MAGIC as NCNN_MAGIC
from ..core.errors import ModelError, WriteError
from ..core.missing_files import missing_file_message
from ..styles import ENGINES, find_style_file, user
from ..styles.card import Card
from .download import Progress, check_url, download, is_url, without_secrets
from .probe_style import probe_style

MAX_BYTES = 1 << 28
"""Bytes of a style file, at most: six times CartoonGAN's full width in float32."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """A style that loads and draws, in a temporary file.

    `source` is the path or address that it came from, without secrets; `network` describes it for people.
    """

    file: Path
    source: str
    sha256: str
    card: Card
    network: str


def default_name(location: str) -> str:
    """The name for a style from a path or an address; empty if none can be made of it.

    Raises:
        ModelError: the address is malformed.
    """
    if is_url(location):
        check_url(location)
    path = Path(unquote(urlsplit(location).path)) if is_url(location) else Path(location).absolute()
    text = path.stem if path.suffix.lower() in (".safetensors", ".onnx") else path.name
    return user.suggest_name(path.parent.name if text == "style" else text)  # as training names its result


@contextmanager
def fetch_style(
    location: str, *, sha256: str | None = None, progress: Progress | None = None
) -> Iterator[Candidate]:
    """Copy or download a style and probe it. The file is removed at the end of the `with` block.

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
            check_url(location)
            source = without_secrets(location)
            download(location, copy, limit=MAX_BYTES, progress=progress)
        else:
            source = str(_copy(Path(location), copy).absolute())
        digest = user.sha256_of(copy)
        if sha256 is not None and digest != sha256.lower():
            raise ModelError(f"{source} does not match the given hash: its SHA-256 is {digest}.")
        file = copy.rename(copy.with_suffix(_recognise_suffix(copy, source)))
        try:
            description = probe_style(file)
        except ModelError as error:
            raise ModelError(str(error).replace(str(file), source)) from error
        yield Candidate(file, source, digest, description.card, description.network)


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
    )
    user.store(name, candidate.file, record, overwrite=overwrite)


def _copy(path: Path, target: Path) -> Path:
    """Copy a style's file, or that of a run's folder, within the limit; return the file that was copied."""
    file = find_style_file(path)
    if file is None:
        raise ModelError(missing_file_message(path))
    if file.name == ENGINES:
        raise ModelError(
            f"{path} holds TensorRT engines for one GPU, which cannot be added; use them by --style {path}."
        )
    try:
        with file.open("rb") as source, target.open("wb") as copy:
            left = MAX_BYTES
            while chunk := source.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    raise ModelError(f"{file} is larger than {MAX_BYTES >> 20} MB, the limit for a style.")
                copy.write(chunk)
    except OSError as error:
        raise WriteError.from_os_error(target, error) from error
    return file


def _recognise_suffix(file: Path, source: str) -> str:
    """The suffix for a file, by its first bytes: names on the web say little.

    Raises:
        ModelError: it is of a known kind that is not a style.
    """
    with file.open("rb") as opened:
        start = opened.read(9)
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
        raise ModelError(f"{source} is a web page or a text, and no style.")
    return ".onnx"
