"""Files that are not of this machine: s3://, gs://, az:// and whatever else fsspec knows.

They are read in ranges, as FFmpeg asks for them, and written at one stroke: an object store shows an upload
when it is complete, or never.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, TypeAlias, cast

import av
from av.container import InputContainer
from platformdirs import user_cache_path

from ..core.errors import CartoonizeError, MediaError, WriteError

_URL = re.compile(r"([a-z][a-z0-9+.-]+):/+(?=[^/])")  # a Path has made one of the two strokes
_LOCAL = {"file", "local"}  # what fsspec calls this machine
_PIECE = 1 << 20  # bytes that are copied at once
UNREADABLE = "surrogateescape"
"""What PyAV does with metadata that are not UTF-8, wherever files are opened: keep them, for `legible`."""
_RANGE = 4 << 20  # bytes that are fetched at once; the usual 50 MiB are much for a look at a header


@dataclass(frozen=True, slots=True)
class Stat:
    """What `Path.stat` tells of files, as far as it is asked for here."""

    st_size: int
    st_mtime_ns: int


@dataclass(frozen=True, slots=True)
class Url:
    """A file elsewhere, with what is used here of the methods of a Path.

    Raises:
        MediaError: the store cannot be reached, refuses, or needs a package that is not installed.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        return PurePosixPath(self.url).name

    @property
    def stem(self) -> str:
        return PurePosixPath(self.url).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.url).suffix

    def with_name(self, name: str) -> "Url":
        return Url(self.url[: len(self.url) - len(self.name)] + name)

    def exists(self) -> bool:
        with self._reached() as (store, path):
            store.invalidate_cache()
            return bool(store.exists(path))

    def is_dir(self) -> bool:
        return False

    def stat(self) -> Stat:
        with self._reached() as (store, path):
            store.invalidate_cache()
            size, changed = int(store.size(path) or 0), 0
            with suppress(NotImplementedError):  # web servers do not all tell
                changed = int(store.modified(path).timestamp() * 1e9)
            return Stat(size, changed)

    def open(self, mode: str = "rb") -> BinaryIO:
        """The file, of which is fetched what is read."""
        with self._reached() as (store, path):
            return cast("BinaryIO", store.open(path, mode, block_size=_RANGE))

    def check_writable(self, *, overwrite: bool) -> None:
        """Refuse what nothing can be written to."""
        if not overwrite and self.exists():
            raise MediaError(f"{self} exists already; pass --overwrite (-y) to replace it.")
        with self._reached() as (store, path):
            bucket = path.partition("/")[0]
            if not store.exists(bucket or path):
                raise MediaError(f"Cannot write {self}: there is no {bucket}.")

    @contextmanager
    def uploaded(self, file: Path, *, overwrite: bool) -> Iterator[Callable[[], None]]:
        """Copy a file there; what the block gets makes it appear under its name, as nothing does before.

        Raises:
            MediaError: there is something of that name now, and `overwrite` is false.
            WriteError: the store does not let it.
        """
        with self._reached(WriteError) as (store, path):
            target = store.open(path, "wb", autocommit=False)
            try:
                with file.open("rb") as source:
                    shutil.copyfileobj(source, target, _PIECE)
                target.close()
                if not overwrite and self.exists():
                    raise MediaError(
                        f"{self} was made by somebody else in the meantime; pass --overwrite (-y) to replace "
                        "it."
                    )
                yield target.commit
            except BaseException:
                with suppress(Exception):  # the first error is the one to tell
                    target.discard()
                raise

    @contextmanager
    def _reached(self, kind: type[MediaError] = MediaError) -> Iterator[tuple[Any, str]]:
        """The store and the path in it; its errors, which are of many kinds, as a sentence."""
        try:
            import fsspec

            yield fsspec.core.url_to_fs(self.url)
        except ImportError as error:
            raise MediaError(
                f"Reading and writing {self.url.partition(':')[0]}:// needs a package that is not installed "
                f"({error.name or error}); install it by pip install 'cartoonize[cloud]'."
            ) from error
        except (CartoonizeError, FileNotFoundError):
            raise
        except Exception as error:  # each store has its own, and none of them is a defect of this program
            told = str(error).partition("\n")[0] or type(error).__name__
            raise kind(f"{self}: {told}.") from error


Location: TypeAlias = Path | Url
"""Where a file is."""


def parse_location(path: Location) -> Location:
    """A Path, or a Url if that is what was written."""
    if isinstance(path, Url):
        return path
    written = path.as_posix()
    found = _URL.match(written)
    if found and found[1] in _LOCAL:
        return Path("/", written[found.end() :])
    return Url(f"{found[1]}://{written[found.end() :]}") if found else path


def open_container(place: Location | Any, options: dict[str, str] | None = None) -> InputContainer:
    """The container that a file is, by its path or open; `options` are FFmpeg's.

    What of its metadata is not UTF-8 is read all the same, for `legible`.
    """
    file = place.open() if isinstance(place, Url) else place
    return av.open(file, "r", options=options, metadata_errors=UNREADABLE)


def legible(text: str) -> str:
    """Metadata as text: what is not UTF-8 is taken for what Windows wrote before there was that."""
    if text.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in text):
        return text
    return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def read_text(path: Path) -> str:
    """The text of a file or Url.

    Raises:
        MediaError: there is none, or it is no text.
    """
    place = parse_location(path)
    try:
        with place.open("rb") as file:
            return file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MediaError(f"{place} is no text in UTF-8.") from error
    except OSError as error:
        raise MediaError(f"Cannot read {place}: {error.strerror or error}.") from error


def staging(url: Url) -> Path:
    """Where a file is made that is then uploaded: the same place each time, to go on there.

    Raises:
        WriteError: it cannot be made.
    """
    folder = user_cache_path("cartoonize") / "uploads" / sha256(url.url.encode()).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError.from_os_error(folder, error) from error
    return folder / url.name
