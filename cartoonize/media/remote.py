"""Files that are not on this machine: s3://, gs://, az:// and whatever else fsspec supports.

They are read in ranges, as FFmpeg asks for them. They are uploaded as a whole: an object store shows an
upload when it is complete, or never.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, TypeAlias, cast

import av
from av.container import InputContainer
from platformdirs import user_cache_path

from ..core.addresses import address_of, local_path
from ..core.errors import CartoonizeError, MediaError, Stopped, WriteError
from ..core.messages import missing_file_message
from ..core.secrets import hide_secrets

_COPY_SIZE = 1 << 20  # bytes
_MAX_TEXT = 64 << 20  # bytes; somebody may name a film in place of the table of films
_MISSING = {404, 410}  # HTTP
_RANGE_SIZE = 4 << 20  # bytes of a request; fsspec's default of 50 MiB is much for reading a header


@dataclass(frozen=True, slots=True)
class Stat:
    """The fields of `Path.stat` that are used."""

    st_size: int
    st_mtime_ns: int


@dataclass(frozen=True, slots=True, repr=False)
class Url:
    """A file on another machine, with the methods of a Path that are used.

    Raises:
        MediaError: the store cannot be reached, refuses, or needs a package that is not installed.
    """

    url: str

    def __str__(self) -> str:
        """The address without its secrets, for messages."""
        return hide_secrets(self.url)

    def __repr__(self) -> str:
        return f"Url({str(self)!r})"

    @property
    def name(self) -> str:
        return PurePosixPath(self._address).name

    @property
    def stem(self) -> str:
        return PurePosixPath(self._address).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self._address).suffix

    @property
    def _address(self) -> str:
        """The address without the query of a web address, such as a signature."""
        return self.url.partition("?")[0].partition("#")[0] if self._is_web else self.url

    @property
    def _is_web(self) -> bool:
        return self.url.startswith(("http://", "https://"))

    def with_name(self, name: str) -> "Url":
        address = self._address
        return Url(address[: len(address) - len(self.name)] + name + self.url[len(address) :])

    def exists(self) -> bool:
        with self._connect() as (store, path):
            store.invalidate_cache()
            return _exists_on_web(store, path) if self._is_web else bool(store.exists(path))

    def is_dir(self) -> bool:
        return False

    def stat(self) -> Stat:
        with self._connect() as (store, path):
            store.invalidate_cache()
            size, modified = int(store.size(path) or 0), 0
            with suppress(NotImplementedError):  # not all web servers know it
                modified = int(store.modified(path).timestamp() * 1e9)
            return Stat(size, modified)

    def open(self, mode: str = "rb") -> BinaryIO:
        """Open the file; only what is read is downloaded."""
        with self._connect() as (store, path):
            return cast("BinaryIO", store.open(path, mode, block_size=_RANGE_SIZE))

    def check_writable(self, *, overwrite: bool) -> None:
        """Refuse a target that exists, or that nothing can be written to."""
        if not overwrite and self.exists():
            raise MediaError(f"{self} exists already; pass --overwrite (-y) to replace it.")
        with self._connect() as (store, path):
            bucket = path.partition("/")[0]
            if not store.exists(bucket or path):
                raise MediaError(f"Cannot write {self}: there is no {bucket}.")

    @contextmanager
    def uploaded(self, file: Path, *, overwrite: bool) -> Iterator[Callable[[], None]]:
        """Upload a file; the yielded function makes it appear under its name, which nothing does before.

        Raises:
            MediaError: a file of that name exists now, and `overwrite` is false.
            WriteError: the store refuses it.
        """
        with self._connect(WriteError) as (store, path):
            target = store.open(path, "wb", autocommit=False)
            try:
                with file.open("rb") as source:
                    shutil.copyfileobj(source, target, _COPY_SIZE)
                target.close()
                if not overwrite and self.exists():
                    raise MediaError(
                        f"{self} was created by another program in the meantime; pass --overwrite (-y) to "
                        "replace it."
                    )
                yield target.commit
            except BaseException:
                with suppress(Exception):  # the first error is the one to report
                    target.discard()
                raise

    @contextmanager
    def _connect(self, kind: type[MediaError] = MediaError) -> Iterator[tuple[Any, str]]:
        """The store and the path in it; errors of any kind become a sentence."""
        try:
            import fsspec

            yield fsspec.core.url_to_fs(self.url)
        except ImportError as error:
            raise MediaError(
                f"Files at {self.url.partition(':')[0]}:// need another package: pip install "
                f'"cartoonize[cloud]" ({error}).'
            ) from error
        except (CartoonizeError, FileNotFoundError):
            raise
        except Exception as error:  # each store raises its own, and none of them is a defect of this program
            reason = hide_secrets(str(error)).partition("\n")[0] or type(error).__name__
            raise kind(f"{self}: {reason}.") from error


def _exists_on_web(store: Any, path: str) -> bool:
    """Whether a web server has a file. fsspec takes every failure for a missing file, also of the network."""
    try:
        store.info(path)
    except FileNotFoundError as error:
        reason = error.__cause__
        if reason is None or getattr(reason, "status", None) in _MISSING:
            return False
        raise reason from None
    return True


Location: TypeAlias = Path | Url
"""The location of a file."""


def parse_location(path: Location | str) -> Location:
    """A Path, or a Url if the path is written like one."""
    if isinstance(path, Url):
        return path
    path = local_path(Path(path))
    address = address_of(path)
    return Url(address) if address else path


def open_container(file: Location | Any, options: dict[str, str] | None = None) -> InputContainer:
    """Open a file, given by its location or as an open file, for reading; `options` are FFmpeg's.

    Metadata that are not UTF-8 are kept, for `decode_metadata`.
    """
    if not isinstance(file, Url):
        if isinstance(file, Path):
            file = file.absolute()  # FFmpeg takes `12:30.mp4` for an address
        try:
            return open_with_av(file, options=options)
        except av.error.EOFError:
            # FFmpeg recognises a transport stream of eight packets or of eleven, but not of nine or ten.
            if not isinstance(file, Path) or file.suffix.lower() != ".ts":
                raise
            return open_with_av(file, "mpegts", options=options)
    with ExitStack() as on_error:
        remote_file = on_error.enter_context(file.open())
        container = open_with_av(remote_file, options=options)
        on_error.pop_all()  # the container holds it from now on
    return container


def open_with_av(file: Any, container_format: str | None = None, **arguments: Any) -> InputContainer:
    """Call `av.open` for reading so that metadata that are not UTF-8 are kept, as PyAV 19 always does."""
    if not isinstance(file, str | Path):
        file = _StoppableFile(file)
    if av.__version__.startswith("18."):
        arguments["metadata_errors"] = "surrogateescape"
    return cast("InputContainer", av.open(file, "r", container_format, **arguments))


class _StoppableFile:
    """An open file for PyAV, which passes on only an `Exception` of its `read`, and no `Stopped`."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, length: int) -> bytes:
        """Read up to `length` bytes; a signal ends it, even if no byte ever comes."""
        try:
            return cast("bytes", self._file.read(length))
        except Stopped as stopped:
            raise _StoppedRead(stopped.number) from None


