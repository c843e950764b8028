"""Videos at web addresses: read by ranges, and no secret of an address is printed."""

import re
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace

import pytest
from clips import Clip, all_packets
from servers import Quiet, serve

from cartoonize import MediaError, stylize
from cartoonize.media import parse_location
from cartoonize.media.remote import Url, read_text

pytest.importorskip("aiohttp", reason="needs the extra `cloud`")


@pytest.fixture
def server(tmp_path):
    """A web server of the files in tmp_path; 403 for `secret`. `ranges` lists what was asked for."""
    ranges = []

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer(with_body=False)

        def do_GET(self):
            self.answer(with_body=True)

        def answer(self, *, with_body):
            path = tmp_path / self.path.partition("?")[0].lstrip("/")
            if not path.exists():
                self.send_error(403 if "secret" in path.name else 404)
                return
            data, status = path.read_bytes(), 200
            wanted = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            size = len(data)
            if wanted:
                ranges.append(wanted[0])
                begin, end = int(wanted[1]), min(int(wanted[2] or size - 1), size - 1)
                data, status = data[begin : end + 1], 206
            self.send_response(status)
            self.send_header("Accept-Ranges", "bytes")
            if wanted:
                self.send_header("Content-Range", f"bytes {begin}-{end}/{size}")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if with_body:
                self.wfile.write(data)

    with serve(Handler) as address:
        yield SimpleNamespace(address=address.removeprefix("http://"), ranges=ranges)


def test_a_web_address_is_read_like_a_file(server, tmp_path):
    """A web address, with a query or a user's name, is read by ranges, and gives the packets of the file."""
    source = Clip(times=range(48), tones=[440]).write(tmp_path / "in.mp4")
    stylize(source, tmp_path / "one.mp4", "null")
    for url in (f"http://{server.address}/in.mp4?signature=abc", f"http://me:word@{server.address}/in.mp4"):
        report = stylize(url, tmp_path / "two.mp4", "null", overwrite=True)
        assert all_packets(tmp_path / "two.mp4") == all_packets(tmp_path / "one.mp4")
        assert server.ranges
        assert "abc" not in report.source
        assert "word" not in report.source


@pytest.mark.parametrize(
    ("name", "words"), [("none.mp4", "There is no file"), ("secret.mp4", "403")], ids=["missing", "refused"]
)
def test_what_a_server_refuses(server, tmp_path, name, words):
    """A missing file and a refusal are sentences that show the address without its secrets."""
    with pytest.raises(MediaError, match=words) as error:
        stylize(f"http://me:word@{server.address}/{name}?signature=abc", tmp_path / "out.mp4", "null")
    assert f"http://***@{server.address}/{name}?***" in str(error.value)
    assert "word" not in str(error.value)
    assert "abc" not in str(error.value)


def test_a_server_that_is_not_there(tmp_path):
    """A server that does not answer is not taken for a missing file."""
    with pytest.raises(MediaError, match=r"127\.0\.0\.1:9/in\.mp4\?\*\*\*: .*connect"):
        stylize("http://127.0.0.1:9/in.mp4?signature=abc", tmp_path / "out.mp4", "null")


def test_the_command_line_hides_secrets(server, run, tmp_path):
    """Neither messages, progress, nor --json nor --debug show a user, a password or a query."""
    Clip().write(tmp_path / "in.mp4")
    for name, code in (("in.mp4", 0), ("secret.mp4", 1)):
        source = f"http://me:word@{server.address}/{name}?signature=abc"
        for option in ("--json", "--debug"):
            target = tmp_path / f"{name}{option}.mp4"
            done, out, err = run("video", source, target, "--style", "null", option)
            assert done == code, err
            assert "abc" not in out + err
            assert "word" not in out + err


@pytest.mark.parametrize(
    ("written", "name", "suffix"),
    [
        ("https://host/films/a.mp4?x=1.mkv#t=2", "a.mp4", ".mp4"),
        ("https:/host/a.MOV", "a.MOV", ".MOV"),
        ("s3://films/what?.mp4", "what?.mp4", ".mp4"),
    ],
)
def test_the_query_is_no_part_of_a_name(written, name, suffix):
    """The suffix of a web address is that of its path; object stores have question marks in names."""
    url = parse_location(Path(written))
    assert isinstance(url, Url)
    assert (url.name, url.suffix) == (name, suffix)
    assert url.with_name("b.mp4").url == url.url.replace(name, "b.mp4")


@pytest.mark.parametrize(
    "name", ["12:30.mp4", "http:x.mp4", "concat:a|b.mp4", "-a.mp4", "100%d.mp4", "a?b=c.mp4"]
)
def test_names_that_look_like_something_else(workdir, run, name):
    """Colons, percent signs, dashes and question marks in a name mean nothing."""
    Clip().write(workdir / "in.mp4")
    (workdir / "in.mp4").rename(name)
    code, _, err = run("video", "--style", "null", "--", name, f"out/{name}")
    assert code == 1, err  # there is no such folder
    Path("out").mkdir()
    code, _, err = run("video", "--style", "null", "--", name, f"out/{name}")
    assert code == 0, err
    assert len(all_packets(Path("out") / name)[0]) == 12


def test_a_table_of_unknown_length_is_read_whole():
    """A server that does not say how long a text is, and sends it in pieces, gets all of it read."""
    lines = [f"/films/{number:05d}.mp4,/cartoons/{number:05d}.mp4\n" for number in range(10_000)]

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200)
            self.end_headers()

        def do_GET(self):
            self.do_HEAD()
            for start in range(0, len(lines), 1000):
                self.wfile.write("".join(lines[start : start + 1000]).encode())

    with serve(Handler) as address:
        assert read_text(parse_location(f"{address}/list.csv")) == "".join(lines)


def test_a_missing_table_is_named(tmp_path):
    """A table of films that does not exist is reported as every missing file is, with the nearest name."""
    (tmp_path / "films.csv").touch()
    with pytest.raises(
        MediaError, match=r"^There is no file or folder .*film\.csv\. Did you mean films\.csv"
    ):
        read_text(tmp_path / "film.csv")
