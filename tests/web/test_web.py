"""The web page without a browser: what it accepts, who owns which file, and when files are removed."""

import math
import os
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
from PIL import Image
from processes import WAIT, wait_until

from cartoonize.core.errors import MediaError
from cartoonize.web.folders import KEPT, Folders
from cartoonize.web.limits import Limits

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


def test_files_stay_for_an_hour(tmp_path):
    """Files that were last written more than an hour ago are removed, unless they are in use."""
    folders = Folders(tmp_path)
    old, at_work, new, needed = (folders.new(name) for name in ("a", "a", "b", "c"))
    for folder in (old, at_work, new, needed):
        (folder / "file").write_text("x")
        os.utime(folder, (0, 0))
    for folder in (old, needed):
        os.utime(folder / "file", (time.time() - KEPT - 60, time.time() - KEPT - 60))
    folders.sweep(in_use={needed})
    assert not old.exists()
    assert (at_work / "file").exists()
    assert (new / "file").exists()
    assert (needed / "file").exists()
    folders.sweep(time.time() + KEPT + 60)
    assert not list(tmp_path.iterdir())


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


def test_limits_are_checked_by_headers(tmp_path, photo):
    """Pictures and videos beyond a limit are refused with a sentence that states the limit."""
    clip = Clip(size=(64, 48), times=range(48)).write(tmp_path / "clip.mp4")
    animation = tmp_path / "animation.webp"
    frames = [Image.new("RGB", (8, 8), (50 * n, 0, 0)) for n in range(5)]
    frames[0].save(animation, save_all=True, append_images=frames[1:])
    Limits().check(clip)
    Limits().check(photo)
    for limits, path, sentence in (
        (Limits(seconds=1), clip, "clip.mp4 lasts 2 s; this page accepts up to 1 s"),
        (Limits(frames=47), clip, "more than the 47 frames"),
        (
            Limits(pixels=3071),
            clip,
            "clip.mp4 is 64 x 48 pixels large; this page accepts up to 0.00307 million",
        ),
        (Limits(pixels=1535), photo, "photo.png is 48 x 32 pixels large"),
        (Limits(frames=4), animation, "more than the 4 frames"),
        (Limits(upload=100), photo, "The file has"),
    ):
        with pytest.raises(MediaError, match=re.escape(sentence)):
            limits.check(path)


def test_a_size_that_is_refused_looks_larger_than_the_limit():
    """A file a byte larger than allowed is not said to have the size that is allowed."""
    with pytest.raises(MediaError, match=re.escape("has 4,000.1 MB; this page accepts up to 4,000 MB")):
        Limits(upload=4000 << 20).check_size((4000 << 20) + 1)


def test_large_frames_count_as_several():
    """The time for a video depends on its pixels: of 4K, half as many frames are accepted as of Full HD."""
    limits = Limits(frames=100)
    limits.check_frames(100, 1920, 1080)
    limits.check_frames(50, 3840, 2160)
    with pytest.raises(
        MediaError, match="more than the 50 frames of 3840 x 2160 pixels that this page accepts"
    ):
        limits.check_frames(51, 3840, 2160)
    Limits(frames=math.inf).check_frames(1e9, 3840, 2160)


def test_photos_of_phones_are_pictures(tmp_path):
    """A JPEG with a second picture in it, as phones write them, is a picture; so is a scan of many pages."""
    kinds = []
    for name, form in (("phone.jpg", "MPO"), ("scan.tif", "TIFF"), ("moving.png", "PNG")):
        pages = [Image.new("RGB", (32, 24), colour) for colour in ("red", "blue")]
        pages[0].save(tmp_path / name, form, save_all=True, append_images=pages[1:])
        kinds.append(Limits().check(tmp_path / name))
    assert kinds == ["picture", "picture", "animation"]


def test_files_that_name_other_files_are_refused(tmp_path, photo):
    """Playlists, which name files and addresses of the server, are no videos; PostScript is no picture."""
    clip = Clip().write(tmp_path / "private.mp4")
    made = {
        "hls.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{clip}\n#EXT-X-ENDLIST\n",
        "list.mp4": "ffconcat version 1.0\nfile private.mp4\n",
        "sdp.mp4": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "dash.mp4": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>',
        "text.mp4": "nothing of the kind",
    }
    for name, text in made.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(MediaError, match="is not a readable picture or video"):
            Limits().check(tmp_path / name)
    Image.open(photo).save(tmp_path / "in.eps")
    (tmp_path / "in.eps").rename(tmp_path / "eps.png")
    with pytest.raises(MediaError, match=r"eps\.png is not a readable picture"):
        Limits().check(tmp_path / "eps.png")


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


def test_the_folder_outlives_a_cleaner_of_temporary_files(tmp_path):
    """Systems that remove old temporary files leave the folder of an idle server; removed, it returns."""
    folders = Folders(tmp_path / "root")
    for name in (".", "lock"):
        (tmp_path / "root").mkdir(exist_ok=True)
        (tmp_path / "root" / "lock").touch()
        os.utime(tmp_path / "root" / name, (0, 0))
    folders.sweep()
    assert all(path.stat().st_mtime > time.time() - 60 for path in (folders.root, folders.root / "lock"))
    shutil.rmtree(folders.root)
    folders.sweep()
    with folders.reserve("a", 10, share=100_000, neighbours={"a"}):
        assert folders.new("a").is_dir()
