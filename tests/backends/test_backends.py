"""The contract of backends, with one suite over all that are registered."""

import numpy as np
import pytest
import torch
from noise import noise
from processes import run_python

import cartoonize.backends
from cartoonize import BackendError, ModelError, RuntimeOptions, load
from cartoonize.backends import LoadedBackend, backends, registry
from cartoonize.backends.pytorch import device as devices
from cartoonize.backends.tiles import OutOfMemory, TiledBackend, draw_in_tiles
from cartoonize.models.checkpoint import save_style
from cartoonize.styles.card import Card

STYLES = {
    "pytorch": "tiny_style", "onnxruntime": "tiny_onnx", "int8": "pepper", "ncnn": "tiny_param",
    "null": "null",
}  # fmt: skip
"""A style for each backend that runs on a CPU: a fixture named `tiny_...`, or the name of a style."""


def style_for(name, request):
    """The style that is drawn with a backend; skips those that need a GPU."""
    if "cpu" not in backends()[name].devices and backends()[name].devices:
        pytest.skip(f"{name} does not run on CPUs")
    style = STYLES[name]
    return str(request.getfixturevalue(style)) if style.startswith("tiny_") else style


@pytest.fixture(params=sorted(backends()))
def backend(request):
    """Each backend in turn, on the CPU, with a small network where it has one; Vulkan on any driver."""
    if request.param == "vulkan":
        device, style = (request.getfixturevalue(name) for name in ("vulkan", "tiny_style"))
        with load(str(style), device=device, precision="fp32") as opened:
            yield opened
        return
    precision = "fp32" if request.param in ("pytorch", "onnxruntime") else "auto"
    with load(style_for(request.param, request), device="cpu", precision=precision) as opened:
        yield opened


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 7, 5), (2, 16, 16), (3, 33, 65), (1, 1, 40)])
def test_shape_and_type_are_kept(backend, shape):
    """Pictures of any number and size come back in the same shape, as uint8."""
    images = noise(*shape)
    out = backend(images)
    assert out.shape == images.shape
    assert out.dtype == np.uint8


def test_other_arrays_are_refused(backend):
    """Floats, a single picture and channels first are refused in a sentence; no pictures become none."""
    shapes = (((1, 8, 8, 3), np.float32), ((8, 8, 3), np.uint8), ((1, 3, 8, 8), np.uint8))
    for wrong in (np.zeros(*shape) for shape in shapes):
        with pytest.raises(ValueError, match=r"an array \(N, height, width, 3\) of uint8, not \("):
            backend(wrong)
    assert backend(np.zeros((0, 8, 8, 3), np.uint8)).shape == (0, 8, 8, 3)


def test_the_input_is_left_alone(backend):
    """A backend never writes into its input, draws read-only arrays without a warning, and draws one picture
    the same each time."""
    images = noise(2, 20, 20)
    copy = images.copy()
    drawn = backend(images)
    assert np.array_equal(images, copy)
    images.flags.writeable = False  # as arrays of Pillow are
    assert np.array_equal(backend(images), drawn)


def test_it_says_what_runs(backend):
    """Every backend states its runtime, device, precision and batch."""
    assert isinstance(backend, LoadedBackend)
    assert backend.runtime
    assert backend.device
    assert backend.precision in ("fp32", "bf16", "fp16", "int8", "none")
    assert backend.batch >= 1
    assert backend.pixel_format == "" or backend.runtime == "onnxruntime"
    assert backend.network or backend.runtime == "null"
    gflop = backend.gflop(64, 64)
    assert gflop is None or gflop > 0


def test_every_backend_is_tested():
    """Every runtime has a style in this suite, or runs on GPUs only."""
    on_cpus = {
        name for name, backend in backends().items() if "cpu" in backend.devices or not backend.devices
    }
    assert set(STYLES) == on_cpus


