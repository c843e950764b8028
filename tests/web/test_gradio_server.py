"""What the page needs of the inside of Gradio: these tests fail where a newer Gradio changes it."""

import asyncio
import os

import pytest

gradio = pytest.importorskip("gradio", reason="the web page needs cartoonize[web]")
from starlette.requests import Request  # noqa: E402

from cartoonize.core.errors import MediaError  # noqa: E402
from cartoonize.web import gradio_server, server  # noqa: E402
from cartoonize.web.gradio_server import GradioServer  # noqa: E402
from cartoonize.web.limits import LimitError  # noqa: E402


@pytest.fixture
def blocks():
    """A page with one function in the queue."""
    return asyncio.run(build_blocks())


async def build_blocks():
    """Within a loop, as Gradio would else leave one behind."""
    with gradio.Blocks(analytics_enabled=False) as blocks:
        text = gradio.Textbox()
        text.change(lambda text: text, text, text)
    blocks.queue(default_concurrency_limit=1)
    return blocks


def request_of(body, content_type):
    """An upload, as Starlette has it."""
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)


def multipart(content, name="photo.png", field="files"):
    head = f'--edge\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n--edge--\r\n"


def test_the_routes_exist(blocks):
    """Every route that the page uses is one of Gradio's, so that none is let through for nothing."""

    async def create_app():
        return gradio.routes.App.create_app(blocks)

    app = asyncio.run(create_app())
    paths = app.openapi()["paths"]
    for path in (
        gradio_server.UPLOAD, gradio_server.JOIN_QUEUE, gradio_server.READ_QUEUE,
        f"{gradio_server.HEARTBEAT}{{session_hash}}", f"{gradio_server.FILE}{{path_or_url}}",
        "/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/run/{api_name}",
        "/gradio_api/upload_progress", "/gradio_api/startup-events", "/config", "/theme.css",
    ):  # fmt: skip
        assert path in paths, path


def test_uploads_are_saved(tmp_path):
    """A file of an upload has its own name below the folder, and its content."""
    request = request_of(multipart(b"content"), b"multipart/form-data; boundary=edge")
    [path] = asyncio.run(gradio_server.save_upload(request, tmp_path, 1000))
    assert path.startswith(str(tmp_path))
    assert path.endswith("photo.png")
    with open(path, "rb") as file:  # noqa: PTH123  # the path is text, as Gradio has it
        assert file.read() == b"content"


def test_large_uploads_are_refused(tmp_path):
    """A file that is larger than its request said ends the upload at the limit."""
    request = request_of(multipart(b"x" * 2000), b"multipart/form-data; boundary=edge")
    with pytest.raises(LimitError, match="maximum allowed size"):
        asyncio.run(gradio_server.save_upload(request, tmp_path, 1000))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", b"multipart/form-data"),
        (b"", b"text/plain"),
        (b"nothing", b"multipart/form-data; boundary=edge"),
        (multipart(b"a")[:40], b"multipart/form-data; boundary=edge"),
        (b'--edge\r\nContent-Disposition: form-data; name="files"\r\n\r\na\r\n--edge--\r\n',
         b"multipart/form-data; boundary=edge"),
        (multipart(b"a", name="\xff\x00"), b"multipart/form-data; boundary=\xff"),
    ],
)  # fmt: skip
def test_malformed_uploads_are_errors_of_the_visitor(tmp_path, body, content_type):
    """What is no upload is refused in a sentence, or holds no file."""
    try:
        paths = asyncio.run(gradio_server.save_upload(request_of(body, content_type), tmp_path, 1000))
    except MediaError:
        paths = []
    assert paths == []


def test_the_queue_can_be_read_and_thinned(blocks):
    """The sessions in the queue are known, and what waits for one of them can be taken out."""
    from gradio.queueing import Event

    assert GradioServer(blocks).queued_sessions() == []
    queue, [function] = blocks._queue, blocks.fns.values()
    queue.create_event_queue_for_fn(function)
    for session in ("first", "second"):
        event = Event(session, function, request=None, username=None)
        queue.event_queue_per_concurrency_id[event.concurrency_id].queue.append(event)
    assert GradioServer(blocks).queued_sessions() == ["first", "second"]

    async def drop():
        queue.delete_lock = asyncio.Lock()
        await GradioServer(blocks).drop_session("first")

    asyncio.run(drop())
    assert GradioServer(blocks).queued_sessions() == ["second"]


def test_the_environment_is_restored(tmp_path, monkeypatch):
    """The environment variables for Gradio are as before when the page ends."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", "mine")
    monkeypatch.delenv("GRADIO_EXAMPLES_CACHE", raising=False)
    with server._gradio_environment(tmp_path):
        assert os.environ["GRADIO_TEMP_DIR"] == os.environ["GRADIO_EXAMPLES_CACHE"] == str(tmp_path)
    assert os.environ["GRADIO_TEMP_DIR"] == "mine"
    assert "GRADIO_EXAMPLES_CACHE" not in os.environ