class _StoppedRead(Stopped, Exception):  # noqa: N818  # as Stopped, it is no error
    """A `Stopped` that PyAV passes on."""


def decode_metadata(text: str) -> str:
    """Metadata as text: what is not UTF-8 is read as Windows-1252, which older programs write."""
    if text.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in text):
        return text
    return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def read_text(path: Path) -> str:
    """The text of a file or Url.

    Raises:
        MediaError: it does not exist, or it is not text, or too large.
    """
    location = parse_location(path)
    try:
        with location.open("rb") as file:
            data = bytearray()
            while len(data) <= _MAX_TEXT and (part := file.read(_COPY_SIZE)):  # web servers may send less
                data += part
        if len(data) > _MAX_TEXT:
            raise MediaError(f"{location} has more than {_MAX_TEXT >> 20} MB; name a file of text.")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MediaError(f"{location} is not UTF-8 text.") from error
    except FileNotFoundError as error:
        raise MediaError(missing_file_message(location)) from error
    except OSError as error:
        raise MediaError(f"Cannot read {location}: {error.strerror or error}.") from error


def staging_path(url: Url) -> Path:
    """Return the path where a file is made before its upload: the same in each run, so that a run can resume.

    Raises:
        WriteError: it cannot be made.
    """
    folder = user_cache_path("cartoonize") / "uploads" / sha256(url.url.encode()).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError.from_os_error(folder, error) from error
    return folder / url.name
