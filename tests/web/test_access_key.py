"""The key of a page that others can reach: who gets in with it, and how it stays secret."""

import re

import httpx
import pytest
from pages import ask, send, serving
from PIL import Image

from cartoonize.web.access_key import AccessKey
from cartoonize.web.addresses import page_addresses

EVERYWHERE = "0.0.0.0"  # noqa: S104  # nothing is served
ADDRESSES = (
    "/", "/api", "/browser/", "/static/app.js", "/api/info", "/api/jobs", "/api/events", "/api/results.zip",
    "/styles/ink.webp", "/examples/cat.webp", "/api/openapi.json",
)  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("served"), "--key") as served:
        yield served


@pytest.fixture
def client(served):
    with httpx.Client(base_url=served.url, timeout=60) as client:
        yield client


def visit(client, address, **options):
    """Open a page as a browser does."""
    return client.get(address, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}, **options)


@pytest.mark.parametrize("wrong", ["", "?key=", "?key=wrong", "?key=%FF%00", "?key=&key="])
def test_without_the_key_nothing_is_there(served, client, wrong):
    """Without the key, or with a wrong one, every address is refused, and no visitor is known."""
    for address in ADDRESSES:
        response = client.get(address + wrong)
        assert response.status_code == 401
        assert "Authorization: Bearer KEY" in response.json()["error"]
        assert "Set-Cookie" not in response.headers
    for method, address in (("POST", "/api/image"), ("DELETE", "/api/files/a"), ("HEAD", "/")):
        assert client.request(method, address + wrong).status_code == 401
    for scheme in ("Bearer", "Bearer wrong", f"Basic {served.key}", f"{served.key}", "Bearer \xff"):
        headers = {"Authorization": scheme.encode("latin-1")}
        assert client.get("/api/info", headers=headers).status_code == 401
    assert client.get("/", headers={"Cookie": "cartoonize_key=x"}).status_code == 401


def test_a_browser_is_asked_for_the_key(served, client):
    """A page without its key asks for it; the form and the printed address lead to the page."""
    for address in ("/", "/api", "/browser/"):
        form = visit(client, address)
        assert form.status_code == 401
        assert '<input id="key" name="key"' in form.text
        assert served.key not in form.text
        for link in re.findall(r'href="([^"]+)"', form.text):
            assert client.get(form.url.join(link)).status_code == 200
    assert " hidden>This is not the key" in form.text
    assert 'role="alert">This is not the key' in visit(client, "/?key=wrong").text
    for pasted in (served.key, f" {served.url}?key={served.key}\n"):
        assert visit(client, "/", params={"key": pasted}).status_code == 303


def test_the_key_leaves_the_address_and_stays_in_a_cookie(served, client, tmp_path):
    """The first visit with the key leads to the same page without it; then the cookie is enough for all."""
    for address, target in (("/", "./"), ("/api", "./api"), ("/browser/", "./"), ("/?a=1&b=2", "./?a=1&b=2")):
        response = visit(client, address, params={**httpx.URL(address).params, "key": served.key})
        assert (response.status_code, response.headers["Location"]) == (303, target)
        assert "HttpOnly; SameSite=Lax" in response.headers["Set-Cookie"]
    assert visit(client, "/").status_code == 200
    for address in ADDRESSES:
        if address not in ("/api/events", "/api/results.zip"):
            assert client.get(address).status_code == 200
    assert visit(client, "/?key=of-an-older-bookmark").status_code == 303
    Image.new("RGB", (32, 32)).save(tmp_path / "photo.png")
    file = send(client, tmp_path / "photo.png")
    assert ask(client, file, style="ink").status_code == 201
    with httpx.stream("GET", f"{served.url}api/events", cookies=client.cookies, timeout=60) as events:
        assert "photo.png" in next(events.iter_lines())


def test_programs_send_the_key_with_each_request(served, client):
    """A program sends the key as a bearer token or in the address; the description says so."""
    token = {"Authorization": f"bearer {served.key}"}
    described = client.get("/api/openapi.json", headers=token)
    assert described.json()["security"] == [{"key": []}]
    assert "Set-Cookie" not in described.headers
    response = client.get("/api/info", params={"key": served.key})
    assert response.status_code == 200
    assert "Set-Cookie" in response.headers
    assert client.get("/api/info", headers={"Host": "attacker.example"}).status_code == 403


def test_the_printed_addresses_can_be_opened(monkeypatch):
    """A page for the whole network prints its address within the network, with the key."""
    key, without = AccessKey("k-_"), AccessKey(None)
    assert page_addresses("127.0.0.1", 7860, without) == ["http://localhost:7860/"]
    assert page_addresses("192.0.2.7", 80, key) == ["http://192.0.2.7:80/?key=k-_"]
    assert page_addresses("2001:db8::7", 80, without) == ["http://[2001:db8::7]:80/"]
    monkeypatch.setattr("cartoonize.web.addresses._own_address", lambda _distant: ["192.0.2.7"])
    assert page_addresses("::", 80, key) == ["http://localhost:80/?key=k-_", "http://192.0.2.7:80/?key=k-_"]


@pytest.mark.parametrize(
    ("options", "has_key", "note"),
    [
        ((), False, None),
        (("--key",), True, "Whoever has the address"),
        (("--host", EVERYWHERE), True, "Whoever has the address"),
        (("--host", EVERYWHERE, "--no-key"), False, "Everyone who can reach this computer"),
    ],
)
def test_who_needs_a_key(run, monkeypatch, options, has_key, note):
    """Others need the key, one's own computer does not, unless the options say otherwise."""
    keys = []

    def serve(host, port, _limits, *, key, on_ready, **_options):
        keys.append(key.address(""))
        on_ready(page_addresses(host, port, key))

    monkeypatch.setattr("cartoonize.web.server.serve", serve)
    for _ in range(2):
        code, _, printed = run("web", *options)
        assert code == 0
        assert (note in printed) if note else ("Note" not in printed)
        assert (keys[-1] != "") == has_key
        assert keys[-1] in printed
    assert not has_key or keys[0] != keys[1]
