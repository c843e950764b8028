"""`--stabilize`: a still source has a still drawing, and nothing that happens is missed."""

from dataclasses import replace

import numpy as np
import pytest

from cartoonize import Frame, stream
from cartoonize.stabilizer import BLOCK, STILL, Stabilizer


def scene(height=64, width=80):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def noisy(image, seed, level=1):
    grain = np.random.default_rng(seed).integers(-level, level + 1, image.shape)
    return np.clip(image.astype(int) + grain, 0, 255).astype(np.uint8)


def unsteady():
    """A back end whose answers differ by some levels from call to call."""
    counter = iter(range(1000))
    return lambda images: np.stack([noisy(image, next(counter), level=4) for image in images])


def run(backend, frames, batch=1):
    stabilizer = Stabilizer()

    def held(frame, drawing):
        return replace(frame, image=stabilizer.hold(frame.image, drawing))

    given = [Frame(frame, pts) for pts, frame in enumerate(frames)]
    return [frame.image for frame in stream(given, backend, batch=batch, finish=held)]


@pytest.mark.parametrize("size", [(64, 80), (61, 83), (5, 7)])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_still_source_has_a_still_drawing(size, batch):
    """Under noise of a level the drawing does not change at all, whatever the network does; at any size."""
    drawn = run(unsteady(), [noisy(scene(*size), seed) for seed in range(6)], batch)
    assert drawn[0].shape == (*size, 3)
    assert all(np.array_equal(image, drawn[0]) for image in drawn)


def test_what_moves_is_drawn_anew():
    """Where something happens the network's answer goes through untouched; elsewhere the drawing is held."""
    frames = [scene() for _ in range(4)]
    for number, frame in enumerate(frames):
        frame[:16, :16] = 60 * number
    answers = unsteady()
    seen = []

    def backend(images):
        seen.append(answers(images)[0])
        return seen[-1][None]

    drawn = run(backend, frames)
    for image, answer in zip(drawn, seen, strict=True):
        assert np.array_equal(image[:16, :16], answer[:16, :16])
        far = (slice(16 + BLOCK, None), slice(16 + BLOCK, None))
        assert np.array_equal(image[far], drawn[0][far])


def test_a_cut_renews_everything():
    """After a cut nothing is left of the scene before."""
    after = 255 - scene()
    assert np.array_equal(run(lambda images: images, [scene(), after])[1], after)


def test_slow_changes_are_followed():
    """A fade of a third of a level a frame, each step too small to count, is not lost."""
    frames = [np.full((32, 32, 3), round(40 + number / 3), np.uint8) for number in range(90)]
    drawn = run(lambda images: images, frames)
    behind = [abs(int(a[0, 0, 0]) - int(b[0, 0, 0])) for a, b in zip(drawn, frames, strict=True)]
    assert max(behind) <= STILL + 1


def test_it_begins_anew():
    """What it drew before a segment has no influence on what it draws from there on."""
    frames, answers = [noisy(scene(61, 83), seed) for seed in range(4)], unsteady()
    new = [answers(frame[None])[0] for frame in frames]
    first, second = Stabilizer(), Stabilizer()
    for source, image in zip(frames[:2], new[:2], strict=True):
        first.hold(source, image)
    first.begin_anew()
    for source, image in zip(frames[2:], new[2:], strict=True):
        assert np.array_equal(first.hold(source, image), second.hold(source, image))


def test_the_result_is_ones_own():
    """Pictures handed out are not changed later, and those handed in never."""
    frames = [noisy(scene(), seed) for seed in range(3)]
    kept = [frame.copy() for frame in frames]
    stable, answers = Stabilizer(), unsteady()
    first, *_ = drawn = [stable.hold(frame, answers(frame[None])[0]) for frame in frames[:1]]
    copy = first.copy()
    drawn += [stable.hold(frame, answers(frame[None])[0]) for frame in frames[1:]]
    assert np.array_equal(first, copy)
    assert all(np.array_equal(a, b) for a, b in zip(frames, kept, strict=True))
