"""The web page without a browser: what it accepts, who owns which file, and when files are removed."""

import re
import shutil
import signal
import socket
import sys
import time

import httpx
import pytest
from clips import Clip
from pages import ask, send, serving
from pictures import save_picture
from processes import WAIT, wait_until

EVERYWHERE = "0.0.0.0"  # noqa: S104  # for a moment


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("served"), "--max-upload", "1") as served:
        yield served


@pytest.fixture
def other(served):
    with httpx.Client(base_url=served.url) as client:
        client.get("/")
        yield client


@pytest.fixture
def photo(tmp_path):
    return save_picture(tmp_path / "photo.png")


def raw(served, client, request):
    """The response to a raw request: clients would normalise it."""
    with socket.create_connection(("localhost", httpx.URL(served.url).port)) as connection:
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        connection.sendall(f"{request} HTTP/1.0\r\nHost: localhost\r\nCookie: {cookies}\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_file_whose_sender_leaves_before_the_answer_is_not_kept(served, visitor, photo):
    """A file that is removed on the page when its last byte is on the way does not come back."""
    request = visitor.build_request("POST", "/api/files", files={"file": ("gone.png", photo.read_bytes())})
    body = request.read()
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    with socket.create_connection(("localhost", httpx.URL(served.url).port)) as connection:
        connection.sendall("\r\n".join(["POST /api/files HTTP/1.1", *lines, "", ""]).encode() + body[:-1])
        wait_until(lambda: list(served.root.rglob("gone.png")))
        connection.sendall(body[-1:])
    wait_until(lambda: not list(served.root.rglob("gone.png")))


def test_visitors_get_their_own_files(visitor, photo):
    """A visitor gets uploaded files back, whole and in parts, as players ask for them."""
    path = f"/api/files/{send(visitor, photo)}"
    assert visitor.get(path).content == photo.read_bytes()
    part = visitor.get(path, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, photo.read_bytes()[10:20])


def test_nobody_else_gets_them(served, visitor, other, photo):
    """The file of another visitor, or any file without a cookie, looks as if it did not exist."""
    file = send(visitor, photo)
    assert other.get(f"/api/files/{file}").status_code == 404
    assert httpx.get(f"{served.url}api/files/{file}").status_code == 404
    assert other.get("/api/files/nowhere").text == other.get(f"/api/files/{file}").text
    assert other.delete(f"/api/files/{file}").status_code == 404
    assert ask(other, file).status_code == 404
    assert ask(other, file).text == ask(other, "nowhere").text
    assert other.get("/api/jobs").json() == {"files": [], "jobs": []}
    assert visitor.get(f"/api/files/{file}").status_code == 200


def test_two_visitors_with_the_same_file_share_nothing(served, visitor, other, photo):
    """The same picture of two visitors is two files, in two folders."""
    before = set(served.root.iterdir())
    assert send(visitor, photo) != send(other, photo)
    assert len(set(served.root.iterdir()) - before) == 2


@pytest.mark.parametrize(
    "path",
    [
        "/etc/hostname", "//etc/hostname", "../../../etc/hostname", "%2e%2e/%2e%2e/etc/hostname",
        "%2Fetc%2Fhostname", "{own}/../../../../secret.png", "{own}%2f..%2f..%2f..%2f..%2fsecret.png",
        "{root}/secret.png", "{link}", "{own}", "{root}", "{own}/", "{own}%00.png", "file:///etc/hostname",
        "http://127.0.0.1:1/x.png", "http://example.com/x.png", ".", "", "~/.bashrc",
        "{file}/../../secret.png", "..%5c..%5cserver.py", "../server.py",
    ],
)  # fmt: skip
def test_paths_lead_nowhere_else(served, visitor, photo, path):
    """No way of writing a path leads out of the visitor's own files: no dots, codes, links or addresses."""
    file = send(visitor, photo)
    own = next(path.parent for path in served.root.glob("*/*/photo.png") if path.is_file())
    shutil.copy(photo, served.root / "secret.png")
    link = own / f"link{time.monotonic_ns()}.png"
    link.symlink_to(served.root / "secret.png")
    address = path.format(own=own, root=served.root, link=link, file=file)
    for start in ("/api/files/", "/api/jobs/", "/static/", "/styles/", "/examples/"):
        for end in ("", "/result", ".webp"):
            response = raw(served, visitor, f"GET {start}{address}{end}")
            assert re.match(rb"HTTP/1.1 (40[0-9]|307) ", response), response[:200]
            assert photo.read_bytes() not in response
            assert b"root:" not in response
    assert ask(visitor, address).status_code == 404


@pytest.mark.parametrize(
    "name", ["../../up.png", "/etc/up.png", "..\\up.png", "..", "a/b.png", "x" * 300 + ".png", "a\x00b.png"]
)
def test_names_of_uploads_lead_nowhere_else(served, visitor, photo, name):
    """A file with any name stays in the visitor's folder, under a name that the disk can hold."""
    before = set(served.root.rglob("*"))
    response = visitor.post("/api/files", files={"file": (name, photo.read_bytes())})
    new = [path for path in set(served.root.rglob("*")) - before if path.is_file()]
    if response.status_code == 201:
        [path] = new
        assert path.name == response.json()["name"]
        assert len(path.relative_to(served.root).parts) == 3
    else:
        assert response.status_code == 400
        assert not new
    assert not [path for path in served.root.parent.rglob("*up.png") if served.root not in path.parents]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/docs"), ("GET", "/openapi.json"), ("GET", "/static/"), ("GET", "/static/../server.py"),
        ("POST", "/"), ("PUT", "/"), ("DELETE", "/api/jobs"), ("PUT", "/api/files/a"), ("GET", "/api/image"),
        ("GET", "/api/video"), ("POST", "/api/events"), ("GET", "/styles/nothing.webp"), ("TRACE", "/"),
        ("GET", "/examples/nothing.webp"), ("POST", "/api/examples/nothing"), ("GET", "/gradio_api/info"),
    ],
)  # fmt: skip
def test_what_the_page_does_not_need_is_not_there(visitor, method, path):
    """Only the page and the described requests are available."""
    assert visitor.request(method, path).status_code in (404, 405)


