"""A real Chromium for the tests of pages, and the packages of npm that they need."""

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import platformdirs
import pytest

VENDOR = Path(__file__).parents[1] / "docs/try/vendor.py"
CACHE = platformdirs.user_cache_path("cartoonize-tests")
AXE = "axe-core@4.14.1"
CHROMIUM = shutil.which("chromium")
IN_BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no browser: apt-get install chromium"),
]
WAIT = 120_000  # milliseconds, for a busy machine


@contextmanager
def chromium(*arguments: str) -> Iterator:
    """Chromium, driven by playwright; skips the test if that is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="a browser is driven by playwright")
    words = ["--no-sandbox", "--disable-gpu", *arguments]
    with (
        playwright.sync_playwright() as driver,
        closing(driver.chromium.launch(executable_path=CHROMIUM, args=words)) as browser,
    ):
        yield browser


def load_vendor():
    """Import docs/try/vendor.py."""
    specification = importlib.util.spec_from_file_location("vendor", VENDOR)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def cached(path: Path, write: Callable[[Path], object]) -> Path:
    """Return `path` in the cache of the tests; `write` makes it from npm if it is missing."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.draft")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(draft)
        except RuntimeError as error:
            pytest.skip(str(error))
        draft.rename(path)
    return path


def violations(page) -> list[tuple[str, list[str]]]:
    """The rules of axe-core that a page breaks for screen readers, each with its elements."""
    read = load_vendor().read_package
    path = cached(CACHE / f"{AXE}.js", lambda draft: draft.write_bytes(read(AXE, ["axe.min.js"])[0]))
    page.evaluate(path.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run().then(results => results.violations)")
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
