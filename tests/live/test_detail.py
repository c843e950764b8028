"""A live picture falls to the detail that keeps up, and rises when there is room."""

import time

from cartoonize import Decoding, Look
from cartoonize.live import LiveReport, LiveSource, NullSink, resolve_source
from cartoonize.live import run as show
from cartoonize.live.detail import DetailControl, possible_details


def run(control, seconds, *, rate, taken, dropped=0, begin=0.0):
    """Record frames that take `taken` seconds, each after `dropped` ones; returns the details chosen."""
    moments = (begin + number / rate for number in range(round(seconds * rate)))
    return [control.detail for at in moments if control.record(at, taken, dropped)]


def test_details_fall_with_the_pixels():
    """A large source falls to 480 lines; a small one further, to its own size."""
    assert possible_details(1920, 1080) == ["normal", "low"]
    assert possible_details(640, 360) == ["normal", "low", "full"]
    assert possible_details(1280, 720) == ["normal", "low"]


def test_it_falls_when_it_is_late():
    """A network that misses every second frame for a second draws smaller, down to the smallest detail."""
    control = DetailControl(possible_details(640, 360), 640, 360)
    assert run(control, 5, rate=15, taken=0.06, dropped=1) == ["low", "full"]


def test_a_hiccup_changes_nothing():
    """One late frame is no reason to draw worse."""
    control = DetailControl(possible_details(1920, 1080), 1920, 1080)
    run(control, 1, rate=30, taken=0.02)
    assert not control.record(1.2, 0.2, 4)
    assert run(control, 2, rate=30, taken=0.02, begin=1.25) == []


def test_it_rises_when_there_is_room():
    """The detail rises after five seconds in which the next higher one would have kept up."""
    control = DetailControl(possible_details(1920, 1080), 1920, 1080, step=1)
    assert run(control, 6, rate=30, taken=0.005) == ["normal"]
    crowded = DetailControl(possible_details(1920, 1080), 1920, 1080, step=1)
    assert run(crowded, 12, rate=30, taken=0.02) == []


class Slow:
    """Returns what it gets, in 30 ms at 480 lines and 150 ms at 720."""

    runtime, device, precision, batch, reading = "pytorch", "cpu", "fp32", 1, ""
    notices = ()

    def __call__(self, images):
        time.sleep(0.03 if images.shape[1] <= 480 else 0.15)
        return images


class Sizes(NullSink):
    """Notes the sizes of the frames that it gets."""

    def __init__(self):
        super().__init__()
        self.sizes = set()

    def write(self, frame):
        self.sizes.add(frame.image.shape[:2])


def test_a_live_picture_keeps_its_size():
    """A network that is too slow at 720 lines continues at 480. The result keeps the size of the source."""
    source, sink = "lavfi:testsrc2=size=1280x720:rate=15:duration=4", Sizes()
    with LiveSource(resolve_source(source), decoding=Decoding(detail="normal")) as pictures:
        control = DetailControl(possible_details(1280, 720), 1280, 720)
        report = show(
            pictures,
            sink,
            Slow(),
            LiveReport("null", "", source),
            look=Look(stabilize=False),
            control=control,
        )
    assert report.detail == "low"
    assert sink.sizes == {(720, 1280)}
