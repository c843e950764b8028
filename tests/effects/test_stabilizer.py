"""The stabilizer keeps the drawing still where the source is still, and moves it where the source moves.

The tests run with the implementation for CPUs and the one for GPUs.
"""

from itertools import pairwise

import numpy as np
import pytest
from noise import noise
from on_device import InPyTorch

from cartoonize import Frame, stream
from cartoonize.effects.stabilizer import BANDS, BLOCK, NEAR, STILL, UNSEEN, Stabilizer


def scene(height=64, width=80):
    return noise(height, width)


def noisy(image, seed, level=1):
    grain = np.random.default_rng(seed).integers(-level, level + 1, image.shape)
    return np.clip(image.astype(int) + grain, 0, 255).astype(np.uint8)


def flickering_at(image, number):
    return noisy(image, number, level=4)


def flickering():
    """A backend whose drawings differ by some levels from call to call."""
    counter = iter(range(1000))
    return lambda images: np.stack([flickering_at(image, next(counter)) for image in images])


def difference(image, other):
    return np.abs(image.astype(int) - other)


def flicker(frames):
    return np.mean([difference(earlier, later).mean() for earlier, later in pairwise(frames)])


@pytest.fixture(params=["cpu", "pytorch"])
def run(request):
    """A function that draws frames and stabilizes the drawings, by one of the two implementations."""

    def run_once(backend, frames, batch=1):
        given = [Frame(frame, pts) for pts, frame in enumerate(frames)]
        backend = InPyTorch(backend) if request.param == "pytorch" else backend
        drawn = stream(given, backend, batch=batch, effects=[Stabilizer()])
        return [frame.image for frame in drawn]

    return run_once


@pytest.mark.parametrize("size", [(64, 80), (61, 83), (5, 7)])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_still_source_has_a_still_drawing(run, size, batch):
    """Noise of one level in the source leaves a tenth of the network's flicker or less, at any size."""
    frames = [noisy(scene(*size), seed) for seed in range(2 * BANDS)]
    drawn = run(flickering(), frames, batch)
    assert drawn[0].shape == (*size, 3)
    assert flicker(drawn) < 0.1 * flicker([flickering_at(frame, seed) for seed, frame in enumerate(frames)])


def pan(frames=8, step=3, size=160):
    """A scene of soft spots that moves `step` pixels to the left in each frame."""
    grain = np.random.default_rng(0).normal(size=(size, size + step * frames, 3))
    for axis in (0, 1):
        for _ in range(3):
            grain = sum(np.roll(grain, shift, axis) for shift in range(-5, 6))
    wide = np.clip(128 + 60 * grain / grain.std(), 0, 255).astype(np.uint8)
    return [wide[:, step * number : step * number + size] for number in range(frames)]


def test_drawings_move_with_the_source(run):
    """In motion, less than two thirds of the flicker is left, and the drawing follows the source."""
    frames, draw = pan(), flickering()
    fresh = [draw(frame[None])[0] for frame in frames]
    drawn = run(lambda images: np.stack([fresh.pop(0) for _ in images]), frames)
    inside = (slice(16, -16), slice(16, -16))
    errors = [difference(image, frame)[inside].mean() for image, frame in zip(drawn, frames, strict=True)]
    assert max(errors[3:]) < 0.67 * errors[0]


def test_new_things_appear_at_once(run):
    """A thing that appears is drawn as the network draws it, to a level; all else stays."""
    frames = [scene() for _ in range(4)]
    for number, frame in enumerate(frames):
        frame[:16, :16] = (60 * number, 0, 255)  # a colour that the noise around it does not have
    draw = flickering()
    seen = []

    def backend(images):
        seen.append(draw(images)[0])
        return seen[-1][None]

    drawn = run(backend, frames)
    for image, drawing in zip(drawn, seen, strict=True):
        assert difference(image[:16, :16], drawing[:16, :16]).max() <= UNSEEN
        far = (slice(16 + 2 * BLOCK, None), slice(16 + 2 * BLOCK, None))
        assert np.array_equal(image[far], drawn[0][far])


