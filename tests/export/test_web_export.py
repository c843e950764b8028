"""Drawing in the browser: the page `try` of the documentation, and the folder that `export-web` writes."""

import base64
import io
import json
import re
import shutil
from contextlib import closing, contextmanager

import cv2
import numpy as np
import pytest
from browsers import CACHE, IN_BROWSER, WAIT, cached, chromium, load_vendor, violations
from PIL import ExifTags, Image
from servers import serve_folder
from skimage import data

import cartoonize
from cartoonize.core.draw_size import draw_picture
from cartoonize.export.browser_files import MANIFEST, MODULE, page_files, read_library
from cartoonize.export.web import export_web
from cartoonize.styles import builtin_styles
from cartoonize.styles.card import int8_path, read_header

REFUSE_CAMERA = """MediaDevices.prototype.getUserMedia = async () => {
    throw new DOMException("", "NotAllowedError");
}"""
in_browser = [
    *IN_BROWSER,
    pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm: apt-get install npm"),
]


@pytest.fixture(scope="session")
def library():
    """The folder of ONNX Runtime Web."""
    folder = CACHE / f"onnxruntime-web-{read_library()['version']}"
    return cached(folder, load_vendor().copy_library)


def use_local_library(folder, library):
    """Have the page in `folder` load the library from this folder in place of the CDN."""
    shutil.copytree(library, folder / "library")
    path = folder / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["library"]["url"] = "library/"
    path.write_text(json.dumps(manifest))


@pytest.fixture(scope="module")
def site(tmp_path_factory, library):
    """The folder of the page, as MkDocs builds it."""
    folder = tmp_path_factory.mktemp("site")
    for name, content in page_files():
        (folder / name).write_bytes(content)
    use_local_library(folder, library)
    return folder


@pytest.fixture(scope="module")
def browser():
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with chromium("--enable-unsafe-swiftshader", *camera) as browser:
        yield browser


@contextmanager
def visiting(browser, address, width=1280):
    """Open the page as somebody new, and wait until the example is drawn."""
    with closing(browser.new_context(viewport={"width": width, "height": 800})) as context:
        page = context.new_page()
        page.set_default_timeout(WAIT)
        page.goto(address)
        wait_for_drawing(page)
        yield page


@pytest.fixture(scope="module")
def page(browser, site):
    """The page, with the example drawn."""
    with serve_folder(site) as address, visiting(browser, address) as page:
        yield page


def wait_for_drawing(page):
    page.locator("#status", has_text="drawn in").wait_for()
    page.locator("#stage:not(.busy)").wait_for()


def draw(page, image, style="pepper", detail="normal", **options):
    """Choose a picture on the page, and return the PNG that it offers."""
    page.locator(f"[name=style][value={style}]").check(force=True)
    page.locator("#detail").select_option(detail)
    wait_for_drawing(page)
    file = io.BytesIO()
    Image.fromarray(image).save(file, **({"format": "PNG"} | options))
    page.evaluate("document.getElementById('status').textContent = ''")
    page.set_input_files("#file", {"name": "in.png", "mimeType": "image/png", "buffer": file.getvalue()})
    wait_for_drawing(page)
    with page.expect_download() as saved:
        page.locator("#save").click()
    assert saved.value.suggested_filename == f"in-{style}.png"
    return np.array(Image.open(saved.value.path()))


def drawn_by_command(image, style="pepper", detail="normal", precision="int8"):
    with cartoonize.load(style, device="cpu", precision=precision) as backend:
        return draw_picture(backend, np.ascontiguousarray(image[..., :3]), detail)


def photo(width, height):
    """A photo of any size."""
    return np.array(Image.fromarray(data.coffee()).resize((width, height)))


def largest_difference(one, other):
    """Compare colours; leave out opacity."""
    return np.abs(one[..., :3].astype(int) - other[..., :3]).max()


