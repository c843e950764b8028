"""A server and a visitor, for tests that need no others."""

import httpx
import pytest
from pages import serving
from PIL import Image
from skimage import data


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The page with its usual limits."""
    with serving(tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.fixture
def visitor(served):
    """Somebody with a browser, who has opened the page."""
    with httpx.Client(base_url=served.url, timeout=60) as client:
        assert client.get("/").status_code == 200
        yield client


@pytest.fixture
def photo(tmp_path):
    """A cup of coffee, 600x400."""
    path = tmp_path / "coffee.jpg"
    Image.fromarray(data.coffee()).save(path)
    return path
