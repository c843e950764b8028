"""The time of a photo and the frame rate of the camera on the page `try`, in Chromium on this machine.

    python benchmarks/browser.py [--style pepper] [--rounds 5] [--seconds 20] [--lines 360]

It needs Chromium, npm and playwright. A static server sends the page, and ONNX Runtime Web from npm. Each
round is a new visitor, who waits for the example and chooses a photo of 1080x720. The time ends when the
drawing is on the screen. The camera is Chromium's test picture. Without a service worker there is one thread.
"""

import argparse
import functools
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from results import Results, make_parser
from skimage import data

from cartoonize.export.browser_files import page_files

VENDOR = Path(__file__).parents[1] / "docs" / "try" / "vendor.py"
ARGUMENTS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
WAIT = 120_000  # milliseconds

TIME_PHOTO = """() => {
    const [file, status] = ["file", "status"].map((id) => document.getElementById(id));
    window.seconds = new Promise((resolve) => file.addEventListener("change", () => {
        const start = performance.now();
        const finish = () => resolve((performance.now() - start) / 1000);
        const observer = new MutationObserver(() => {
            if (!status.textContent.includes("drawn in")) return;
            observer.disconnect();
            requestAnimationFrame(() => requestAnimationFrame(finish));
        });
        observer.observe(status, { childList: true });
    }, { once: true, capture: true }));
}"""
COUNT_FRAMES = """(seconds) => new Promise((resolve) => {
    let frames = 0;
    new MutationObserver(() => frames++).observe(document.getElementById("rate"), { childList: true });
    setTimeout(() => resolve(frames / seconds), 1000 * seconds);
})"""


class Handler(SimpleHTTPRequestHandler):
    """A static server without a log."""

    def log_message(self, *arguments: object) -> None:
        """Write no log."""


def main() -> None:
    """Print a row with threads and one without."""
    parser = make_parser(__doc__)
    parser.add_argument("--style", default="pepper")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--lines", default="360")
    options = parser.parse_args()
    results = Results("browser", options)
    with tempfile.TemporaryDirectory() as work, sync_playwright() as driver:
        site, photo = Path(work) / "site", Path(work) / "photo.jpg"
        write_site(site)
        Image.fromarray(data.coffee()).resize((1080, 720)).save(photo)
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        with serve(site) as address:
            print(f"{options.style}, Chromium {chromium.version}")
            print("| threads | visit to first drawing, s | photo to drawing, s | camera, frames/s |")
            print("|---|---|---|---|")
            for workers in ("allow", "block"):
                print(measure(chromium, address, workers, photo, options, results), flush=True)
        chromium.close()
    results.write()


def write_site(site: Path) -> None:
    """Write the page, with the library beside it."""
    site.mkdir()
    for name, content in page_files():
        (site / name).write_bytes(content)
    library = VENDOR.parent / "library"
    if not library.is_dir():
        subprocess.run([sys.executable, VENDOR], check=True)  # noqa: S603
    shutil.copytree(library, site / "library")
    manifest = json.loads((site / "styles.json").read_text())
    manifest["library"]["url"] = "library/"
    (site / "styles.json").write_text(json.dumps(manifest))


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def measure(
    browser: Browser, address: str, workers: Any, photo: Path, options: argparse.Namespace, results: Results
) -> str:
    """Visit the page several times, then switch on the camera; return a row of the table."""
    visits, photos = [], []
    for turn in range(options.rounds):
        with browser.new_context(service_workers=workers) as context, context.new_page() as page:
            page.set_default_timeout(WAIT)
            page.goto(address)
            wait_for_drawing(page)
            visits.append(page.evaluate("performance.now() / 1000"))
            page.locator(f"[name=style][value={options.style}]").check(force=True)
            wait_for_drawing(page)
            page.evaluate(TIME_PHOTO)
            page.set_input_files("#file", photo)
            photos.append(page.evaluate("window.seconds"))
            threads = page.locator("#about").inner_text().split("on ")[-1].split(" thread")[0]
            if turn == options.rounds - 1:
                rate = measure_camera(page, options)
    key = f"{threads}_threads"
    results[f"{key}_visit_seconds"] = statistics.median(visits)
    results[f"{key}_photo_seconds"] = statistics.median(photos)
    results[f"{key}_camera_fps"] = rate
    return f"| {threads} | {statistics.median(visits):.2f} | {statistics.median(photos):.2f} | {rate:.1f} |"


def wait_for_drawing(page: Page) -> None:
    """Wait until what is chosen is drawn."""
    page.locator("#status", has_text="drawn in").wait_for()
    page.locator("#stage:not(.busy)").wait_for()


def measure_camera(page: Page, options: argparse.Namespace) -> float:
    """Switch on the camera; return its drawn frames per second."""
    page.locator("#camera").click()
    page.locator("#lines").select_option(options.lines)
    page.locator("#rate", has_text=f"× {options.lines}").wait_for()
    rate: float = page.evaluate(COUNT_FRAMES, options.seconds)
    return rate


if __name__ == "__main__":
    main()