def test_the_files_of_the_page_fit_together():
    """The page loads the library in the version and with the styles that the module expects, in few bytes."""
    files = dict(page_files())
    html = files["index.html"].decode()
    library = read_library()
    assert f"connect-src 'self' {library['url'].removesuffix('dist/')};" in html
    assert library["url"] == f"https://cdn.jsdelivr.net/npm/{library['name']}@{library['version']}/dist/"
    code = {name: files[name] for name in files if name.endswith((".html", ".css", ".js"))}
    assert sum(map(len, code.values())) < 60_000
    assert set(re.findall(r'^    "(.+)",$', code["sw.js"].decode(), re.MULTILINE)) == {
        "./", *(name for name in code if name.endswith((".css", ".js")) and name != "sw.js")
    }  # fmt: skip


def test_the_page_offers_each_style_in_integers():
    """A built-in style with an int8 file is on the page, with the text of its card and its preview."""
    files = dict(page_files())
    styles = json.loads(files[MANIFEST])["styles"]
    assert list(styles) == [name for name, path in builtin_styles().items() if int8_path(path).is_file()]
    for name, path in builtin_styles().items():
        if name in styles:
            style, card = styles[name], read_header(path).card
            assert (style["summary"], style["licence"], style["credit"]) == (
                card.summary, card.licence, card.credit
            )  # fmt: skip
            assert len(files[style["int8"]["file"]]) == style["int8"]["bytes"]
            assert files[style["preview"]] == path.with_suffix(".webp").read_bytes()


def test_the_library_of_npm_has_the_hashes_of_the_page(library):
    """What browsers load from the CDN, which serves npm's package, passes the check of integrity."""
    vendor = load_vendor()
    hashes = read_library()["files"]
    assert {name: vendor.integrity((library / name).read_bytes()) for name in hashes} == hashes
    assert set(hashes) == {name for build in read_library()["builds"].values() for name in build}


@pytest.fixture(scope="module")
def exported(tmp_path_factory, tiny_style):
    """A folder that `export-web` wrote; not to be changed."""
    pytest.importorskip("onnxscript", reason="writing ONNX files needs the extra `export`")
    folder = tmp_path_factory.mktemp("exported") / "web"
    assert export_web(str(tiny_style), folder) == sorted(folder.iterdir())
    return folder


@pytest.mark.slow
def test_a_folder_for_the_web_is_complete(tmp_path, tiny_style, exported):
    """`export-web` writes the files of a style, the module and a page, and replaces no other folder."""
    assert {path.name for path in exported.iterdir()} == {
        *MODULE,
        MANIFEST,
        "index.html",
        "example.css",
        "example.js",
        "tiny.onnx",
        "tiny.int8.onnx",
    }
    style = json.loads((exported / MANIFEST).read_text())["styles"]["tiny"]
    assert style["licence"] == "CC0"
    assert [style[key]["file"] for key in ("int8", "float")] == ["tiny.int8.onnx", "tiny.onnx"]
    with pytest.raises(cartoonize.MediaError, match="exists already"):
        export_web(str(tiny_style), exported)
    (tmp_path / "mine").mkdir()
    with pytest.raises(cartoonize.MediaError, match="stays as it is"):
        export_web(str(tiny_style), tmp_path / "mine", overwrite=True)
    assert [path.name for folder in (tmp_path, exported.parent) for path in folder.iterdir()] == [
        "mine",
        "web",
    ]


