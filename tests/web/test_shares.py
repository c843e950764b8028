"""One visitor cannot take the server from the others: shares of the queue, the disk and the connections."""

import socket
import time
from collections import namedtuple

import pytest
from clips import Clip
from pages import serving
from PIL import Image

pytest.importorskip("gradio", reason="the web page needs cartoonize[web]")
import httpx

from cartoonize.core.errors import MediaError, SpaceError
from cartoonize.media.pictures.formats import FORMATS, PICTURE_SUFFIXES
from cartoonize.web import connections, folders, visitors
from cartoonize.web.folders import Folders
from cartoonize.web.limits import MEGABYTE, LimitError, Limits, choose_limits
from cartoonize.web.visitors import Visitors

HERE, THERE = "127.0.0.1", "192.0.2.7"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("served")) as served:
        yield served


def claimed(*sessions, address=HERE):
    """Visitors, and their open pages."""
    known = Visitors()
    for session, visitor in sessions:
        assert known.claim(session, visitor, address)
    return known


def test_a_visitor_has_a_share_of_the_queue():
    """A visitor may queue four files; others still may queue theirs."""
    known = claimed(*((f"s{n}", "greedy") for n in range(4)), ("t", "other"))
    queued = [f"s{n}" for n in range(4)]
    assert known.may_queue("greedy", HERE, queued[:3])
    assert not known.may_queue("greedy", HERE, queued)
    assert known.may_queue("other", HERE, queued)


def test_new_cookies_are_no_new_share():
    """Who deletes the cookie each time is stopped by the address; a proxy on this computer is no visitor."""
    sessions = [(f"s{n}", f"visitor{n}") for n in range(16)]
    queued = [session for session, _ in sessions]
    assert not claimed(*sessions, address=THERE).may_queue("new", THERE, queued)
    assert claimed(*sessions, address=HERE).may_queue("new", HERE, queued)


def test_what_nobody_waits_for_is_known():
    """A page waits while it is connected, and for half a minute after that."""
    known, later = claimed(("page", "visitor")), time.monotonic() + 31
    assert known.is_waiting("page")
    assert not known.is_waiting("page", lambda: later)
    with known.listen("page"):
        assert known.is_waiting("page", lambda: later)
    assert not known.is_waiting("page", lambda: time.monotonic() + 31)
    assert not known.is_waiting("nobody's")


def test_requests_are_counted():
    """A visitor has a limit of open requests, and so has an address, whatever the cookies."""
    known = Visitors()

    def open_many(visitor, address, count):
        if not count:
            return True
        with known.open_request(visitor, address) as within:
            return within and open_many(visitor, address, count - 1)

    assert open_many("visitor", HERE, 60)
    assert not open_many("visitor", HERE, 61)
    assert open_many(None, HERE, 100)
    assert not open_many(None, THERE, 61)
    assert not known._open


def test_uploads_in_progress_count(tmp_path, monkeypatch):
    """Space for an upload is held from its beginning, so that many at once cannot fill the disk."""
    usage = namedtuple("usage", "free")  # as the system's
    monkeypatch.setattr(folders.shutil, "disk_usage", lambda _path: usage(1000))
    files = Folders(tmp_path)
    with files.reserve("a", 100, share=1000, neighbours={"a"}):
        with files.reserve("b", 150, share=1000, neighbours={"b"}):
            pass
        with (
            pytest.raises(SpaceError, match="no space for more files"),
            files.reserve("b", 151, share=1000, neighbours={"b"}),
        ):
            pass
    with files.reserve("b", 250, share=1000, neighbours={"b"}):
        pass


def test_a_visitor_has_a_share_of_the_disk(tmp_path):
    """Uploads and results of a visitor, and of the others at the address, are limited together."""
    files = Folders(tmp_path)
    (files.new("a") / "upload").write_bytes(bytes(600))
    (files.new("b") / "result").write_bytes(bytes(10_000))
    share = 600 + 4096 * 4 + 10_000  # folders have a size too
    for neighbours, size, fits in (({"a"}, 300, True), ({"a"}, share, False), ({"a", "b"}, share, False)):
        try:
            with files.reserve("a", size, share=share, neighbours=neighbours):
                assert fits
        except SpaceError as error:
            assert not fits
            assert "removed an hour after" in str(error)  # noqa: PT017