def test_a_job_is_the_visitors_who_asked_for_it(served, visitor, other, photo):
    """Nobody can read, stop or remove another's job, or fetch its result, even by its name."""
    job = ask(visitor, send(visitor, photo), style="ink").json()["id"]
    result = visitor.get(f"/api/jobs/{job}/result", timeout=60)
    assert result.status_code == 200
    for client in (other, httpx.Client(base_url=served.url)):
        for method, path in (
            ("GET", ""), ("DELETE", ""), ("POST", "/stop"), ("GET", "/result"), ("GET", "/before"),
        ):  # fmt: skip
            assert client.request(method, f"/api/jobs/{job}{path}").status_code == 404
    assert visitor.get(f"/api/jobs/{job}").json()["state"] == "done"
    client.close()


def test_other_sites_cannot_read_here(served, visitor, photo):
    """A foreign name that resolves to this computer is refused.

    No other site can show the page in a frame or send requests for its visitors. The page loads nothing from
    other hosts.
    """
    assert visitor.get("/", headers={"Host": "attacker.example"}).status_code == 403
    for foreign in ("a{b}.attacker.example", "a`b.attacker.example:7860", "[2001:db8::1]", "localhost."):
        assert visitor.get("/", headers={"Host": foreign}).status_code == 403
    for malformed in ("localhost:x", "[::1", "a@localhost", "localhost/a", "", "a b"):
        assert visitor.get("/", headers={"Host": malformed}).status_code == 400
    for own in ("LOCALHOST", "127.0.0.1:99", "[::1]:80"):
        assert visitor.get("/", headers={"Host": own}).status_code == 200
    policy = visitor.get("/").headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "HttpOnly; SameSite=Lax" in httpx.get(served.url).headers["Set-Cookie"]
    file = {"file": ("photo.png", photo.read_bytes())}
    for origin in ("https://attacker.example", "null", "http://localhost.attacker.example", "http://["):
        for path in ("/api/files", "/api/image", "/api/video", "/api/leave"):
            assert visitor.post(path, files=file, headers={"Origin": origin}).status_code == 403


def test_no_file_of_the_page_is_stale(visitor):
    """After an upgrade, browsers load all files of the page again: they ask before they use a stored one."""
    files = re.findall(r'(?:src|href)="static(/[^"]+)"', visitor.get("/").text)
    assert "/app.js" in files
    pages = ("/", "/api", "/api/info", "/browser/", "/styles/ink.webp")
    for address in (*pages, *(f"/static{file}" for file in files)):
        assert visitor.get(address).headers["Cache-Control"] == "no-cache", address
    etag = visitor.get("/static/app.js").headers["ETag"]
    assert visitor.get("/static/app.js", headers={"If-None-Match": etag}).status_code == 304


