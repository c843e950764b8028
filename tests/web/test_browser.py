"""The web page as visitors meet it: in a real Chromium, on the server that the command line starts."""

import re
import shutil
from contextlib import closing

import numpy as np
import pytest
from browsers import IN_BROWSER, WAIT, chromium, violations
from clips import Clip, packets, read_clip
from pages import serving
from PIL import Image
from processes import wait_until
from skimage import data

playwright = pytest.importorskip("playwright.sync_api", reason="a browser is driven by playwright")

expect = playwright.expect
pytestmark = IN_BROWSER
LIMITS = ("--max-upload", "8", "--max-seconds", "100", "--max-frames", "1300", "--max-pixels", "300000")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")  # without the styles of whoever runs the tests
    with serving(tmp_path_factory.mktemp("served"), *LIMITS, CARTOONIZE_HOME=str(home)) as served:
        yield served


@pytest.fixture(scope="module")
def browser():
    expect.set_options(timeout=WAIT)
    with chromium("--autoplay-policy=no-user-gesture-required") as browser:
        yield browser


@pytest.fixture
def visit(browser, served):
    """Open the page as somebody new, in a window of a size: the page. Its errors fail the test."""
    visitors, wrong = [], []

    def visit(width=1280, height=900, url=served.url, scheme="light"):
        size = {"width": width, "height": height}
        visitors.append(browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce"))
        page = visitors[-1].new_page()
        page.set_default_timeout(WAIT)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(url)
        expect(page.locator("#examples button")).to_have_count(3)
        expect(page.locator("#start")).to_be_disabled()
        return page

    yield visit
    for visitor in visitors:
        visitor.close()
    assert not wrong


@pytest.fixture
def clip(tmp_path):
    """Two seconds with sound."""
    return Clip(size=(320, 240), times=range(48), tones=[440]).write(tmp_path / "clip.mp4")


@pytest.fixture
def long_clip(tmp_path):
    """A clip that takes long enough to be stopped, drawn as `add_long` has it drawn."""
    return Clip(size=(320, 240), times=range(1200)).write(tmp_path / "long.mp4")


def add(page, *paths):
    """Choose files, and wait until they can be converted."""
    page.set_input_files("#file", paths)
    expect(page.locator("#list li")).to_have_count(len(paths))
    expect(page.locator("#start")).to_be_enabled(timeout=WAIT)


def open_more(page):
    """Open the settings that are folded."""
    page.get_by_text("More settings").click()


def choose_style(page, name):
    page.locator(f".style:has(input[value={name}])").click()


def add_long(page, long_clip):
    """Choose a clip and the slowest style: others have to wait for it."""
    add(page, long_clip)
    choose_style(page, "pepper-hq")


def download(page, folder):
    """Download the result, under the name that the browser gives it."""
    page.locator("#download").wait_for()
    with page.expect_download() as taken:
        page.click("#download")
    path = folder / taken.value.suggested_filename
    taken.value.save_as(path)
    return path


def wait_for(page, expression, argument=None):
    """Wait until an expression is true in the page, whose policy does not allow Playwright's own wait."""
    wait_until(lambda: page.evaluate(expression, argument))


def at_work(served):
    """Whether a video is being converted: its journal exists."""
    return any("lock" in name for name in served.files())


def count_loaded(page, selector, width):
    """Wait until both pictures or videos of the slider are loaded, each as wide as this."""
    loaded = (
        "[...document.querySelectorAll('%s')].filter(i => (i.naturalWidth ?? i.videoWidth) == %d).length == 2"
    )
    wait_for(page, loaded % (selector, width))


def is_in_view(page, selector):
    return page.evaluate(
        "selector => { const box = document.querySelector(selector).getBoundingClientRect();"
        " return box.top > -2 && box.top < innerHeight / 2 }",
        selector,
    )


def test_a_picture(visit, run, photo, tmp_path):
    """A picture is converted, compared under a slider, and equals the command line's."""
    page = visit()
    add(page, photo)
    page.click("#start")
    taken = download(page, tmp_path)
    count_loaded(page, ".slider img", 600)
    assert taken.name == "coffee-cartoon.jpg"
    assert run("image", photo, tmp_path / "expected.jpg")[0] == 0
    assert taken.read_bytes() == (tmp_path / "expected.jpg").read_bytes()
    expect(page.locator("#start")).to_be_disabled()
    expect(page.locator("#announcer")).to_have_text("coffee.jpg is ready.")


def test_the_slider_has_labels_and_keys(visit):
    """The divider has a name for screen readers, labels on its sides, and follows the arrow keys."""
    page = visit()
    page.click("#examples button:first-child")
    page.locator("#download").wait_for()
    divider = page.get_by_role("slider", name=re.compile("^Divider: Before on its left"))
    divider.wait_for()
    expect(page.locator(".slider figcaption")).to_have_text(["Before", "After"])
    divider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(divider).to_have_attribute("aria-valuetext", "47 % Before")
    shown = page.evaluate("getComputedStyle(document.querySelector('.side-after')).clipPath")
    assert "47%" in shown
    page.locator(".views").get_by_text("Cartoon").click()
    expect(page.locator(".side-before")).to_be_hidden()


def test_every_setting(visit, run, photo, tmp_path):
    """Style, strength, colours and detail are those of the command line; they are still there afterwards."""
    page = visit()
    add(page, photo)
    choose_style(page, "ink")
    open_more(page)
    page.get_by_label("Strength").fill("50")
    page.get_by_role("checkbox", name="Keep").check()
    page.get_by_text("Low", exact=True).click()
    page.click("#start")
    taken = download(page, tmp_path)
    look = ("--style", "ink", "--strength", "0.5", "--keep-colour", "--detail", "low")
    assert run("image", photo, tmp_path / "expected.jpg", *look)[0] == 0
    assert taken.read_bytes() == (tmp_path / "expected.jpg").read_bytes()
    page.reload()
    expect(page.locator("#more-words")).to_have_text("strength 50\xa0%, the source’s colours, detail low")
    open_more(page)
    expect(page.get_by_label("Strength")).to_have_value("50")
    expect(page.locator("input[value=ink]")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Keep")).to_be_checked()


def test_the_own_picture_in_each_style(visit, photo, clip):
    """Before a file is converted, the page shows it in each style, and under the slider in the chosen one."""
    page = visit()
    page.set_input_files("#file", [photo, clip])
    expect(page.locator("#list li")).to_have_count(2)
    styles = page.locator(".style").count()
    for name in ("coffee.jpg", "clip.mp4"):
        page.locator(".row-main", has_text=name).click()
        expect(page.locator(".side-after figcaption")).to_have_text("Preview")
        expect(page.locator(".style .own")).to_have_count(styles)
        for style in ("ink", "pepper"):
            choose_style(page, style)
            own = page.locator(f".style:has(input[value={style}]) .own").get_attribute("src")
            expect(page.locator(".side-after img")).to_have_attribute("src", own)
    page.get_by_role("button", name="Remove clip.mp4").click()
    page.get_by_role("button", name="Remove coffee.jpg").click()
    expect(page.locator(".style .own")).to_have_count(0)


def test_a_result_stays_until_the_next(visit, photo):
    """When settings change, a hint says so; the result stays until the next one is there."""
    page = visit()
    add(page, photo)
    page.click("#start")
    page.locator("#download").wait_for()
    result = page.locator(".side-after img")
    expect(result).to_have_attribute("src", re.compile("/result$"))  # no longer the preview
    first = result.get_attribute("src")
    expect(page.locator(".hint")).to_be_hidden()
    choose_style(page, "pepper-hq")
    expect(page.locator(".hint")).to_contain_text("The settings have changed since this result.")
    page.click("#again")
    expect(page.locator("#stop")).to_be_visible()
    assert result.get_attribute("src") == first
    wait_for(page, "first => document.querySelector('.side-after img').getAttribute('src') != first", first)
    expect(page.locator(".hint")).to_be_hidden()


def test_a_picture_that_browsers_do_not_show(visit, run, tmp_path):
    """TIFF becomes PNG, and the slider shows both."""
    source = tmp_path / "coffee.tif"
    Image.fromarray(data.coffee()).save(source)
    page = visit()
    add(page, source)
    page.click("#start")
    taken = download(page, tmp_path)
    count_loaded(page, ".slider img", 600)
    assert run("image", source, tmp_path / "expected.png")[0] == 0
    with Image.open(taken) as ours, Image.open(tmp_path / "expected.png") as expected:
        assert np.array_equal(np.asarray(ours), np.asarray(expected))


def test_a_video_with_linked_players(visit, run, clip, tmp_path):
    """A video equals the command line's, with its sound; its players play, pause and seek together."""
    page = visit()
    add(page, clip)
    open_more(page)
    page.get_by_text("On twos").click()
    page.click("#start")
    count_loaded(page, ".players video", 320)
    taken = download(page, tmp_path)
    assert taken.name == "clip-cartoon.mp4"
    assert run("video", clip, tmp_path / "expected.mp4", "--on-twos")[0] == 0
    ours, expected = read_clip(taken), read_clip(tmp_path / "expected.mp4")
    assert ours.times == expected.times
    assert all(map(np.array_equal, ours.images, expected.images))
    assert packets(taken, 0) == packets(clip, 0)
    page.get_by_role("button", name="Play").click()
    wait_for(page, "[...document.querySelectorAll('.players video')].every(v => v.currentTime > 0.3)")
    assert page.evaluate("[...document.querySelectorAll('.players video')].map(v => v.muted)") == [
        True,
        False,
    ]
    page.get_by_role("button", name="Pause").click()
    wait_for(page, "[...document.querySelectorAll('.players video')].every(v => v.paused)")
    page.get_by_role("slider", name="Position").fill("500")
    wait_for(
        page, "[...document.querySelectorAll('.players video')].every(v => Math.abs(v.currentTime - 1) < 0.1)"
    )


def test_portrait_videos_are_side_by_side(visit, tmp_path):
    """A portrait video begins beside its source, also on a phone; a wipe between them can be chosen."""
    portrait = Clip(size=(144, 256), times=range(24)).write(tmp_path / "portrait.mp4")
    page = visit(390, 844)
    add(page, portrait)
    page.click("#start")
    count_loaded(page, ".players video", 144)
    expect(page.locator(".slider")).to_have_attribute("data-view", "side")
    tops = "[...document.querySelectorAll('.players video')].map(v => v.getBoundingClientRect().top)"
    assert len(set(page.evaluate(tops))) == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".views").get_by_text("Wipe").click()
    expect(page.get_by_role("slider", name=re.compile("^Divider"))).to_be_visible()


def test_many_files(visit, clip, tmp_path):
    """Files by the dozen are converted one after the other, and each can be shown, downloaded and removed."""
    photos = []
    for number in range(12):
        photos.append(tmp_path / f"photo{number}.png")
        Image.new("RGB", (64, 48), (20 * number, 90, 40)).save(photos[-1])
    page = visit()
    add(page, *photos, clip)
    expect(page.locator("#start")).to_have_text("Convert 13 files")
    page.click("#start")
    expect(page.locator("#list .row-words")).to_have_text(["Ready."] * 13, timeout=WAIT)
    expect(page.locator(".players")).to_be_visible()  # the latest result
    assert is_in_view(page, "#viewer")
    page.locator("#list .row-main").nth(3).click()
    expect(page.locator("#viewer h2")).to_have_text("photo3.png")
    count_loaded(page, ".slider img", 64)
    expect(page.get_by_role("link", name="Download all")).to_be_visible()
    page.get_by_role("button", name="Remove photo3.png").click()
    expect(page.locator("#list li")).to_have_count(12)


def test_files_are_dropped_and_pasted(visit, photo):
    """Files can be dropped anywhere on the page, and pictures pasted."""
    page = visit()
    give = """([bytes, kind]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(bytes)], `${kind}.jpg`, {type: "image/jpeg"}));
        const all = {dataTransfer: transfer, clipboardData: transfer, bubbles: true, cancelable: true};
        const event = kind == "drop" ? new DragEvent("drop", all) : new ClipboardEvent("paste", all);
        document.body.dispatchEvent(event);
    }"""
    for number, kind in enumerate(("drop", "paste"), start=1):
        page.evaluate(give, [list(photo.read_bytes()), kind])
        expect(page.locator("#list li")).to_have_count(number)
        expect(page.locator(".row-name").nth(number - 1)).to_have_text(f"{kind}.jpg")
        expect(page.locator("#start")).to_be_enabled()


def test_folders_are_dropped(visit, photo, tmp_path):
    """Pictures and videos of a dropped folder and its subfolders are sent; a sentence names the others."""
    folder, empty = tmp_path / "holiday", tmp_path / "empty"
    for path in (folder / "day 1", empty):
        path.mkdir(parents=True)
    for name in ("a.jpg", "day 1/b.jpg", ".hidden.jpg"):
        shutil.copy(photo, folder / name)
    for name in ("notes.txt", "b.pdf", "day 1/c", "d.unknown", "e.psd", "Thumbs.db"):
        (folder / name).write_text("sunny")
    page = visit()
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    session = page.context.new_cdp_session(page)

    def drop(path):
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})

    drop(empty)
    expect(page.locator("#banner")).to_have_text("The folder holds no picture or video.")
    drop(folder)
    expect(page.locator("#start")).to_have_text("Convert 2 files")
    assert sorted(page.locator(".row-name").all_inner_texts()) == ["a.jpg", "b.jpg"]
    left_out = re.compile("(.+, ){2}.+ and 2 other files are not named like pictures or videos, and were")
    expect(page.locator("#banner")).to_have_text(left_out)
    drop(folder / "notes.txt")
    sentence = "notes.txt is not named like a picture or a video, and was not sent."
    expect(page.locator("#banner")).to_have_text(sentence)
    assert [url.rpartition("/")[2] for url in sent] == ["files"] * 2


