"""The interface for programs: pictures and videos are sent by a form, as with curl."""

import io
import zipfile

import httpx
import numpy as np
import pytest
from clips import Clip, read_clip
from pages import serving
from PIL import Image
from processes import wait_until

from cartoonize.web.openapi import describe_api


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    limits = ("--max-upload", "8", "--max-seconds", "100", "--max-pixels", "300000")
    with serving(tmp_path_factory.mktemp("served"), *limits) as served:
        yield served


@pytest.fixture
def program(served):
    """A program that keeps cookies, and never opens the page."""
    with httpx.Client(base_url=served.url, timeout=120) as client:
        yield client


def form(path):
    return {"file": (path.name, path.read_bytes())}


def test_a_picture(served, run, photo, tmp_path):
    """One request, without a cookie, turns a picture into the PNG of `cartoonize image`; nothing is kept."""
    before = served.files()
    fields = {"style": "ink", "strength": "0.5", "keep_colour": "true"}
    response = httpx.post(f"{served.url}api/image", data=fields, files=form(photo), timeout=120)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "image/png"
    assert "coffee-cartoon.png" in response.headers["Content-Disposition"]
    (tmp_path / "ours.png").write_bytes(response.content)
    look = ("--style", "ink", "--strength", "0.5", "--keep-colour")
    assert run("image", photo, tmp_path / "expected.png", *look)[0] == 0
    with Image.open(tmp_path / "ours.png") as ours, Image.open(tmp_path / "expected.png") as expected:
        assert np.array_equal(np.asarray(ours), np.asarray(expected))
    assert served.files() == before


def test_one_thread_changes_the_list_of_files(tmp_path, photo):
    """The file of a program is removed in the thread that serves all; two threads could break the list."""
    watched = """
import threading
from cartoonize.web.jobs import JobQueue
def remove(self, upload, real=JobQueue.remove_upload):
    assert threading.current_thread() is threading.main_thread()
    real(self, upload)
JobQueue.remove_upload = remove
"""
    with serving(tmp_path, before=watched) as served:
        assert httpx.post(f"{served.url}api/image", files=form(photo), timeout=120).status_code == 200
        wait_until(lambda: not served.files())


def test_a_video(program, run, tmp_path):
    """A video becomes a job with progress; its result is that of `cartoonize video`."""
    clip = Clip(size=(320, 240), times=range(48), tones=[440]).write(tmp_path / "clip.mp4")
    response = program.post("/api/video", data={"hold": "2", "compare": "side"}, files=form(clip))
    assert response.status_code == 202, response.text
    job = response.json()
    assert response.headers["Location"] == f"/api/jobs/{job['id']}"
    assert job["settings"]["hold"] == 2
    assert program.get(f"/api/jobs/{job['id']}").json()["state"] in ("waiting", "converting", "done")
    result = program.get(f"/api/jobs/{job['id']}/result")  # it waits
    assert result.headers["Content-Type"] == "video/mp4"
    (tmp_path / "ours.mp4").write_bytes(result.content)
    state = program.get(f"/api/jobs/{job['id']}").json()
    assert (state["state"], state["progress"], state["result"]["name"]) == ("done", 1.0, "clip-cartoon.mp4")
    assert state["result"]["bytes"] == len(result.content)
    assert run("video", clip, tmp_path / "expected.mp4", "--on-twos", "--compare", "side")[0] == 0
    ours, expected = read_clip(tmp_path / "ours.mp4"), read_clip(tmp_path / "expected.mp4")
    assert ours.times == expected.times
    assert all(map(np.array_equal, ours.images, expected.images))


def test_a_job_can_be_removed(served, program, tmp_path):
    """A program can stop its job; its files are removed, and asking for it again is an error."""
    clip = Clip(size=(320, 240), times=range(2000)).write(tmp_path / "long.mp4")
    before = served.files()
    job = program.post("/api/video", data={"style": "pepper-hq"}, files=form(clip)).json()["id"]
    assert program.delete(f"/api/jobs/{job}").status_code == 204
    assert program.get(f"/api/jobs/{job}").status_code == 404
    wait_until(lambda: served.files() == before)


def test_a_program_that_leaves_stops_its_conversion(served, photo):
    """If the client disconnects, its picture is not converted, and no file is left."""
    before = served.files()
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{served.url}api/image", data={"style": "pepper-hq"}, files=form(photo), timeout=0.3)
    wait_until(lambda: served.files() == before)