def test_a_runtime_is_one_file(tmp_path, monkeypatch):
    """A new module in the folder is registered by its suffixes. Nothing else changes."""
    (tmp_path / "invert.py").write_text(
        "from cartoonize.backends import LoadedBackend, register\n"
        "@register('invert', suffixes=('.inv',), devices=('cpu',), options=('provider',))\n"
        "class Invert(LoadedBackend):\n"
        "    runtime = 'invert'\n"
        "    def __init__(self, path, device, precision, options):\n"
        "        self.device, self.precision, self.batch = 'cpu', 'fp32', 1\n"
        "    def _draw(self, images):\n"
        "        return 255 - images\n"
    )
    (tmp_path / "a.inv").touch()
    monkeypatch.setattr(cartoonize.backends, "__path__", [*cartoonize.backends.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "FOLDERS", [*registry.FOLDERS, str(tmp_path)])
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    registry._import_modules.cache_clear()
    images = noise(1, 4, 4)
    with load(str(tmp_path / "a.inv"), options=RuntimeOptions(provider="cpu")) as backend:
        assert np.array_equal(backend(images), 255 - images)
    with pytest.raises(BackendError, match="closed"):
        backend(images)
    with pytest.raises(BackendError, match="--channel-order"):
        load(str(tmp_path / "a.inv"), options=RuntimeOptions(channel_order="bgr"))


def test_finding_the_backends_imports_none_of_their_libraries():
    """The list of backends costs no start of PyTorch, ONNX Runtime, ncnn or TensorRT."""
    code = (
        "import sys; from cartoonize.backends import backends; assert len(backends()) >= 5;"
        "print([m for m in ('torch', 'onnxruntime', 'ncnn', 'tensorrt') if m in sys.modules])"
    )
    assert run_python(code).stdout.strip() == "[]"


def test_a_closed_backend_draws_no_more(backend):
    """Closing is final and can be repeated; device and notices can still be read."""
    backend(noise(2, 16, 16))
    backend.close()
    backend.close()
    with pytest.raises(BackendError, match="closed"):
        backend(noise(1, 16, 16))
    with pytest.raises(BackendError, match="closed"):
        backend(noise(2, 16, 16))
    assert backend.device
    assert all("is no GPU" in notice for notice in backend.notices)  # of a software driver


def test_bf16_is_close_to_fp32(tiny_style):
    """Half the bits change a picture by a grey level or two, not visibly."""
    images = noise(1, 64, 64)
    exact, fast = (load(str(tiny_style), device="cpu", precision=p)(images) for p in ("fp32", "bf16"))
    assert np.abs(exact.astype(int) - fast).mean() < 1


@pytest.mark.skipif(devices.gpu_is_available(), reason="there is a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:7", "mps", "xpu:1"])
def test_a_gpu_means_that_gpu(tiny_style, tiny_onnx, device):
    """Without a GPU, asking for one is an error: nothing runs on the CPU in its place."""
    for style in (tiny_style, tiny_onnx):
        with pytest.raises(BackendError, match=r"was requested|runs on cpu or cuda only"):
            load(str(style), device=device)


@pytest.mark.parametrize(
    "device", ["gpu", "cuda:x", "", "CPU ", "cpu:0", "auto:1", "cuda:", "cuda:999999999999", "cuda:٣"]
)
def test_unknown_devices_are_refused(device):
    """A misspelt device is an error that lists the right ones."""
    with pytest.raises(BackendError, match="choose auto, cpu, cuda"):
        load("null", device=device)


def test_unknown_precisions_are_refused(tiny_style):
    """A misspelt precision is an error, and so is fp16 on a CPU, which would be slower than fp32."""
    with pytest.raises(BackendError, match="choose auto, fp32"):
        load(str(tiny_style), precision="half")
    with pytest.raises(BackendError, match="CPUs do not compute in fp16"):
        load(str(tiny_style), device="cpu", precision="fp16")