def test_files_that_are_named_may_have_any_suffix(visit, clip, tmp_path):
    """A video that is chosen is sent under any name; what the browser knows to be something else is not."""
    paths = [tmp_path / name for name in ("c.dat", "film", "notes.txt", "a.pdf")]
    for path in paths:
        shutil.copy(clip, path)
    page = visit()
    page.set_input_files("#file", paths)
    expect(page.locator("#start")).to_have_text("Convert 2 files")
    assert page.locator(".row-name").all_inner_texts() == ["c.dat", "film"]
    sentence = "notes.txt and a.pdf are not named like pictures or videos, and were not sent."
    expect(page.locator("#banner")).to_have_text(sentence)
    page.click("#start")
    expect(page.locator("#list .row-words")).to_have_text(["Ready."] * 2, timeout=WAIT)


def test_files_chosen_early_are_sent(browser, served, photo):
    """A file that is chosen before the page knows its styles is sent when it does."""
    with closing(browser.new_page()) as page:
        waiting = []
        page.route("**/api/info", lambda route: waiting.append(route))  # noqa: PLW0108  # playwright takes no built-in
        with page.expect_request("**/api/info"):
            page.goto(served.url)
        page.set_input_files("#file", [photo])
        waiting[0].continue_()
        expect(page.locator("#start")).to_be_enabled(timeout=WAIT)