class TestPage:
    pytestmark = in_browser

    def test_a_photo_at_the_draw_size_is_drawn_as_by_the_command(self, page):
        """In integers the page and the command draw the same bytes."""
        image = photo(960, 720)
        assert np.array_equal(draw(page, image)[..., :3], drawn_by_command(image))
        assert np.array_equal(draw(page, image, "ink")[..., :3], drawn_by_command(image, "ink"))

    def test_large_photos_are_drawn_as_by_the_command(self, page):
        """Reduced to the draw size and enlarged again, no value differs by more than a level."""
        image = photo(1500, 1111)
        assert largest_difference(draw(page, image), drawn_by_command(image)) <= 1

    def test_small_photos_are_drawn_as_by_the_command(self, page):
        """Enlarged to the draw size as by OpenCV with IPP, no value differs by more than a level."""
        image = photo(333, 500)
        drawing = draw(page, image, detail="low")[..., :3].astype(int)
        differences = np.abs(drawing - drawn_by_command(image, detail="low"))
        assert differences.max() <= 1 if cv2.ipp.useIPP() else (differences > 1).mean() < 5e-3

    def test_transparency_is_kept(self, page):
        """The opacity of each pixel stays, and transparent pixels do not darken what is drawn beside them."""
        colours = photo(720, 720)
        alpha = np.zeros((720, 720), np.uint8)
        alpha[:, 300:] = 255
        drawing = draw(page, np.dstack([colours, alpha]))
        assert np.array_equal(drawing[..., 3], alpha)
        assert largest_difference(drawing[:, 300:, :3], drawn_by_command(colours)[:, 300:]) <= 1

    def test_photos_of_phones_are_upright(self, page):
        """The orientation in the EXIF data is applied."""
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6
        image = photo(960, 720)
        upright = np.ascontiguousarray(np.rot90(image, -1))
        assert largest_difference(draw(page, image, exif=exif)[..., :3], drawn_by_command(upright)) <= 1

    @pytest.mark.parametrize(
        ("name", "kind", "content", "sentence"),
        [
            ("a.heic", "image/heic", b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
            ("a.mp4", "video/mp4", b"\0" * 99, "is a video"),
            ("a.jpg", "image/jpeg", b"", "cannot decode a.jpg"),
        ],
    )
    def test_what_cannot_be_decoded_is_named(self, page, name, kind, content, sentence):
        """A sentence says why a file is not shown, and what works."""
        page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": content})
        page.locator("#error", has_text=sentence).wait_for()

    def test_nothing_leaves_the_browser(self, page):
        """Once loaded, the page sends no request, and neither it nor the worker that draws could."""
        requests = []
        page.context.on("request", lambda request: requests.append(request.url))
        draw(page, photo(400, 300))
        assert [url for url in requests if not url.startswith("blob:")] == []
        attempt = "fetch(new URL('styles.json', location.origin)).then(() => 'sent', () => 'refused')"
        _, drawer = page.workers[:2]  # the first one loads files, and gets no pictures
        assert [place.evaluate(attempt) for place in (page, drawer)] == ["refused"] * 2

    def test_only_the_chosen_style_is_loaded(self, page):
        """The file of a style is loaded when the style is first drawn, without anything of the photo."""
        requests = set()
        page.context.on("request", lambda sent: requests.add((sent.url, sent.method, sent.post_data)))
        page.locator("[name=style][value=storybook]").check(force=True)
        wait_for_drawing(page)
        assert requests == {(f"{page.url}storybook.int8.onnx", "GET", None)}

    def test_the_last_of_two_photos_is_drawn(self, page):
        """Of two photos dropped in quick succession, the second one is shown, whichever is read first."""
        script = """files => { for (const [name, side] of files) {
            const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
            const text = atob(canvas.toDataURL().split(",")[1]);
            const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name));
            document.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer }));
        } }"""
        page.evaluate(script, [["first.png", 2500], ["second.png", 50]])
        page.locator("#status", has_text="50 × 50 pixels, drawn in").wait_for()
        page.wait_for_timeout(1000)
        assert page.locator("#status").text_content().startswith("50 × 50")

    def test_what_is_no_file_is_named(self, page):
        """Pasting or dropping something else than a picture says so."""
        page.evaluate("document.dispatchEvent(new DragEvent('drop', { dataTransfer: new DataTransfer() }))")
        page.locator("#error", has_text="That was no file").wait_for()
        paste = "document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: new DataTransfer() }))"
        page.evaluate(paste)
        page.locator("#error", has_text="holds no picture").wait_for()

    def test_the_keyboard_is_enough(self, page):
        """Arrow keys move the slider and choose the style."""
        page.locator("#split").focus()
        page.keyboard.press("End")
        assert page.locator("#frame").get_attribute("style").count("--split: 100%") == 1
        page.locator("[name=style]:checked").focus()
        before = page.locator("[name=style]:checked").get_attribute("value")
        page.keyboard.press("ArrowDown")
        assert page.locator("[name=style]:checked").get_attribute("value") != before
        wait_for_drawing(page)

    def test_the_camera_is_drawn_live(self, page):
        """The camera runs at 360 lines, with its frame rate, until it is switched off."""
        page.locator("#camera").click()
        page.locator("#rate", has_text=re.compile(r"[1-9]\d* frames/s at 640 × 360: 0.23 million")).wait_for()
        page.locator("#camera").click()
        page.locator("#rate").wait_for(state="hidden")
        wait_for_drawing(page)


@pytest.mark.parametrize("width", [390, 1280])
class TestWidths:
    pytestmark = in_browser

    def test_everybody_can_use_the_page(self, browser, site, width):
        """axe-core reports no fault, no text is cut off, and the page works offline after the first load."""
        with closing(browser.new_context(viewport={"width": width, "height": 800})) as context:
            page = context.new_page()
            page.set_default_timeout(WAIT)
            with serve_folder(site) as address:
                page.goto(address)
                wait_for_drawing(page)
                assert violations(page) == []
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert page.evaluate("crossOriginIsolated")  # without which there are no threads
            page.reload()  # the server is gone
            wait_for_drawing(page)


class TestBrowsers:
    pytestmark = in_browser

    def test_browsers_without_service_workers_draw(self, browser, site):
        """Without headers of the server and service workers there is one thread, and the same drawing."""
        with (
            serve_folder(site) as address,
            closing(browser.new_context(service_workers="block")) as context,
            closing(context.new_page()) as page,
        ):
            page.set_default_timeout(WAIT)
            page.goto(address)
            wait_for_drawing(page)
            assert "on 1 thread." in page.locator("#about").text_content()
            image = photo(960, 720)
            assert np.array_equal(draw(page, image)[..., :3], drawn_by_command(image))

    def test_a_camera_that_cannot_play_is_off(self, browser, site):
        """If the picture of a camera cannot be played, a sentence says so, and the camera is off."""
        script = """() => {
            const cameras = navigator.mediaDevices, open = cameras.getUserMedia.bind(cameras);
            cameras.getUserMedia = async (wanted) => (window.stream = await open(wanted));
            HTMLMediaElement.prototype.play = async () => { throw new DOMException("no picture"); };
        }"""
        with serve_folder(site) as address, visiting(browser, address) as page:
            page.evaluate(script)
            page.locator("#camera").click()
            page.locator("#error", has_text="cannot be used: no picture").wait_for()
            assert page.evaluate("stream.getTracks().map((track) => track.readyState)") == ["ended"]
            assert page.locator("#camera:not(:disabled)").get_attribute("aria-pressed") == "false"

    @pytest.mark.parametrize(
        ("script", "sentence"),
        [
            ("WebAssembly.validate = () => false", "lacks WebAssembly with SIMD"),
            (
                "Object.defineProperty(navigator, 'mediaDevices', { value: undefined })",
                "only on pages with https",
            ),
            (
                REFUSE_CAMERA,
                "does not let this page use the camera",
            ),
        ],
    )
    def test_what_a_browser_lacks_is_named(self, browser, site, script, sentence):
        """Without SIMD, cameras or the permission to use them, a sentence says what to do."""
        with serve_folder(site) as address, closing(browser.new_page()) as page:
            page.set_default_timeout(WAIT)
            page.add_init_script(script)
            page.goto(address)
            page.locator("[name=style]").first.wait_for(state="attached")
            if "SIMD" not in sentence:
                page.locator("#camera").click()
            page.locator("#error", has_text=sentence).wait_for()


class TestExport:
    pytestmark = in_browser

    def test_the_example_page_needs_no_headers(self, browser, tmp_path, library, exported):
        """The folder of `export-web` needs no headers of the server, and draws what the style draws."""
        shutil.copytree(exported, tmp_path / "web")
        use_local_library(tmp_path / "web", library)
        image = photo(960, 720)
        Image.fromarray(image).save(tmp_path / "in.png")
        with serve_folder(tmp_path / "web") as address, closing(browser.new_page()) as page:
            page.set_default_timeout(WAIT)
            page.goto(address)
            page.set_input_files("#file", tmp_path / "in.png")
            page.locator("#cartoon").wait_for(state="visible")
            encoded = page.evaluate("cartoon.toDataURL().split(',')[1]")
        drawing = np.array(Image.open(io.BytesIO(base64.b64decode(encoded))))
        network = str(exported / "tiny.int8.onnx")
        assert np.array_equal(drawing[..., :3], drawn_by_command(image, network, precision="auto"))