def test_behind_another_server(visitor, photo):
    """A server in front, which says by which name it is known, serves the page under that name."""
    known = {"X-Forwarded-Host": "cartoons.example", "X-Forwarded-Proto": "https"}
    origin = {"Origin": "https://cartoons.example"}
    file = {"file": ("photo.png", photo.read_bytes())}
    assert visitor.post("/api/files", files=file, headers=known | origin).status_code == 201
    assert visitor.post("/api/files", files=file, headers=origin).status_code == 403
    page = visitor.get("/").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert addresses
    assert not [address for address in addresses if address.startswith(("/", "http"))]


def test_uploads_are_limited_before_they_are_read(served, visitor):
    """A file that is too large, or has no visitor, is refused before it is read; nothing of it is kept."""
    large = {"file": ("large.mp4", bytes(2 << 20))}
    response = visitor.post("/api/files", files=large)
    assert response.status_code == 413
    assert "accepts up to 1 MB" in response.json()["error"]
    nobody = {"file": ("nobody.png", b"a")}
    assert httpx.post(f"{served.url}api/files", files=nobody).status_code == 403
    assert visitor.post("/api/files", content=iter([b"a"])).status_code == 411
    assert not [name for name in served.files() if "large" in name or "nobody" in name]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 100_000, b"[]", b'"' + b"a" * (2 << 20) + b'"', b"\xff{}"]
)
def test_odd_requests_are_refused(visitor, body):
    """Malformed and oversized requests are refused, and the server still works."""
    assert visitor.post("/api/jobs", content=body).status_code in (400, 413)
    assert visitor.get("/").status_code == 200


def test_it_ends_cleanly_and_says_what_exposing_means(tmp_path, photo):
    """With another host it says what that means; Ctrl-C ends it with the usual code; its files are gone."""
    with serving(tmp_path, "--host", EVERYWHERE) as served, httpx.Client(base_url=served.url) as client:
        note = served.process.stderr.readline()
        assert re.search(rf"Whoever has the address http://\S+\?key={served.key} can use the page", note)
        assert "Nothing is encrypted" in note
        client.get("/", params={"key": served.key})
        send(client, photo)
        assert served.files()
        with client.stream("GET", "/api/events"):  # a page that stays open does not hold it up
            end_by_ctrl_c(served)


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_a_conversion(tmp_path):
    """Ctrl-C stops the conversion at work, too, and those that wait; none of their files is left."""
    clip = Clip(size=(320, 240), times=range(2200)).write(tmp_path / "clip.mp4")
    with serving(tmp_path) as served, httpx.Client(base_url=served.url) as client:
        client.get("/")
        file = send(client, clip)
        for _ in range(2):
            assert ask(client, file).status_code == 201
        wait_until(lambda: any("/lock" in name for name in served.files()))
        end_by_ctrl_c(served)


def end_by_ctrl_c(served):
    served.process.send_signal(signal.SIGINT)
    _, messages = served.process.communicate(timeout=WAIT)
    assert served.process.returncode == 128 + signal.SIGINT
    assert messages.splitlines()[-1:] == ["Stopped."]
    assert "Traceback" not in messages
    assert not served.root.exists()


def test_a_port_that_is_taken(run):
    """A port that another program has, or an address of another machine, is one sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, messages = run("web", "--port", taken.getsockname()[1])
    assert code == 1
    assert "cannot be served at 127.0.0.1" in messages
    assert "another program uses it" in messages
    assert "Choose another --port" in messages
    assert run("web", "--host", "192.0.2.1")[0] == 1


@pytest.mark.parametrize("options", [(), ("--key",)])
def test_the_browser_is_opened(tmp_path, options):
    """With --open the page comes up in the browser of the user, whose command line does not show the key."""
    opened = tmp_path / "opened"
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.new && mv {opened}.new {opened}\n')
    program.chmod(0o755)
    with serving(tmp_path, "--open", *options, BROWSER=f"{program} %s") as served:
        wait_until(opened.exists, served.process)
        address = opened.read_text()
        assert address.startswith(served.url)
        assert not options or served.key not in address
        with httpx.Client(follow_redirects=True, headers={"Accept": "text/html"}) as browser:
            page = browser.get(address)
            assert (page.status_code, str(page.url)) == (200, served.url)
            assert browser.get(served.url).status_code == 200
        assert httpx.get(address).status_code == (401 if options else 200)  # a code is valid once


@pytest.mark.skipif(sys.platform != "linux", reason="only here can there be no windows")
def test_no_browser_can_be_opened(tmp_path):
    """Without a screen, --open is a note, and the page is served all the same."""
    with serving(tmp_path, "--open", BROWSER="", DISPLAY="", WAYLAND_DISPLAY="") as served:
        assert "No browser can be opened here" in served.process.stderr.readline()
        assert httpx.get(served.url).status_code == 200
