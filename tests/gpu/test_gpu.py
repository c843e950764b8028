"""What a GPU draws is what the CPU draws; see also benchmarks/gpu.py."""

import numpy as np
import pytest
import torch
from noise import noise

from cartoonize import Frame, Retouch, load, stream
from cartoonize.backends.pytorch import device as devices
from cartoonize.backends.pytorch.gpu import PARTS
from cartoonize.core.yuv import yuv_weights
from cartoonize.effects.look import Look
from cartoonize.effects.pytorch.yuv import to_yuv420
from cartoonize.models import ARCHITECTURES
from cartoonize.models.checkpoint import save_style
from cartoonize.styles.card import Card

pytestmark = pytest.mark.gpu


def draw(style, device, images):
    with load(str(style), device=device, precision="fp32") as backend:
        return backend(images)


def assert_close(drawn, expected):
    """Equal to a grey level."""
    assert np.abs(drawn.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("size", [(40, 60), (41, 63)])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_network_draws_as_on_the_cpu(gpu, lively_generator, tmp_path, architecture, size):
    """The two devices agree within a grey level in float32, for all architectures, even and odd sizes."""
    config = {} if architecture == "animegan2" else {"width": 8}
    style = tmp_path / "style.safetensors"
    save_style(style, lively_generator(architecture, **config), Card())
    images = noise(2, *size)
    assert_close(draw(style, gpu, images), draw(style, "cpu", images))


@pytest.mark.parametrize("count", [2, 5, 8])
def test_streams_draw_what_one_draws(gpu, tiny_style, count):
    """A batch that is spread over streams is returned in order, each picture as if drawn alone."""
    images = noise(count, 96, 128)
    with load(str(tiny_style), device=gpu, precision="fp32") as backend:
        alone = np.concatenate([backend(image[None]) for image in images])
        for _ in range(20):
            assert_close(backend(images), alone)


def test_two_devices_in_one_process(gpu, tiny_style):
    """A backend on the CPU and one on the GPU take turns without touching each other's results."""
    images = noise(2, 40, 60)
    with (
        load(str(tiny_style), device="cpu", precision="fp32") as cpu,
        load(str(tiny_style), device=gpu, precision="fp32") as on_gpu,
    ):
        expected = cpu(images)
        for _ in range(5):
            assert_close(on_gpu(images), expected)
            assert np.array_equal(cpu(images), expected)


def test_too_little_memory_means_smaller_parts(gpu, tiny_style):
    """Where the GPU's memory is nearly full, a large batch is drawn in parts, with the same result."""
    images = noise(8, 1080, 1920)
    device = torch.device(gpu)
    with load(str(tiny_style), device=gpu, precision="fp32") as backend:
        expected = backend(images)
        devices.release_memory(device)
        free, _ = devices.gpu_memory(device)
        half = backend.generator.floats_per_pixel * 4 * images[0].size // 3 * (len(images) // PARTS)
        room = int(half / 2)  # for half of what is drawn at once
        ballast = torch.empty(max(0, free - room), dtype=torch.uint8, device=device)
        try:
            drawn = backend(images)
        finally:
            del ballast
            devices.release_memory(device)
        assert_close(drawn, expected)
        assert any("memory" in notice for notice in backend.notices)


def test_too_little_memory_for_effects(gpu, tiny_style):
    """Where the GPU's memory has no room to enlarge a frame, the CPU does it, and a notice says so."""
    images, device = noise(2, 120, 160), torch.device(gpu)

    def draw():
        frames = (Frame(image, pts, full_size=(3840, 2880)) for pts, image in enumerate(images))
        return [frame.image for frame in stream(frames, backend, batch=2, effects=Look().effects())]

    with load(str(tiny_style), device=gpu, precision="fp32") as backend:
        expected = draw()
        devices.release_memory(device)
        free, _ = devices.gpu_memory(device)
        room = 200 << 20  # the enlarged picture in float32 takes 133 MB several times
        ballast = torch.empty(max(0, free - room), dtype=torch.uint8, device=device)
        try:
            drawn = draw()
        finally:
            del ballast
            devices.release_memory(device)
        assert any("Its effects continued on the CPU" in notice for notice in backend.notices)
    for image, other in zip(drawn, expected, strict=True):
        difference = np.abs(image.astype(int) - other)
        assert difference.max() <= 4  # a level of the network, steepened by the enlargement
        assert difference.mean() < 0.1


def convert(style, device, look, frames):
    with load(str(style), device=device, precision="fp32") as backend:
        given = (
            Frame(image, pts, full_size=(450, 300), full=full) for pts, (image, full) in enumerate(frames)
        )
        return [frame.image for frame in stream(given, backend, batch=4, segment=8, effects=look.effects())]


@pytest.mark.parametrize(
    "look",
    [Look(), Look(hold=2), Look(stabilize=False, retouch=Retouch(strength=0.5, keep_colour=True))],
    ids=str,
)
def test_effects_are_the_cpus(gpu, tiny_style, look):
    """A static noisy video that is stabilized, enlarged and composited on the GPU equals that of the CPU."""
    grain = np.random.default_rng(1)
    still, full = noise(1, 200, 300)[0] // 2 + 60, noise(1, 300, 450)[0]
    frames = [(still + grain.integers(0, 2, still.shape, dtype=np.uint8), full) for _ in range(12)]
    for image, expected in zip(
        convert(tiny_style, gpu, look, frames), convert(tiny_style, "cpu", look, frames), strict=True
    ):
        assert image.shape == (300, 450, 3)
        difference = np.abs(image.astype(int) - expected)
        assert difference.max() <= 4  # a level of the network, steepened by the enlargement
        assert difference.mean() < 0.1


def test_yuv_is_the_cpus(gpu):
    """The conversion to YUV 4:2:0 on the GPU equals that on the CPU, to a level."""
    pictures, weights = torch.from_numpy(noise(2, 120, 160)), yuv_weights(0.299, 0.114, full_range=False)
    assert_close(to_yuv420(pictures.to(gpu), weights).cpu().numpy(), to_yuv420(pictures, weights).numpy())


def test_the_same_conversion_is_the_same_to_the_bit(gpu, tiny_style):
    """Two runs have equal frames, also one that begins at the second segment, as resumed runs do."""
    frames = [(image, None) for image in noise(16, 200, 300)]
    first, second = (convert(tiny_style, gpu, Look(), frames) for _ in range(2))
    resumed = convert(tiny_style, gpu, Look(), frames[8:])
    assert all(np.array_equal(image, other) for image, other in zip(first, second, strict=True))
    assert all(np.array_equal(image, other) for image, other in zip(first[8:], resumed, strict=True))


def test_bytes_cross_the_bus_from_pinned_memory(gpu, tiny_style):
    """Pictures go to the GPU and come back as bytes: its memory never holds them as float32 at full size."""
    images = noise(1, 256, 256)
    device = torch.device(gpu)
    if device.type != "cuda":
        pytest.skip("only CUDA counts the bytes of transfers by profiler")
    from torch.profiler import ProfilerActivity, profile

    with load(str(tiny_style), device=gpu, precision="fp32") as backend:
        backend(images)
        with profile(activities=[ProfilerActivity.CUDA]) as profiler:
            backend(images)
    copies = {event.key for event in profiler.key_averages() if "Memcpy" in event.key}
    assert any("HtoD (Pinned" in name for name in copies), copies
    assert any("DtoH" in name and "Pinned" in name for name in copies), copies
