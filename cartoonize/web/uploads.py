"""Receives files: a multipart form is written to a visitor's folder while it arrives."""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from ..core.errors import MediaError, WriteError
from ..core.safe_files import is_device_name
from .limits import Limits

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FIELDS = 4096
"""Bytes of a form besides the file, at most."""
_ADVICE = "Send one file as the part named file, and each setting as a part by its name, in UTF-8."
_PARTS = 32  # of a form; there are fewer settings
_NAME = 120  # bytes of a file's name; the names of results and journals are longer
_NOT_IN_NAMES = re.compile(r"[^\w .,()&+\-]")


class FormError(MediaError):
    """A request whose body is not a form."""


@dataclass(slots=True)
class Form:
    """A file, and the fields beside it."""

    file: Path | None = None
    fields: dict[str, str] = field(default_factory=dict)


async def receive_form(request: Request, folder: Path, limits: Limits) -> Form:
    """Write the file of a form into `folder`, and return it with the other fields.

    Raises:
        FormError: the request is not a form.
        LimitError: the file has more bytes than the limits allow.
        MediaError: the form is malformed, or holds no file or several.
        WriteError: the file cannot be written.
        ClientDisconnect, TimeoutError: the sender is gone, or silent.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise FormError(
            "Send the file as a form: multipart/form-data with a part named file, as "
            "`curl -F file=@photo.jpg` does."
        )
    writer = _FormWriter(folder, limits)
    try:
        parser = MultipartParser(boundary, writer.callbacks())
        async for chunk in request.stream():
            parser.write(chunk)
        parser.finalize()
    except (FormParserError, UnicodeError, ValueError) as error:
        raise MediaError(f"The form is malformed. {_ADVICE}") from error
    except OSError as error:
        name = writer.form.file.name if writer.form.file else "the file"
        raise WriteError.from_os_error(name, error) from error
    finally:
        with suppress(OSError):  # of a full disk, for what waits in the buffer
            writer.close()
    if not writer.complete:
        raise MediaError(f"The form ends too early. {_ADVICE}")
    if writer.form.file is None:
        raise MediaError("The form holds no file; send one as the part named file.")
    return writer.form


def safe_name(name: str) -> str:
    """The name for a file on any disk: the last part of a path, without characters of other meanings.

    The names of Windows' devices get an underscore, also where they are harmless: visitors may have Windows.
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    clean = _NOT_IN_NAMES.sub("_", last).strip(" .")
    stem, dot, suffix = clean.rpartition(".")
    if not dot or len(suffix) > 10:
        stem, suffix = clean, ""
    max_stem = _NAME - len(suffix.encode())
    stem = stem.encode()[:max_stem].decode(errors="ignore").strip(" .") or "file"
    safe = f"{stem}.{suffix}" if suffix else stem
    return f"_{safe}" if is_device_name(safe) else safe


class _FormWriter:
    """Writes the parts of a form where they belong, as the parser finds them."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.form, self.complete = Form(), False
        self._folder, self._limits = folder, limits
        self._header, self._value, self._disposition = b"", b"", b""
        self._field: str | None = None
        self._text = bytearray()
        self._file: BinaryIO | None = None
        self._written = self._texts = self._parts = 0

    def callbacks(self) -> "MultipartCallbacks":
        """The callbacks of the parser."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._take_header,
            "on_header_value": self._take_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._write,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _PARTS:
            raise ValueError("there are too many parts")
        self._header = self._value = self._disposition = b""
        self._field, self._text = None, bytearray()

    def _take_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"filename" not in options:
            self._field = options[b"name"].decode() if b"name" in options else None
            if self._field is None:
                raise ValueError("a part has no name")
        elif self.form.file is not None:
            raise MediaError("The form holds more than one file; send one form for each.")
        else:
            self.form.file = self._folder / safe_name(options[b"filename"].decode())
            self._file = self.form.file.open("xb")

    def _write(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            self._texts += end - start
            if self._texts > MAX_FIELDS:
                raise ValueError("the fields are too large")
            self._text += data[start:end]
            return
        self._written += end - start
        self._limits.check_size(self._written)
        self._file.write(data[start:end])

    def _end(self) -> None:
        self.close()
        if self._field is not None:
            self.form.fields[self._field] = self._text.decode()

    def _finish(self) -> None:
        self.complete = True