def test_files_that_are_removed_early_are_not_sent(browser, served, photo, clip):
    """A file that is removed while it is sent, or before, does not come back."""
    with closing(browser.new_page()) as page:
        sent = []
        page.route("**/api/files", lambda route: sent.append(route))  # noqa: PLW0108
        page.goto(served.url)
        page.set_input_files("#file", [photo, clip])
        for path in (clip, photo):  # the second one waits for the first
            page.get_by_role("button", name=f"Remove {path.name}").click()
        expect(page.locator("#welcome")).to_be_visible()
        sent[0].abort()  # or Chromium may send what was held back, although the page gave it up
        page.unroute("**/api/files")
        page.set_input_files("#file", [clip])
        expect(page.locator("#start")).to_be_enabled(timeout=WAIT)
        assert page.locator("#list .row-name").all_inner_texts() == [clip.name]
        assert len(sent) == 1


def test_a_late_event_loses_no_file(browser, served, photo):
    """An event that is older than the answer to an upload does not say that the file is lost."""
    with closing(browser.new_page()) as page:
        waiting = []
        page.route("**/api/events", lambda route: route.continue_() if waiting else waiting.append(route))
        with page.expect_request("**/api/events"):
            page.goto(served.url)
        page.set_input_files("#file", [photo])
        expect(page.locator("#list li")).to_have_count(1, timeout=WAIT)
        page.evaluate(
            """() => {
                const message = document.getElementById("banner");
                window.messages = [];
                const record = () => messages.push(message.textContent);
                new MutationObserver(record).observe(message, {childList: true});
            }"""
        )
        page.wait_for_timeout(500)
        waiting[0].fulfill(content_type="text/event-stream", body='data: {"files": [], "jobs": []}\n\n')
        expect(page.locator("#start")).to_be_enabled(timeout=WAIT)
        assert not [text for text in page.evaluate("messages") if "restarted" in text]


