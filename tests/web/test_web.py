"""The web page without a browser: what it accepts, whose files are whose, and what is left of them."""

import os
import re
import shutil
import signal
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from clips import Clip
from pages import serving
from PIL import Image

pytest.importorskip("gradio", reason="the web page needs cartoonize[web]")
import httpx

from cartoonize.core.errors import MediaError
from cartoonize.web.folders import KEPT, Folders
from cartoonize.web.limits import Limits

EVERYWHERE = "0.0.0.0"  # noqa: S104  # for a moment


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("served"), "--max-upload", "1") as served:
        yield served


@pytest.fixture
def visitor(served):
    """Somebody with a browser, who has opened the page."""
    with httpx.Client(base_url=served.url) as client:
        assert client.get("/").status_code == 200
        yield client


@pytest.fixture
def other(served):
    with httpx.Client(base_url=served.url) as client:
        client.get("/")
        yield client


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(path)
    return path


def upload(client, path, name=None):
    """Upload a file; returns its path on the server."""
    response = client.post("/gradio_api/upload", files={"files": (name or path.name, path.read_bytes())})
    assert response.status_code == 200, response.text
    return response.json()[0]


def join_queue(client, path, session="session1", style="pepper"):
    """Ask for a conversion as the page does; returns the response."""
    config = client.get("/config").json()
    draw = next(entry for entry in config["dependencies"] if len(entry["inputs"]) == 6)
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    body = {"data": [file, style, "normal", 1, False, 1], "fn_index": draw["id"], "session_hash": session}
    return client.post("/gradio_api/queue/join", json=body)


def test_visitors_get_their_own_files(visitor, photo):
    """A visitor gets uploaded files back, whole and in parts, as players ask for them."""
    path = upload(visitor, photo)
    assert visitor.get(f"/gradio_api/file={path}").content == photo.read_bytes()
    part = visitor.get(f"/gradio_api/file={path}", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, photo.read_bytes()[10:20])


def test_nobody_else_gets_them(served, visitor, other, photo):
    """With the address of another's file, or without a cookie, there is nothing, as if it did not exist."""
    path = upload(visitor, photo)
    assert other.get(f"/gradio_api/file={path}").status_code == 404
    assert httpx.get(f"{served.url}gradio_api/file={path}").status_code == 404
    assert other.get("/gradio_api/file=/nowhere").text == other.get(f"/gradio_api/file={path}").text
    assert join_queue(other, path).status_code == 403


def test_two_visitors_with_the_same_file_share_nothing(served, visitor, other, photo):
    """The same picture of two visitors is two files."""
    first, second = upload(visitor, photo), upload(other, photo)
    assert first != second
    assert Path(first).parts[: len(served.root.parts) + 1] != Path(second).parts[: len(served.root.parts) + 1]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/hostname", "//etc/hostname", "../../../etc/hostname", "%2e%2e/%2e%2e/etc/hostname",
        "%2Fetc%2Fhostname", "{own}/../../../../secret.png", "{own}%2f..%2f..%2f..%2f..%2fsecret.png",
        "{root}/secret.png", "{link}", "{own}", "{root}", "{own}/", "{own}%00.png", "file:///etc/hostname",
        "http://127.0.0.1:1/x.png", "http://example.com/x.png", ".", "", "~/.bashrc",
    ],
)  # fmt: skip
def test_paths_lead_nowhere_else(served, visitor, photo, path):
    """No way of writing a path leads out of the visitor's own files: no dots, codes, links or addresses."""
    own = Path(upload(visitor, photo)).parent
    shutil.copy(photo, served.root / "secret.png")
    link = own / f"link{time.monotonic_ns()}.png"
    link.symlink_to(served.root / "secret.png")
    address = path.format(own=own, root=served.root, link=link)
    with socket.create_connection(("localhost", httpx.URL(served.url).port)) as connection:
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        request = f"GET /gradio_api/file={address} HTTP/1.0\r\nHost: localhost\r\nCookie: {cookies}\r\n\r\n"
        connection.sendall(request.encode())  # as it is: clients would tidy it up
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    assert re.match(rb"HTTP/1.1 40[0-9] ", response), response[:200]
    assert photo.read_bytes() not in response
    assert join_queue(visitor, address).status_code == 403 or not address


@pytest.mark.parametrize(
    "name", ["../../up.png", "/etc/up.png", "..\\up.png", "..", "a/b.png", "x" * 300 + ".png"]
)
def test_names_of_uploads_lead_nowhere_else(served, visitor, photo, name):
    """Whatever a file is called, it stays in the visitor's folder."""
    response = visitor.post("/gradio_api/upload", files={"files": (name, photo.read_bytes())})
    known = {path for path in served.root.rglob("*") if path.is_file()}
    assert response.status_code == 400 or Path(response.json()[0]).resolve() in known
    assert not [path for path in served.root.parent.rglob("*up.png") if served.root not in path.parents]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/info"), ("GET", "/gradio_api/openapi.json"), ("GET", "/openapi.json"),
        ("GET", "/gradio_api/proxy=https://example.com/"), ("POST", "/gradio_api/component_server"),
        ("GET", "/gradio_api/deep_link?session_hash=a"), ("GET", "/gradio_api/runs"), ("GET", "/monitoring"),
        ("POST", "/gradio_api/process_recording"), ("POST", "/gradio_api/vibe-edit"), ("POST", "/login"),
        ("POST", "/gradio_api/call/draw"), ("GET", "/gradio_api/queue/status"), ("PUT", "/"),
        ("GET", "/docs"),
    ],
)  # fmt: skip
def test_what_the_page_does_not_need_is_not_there(visitor, method, path):
    """The rest of what Gradio's server can do is not available."""
    assert visitor.request(method, path).status_code == 404


