"""One visitor cannot take the server from the others: shares and turns of the queue."""

import asyncio
import errno
import time
from pathlib import Path

import httpx
import pytest
from clips import Clip
from pages import ask, send, serving
from PIL import Image
from processes import WAIT, wait_until

from cartoonize.core.sample_photos import open_photo
from cartoonize.web import app, visitors
from cartoonize.web.folders import Folders
from cartoonize.web.jobs import JobQueue, ShareError
from cartoonize.web.limits import Limits
from cartoonize.web.settings import ConversionSettings
from cartoonize.web.visitors import Visitors, network_of
from cartoonize.web.web_job import Upload, WebJob
from cartoonize.web.worker import Conversion, Worker

ADDRESS, OTHER_ADDRESS = "127.0.0.1", "192.0.2.7"


@pytest.fixture
def queue(tmp_path):
    """A queue that has not started."""
    worker = Worker(Limits())
    yield JobQueue(worker, Folders(tmp_path), Visitors())
    worker.close()


def job_of(visitor, address=ADDRESS):
    upload = Upload(visitor, Path("nowhere") / visitor, "picture")
    return WebJob(upload, address, ConversionSettings())


def add(queue, visitors, address=ADDRESS):
    """Queue one file for each of these visitors, in this order."""
    added = [job_of(visitor, address) for visitor in visitors]
    for job in added:
        queue.add(job)
    return added


def order(queue):
    return "".join(job.visitor for job in queue._waiting())


def test_visitors_take_turns(queue):
    """The first file of a visitor goes before the second of another, however many that one has queued."""
    jobs = add(queue, "aaaa")
    assert order(queue) == "aaaa"
    jobs[0].state, queue._turn = "converting", jobs[0].turn
    late = add(queue, "bbc")
    assert order(queue) == "bcabaa"
    assert [queue.count_before(job) for job in jobs] == [0, 3, 5, 6]
    assert [queue.count_before(job) for job in late] == [1, 4, 2]
    queue.stop(late[0])
    assert order(queue) == "cabaa"


def test_coming_again_is_no_advantage(queue):
    """A visitor who queues one file after the other gets every second turn beside one with many files."""
    add(queue, "aaaa")
    add(queue, "b")
    served = ""
    for _ in range(7):
        job = queue._waiting()[0]
        job.state, queue._turn = "converting", max(queue._turn, job.turn)
        served += job.visitor
        if job.visitor == "b":
            add(queue, "b")  # before the one at work has ended
        job.state = "done"
    assert served == "abababa"


def test_a_visitor_has_a_share_of_the_queue(queue):
    """A visitor may queue fifty files; others still may queue theirs."""
    add(queue, ["greedy"] * 50)
    with pytest.raises(ShareError, match="let one end first"):
        add(queue, ["greedy"])
    [other] = add(queue, ["other"])
    assert queue.count_before(other) == 1
    queue.stop(queue._waiting()[-1])
    add(queue, ["greedy"])


def test_new_cookies_are_no_new_share(queue):
    """Visitors of one address who delete their cookies share one turn and one limit.

    A proxy on this computer is no visitor.
    """
    add(queue, [f"visitor{number}" for number in range(100)], OTHER_ADDRESS)
    with pytest.raises(ShareError):
        add(queue, ["new"], OTHER_ADDRESS)
    [other] = add(queue, ["other"], "192.0.2.8")
    assert queue.count_before(other) == 1
    add(queue, [f"near{number}" for number in range(101)], ADDRESS)


def test_the_number_of_uploads_is_limited(queue):
    """Visitors of an address keep at most two hundred files, however small."""
    for _ in range(200):
        queue.add_upload(Upload("a", Path("nowhere"), "picture"))
    with pytest.raises(ShareError, match="remove some first"):
        queue.check_uploads({"a", "b"})
    queue.check_uploads({"b"})


def test_what_nobody_waits_for_is_known():
    """A visitor waits while a page is open, for half a minute after that, and 3 seconds after it closed."""
    all_visitors = Visitors()
    opened = time.monotonic()
    all_visitors.record_activity("visitor", ADDRESS)
    assert all_visitors.is_waiting("visitor", lambda: opened + 29)
    assert not all_visitors.is_waiting("visitor", lambda: time.monotonic() + 31)
    with all_visitors.listen("visitor"):
        assert all_visitors.is_waiting("visitor", lambda: time.monotonic() + 1000)
        closed = time.monotonic()
        all_visitors.leave("visitor")
        assert all_visitors.is_waiting("visitor", lambda: closed + 1000)
    assert all_visitors.is_waiting("visitor", lambda: closed + 2)
    assert not all_visitors.is_waiting("visitor", lambda: time.monotonic() + 4)
    loaded_again = time.monotonic()
    all_visitors.record_activity("visitor", ADDRESS)
    assert all_visitors.is_waiting("visitor", lambda: loaded_again + 29)
    assert not all_visitors.is_waiting("nobody")