def test_progress_and_stop(visit, served, long_clip, photo):
    """The page shows the time left; Stop ends the conversion soon and leaves no file; the next one works."""
    page = visit()
    add_long(page, long_clip)
    before = served.files()
    page.click("#start")
    time_left = re.compile("Converting, about ([0-9]+ seconds|a minute|[0-9]+ minutes) left")
    expect(page.locator("#message")).to_have_text(time_left, timeout=WAIT)
    expect(page).to_have_title("1 to convert · cartoonize")
    assert at_work(served)
    page.click("#stop")
    expect(page.locator("#message")).to_have_text("Stopped.")
    expect(page.locator("#start")).to_be_enabled()
    wait_until(lambda: served.files() == before)
    page.get_by_role("button", name="Remove long.mp4").click()
    expect(page.locator("#welcome")).to_be_visible()
    add(page, photo)
    page.click("#start")
    page.locator("#download").wait_for()


def test_a_refresh_finds_the_job_again(visit, served, long_clip):
    """A page that is loaded again while a video is converted shows its progress, and can stop it."""
    page = visit()
    add_long(page, long_clip)
    page.click("#start")
    wait_until(lambda: at_work(served))
    page.reload()
    expect(page.locator("#message")).to_contain_text("Converting")
    page.wait_for_timeout(8000)  # longer than a page that was closed is waited for
    assert at_work(served)
    page.click("#stop")
    expect(page.locator("#message")).to_have_text("Stopped.")


