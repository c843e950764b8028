"""The web page as visitors meet it: in a real Chromium, on the server that the command line starts."""

import re
import shutil
import time
from contextlib import closing

import numpy as np
import pytest
from clips import Clip, packets, read_clip
from pages import serving
from PIL import Image
from skimage import data

pytest.importorskip("gradio", reason="the web page needs cartoonize[web]")
playwright = pytest.importorskip("playwright.sync_api", reason="a browser is driven by playwright")
expect = playwright.expect

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no browser: apt-get install chromium"),
]
WAIT = 120_000  # milliseconds, for a busy machine
LIMITS = ("--max-upload", "8", "--max-seconds", "100", "--max-frames", "1300", "--max-pixels", "300000")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("served"), *LIMITS) as served:
        yield served


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-gpu"]
        with closing(driver.chromium.launch(executable_path=CHROMIUM, args=arguments)) as browser:
            yield browser


@pytest.fixture
def visit(browser, served):
    """Open the page as somebody new, in a window of a size: the page."""
    visitors = []

    def visit(width=1280, height=900):
        visitors.append(browser.new_context(viewport={"width": width, "height": height}))
        page = visitors[-1].new_page()
        page.set_default_timeout(WAIT)
        page.goto(served.url)
        expect(page.locator("#start")).to_be_disabled()
        return page

    yield visit
    for visitor in visitors:
        visitor.close()


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "coffee.jpg"
    Image.fromarray(data.coffee()).save(path)
    return path


@pytest.fixture
def clip(tmp_path):
    """Two seconds with sound."""
    return Clip(size=(320, 240), times=range(48), tones=[440]).write(tmp_path / "clip.mp4")


@pytest.fixture
def long_clip(tmp_path):
    """A clip that takes long enough to be stopped, drawn as `upload_long` has it drawn."""
    return Clip(size=(320, 240), times=range(1200)).write(tmp_path / "long.mp4")


def upload(page, path):
    """Drop a file, and wait until it can be converted."""
    page.set_input_files("#drop input[type=file]", path)
    expect(page.locator("#start")).to_be_enabled(timeout=WAIT)


def upload_long(page, long_clip):
    """Drop a clip and choose the slowest style: others have to wait for it."""
    upload(page, long_clip)
    page.locator("#style label:has(input[value=pepper-hq])").click()


def watch(page, *selectors):
    """Have the page note which of these are visible from now on, however briefly, for `seen`.

    It looks after each change of the page, not at each picture: a busy machine shows few.
    """
    page.evaluate(
        """selectors => {
            window.seen = {};
            const look = () => {
                for (const selector of selectors)
                    window.seen[selector] ||= !!document.querySelector(selector)?.checkVisibility();
            };
            look();
            const changes = {subtree: true, childList: true, attributes: true};
            new MutationObserver(look).observe(document, changes);
        }""",
        selectors,
    )


def seen(page):
    return page.evaluate("window.seen")


def widths(page, width):
    """Wait until both pictures of the slider are loaded, each as wide as this."""
    loaded = "[...document.querySelectorAll('#slider img')].filter(i => i.naturalWidth == %d).length == 2"
    page.wait_for_function(loaded % width)


def refuses(page, path, sentence):
    """Drop a file that is not accepted: the page says why."""
    page.set_input_files("#drop input[type=file]", path)
    expect(page.locator(".page-message.wrong")).to_have_text(sentence, timeout=WAIT)
    expect(page.locator("#start")).to_be_disabled()


def download(page, folder):
    """Download the result, under the name that the browser gives it."""
    page.locator("#download").wait_for()
    with page.expect_download() as taken:
        page.click("#download")
    path = folder / taken.value.suggested_filename
    taken.value.save_as(path)
    return path


def eventually(true, seconds=30):
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def at_work(served):
    """Whether a video is being converted: its journal exists."""
    return any("lock" in name for name in served.files())


def test_a_picture(visit, run, photo, tmp_path):
    """A picture is converted with progress shown, compared under a slider, and equals the command line's."""
    page = visit()
    upload(page, photo)
    progress = "#message [data-testid=status-tracker]"
    watch(page, progress, "#stop")
    page.click("#start")
    widths(page, 600)
    assert seen(page) == {progress: True, "#stop": True}
    taken = download(page, tmp_path)
    assert taken.name == "coffee-cartoon.jpg"
    assert run("image", photo, tmp_path / "expected.jpg")[0] == 0
    assert taken.read_bytes() == (tmp_path / "expected.jpg").read_bytes()
    expect(page.locator("#start")).to_be_visible()


def test_style_strength_and_colour(visit, run, photo, tmp_path):
    """Another style, at half strength, in the colours of the source."""
    page = visit()
    upload(page, photo)
    page.locator("#style label:has(input[value=ink])").click()
    page.fill("#strength input[type=number]", "0.5")
    page.press("#strength input[type=number]", "Tab")
    page.check("#keep-colour input")
    page.click("#start")
    taken = download(page, tmp_path)
    look = ("--style", "ink", "--strength", "0.5", "--keep-colour")
    assert run("image", photo, tmp_path / "expected.jpg", *look)[0] == 0
    assert taken.read_bytes() == (tmp_path / "expected.jpg").read_bytes()


def test_a_picture_that_browsers_do_not_show(visit, run, tmp_path):
    """TIFF becomes PNG, and the slider shows both."""
    source = tmp_path / "coffee.tif"
    Image.fromarray(data.coffee()).save(source)
    page = visit()
    upload(page, source)
    page.click("#start")
    taken = download(page, tmp_path)
    widths(page, 600)
    assert run("image", source, tmp_path / "expected.png")[0] == 0
    assert np.array_equal(np.asarray(Image.open(taken)), np.asarray(Image.open(tmp_path / "expected.png")))


