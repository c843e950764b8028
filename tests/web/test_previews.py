"""Previews of a visitor's files: one frame, as it is and as a drawing, before anything is converted."""

import io
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
from clips import Clip
from pages import ask, send
from PIL import Image
from processes import wait_until


def preview(client, file, **settings):
    """A preview as an array."""
    response = client.get(f"/api/files/{file}/preview", params=settings)
    assert (response.status_code, response.headers["content-type"]) == (200, "image/webp"), response.text
    return np.asarray(Image.open(io.BytesIO(response.content)).convert("RGB")).astype(int)


def distance(first, second):
    return np.abs(first - second).mean()


def test_a_preview_looks_like_the_result(served, visitor, photo):
    """The preview of a picture is what its conversion looks like, in each style; nothing of it is kept."""
    file = send(visitor, photo)
    kept = served.files()
    source = preview(visitor, file)
    assert distance(source, np.asarray(Image.open(photo)).astype(int)) < 4
    others = ({}, {"strength": 0.3}, {"detail": "low"}, {"detail": "high"}, {"detail": "full"})
    for settings in ({"style": "pepper"}, *({"style": "ink", **other} for other in others)):
        drawing = preview(visitor, file, **settings)
        assert served.files() == kept
        job = ask(visitor, file, **settings).json()["id"]
        result = Image.open(io.BytesIO(visitor.get(f"/api/jobs/{job}/result").content)).convert("RGB")
        assert distance(drawing, np.asarray(result).astype(int)) < 4 < distance(drawing, source)
        visitor.delete(f"/api/jobs/{job}")


def test_a_preview_of_a_video_is_a_frame_of_it(visitor, tmp_path):
    """The frame is in the middle of a short video, and in a long one near the beginning; it fits a page."""
    for count, size in ((10, (64, 48)), (300, (64, 48)), (4, (1920, 1080))):
        clip = Clip(size=size, times=range(count)).write(tmp_path / f"{count}.mp4")
        shape = preview(visitor, send(visitor, clip)).shape
        assert shape == ((540, 960, 3) if size[0] > 960 else (48, 64, 3))


def test_previews_wait_for_conversions(visitor, photo, tmp_path):
    """While a file is converted there are no previews, as they would take time from it."""
    clip = Clip(size=(320, 240), times=range(1200)).write(tmp_path / "clip.mp4")
    file, film = send(visitor, photo), send(visitor, clip)
    job = ask(visitor, film, style="pepper-hq").json()["id"]
    assert visitor.get(f"/api/files/{file}/preview").status_code == 204
    visitor.delete(f"/api/jobs/{job}")
    wait_until(lambda: visitor.get(f"/api/files/{file}/preview").status_code != 204)
    assert preview(visitor, file).any()


def test_many_requests_of_one_visitor_delay_nobody(visitor, photo):
    """One preview of a visitor is drawn at a time; further requests get an empty response meanwhile."""
    address = f"/api/files/{send(visitor, photo)}/preview"

    def status(number):
        return visitor.get(address, params={"style": "ink", "strength": number / 20}).status_code

    wait_until(lambda: status(20) != 204)  # the conversion of the test before ends
    with ThreadPoolExecutor(20) as threads:
        statuses = list(threads.map(status, range(20)))
    assert set(statuses) == {200, 204}
    assert statuses.count(204) > 10
    assert status(0) == 200


def test_nobody_else_sees_a_preview(served, visitor, photo):
    """A preview is only for the visitor who sent the file; odd settings are refused in a sentence."""
    file = send(visitor, photo)
    address = f"/api/files/{file}/preview"
    with httpx.Client(base_url=served.url) as other:
        other.get("/")
        assert other.get(address).status_code == 404
    for query in ("?style=../../etc/passwd", "?style=nothing", "?strength=nan", "?path=/etc/passwd"):
        assert visitor.get(address + query).status_code == 400, query
    visitor.delete(f"/api/files/{file}")
    assert visitor.get(address).status_code == 404
