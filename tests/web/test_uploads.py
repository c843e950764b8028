"""Forms with a file: which files are kept, under which names, and which are refused."""

import asyncio

import pytest
from starlette.requests import Request

from cartoonize.core.errors import MediaError
from cartoonize.web.limits import LimitError, Limits
from cartoonize.web.uploads import receive_form, safe_name

FORM = "multipart/form-data; boundary=edge"


def receive(tmp_path, body, content_type=FORM, limit=1000, chunk=7):
    """Send a body in small pieces; returns the form."""
    headers = [(b"content-type", content_type.encode("latin-1"))]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    pieces = [body[start : start + chunk] for start in range(0, len(body), chunk)] or [b""]

    async def receive_piece():
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    return asyncio.run(receive_form(Request(scope, receive_piece), tmp_path, Limits(upload=limit)))


def part(content, name="file", filename=None):
    file = "" if filename is None else f'; filename="{filename}"'
    head = f'--edge\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


END = b"--edge--\r\n"


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_a_file_and_fields(tmp_path, chunk):
    """A form is the same in pieces of any size: its file on the disk, and its fields, before or after it."""
    body = part(b"ink", "style") + part(b"\r\n--edg\x00\xff" * 9, filename="a.png") + part(b"2", "hold") + END
    form = receive(tmp_path, body, chunk=chunk)
    assert form.file == tmp_path / "a.png"
    assert form.file.read_bytes() == b"\r\n--edg\x00\xff" * 9
    assert form.fields == {"style": "ink", "hold": "2"}


def test_large_files_are_refused(tmp_path):
    """If a file is larger than its request states, the upload ends at the limit."""
    with pytest.raises(LimitError, match="this page accepts"):
        receive(tmp_path, part(b"x" * 2000, filename="a.png") + END)
    assert (tmp_path / "a.png").stat().st_size <= 1000


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data"),
        (b"", "text/plain"),
        (b"", FORM),
        (b"nothing", FORM),
        (part(b"a", filename="a.png")[:40], FORM),
        (part(b"a", filename="a.png"), FORM),
        (part(b"a", "style") + END, FORM),
        (part(b"a" * 20_000, "style") + END, FORM),
        (part(b"\xff", "style") + part(b"a", filename="a.png") + END, FORM),
        (part(b"a", filename="a.png") + part(b"a", filename="b.png") + END, FORM),
        (b"--edge\r\nContent-Type: text/plain\r\n\r\na\r\n" + END, FORM),
        (b"--edge\r\n" + b"A" * 50_000 + b": b\r\n\r\na\r\n" + END, FORM),
        (part(b"a", filename="a.png") + END, "multipart/form-data; boundary=\xff"),
    ],
)
def test_malformed_forms_are_errors_of_the_sender(tmp_path, body, content_type):
    """A body that is not a form with one file is refused in a sentence."""
    with pytest.raises(MediaError):
        receive(tmp_path, body, content_type)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("photo.jpg", "photo.jpg"), ("../../up.png", "up.png"), ("..\\up.png", "up.png"),
        ("/etc/up.png", "up.png"),
        ("..", "file"), ("", "file"), ("a\x00b.png", "a_b.png"), ("Über uns (2).JPG", "Über uns (2).JPG"),
        ("con:.png", "con_.png"), ("CON", "_CON"), ("aux.mp4", "_aux.mp4"), ("nul .tar.png", "_nul .tar.png"),
        ("Com¹.jpg", "_Com¹.jpg"), ("console.png", "console.png"), ("a.png. .", "a.png"), ("a .png", "a.png"),
        ("a\nb\x1b[31m.png", "a_b__31m.png"), (".png", "png"), ("a.png ", "a.png"),
    ],
)  # fmt: skip
def test_names(name, safe):
    """A file keeps its name as far as every disk and every terminal can show it."""
    assert safe_name(name) == safe


def test_long_names_are_cut():
    """Names leave room for those of results, in every alphabet."""
    for name in ("x" * 300 + ".png", "漫" * 300 + ".png", "🎨" * 99 + ".mp4", "x." + "y" * 300):
        assert len(safe_name(name).encode()) <= 125


def test_forms_of_countless_parts_are_refused(tmp_path):
    """A form of many parts without content ends early; neither names nor numbers fill the memory."""
    body = b"".join(part(b"", f"field{number}") for number in range(1000))
    with pytest.raises(MediaError, match="The form is malformed"):
        receive(tmp_path, body + part(b"x", filename="a.png") + END)