def test_visitors_who_are_there_are_not_forgotten(monkeypatch):
    """Many new visitors replace those who are inactive, not those who wait or were there a moment ago."""
    monkeypatch.setattr(visitors, "_REMEMBERED", 4)
    all_visitors = Visitors()
    all_visitors.record_activity("recent", ADDRESS)
    with all_visitors.listen("here"):
        monkeypatch.setattr(visitors, "PATIENCE", 0.0)  # of those who come from now on
        for number in range(100):
            all_visitors.record_activity(f"new{number}", OTHER_ADDRESS)
        assert all_visitors.is_waiting("here")
        assert all_visitors.is_waiting("recent")
        assert len(all_visitors._known) <= 4
        assert "new99" in all_visitors.neighbours("new99", OTHER_ADDRESS)


def test_stopping_again_and_again_fills_no_memory(queue):
    """A file that is queued and stopped, or that fails, many times is one job, the last one."""
    upload = Upload("a", Path("nowhere") / "a", "picture")
    for state in ("stopped", "failed") * 3:
        job = WebJob(upload, ADDRESS, ConversionSettings())
        queue.add(job)
        assert queue.jobs_of("a") == [job]
        queue._finish(job, state)


@pytest.mark.parametrize(("part", "method"), [("_folders", "new"), ("_worker", "convert")])
def test_a_full_disk_ends_one_job(queue, monkeypatch, part, method):
    """A job for whose files there is no space fails with a sentence, and the next one runs."""

    def refuse(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device", "folder")

    async def convert_two():
        task = asyncio.create_task(queue.run())
        for job in jobs:
            await asyncio.wait_for(job.finished.wait(), 5)
        task.cancel()

    jobs = add(queue, "ab")
    monkeypatch.setattr(getattr(queue, part), method, refuse)
    asyncio.run(convert_two())
    error = "Cannot write the result: No space left on device."
    assert [(job.state, job.error) for job in jobs] == [("failed", error)] * 2


def test_a_full_disk_ends_no_sweep(queue, monkeypatch):
    """Old files are still removed after a sweep that failed."""
    swept = []

    def refuse(*, in_use):
        swept.append(in_use)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(app, "_SWEEP_FILES", 0)
    monkeypatch.setattr(queue._folders, "sweep", refuse)
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(app._sweep_files(queue._folders, queue), 0.2))
    assert len(swept) > 1


def test_a_job_that_is_removed_at_its_end_keeps_the_earlier_result(queue, monkeypatch):
    """A conversion that is removed when it has just ended leaves the earlier result of its file."""
    upload = Upload("a", Path("nowhere") / "a", "picture")
    earlier, later = (WebJob(upload, ADDRESS, ConversionSettings()) for _ in range(2))

    async def remove():
        queue.remove_job(later)

    async def convert_later():
        def convert(*_arguments, **_options):
            asyncio.run_coroutine_threadsafe(remove(), loop).result(WAIT)
            return Conversion(upload.path, upload.path, is_video=False)

        loop = asyncio.get_running_loop()
        monkeypatch.setattr(queue._worker, "convert", convert)
        task = asyncio.create_task(queue.run())
        await asyncio.wait_for(later.finished.wait(), WAIT)
        task.cancel()

    queue.add(earlier)
    queue._finish(earlier, "done")
    queue.add(later)
    asyncio.run(convert_later())
    assert queue.jobs_of("a") == [earlier]


def test_a_full_disk_is_a_sentence(tmp_path):
    """On a full disk, requests are refused in a sentence that shows no path of the server, and nothing
    half-written stays; what fits is converted."""
    pytest.importorskip("resource")
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))"
    small, photo, large = (tmp_path / name for name in ("small.jpg", "photo.jpg", "large.png"))
    open_photo("coffee.png").save(large)
    open_photo("coffee.png").resize((300, 200)).save(photo, quality=30)  # its cartoon is larger
    Image.new("RGB", (32, 24)).save(small)
    with serving(tmp_path, before=full) as served, httpx.Client(base_url=served.url, timeout=60) as client:
        client.get("/")
        example = client.post("/api/examples/cat")
        upload = client.post("/api/files", files={"file": ("large.png", large.read_bytes())})
        assert (example.status_code, upload.status_code, served.files()) == (507, 507, [])
        results = []
        for path in (photo, small):
            job = ask(client, send(client, path)).json()["id"]
            results.append(client.get(f"/api/jobs/{job}/result"))
        assert [result.status_code for result in results] == [422, 200]
        for response in (example, upload, results[0]):
            assert "File too large" in response.json()["error"]
            assert str(tmp_path) not in response.text
        names = sorted(name.rpartition("/")[2] for name in served.files())
        assert names == ["photo.jpg", "small-cartoon.jpg", "small.jpg"]
        served.process.terminate()
        assert "Traceback" not in served.process.communicate(timeout=WAIT)[1]