def test_silent_connections_are_closed(served):
    """A connection that sends no header, or not the whole of it, is closed; one at work is not."""
    seconds = connections.HEADER_SECONDS
    address = ("localhost", httpx.URL(served.url).port)
    with socket.create_connection(address) as silent, socket.create_connection(address) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        began = time.monotonic()
        with httpx.Client(base_url=served.url) as client:
            client.get("/")
            with client.stream("GET", "/gradio_api/heartbeat/open") as beating:
                for connection in (silent, slow):
                    connection.settimeout(seconds + 10)
                    assert connection.recv(1000) == b""
                assert time.monotonic() - began > seconds - 1
                assert next(beating.iter_lines()) == "data: ALIVE"


def test_connections_of_an_address_are_limited(monkeypatch):
    """Further connections of an address are closed at once, but those of this computer."""
    from uvicorn import Config
    from uvicorn.server import ServerState

    class Loop:
        def call_later(self, *_):
            return type("Timer", (), {"cancel": lambda _: None})()

    class Transport:
        closed = False

        def __init__(self, address):
            self._address = address

        def get_extra_info(self, name):
            return {"peername": (self._address, 1), "sockname": ("192.0.2.1", 7860)}.get(name)

        def close(self):
            self.closed = True

    monkeypatch.setattr(connections, "PER_ADDRESS", 2)
    config = Config(lambda: None, log_level="error")
    config.load()

    def connect(address):
        guard = connections.GuardedProtocol(config, ServerState(), {}, _loop=Loop())
        transport = Transport(address)
        guard.connection_made(transport)
        return guard, transport

    far = [connect(THERE) for _ in range(3)]
    near = [connect(HERE) for _ in range(5)]
    assert [transport.closed for _, transport in far] == [False, False, True]
    assert not any(transport.closed for _, transport in near)
    for guard, _ in (*far, *near):
        guard.connection_lost(None)
    assert not connections._connections


def test_a_share_is_kept_by_the_server(served, tmp_path):
    """The fifth file of a visitor is refused with a sentence, while another visitor's is taken."""
    clip = Clip(size=(320, 240), times=range(1200)).write(tmp_path / "clip.mp4")
    with httpx.Client(base_url=served.url, timeout=60) as greedy, httpx.Client(base_url=served.url) as other:
        codes = []
        for client, count in ((greedy, 5), (other, 1)):
            client.get("/")
            response = client.post("/gradio_api/upload", files={"files": ("clip.mp4", clip.read_bytes())})
            sessions = [f"{count}-{number}" for number in range(count)]
            codes += [join_queue(client, response.json()[0], session) for session in sessions]
        assert [code for code, _ in codes] == [200, 200, 200, 200, 429, 200]
        assert "let one end first" in codes[4][1]


def join_queue(client, path, session):
    config = client.get("/config").json()
    convert = next(entry for entry in config["dependencies"] if len(entry["inputs"]) == 6)
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    body = {"data": [file, "ink", "normal", 1, False, 1], "fn_index": convert["id"], "session_hash": session}
    response = client.post("/gradio_api/queue/join", json=body)
    return response.status_code, response.text


@pytest.mark.slow
def test_what_nobody_waits_for_is_dropped(tmp_path):
    """A conversion whose page never listens ends by itself, and the next one begins."""
    clip = Clip(size=(640, 480), times=range(4000)).write(tmp_path / "clip.mp4")
    with serving(tmp_path) as served, httpx.Client(base_url=served.url, timeout=60) as client:
        client.get("/")
        response = client.post("/gradio_api/upload", files={"files": ("clip.mp4", clip.read_bytes())})
        before = served.files()
        assert join_queue(client, response.json()[0], "silent")[0] == 200
        deadline = time.monotonic() + visitors.PATIENCE + 60
        while time.monotonic() < deadline and not any("/lock" in name for name in served.files()):
            time.sleep(0.1)
        assert served.files() != before
        while time.monotonic() < deadline and served.files() != before:
            time.sleep(0.5)
        assert served.files() == before


def test_ones_own_computer_has_no_limit_of_length():
    """A page for its own computer converts long videos; named limits count everywhere."""
    nothing = {"megabytes": None, "seconds": None, "frames": None, "pixels": 1000}
    own, shared = choose_limits(private=True, **nothing), choose_limits(private=False, **nothing)
    own.check_frames(10**9)
    with pytest.raises(LimitError):
        shared.check_frames(10**9)
    assert (shared.seconds, shared.upload) == (120, 200 * MEGABYTE)
    named = choose_limits(private=True, megabytes=1, seconds=2.0, frames=3, pixels=1000)
    assert named == Limits(MEGABYTE, 2.0, 3, 1000)