def test_leaving_stops_the_drawing(visit, served, tmp_path):
    """A conversion ends when its page is closed, for which the browser asks first."""
    page = visit()
    # A fast style: a conversion ends before its next frame, and the slowest one draws some seconds for that.
    add(page, Clip(size=(480, 360), times=range(1200)).write(tmp_path / "clip.mp4"))
    before = served.files()
    page.click("#start")
    wait_until(lambda: at_work(served))
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)  # as a person closes it
    assert asked.value.type == "beforeunload"
    asked.value.accept()
    wait_until(lambda: served.files() == before)


def test_a_server_that_is_gone(visit, tmp_path, photo):
    """When the server stops, the page says so in words, and goes on when it is there again."""
    with serving(tmp_path) as other:
        page = visit(url=other.url)
        add(page, photo)
        port = other.url.rsplit(":", 1)[1].strip("/")
    expect(page.get_by_role("alert").first).to_contain_text("The server does not answer.")
    expect(page.locator("#start")).to_be_disabled()
    with serving(tmp_path, "--port", port):
        expect(page.locator("#banner")).to_contain_text("Add your files again", timeout=WAIT)
        add(page, photo)
        page.click("#start")
        page.locator("#download").wait_for()


def test_a_file_that_is_too_large_is_refused(visit, tmp_path):
    """Too many bytes, seconds, frames or pixels, or no video at all: the page says what is wrong."""
    page = visit()
    large, text, wide = tmp_path / "large.mp4", tmp_path / "text.mp4", tmp_path / "wide.png"
    large.write_bytes(bytes(9 << 20))
    text.write_text("nothing of the kind")
    Image.new("RGB", (1000, 301)).save(wide)
    lasting = Clip(times=[0, 2424]).write(tmp_path / "lasting.mp4")
    many = Clip(times=range(1301), size=(16, 16)).write(tmp_path / "many.mp4")
    page.set_input_files("#file", [large, lasting, many, wide, text])
    other = "or start the server with a higher"
    part, one = f"Send a part of it, {other}", f"Send a smaller one, {other} --max-pixels."
    sentences = [
        f"The file has 9 MB; this page accepts up to 8 MB. Send a smaller file, {other} --max-upload.",
        f"lasting.mp4 lasts 1:41 min; this page accepts up to 1:40 min. {part} --max-seconds.",
        f"The video has more than the 1,300 frames that this page accepts. {part} --max-frames.",
        f"wide.png is 1000 x 301 pixels large; this page accepts up to 0.3 million pixels. {one}",
        "text.mp4 is not a readable picture or video, or it is damaged.",
    ]
    expect(page.locator(".row-words")).to_have_text(sentences)
    expect(page.locator(".wrong")).to_have_text(sentences[0])
    expect(page.locator("#start")).to_be_disabled()
    page.locator(".row-main").nth(3).click()
    expect(page.locator(".wrong")).to_have_text(sentences[3])


