"""The pipeline's threads: frames stay in order, errors reach the caller, and no thread is left."""

import threading
import time
from contextlib import closing

import numpy as np
import pytest

from cartoonize import Effect, Frame, MediaError
from cartoonize.run.pipeline import PlannedFrame, batches, stream
from cartoonize.run.threads import StageWaits


def frame(number, size=(4, 4)):
    return Frame(np.full((*size, 3), number % 256, np.uint8), pts=number)


def negative(images):
    return 255 - images


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_frames_stay_in_order_and_keep_their_times(batch):
    """Frames come out in order, each with its own picture and time, for any batch size."""
    out = list(stream(map(frame, range(20)), negative, batch=batch))
    assert [f.pts for f in out] == list(range(20))
    assert [int(f.image[0, 0, 0]) for f in out] == [255 - n for n in range(20)]


@pytest.mark.parametrize("counts", [{"batch": 0}, {"batch": -1}, {"ahead": 0}])
def test_impossible_batches_are_refused(counts):
    """A batch of no frames is an error before a frame is read; it would keep a whole video in memory."""
    with pytest.raises(MediaError, match="is not a number of frames; write 1 or more"):
        stream(map(frame, range(20)), negative, **counts)


def test_order_holds_under_load():
    """An uneven speed of the source and the network does not change the order."""
    rng = np.random.default_rng(0)

    def uneven(images):
        time.sleep(rng.uniform(0, 0.004))
        return images

    def source():
        for number in range(100):
            time.sleep(rng.uniform(0, 0.002))
            yield frame(number)

    assert [f.pts for f in stream(source(), uneven, batch=3, ahead=4)] == list(range(100))


def test_batches_hold_one_size():
    """The backend gets pictures of one size together, and never more than a batch."""
    sizes = [(4, 4)] * 5 + [(6, 4)] * 2 + [(4, 4)]
    planned = (PlannedFrame(frame(0, size)) for size in sizes)
    shapes = [[item.frame.image.shape[:2] for item in group] for group in batches(planned, 3)]
    assert shapes == [[(4, 4)] * 3, [(4, 4)] * 2, [(6, 4)] * 2, [(4, 4)]]


def test_an_error_of_the_source_is_raised_after_the_frames_before_it():
    """Frames read before a source fails still come out; then its own error is raised."""

    def source():
        yield frame(0)
        yield frame(1)
        raise OSError("the disk is gone")

    seen = []
    with pytest.raises(OSError, match="the disk is gone"):  # noqa: PT012
        for styled in stream(source(), negative):
            seen.append(styled.pts)  # noqa: PERF401  # what came before the error has to be kept
    assert seen == [0, 1]


def test_an_error_of_the_network_reaches_the_caller():
    """The caller gets the backend's own exception."""

    def broken(images):
        raise ValueError("no memory")

    with pytest.raises(ValueError, match="no memory"):
        list(stream(map(frame, range(5)), broken))


def test_a_network_that_loses_a_picture_is_an_error():
    """A backend that returns fewer pictures than it got is an error; none is lost silently."""
    with pytest.raises(ValueError, match="1 drawings of 2 pictures"):
        list(stream(map(frame, range(4)), lambda images: images[:1], batch=2))


def test_closing_early_stops_and_closes_the_source():
    """Leaving a stream in the middle closes the source, in the thread that reads it, and joins both."""
    closed = []

    def source():
        try:
            for number in range(10**9):
                yield frame(number)
        finally:
            closed.append(threading.current_thread().name)

    with closing(stream(source(), negative)) as frames:
        next(frames)
    assert closed == ["prefetch decode"]


def test_memory_is_bounded():
    """A fast source waits for a slow reader: no more than the queues hold are read ahead."""
    read = []

    def source():
        for number in range(1000):
            read.append(number)
            yield frame(number)

    with closing(stream(source(), negative, batch=2, ahead=2)) as frames:
        next(frames)
        time.sleep(0.2)
        assert len(read) < 24


def test_waits_name_the_slow_stage():
    """Waiting time is counted for the stage that is waited for."""

    def slow(images):
        time.sleep(0.02)
        return images

    waits = StageWaits()
    list(stream(map(frame, range(20)), slow, waits=waits))
    assert waits.network > waits.decode
    assert waits.network > waits.encode


def test_effects_run_in_their_own_thread():
    """Effects run in a thread of their own and get frames in order; their errors reach the caller."""
    threads, seen = set(), []

    def network(images):
        threads.add(threading.get_ident())
        return 255 - images

    class Watch(Effect):
        def __call__(self, frame, drawing):
            threads.add(threading.get_ident())
            seen.append(frame.pts)
            if frame.pts == 15:
                raise ValueError("a bad frame")
            return drawing

    out = []
    with pytest.raises(ValueError, match="a bad frame"):
        out.extend(stream(map(frame, range(30)), network, batch=4, effects=[Watch()]))
    assert seen == list(range(16))
    assert len(threads | {threading.get_ident()}) == 3
