"""With every look, frames come out on a GPU as on the CPU."""

import numpy as np
import pytest
from on_device import InPyTorch

from cartoonize import Effect, Frame, Retouch, stream
from cartoonize.core.draw_size import resize_to_draw_size
from cartoonize.effects.look import Look


def frames(count=7, size=(160, 120), *, keep_source=False, alpha=False):
    """A still picture with noise, at a draw size that differs from its own if `size` is neither."""
    rng = np.random.default_rng(0)
    width, height = size
    still = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    for pts in range(count):
        image = np.clip(still + rng.integers(-1, 2, still.shape), 0, 255).astype(np.uint8)
        plane = rng.integers(0, 256, (height, width), dtype=np.uint8) if alpha else None
        yield resize_to_draw_size(Frame(image, pts, alpha=plane), "low", keep_source=keep_source)


def draw(images):
    return 255 - images // 2


def both(look, batch=4, **kinds):
    """The frames that the CPU and a GPU make with a look."""
    given = list(frames(**kinds, keep_source=look.needs_source))
    return [
        list(stream(given, backend, batch=batch, segment=6, effects=look.effects()))
        for backend in (draw, InPyTorch(draw))
    ]


@pytest.mark.parametrize("size", [(160, 120), (640, 480), (1000, 600)])
@pytest.mark.parametrize(
    "look",
    [
        Look(),
        Look(stabilize=False),
        Look(hold=2),
        Look(retouch=Retouch(strength=0.4)),
        Look(retouch=Retouch(keep_colour=True)),
        Look(retouch=Retouch(strength=0)),
        Look(hold=3, retouch=Retouch(strength=0.7, keep_colour=True)),
        Look(retouch=Retouch(compare="side")),
        Look(retouch=Retouch(strength=0.5, compare="wipe")),
    ],
    ids=str,
)
def test_every_look_is_the_cpus(look, size):
    """A GPU makes the frames of the CPU, to a level, for pictures drawn at, above and below their size."""
    for frame, other in zip(*both(look, size=size), strict=True):
        assert (frame.pts, frame.size) == (other.pts, other.size)
        difference = np.abs(frame.image.astype(int) - other.image)
        assert difference.max() <= 1


def test_transparency_stays():
    """The opacity of each frame is that of its source."""
    look = Look(retouch=Retouch(strength=0.5))
    opacity = [frame.alpha for frame in frames(alpha=True)]
    for drawn in both(look, alpha=True):
        np.testing.assert_array_equal([frame.alpha for frame in drawn], opacity)


def test_an_effect_of_others_runs_on_the_cpu():
    """An effect without a version in PyTorch gets its drawings on the CPU, after those before it."""

    class Mirror(Effect):
        def __call__(self, frame, drawing):
            return drawing and Frame(drawing.image[:, ::-1], frame.pts, full_size=drawing.full_size)

    given = list(frames(size=(1000, 600)))
    effects = [[*Look().effects(), Mirror()] for _ in range(2)]
    plain, on_device = (
        list(stream(given, backend, batch=4, effects=chosen))
        for backend, chosen in zip((draw, InPyTorch(draw)), effects, strict=True)
    )
    for frame, other in zip(plain, on_device, strict=True):
        assert frame.size == (1000, 600)
        assert np.abs(frame.image.astype(int) - other.image).max() <= 1
    assert np.abs(plain[0].image.astype(int) - next(iter(stream(given, draw))).image).mean() > 5


def test_pictures_of_different_sizes():
    """Pictures that are drawn at one size but have different sizes of their own keep them."""
    given = [
        Frame(np.zeros((480, 640, 3), np.uint8), pts, full_size=size)
        for pts, size in enumerate([(960, 720), (960, 720), (800, 600)])
    ]
    sizes = [frame.size for frame in stream(given, InPyTorch(draw), batch=3)]
    assert sizes == [(960, 720), (960, 720), (800, 600)]