def test_two_visitors_at_once(visit, run, served, long_clip, photo, clip, tmp_path):
    """The second sees the place in the queue, starts when the first has stopped; each gets the own result."""
    first, second, third = visit(), visit(390, 844), visit()
    add_long(first, long_clip)
    add(second, photo)
    add(third, clip)
    first.click("#start")
    wait_until(lambda: at_work(served))
    second.click("#start")
    expect(second.locator("#message")).to_have_text("One file is ahead of yours.")
    third.click("#start")
    expect(third.locator("#message")).to_have_text("Two files are ahead of yours.")
    first.click("#stop")
    picture, video = download(second, tmp_path), download(third, tmp_path)
    assert run("image", photo, tmp_path / "expected.jpg")[0] == 0
    assert picture.read_bytes() == (tmp_path / "expected.jpg").read_bytes()
    assert len(read_clip(video).times) == 48
    address = served.url + second.locator(".side-after img").get_attribute("src")
    assert second.request.get(address).status == 200
    assert third.request.get(address).status == 404


def test_waiting_can_be_given_up(visit, served, long_clip, photo):
    """Stopping while waiting removes the file from the queue, and does not disturb the one before."""
    first, second = visit(), visit()
    add_long(first, long_clip)
    add(second, photo)
    first.click("#start")
    wait_until(lambda: at_work(served))
    second.click("#start")
    expect(second.locator("#message")).to_have_text("One file is ahead of yours.")
    second.click("#stop")
    expect(second.locator("#message")).to_have_text("Stopped.")
    assert at_work(served)
    first.click("#stop")
    wait_until(lambda: not at_work(served))
    second.wait_for_timeout(1000)
    assert not second.locator("#download").is_visible()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "light"), (320, "dark")])
def test_it_is_all_from_here_and_fits(visit, served, photo, width, scheme):
    """The page works offline, without requests to other hosts. It fits its window, wide or narrow.

    The settings fit a window of 768 pixels without scrolling.
    """
    page = visit(width, 844, scheme=scheme)
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.reload()
    expect(page.locator("#examples img")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for height in (900, 768):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("settings.scrollHeight <= settings.clientHeight"), height
    add(page, photo)
    page.click("#start")
    page.locator("#download").wait_for(timeout=WAIT)
    page.wait_for_load_state("load")
    open_more(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    elsewhere = [url for url in (*asked, *loaded) if not url.startswith((served.url, f"blob:{served.url}"))]
    assert not elsewhere
    assert not wrong
    assert any("/styles/pepper.webp" in url for url in asked)
    assert any("favicon.svg" in url for url in (*asked, *loaded))
    page.goto(f"{served.url}api")
    page.locator("#requests table").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
)
def test_it_is_accessible(visit, clip, photo, tmp_path, width, scheme):
    """Axe finds no violation: empty, with a refused file, while converting, with a picture, with a video."""
    page = visit(width, 844, scheme=scheme)
    assert violations(page) == []
    (tmp_path / "text.mp4").write_text("nothing of the kind")
    page.set_input_files("#file", [tmp_path / "text.mp4", clip, photo])
    expect(page.locator("#start")).to_have_text("Convert 2 files")
    assert violations(page) == []
    page.click("#start")
    expect(page.locator("#stop")).to_be_visible()
    assert violations(page) == []
    expect(page.locator("#list .row-words", has_text="Ready.")).to_have_count(2, timeout=WAIT)
    page.locator(".row-main").nth(1).click()
    page.locator(".players").wait_for()
    assert violations(page) == []
    choose_style(page, "ink")
    page.locator(".row-main").nth(2).click()
    page.locator("#download").wait_for()
    assert violations(page) == []
    page.goto(page.url + "api")
    page.locator("table").first.wait_for()
    assert violations(page) == []


def test_the_keyboard_is_enough(visit):
    """By Tab and Enter alone a visitor tries an example, changes the style, and reaches the download."""
    page = visit()

    def tab_to(selector):
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(selector)

    tab_to("#examples button")
    page.keyboard.press("Enter")
    page.locator("#download").wait_for()
    tab_to("#download")
    tab_to(".style input")
    page.keyboard.press("ArrowDown")
    expect(page.locator("input[value=comic]")).to_be_checked()
    tab_to("#start")
    page.keyboard.press("Enter")
    expect(page.locator(".title .quiet")).to_contain_text("comic · converted in")