def test_a_network_is_one_visitor():
    """All addresses of a home's IPv6 network count as one, so that they are no new shares."""
    assert network_of("2001:db8:1:2::7") == network_of("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::7") != network_of("2001:db8:1:2::7")
    assert network_of("::ffff:192.0.2.7") == network_of("192.0.2.7") == "192.0.2.7"
    assert network_of("::1") == "::1"
    assert network_of("") == ""


def test_a_share_is_kept_by_the_server(served, tmp_path):
    """The file beyond a visitor's share is refused with a sentence, while another visitor's is next."""
    clip = Clip(size=(320, 240), times=range(1200)).write(tmp_path / "clip.mp4")
    with httpx.Client(base_url=served.url, timeout=60) as greedy, httpx.Client(base_url=served.url) as other:
        for client in (greedy, other):
            client.get("/")
        file = send(greedy, clip)
        answers = [ask(greedy, file) for _ in range(51)]
        assert [answer.status_code for answer in answers] == [201] * 50 + [429]
        assert "let one end first" in answers[-1].json()["error"]
        assert ask(other, send(other, clip)).json()["before"] <= 1
        greedy.delete(f"/api/files/{file}")


@pytest.mark.slow
def test_what_nobody_waits_for_is_dropped(tmp_path):
    """A conversion whose page never listens ends by itself, and the next one begins."""
    clip = Clip(size=(640, 480), times=range(4000)).write(tmp_path / "clip.mp4")
    with serving(tmp_path) as served, httpx.Client(base_url=served.url, timeout=60) as client:
        client.get("/")
        file = send(client, clip)
        before = served.files()
        assert ask(client, file).status_code == 201
        wait_until(lambda: any("/lock" in name for name in served.files()))
        wait_until(lambda: served.files() == before)


ODD_SETTINGS = [
    {"style": "no style"}, {"style": "../pepper"}, {"style": 5}, {"style": None}, {"style": ["ink"]},
    {"style": ""}, {"detail": "x"}, {"detail": 1}, {"strength": 2}, {"strength": -0.1}, {"strength": 1e300},
    {"strength": "x"}, {"strength": "nan"}, {"strength": None}, {"strength": [1]}, {"keep_colour": 5},
    {"keep_colour": "maybe"},
    {"hold": 0}, {"hold": 4}, {"hold": 2.5}, {"hold": {}}, {"compare": "x"}, {"compare": 1}, {"other": 1},
    {"style": "x" * 10_000}, {"as_png": True}, {"": ""},
]  # fmt: skip
ODD_FILES = [None, 5, "", "nowhere", [], {}, True, "x" * 10_000, "../x", "\x00"]
ODD_FORMS = [
    ("text/plain", b""), ("", b""), ("multipart/form-data", b"--a\r\n\r\n"),
    ("multipart/form-data; boundary=a", b""),
    ("multipart/form-data; boundary=a", b"--a\r\n\r\n"), ("multipart/form-data; boundary=a", b"--a--\r\n"),
    ("multipart/form-data; boundary=" + "a" * 5000, b"--a\r\n\r\n"),
    ("multipart/form-data; boundary=a", b"\x00" * 999),
    ("application/json", b"{}"), ("multipart/form-data; boundary=\xff", b"--a"),
    ("multipart/mixed; boundary=a", b"--a"),
]  # fmt: skip


@pytest.mark.slow
def test_malformed_requests_are_errors_of_the_visitor(tmp_path):
    """Every malformed request gets a response of 4xx; the server prints no traceback, and still works."""
    photo = tmp_path / "photo.png"
    Image.new("RGB", (32, 32)).save(photo)
    with serving(tmp_path) as served, httpx.Client(base_url=served.url, timeout=60) as client:
        client.get("/")
        file, codes = send(client, photo), {}
        for number, settings in enumerate(ODD_SETTINGS):
            codes["job", number] = client.post("/api/jobs", json={"file": file, **settings}).status_code
            fields = {name: str(value) for name, value in settings.items()}
            for path in ("/api/image", "/api/video"):
                form = {"file": ("photo.png", photo.read_bytes())}
                codes[path, number] = client.post(path, data=fields, files=form).status_code
        for number, odd in enumerate(ODD_FILES):
            codes["file", number] = client.post("/api/jobs", json={"file": odd}).status_code
        for number, (kind, body) in enumerate(ODD_FORMS):
            for path in ("/api/files", "/api/image", "/api/video"):
                headers = {b"Content-Type": kind.encode("latin-1")}
                codes[path, kind, number] = client.post(path, content=body, headers=headers).status_code
        assert client.get("/").status_code == 200
        assert [job["state"] for job in client.get("/api/jobs").json()["jobs"]] == []
        served.process.terminate()
        _, printed = served.process.communicate(timeout=WAIT)
    assert "Traceback" not in printed, printed
    assert {key: code for key, code in codes.items() if not 400 <= code < 500} == {}