def test_errors_are_sentences(served, program, photo, tmp_path):
    """Files that cannot be converted are refused with the page's status and sentence, and not kept."""
    clip = Clip(times=[0, 2424]).write(tmp_path / "lasting.mp4")
    wide = tmp_path / "wide.png"
    Image.new("RGB", (1000, 301)).save(wide)
    (tmp_path / "text.mp4").write_text("nothing of the kind")
    before = served.files()
    for path, file, fields, status, sentence in (
        ("image", wide, {}, 413, "wide.png is 1000 x 301 pixels large; this page accepts up to 0.3 million"),
        ("video", clip, {}, 413, "lasting.mp4 lasts 1:41 min; this page accepts up to 1:40 min. Send"),
        ("video", tmp_path / "text.mp4", {}, 400, "text.mp4 is not a readable picture or video"),
        ("video", photo, {}, 400, "coffee.jpg is a picture; send it to /api/image."),
        ("image", photo, {"style": "inc"}, 400, "There is no style 'inc'"),
        ("image", photo, {"strength": "2"}, 400, "cannot be '2': send a number from 0 to 1, such as 0.5."),
        ("image", photo, {"detail": "hihg"}, 400, "send low, normal, high or full. Did you mean high?"),
        ("image", photo, {"size": "2"}, 400, "There is no setting 'size': the settings are style, detail, "),
    ):
        response = program.post(f"/api/{path}", data=fields, files=form(file))
        assert (response.status_code, sentence in response.json()["error"]) == (status, True), response.text
    assert program.post("/api/image", data={"style": "ink"}).status_code == 415  # no file, so no form
    assert served.files() == before


def test_refusals_say_what_to_do(program):
    """The response to a wrong method, body or address says what is right."""
    for method, path, body, status, sentence in (
        ("GET", "/api/image", {}, 405, "GET is not possible here: send POST. /api shows how"),
        ("POST", "/api/image", {"json": {}}, 415, "multipart/form-data with a part named file"),
        ("POST", "/api/image", {"content": iter([b"a"])}, 411, "with the header Content-Length"),
        ("POST", "/api/jobs", {"content": b" " * 70_000}, 413, "JSON has at most 64 KB"),
        ("GET", "/api/picture", {}, 404, "/api lists all addresses"),
    ):
        program.get("/")
        response = program.request(method, path, **body)
        assert (response.status_code, sentence in response.json()["error"]) == (status, True), response.text


def test_head_asks_for_headers_only(program):
    """HEAD is answered at once, for streams without an end too; the connection is then free again."""
    program.get("/")
    for _ in range(2):
        response = program.head("/api/events")
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert "Content-Length" not in response.headers  # nobody knows it


def test_all_results_are_one_zip(program, tmp_path):
    """Every result of a visitor is in one ZIP file, byte for byte, each under a name of its own."""
    assert program.get("/api/results.zip").status_code == 404
    clip = Clip(size=(64, 48), times=range(3)).write(tmp_path / "clip.mp4")
    results = []
    for _ in range(2):
        job = program.post("/api/video", data={"detail": "full"}, files=form(clip)).json()["id"]
        results.append(program.get(f"/api/jobs/{job}/result").content)
    response = program.get("/api/results.zip")
    assert response.headers["Content-Disposition"] == 'attachment; filename="cartoons.zip"'
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.namelist() == ["clip-cartoon.mp4", "clip-cartoon (2).mp4"]
        assert [archive.read(name) for name in archive.namelist()] == results


def test_what_is_described_exists(program):
    """Every described request exists, and refers only to schemas that are there."""
    described = program.get("/api/openapi.json").json()
    assert described == describe_api()
    assert described["openapi"].startswith("3.1")
    schemas = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert set(references(described)) <= schemas
    for path, methods in described["paths"].items():
        for method in set(methods) - {"parameters"}:
            response = program.request(method, path.replace("{id}", "none"))
            assert response.status_code != 405
            assert response.status_code == 200 or str(response.status_code) in methods[method]["responses"]
    assert "For programs" in program.get("/").text
    assert "curl" in program.get("/api").text


def references(value):
    """All references in a document."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = list(value.values())
    for entry in value if isinstance(value, list) else []:
        yield from references(entry)