def test_unknown_styles_are_refused(tmp_path):
    """An unknown name lists the built-in styles; a file that is no network is named."""
    with pytest.raises(ModelError, match="no style 'monet'"):
        load("monet")
    (tmp_path / "a.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"a\.onnx"):
        load(str(tmp_path / "a.onnx"))


@pytest.mark.parametrize("size", [(300, 500), (700, 301), (90, 1000)])
def test_tiles_leave_no_seam(tiny_style, size):
    """A picture drawn in tiles equals the whole, for networks with a bounded reach."""
    backend = load(str(tiny_style), device="cpu", precision="fp32")
    seen = []

    def watched(images):
        seen.append(images.shape[1] * images.shape[2])
        return backend(images)

    generator = backend._model.generator
    run = TiledBackend(watched, limit=250 * 250, reach=generator.reach, stride=generator.stride)
    images = noise(1, *size)
    assert np.abs(run(images).astype(int) - backend(images)).max() <= 1
    assert len(seen) > 1
    assert max(seen) <= max(250, run._smallest) ** 2


def test_tiles_of_instance_norm_fade_into_each_other(tmp_path, lively_generator):
    """If tiles differ, as with instance norm, no edge appears at their borders."""
    path = tmp_path / "in.safetensors"
    save_style(path, lively_generator("cartoongan", width=4, blocks=1, norm="instance"), Card())
    backend = load(str(path), device="cpu", precision="fp32")
    scene = noise(1, 300, 900)
    joined, whole = (run(scene)[0].astype(int) for run in (
        TiledBackend(backend, limit=260 * 260, reach=40, stride=8), backend))  # fmt: skip
    # A seam would be a step from column to column of what tiling changed.
    change = (joined - whole).mean((0, 2))
    assert np.abs(change).max() > 0
    assert np.abs(np.diff(change)).max() < 1


@pytest.mark.parametrize("stride", [31, 33, 99])
def test_strides_that_tiles_cannot_have(stride):
    """A file that states a larger stride than fits its tiles costs no more than a few small tiles."""
    calls = []

    def draw(images):
        assert len(calls) < 400
        calls.append(images.shape)
        return images

    image = noise(120, 90)[None]
    assert np.array_equal(draw_in_tiles(draw, image, (32, 32), reach=96, stride=stride), image)


def test_large_batches_are_split_before_they_are_tiled():
    """A batch that is too large is drawn in parts, as large as the limit allows."""
    counts = []

    def backend(images):
        counts.append(len(images))
        return images

    images = noise(5, 20, 20)
    assert np.array_equal(TiledBackend(backend, limit=900, reach=4, stride=4)(images), images)
    assert counts == [2, 2, 1]


def cramped(pixels, calls):
    """A backend whose memory holds a limited number of pixels at once."""

    def backend(images):
        calls.append(images.shape)
        if images[..., 0].size > pixels:
            raise OutOfMemory("The device has too little memory.")
        return 255 - images

    return backend


@pytest.mark.parametrize(("pixels", "way"), [(45_000, "batches of 1"), (25_000, "tiles"), (170_000, None)])
def test_out_of_memory_loses_no_picture(pixels, way):
    """If a batch does not fit, it is repeated in smaller batches, then in tiles; no picture is lost."""
    calls = []
    run = TiledBackend(cramped(pixels, calls), limit=10**9, reach=8, stride=4)
    images = noise(4, 200, 200)
    assert np.array_equal(run(images), 255 - images)
    assert (way is None) == (not run.notices)
    assert way is None or way in run.notices[-1]
    tried = len(calls)
    assert np.array_equal(run(images), 255 - images)  # what was learned is not tried again
    assert all(np.prod(shape[:3]) <= pixels for shape in calls[tried:])


def test_out_of_memory_has_an_end():
    """A device on which not even the smallest tile fits is an error in a sentence."""
    run = TiledBackend(cramped(100, []), limit=10**9, reach=8, stride=4)
    with pytest.raises(BackendError, match="nothing smaller"):
        run(noise(2, 200, 200))


@pytest.mark.parametrize(
    "trouble", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("can't allocate memory: 1 GB")]
)
def test_pytorchs_own_out_of_memory_is_recognised(tiny_style, monkeypatch, trouble):
    """The errors that PyTorch raises on GPUs and on CPUs lead to smaller batches."""
    with load(str(tiny_style), device="cpu", precision="fp32") as backend:
        images = noise(4, 40, 48)
        expected, draw = backend(images), backend._model.forward

        def forward(pixels):
            if len(pixels) > 2:
                raise trouble
            return draw(pixels)

        monkeypatch.setattr(backend._model, "forward", forward)
        monkeypatch.setattr(backend._pool, "count", 1)
        assert np.array_equal(backend(images), expected)
        assert "batches of 2" in backend.notices[0]


def test_other_errors_of_pytorch_are_raised(tiny_style, monkeypatch):
    """A mistake in a network is not taken for a lack of memory."""
    backend = load(str(tiny_style), device="cpu")
    monkeypatch.setattr(backend._model, "forward", lambda pixels: pixels + torch.zeros(7))
    with pytest.raises(RuntimeError, match="size of tensor"):
        backend(noise(2, 40, 48))


@pytest.mark.parametrize(("cores", "count", "share"), [(8, 4, 2), (2, 2, 1), (3, 8, 1)])
def test_the_cores_are_shared_out(tiny_style, monkeypatch, cores, count, share):
    """Each thread computes on its share of the cores, never on more in all; a single picture gets all."""
    backend = load(str(tiny_style), device="cpu", precision="fp32")
    backend._pool.cores, backend._pool.count = cores, count
    threads, draw = [], backend._model.forward

    def forward(pixels):
        threads.append(torch.get_num_threads())
        return draw(pixels)

    monkeypatch.setattr(backend._model, "forward", forward)
    backend(noise(6, 24, 24))
    assert threads == [share] * 6
    backend(noise(1, 24, 24))
    assert threads[-1] == cores


@pytest.mark.parametrize("size", [(40, 48), (130, 250)])
def test_threads_draw_what_one_thread_draws(tiny_style, size):
    """A picture is drawn the same to the bit alone and in a batch that is spread over the cores."""
    backend = load(str(tiny_style), device="cpu", precision="fp32")
    backend._pool.count = 3
    images = noise(7, *size)
    alone = np.concatenate([backend(image[None]) for image in images])
    assert np.array_equal(backend(images), alone)
    assert np.array_equal(backend(images[2:]), alone[2:])