def test_passing_things_leave_no_trace(run):
    """A drawing that has changed because something passed nearby is replaced within four seconds."""
    before, after = scene(), np.clip(scene(), 12, None) - 12
    drawings = iter([before, *[after] * 96])
    drawn = run(lambda images: np.stack([next(drawings) for _ in images]), [scene()] * 97)
    assert difference(drawn[1], before).mean() < 1
    assert difference(drawn[-1], after).max() <= NEAR


def test_a_slow_thin_line_is_followed(run):
    """A wire in front of the sky that moves a quarter of a pixel a frame is never drawn two pixels aside."""
    wire = [np.clip(1 - np.abs(np.arange(96) - 20 - number / 4), 0, 1) for number in range(80)]
    frames = [np.tile((150 - 80 * row).astype(np.uint8)[:, None], (96, 1, 3)) for row in wire]
    drawn = run(lambda images: images, frames)
    places = [image[48, :, 0].argmin() for image in drawn]
    assert all(abs(place - 20 - number / 4) < 2 for number, place in enumerate(places))


def test_a_cut_replaces_everything(run):
    """After a cut nothing of the scene before is left."""
    after = 255 - scene()
    assert np.array_equal(run(lambda images: images, [scene(), after])[1], after)


@pytest.mark.parametrize("size", [48, 160])
def test_a_flickering_light_is_followed(run, size):
    """The drawing follows a flickering lamp within two frames, at any size."""
    frames = [np.clip(scene(size, size) // 2 + 12 * (number // 3 % 2), 0, 255) for number in range(12)]
    drawn = run(lambda images: images, frames)
    assert max(difference(a, b).mean() for a, b in zip(drawn[2::3], frames[2::3], strict=True)) < 4


def test_slow_changes_are_followed(run):
    """A fade of a third of a level a frame is followed, though each step is too small to count."""
    frames = [np.full((32, 32, 3), round(40 + number / 3), np.uint8) for number in range(90)]
    drawn = run(lambda images: images, frames)
    behind = [abs(int(a[0, 0, 0]) - int(b[0, 0, 0])) for a, b in zip(drawn, frames, strict=True)]
    assert max(behind) <= STILL + 1


def test_a_segment_begins_without_memory():
    """Earlier segments have no influence on a result."""
    frames, draw = [noisy(scene(61, 83), seed) for seed in range(4)], flickering()
    new = [draw(frame[None])[0] for frame in frames]
    first, second = Stabilizer(), Stabilizer()
    for source, image in zip(frames[:2], new[:2], strict=True):
        first.stabilize(source, image)
    first.restart()
    for source, image in zip(frames[2:], new[2:], strict=True):
        assert np.array_equal(first.stabilize(source, image), second.stabilize(source, image))


def test_results_and_arguments_do_not_change():
    """A returned picture does not change later, and arguments never change."""
    frames = [noisy(scene(), seed) for seed in range(3)]
    kept = [frame.copy() for frame in frames]
    stable, draw = Stabilizer(), flickering()
    first, *_ = drawn = [stable.stabilize(frame, draw(frame[None])[0]) for frame in frames[:1]]
    copy = first.copy()
    drawn += [stable.stabilize(frame, draw(frame[None])[0]) for frame in frames[1:]]
    assert np.array_equal(first, copy)
    assert all(np.array_equal(a, b) for a, b in zip(frames, kept, strict=True))


@pytest.mark.parametrize("shape", [(64, 16000, 3), (16000, 64, 3), (100, 3000, 3)])
def test_thin_strips_are_stabilized(shape):
    """Strips that are too thin for OpenCV's optical flow are stabilized without a crash."""
    stabilizer = Stabilizer()
    rng = np.random.default_rng(0)
    for number in range(2):
        image = noisy(rng.integers(0, 256, shape, dtype=np.uint8), number)
        assert stabilizer.stabilize(image, image).shape == shape