def test_the_stream_that_is_converted_is_checked(tmp_path):
    """Of several video streams the limits look at the one that is read, not at a cover or a smaller one."""
    import av

    path = tmp_path / "two.mkv"
    with av.open(path, "w") as container:
        for size, default in ((64, False), (320, True)):
            stream = container.add_stream("libx264", rate=24)
            stream.width, stream.height, stream.pix_fmt = size, size // 2, "yuv420p"
            stream.disposition = av.stream.Disposition.default if default else av.stream.Disposition(0)
        for stream in container.streams.video:
            frame = av.VideoFrame(stream.width, stream.height, "yuv420p")
            frame.pts = 0
            container.mux(stream.encode(frame))
        for stream in container.streams.video:
            container.mux(stream.encode(None))
    with pytest.raises(MediaError, match="320 x 160 pixels"):
        Limits(pixels=320 * 160 - 1).check(path)
    Limits(pixels=320 * 160).check(path)


def test_pictures_of_every_kind(tmp_path):
    """The page accepts each kind of picture that the command line reads, in any case."""
    for suffix in PICTURE_SUFFIXES:
        path = tmp_path / f"photo{suffix.upper()}"
        Image.new("RGB", (32, 32)).save(path, FORMATS[suffix].name)
        Limits().check(path)


@pytest.mark.parametrize(
    "name", ["clip.MTS", "clip.mts", "clip.ts", "clip.3gp", "clip.MP4", "clip.MOV", "clip.Mkv"]
)
def test_suffixes_of_cameras_and_phones(tmp_path, name):
    """The page accepts what the command line does, in any case; what it refuses it explains."""
    kind = name.lower().replace("mts", "ts")
    Clip(size=(176, 144)).write(tmp_path / kind).rename(tmp_path / name)
    Limits().check(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no video")
    with pytest.raises(MediaError, match=r"notes\.txt is not a readable picture or video"):
        Limits().check(tmp_path / "notes.txt")


GOOD = [None, "ink", "normal", 1, False, 1]
ODD_BODIES = [
    {}, {"data": 5}, {"data": []}, {"fn_index": "x"}, {"fn_index": 10**9}, {"fn_index": True},
    {"fn_index": -1}, {"session_hash": 5}, {"session_hash": ""}, {"session_hash": "s" * 1000},
    {"session_hash": ["a"]}, {"session_hash": None}, {"event_id": {}},
    *({"fn_index": number, "data": data} for number in range(9) for data in (
        [], [1, 2, 3], [[]] * 6, [{"path": None}], [{"path": ""}], [{"path": 5}], [None] * 50, {},
        [None, "no style", *GOOD[2:]], [*GOOD[:3], "x", False, 1], [*GOOD[:3], float("1e300"), False, 1],
        [*GOOD[:4], 5, 1], [*GOOD[:5], 9], [{"meta": {}}, *GOOD[1:]], [5, *GOOD[1:]],
    )),
    *({"fn_index": number, "data": GOOD, **odd} for number in range(9) for odd in (
        {"trigger_id": "a"}, {"event_data": 5}, {"simple_format": 7}, {"batched": "x"},
    )),
]  # fmt: skip


@pytest.mark.slow
def test_malformed_requests_are_errors_of_the_visitor(tmp_path):
    """Whatever a request holds, it is answered with 4xx, or is an error of its own page; the server prints no
    traceback, and goes on."""
    with serving(tmp_path) as served, httpx.Client(base_url=served.url, timeout=60) as client:
        client.get("/")
        codes = {}
        for path in ("queue/join", "run/predict", "run/convert", "cancel", "reset"):
            for number, body in enumerate(ODD_BODIES):
                odd = {"session_hash": f"odd{number}"} | body
                codes[path, number] = client.post(f"/gradio_api/{path}", json=odd).status_code
        for kind in ("text/plain", "multipart/form-data", "multipart/form-data; boundary=a"):
            headers = {"Content-Type": kind}
            codes[kind, 0] = client.post(
                "/gradio_api/upload", content=b"--a\r\n\r\n", headers=headers
            ).status_code
        time.sleep(1)
        assert client.get("/").status_code == 200
        served.process.terminate()
        _, printed = served.process.communicate(timeout=30)
    assert "Traceback" not in printed, printed
    assert {key: code for key, code in codes.items() if code >= 500} == {}