def test_a_video(visit, run, clip, tmp_path):
    """A video is shown in two players, and equals the command line's, with its sound."""
    page = visit()
    upload(page, clip)
    page.click("#start")
    expect(page.locator("#players video")).to_have_count(2, timeout=WAIT)
    ready = (
        "[...document.querySelectorAll('#players video')].every(v => v.readyState > 0 && v.videoWidth == 320)"
    )
    page.wait_for_function(ready)
    taken = download(page, tmp_path)
    assert taken.name == "clip-cartoon.mp4"
    assert run("video", clip, tmp_path / "expected.mp4")[0] == 0
    ours, expected = read_clip(taken), read_clip(tmp_path / "expected.mp4")
    assert ours.times == expected.times
    assert all(map(np.array_equal, ours.images, expected.images))
    assert packets(taken, 0) == packets(clip, 0)


def test_progress_and_stop(visit, served, long_clip, photo):
    """The page shows the time left; Stop ends the conversion soon and leaves no file; the next one works."""
    page = visit()
    upload_long(page, long_clip)
    before = served.files()
    page.click("#start")
    expect(page.locator("#message")).to_contain_text(re.compile("about [0-9]+ s left"), timeout=WAIT)
    assert at_work(served)
    page.click("#stop")
    expect(page.locator("#message")).to_contain_text("Stopped.")
    expect(page.locator("#start")).to_be_visible()
    assert eventually(lambda: served.files() == before, seconds=20)
    replace_upload(page, photo)
    page.click("#start")
    page.locator("#slider").wait_for()


def replace_upload(page, path):
    page.click("#drop button[aria-label=Clear]")
    expect(page.locator("#start")).to_be_disabled()
    upload(page, path)


def test_leaving_stops_the_drawing(visit, served, long_clip):
    """A conversion ends when its page is closed."""
    page = visit()
    upload_long(page, long_clip)
    before = served.files()
    page.click("#start")
    assert eventually(lambda: at_work(served))
    page.close()
    assert eventually(lambda: served.files() == before, seconds=10)


def test_a_file_that_is_too_large_is_refused(visit, tmp_path):
    """Too many bytes, seconds, frames or pixels, or no video at all: the page says what is wrong."""
    page = visit()
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(9 << 20))
    page.set_input_files("#drop input[type=file]", large)
    expect(page.locator(".toast-body")).to_contain_text("maximum allowed size of 8")
    lasting = Clip(times=[0, 2424]).write(tmp_path / "lasting.mp4")
    refuses(page, lasting, "lasting.mp4 lasts 1:41 min; this page accepts up to 1:40 min.")
    many = Clip(times=range(1301), size=(16, 16)).write(tmp_path / "many.mp4")
    refuses(page, many, "The video has more than the 1,300 frames that this page accepts.")
    wide = tmp_path / "wide.png"
    Image.new("RGB", (1000, 301)).save(wide)
    refuses(page, wide, "wide.png is 1000 x 301 pixels large; this page accepts up to 0.3 million pixels.")
    (tmp_path / "text.mp4").write_text("nothing of the kind")
    refuses(page, tmp_path / "text.mp4", "text.mp4 is not a readable picture or video, or it is damaged.")


def test_two_visitors_at_once(visit, run, served, long_clip, photo, clip, tmp_path):
    """The second sees the place in the queue, starts when the first has stopped; each gets the own result."""
    first, second, third = visit(), visit(390, 844), visit()
    upload_long(first, long_clip)
    upload(second, photo)
    upload(third, clip)
    first.click("#start")
    assert eventually(lambda: at_work(served))
    second.click("#start")
    expect(second.locator("#message")).to_contain_text("queue: 1/1")
    third.click("#start")
    expect(third.locator("#message")).to_contain_text("queue: 2/2")
    first.click("#stop")
    picture, video = download(second, tmp_path), download(third, tmp_path)
    assert run("image", photo, tmp_path / "expected.jpg")[0] == 0
    assert picture.read_bytes() == (tmp_path / "expected.jpg").read_bytes()
    assert len(read_clip(video).times) == 48
    address = second.locator("#slider img").first.get_attribute("src")
    assert second.request.get(address).status == 200
    assert third.request.get(address).status == 404


def test_waiting_can_be_given_up(visit, served, long_clip, photo):
    """Stopping while waiting removes the file from the queue, and does not disturb the one before."""
    first, second = visit(), visit()
    upload_long(first, long_clip)
    upload(second, photo)
    first.click("#start")
    assert eventually(lambda: at_work(served))
    second.click("#start")
    expect(second.locator("#message")).to_contain_text("queue: 1/1")
    second.click("#stop")
    expect(second.locator("#start")).to_be_visible()
    assert at_work(served)
    first.click("#stop")
    assert eventually(lambda: not at_work(served))
    second.wait_for_timeout(1000)
    assert not second.locator("#slider").is_visible()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "light"), (390, "dark")])
def test_it_is_all_from_here_and_fits(browser, served, photo, width, scheme):
    """The page works offline: nothing is asked of other hosts. It fits its window, wide or narrow."""
    asked, wrong = [], []
    with closing(
        browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    ) as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(served.url)
        upload(page, photo)
        page.click("#start")
        page.locator("#slider").wait_for(timeout=WAIT)
        page.wait_for_load_state("load")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    elsewhere = [url for url in (*asked, *loaded) if not url.startswith((served.url, "data:", "blob:"))]
    assert not elsewhere
    assert not wrong
    assert any("/styles/pepper.webp" in url for url in asked)