def test_a_session_is_the_visitors_who_opened_it(visitor, other, photo):
    """Nobody can listen to another's page, or stop their conversion, even by its name."""
    assert join_queue(visitor, upload(visitor, photo), "shared").status_code == 200
    assert other.get("/gradio_api/queue/data?session_hash=shared").status_code == 403
    assert other.get("/gradio_api/heartbeat/shared").status_code == 403
    stop = {"session_hash": "shared", "fn_index": 0, "event_id": "a", "data": []}
    assert other.post("/gradio_api/cancel", json=stop).status_code == 403
    assert join_queue(other, upload(other, photo), "shared").status_code == 403


def test_other_sites_cannot_read_here(served, visitor):
    """A site whose name was made to lead here is refused, and no other site may show the page in a frame."""
    assert visitor.get("/", headers={"Host": "attacker.example"}).status_code == 403
    page = visitor.get("/")
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert "HttpOnly; SameSite=Lax" in httpx.get(served.url).headers["Set-Cookie"]


def test_behind_another_server(visitor):
    """A server in front, which says by which name and protocol it is known, gets a page that leads there."""
    known = {"X-Forwarded-Host": "cartoons.example", "X-Forwarded-Proto": "https"}
    assert visitor.get("/config", headers=known).json()["root"] == "https://cartoons.example"


def test_uploads_are_limited_before_they_are_read(served, visitor):
    """A file that is too large is refused by its length; nothing of it is kept. So are those of nobody."""
    large = {"files": ("large.mp4", bytes(2 << 20))}
    response = visitor.post("/gradio_api/upload", files=large)
    assert response.status_code == 413
    assert "accepts up to 1 MB" in response.text
    assert (
        httpx.post(f"{served.url}gradio_api/upload", files={"files": ("nobody.png", b"a")}).status_code == 403
    )
    assert not [name for name in served.files() if "large" in name or "nobody" in name]


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"[]", b'"' + b"a" * (2 << 20) + b'"'])
def test_odd_requests_are_refused(visitor, body):
    """What is no request of the page, or too large for one, is refused, and the server goes on."""
    assert visitor.post("/gradio_api/queue/join", content=body).status_code in (400, 403)
    assert visitor.get("/").status_code == 200


def test_limits_are_checked_by_headers(tmp_path, photo):
    """Pictures and videos beyond a limit are refused with a sentence that says how much is taken."""
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
        (Limits(pixels=1999), photo, "photo.png is 50 x 40 pixels large"),
        (Limits(frames=4), animation, "more than the 4 frames"),
        (Limits(upload=100), photo, "The file has"),
    ):
        with pytest.raises(MediaError, match=re.escape(sentence)):
            limits.check(path)


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
    with pytest.raises(MediaError, match=r"eps\.png is a EPS file under another name"):
        Limits().check(tmp_path / "eps.png")


def test_files_stay_for_an_hour(tmp_path):
    """What was last written more than an hour ago is removed; what is being written stays."""
    folders = Folders(tmp_path)
    old, at_work, new = (folders.new(name) for name in ("a", "a", "b"))
    for folder in (old, at_work, new):
        (folder / "file").write_text("x")
        os.utime(folder, (0, 0))
    os.utime(old / "file", (time.time() - KEPT - 60, time.time() - KEPT - 60))
    folders.sweep()
    assert not old.exists()
    assert (at_work / "file").exists()
    assert (new / "file").exists()
    folders.sweep(time.time() + KEPT + 60)
    assert not list(tmp_path.iterdir())


def test_it_ends_cleanly_and_says_what_exposing_means(tmp_path, photo):
    """With another host it says what that means; Ctrl-C ends it with the usual code; its files are gone."""
    with serving(tmp_path, "--host", EVERYWHERE) as served, httpx.Client(base_url=served.url) as client:
        assert "without a password" in served.process.stderr.readline()
        client.get("/")
        upload(client, photo)
        assert served.files()
        with client.stream("GET", "/gradio_api/heartbeat/open"):  # a page that stays open does not hold it up
            end_by_ctrl_c(served)


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_a_conversion(tmp_path):
    """Ctrl-C stops the conversion at work, too, and those that wait; none of their files is left."""
    clip = Clip(size=(320, 240), times=range(2200)).write(tmp_path / "clip.mp4")
    with serving(tmp_path) as served, httpx.Client(base_url=served.url) as client:
        client.get("/")
        path = upload(client, clip)
        for session in ("first", "second"):
            assert join_queue(client, path, session).status_code == 200
        deadline = time.monotonic() + 60
        while not any("/lock" in name for name in served.files()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(served.files()) > 1
        end_by_ctrl_c(served)


def end_by_ctrl_c(served):
    served.process.send_signal(signal.SIGINT)
    _, messages = served.process.communicate(timeout=30)
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
    assert "choose another --host or --port" in messages
    assert run("web", "--host", "192.0.2.1")[0] == 1


def test_without_gradio(run, monkeypatch):
    """Where the extra is not installed, the command says what to install."""
    monkeypatch.setattr("cartoonize.cli.web.find_spec", lambda _name: None)
    code, _, messages = run("web")
    assert code == 1
    assert "pip install 'cartoonize[web]'" in messages
