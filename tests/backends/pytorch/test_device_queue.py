"""Uploads, computations and downloads overlap, and each waits for what it uses."""

import numpy as np
import pytest
import torch
from simulated_gpu import GPU
from simulated_streams import Stream, StreamedTensor, simulate_streams

from cartoonize.backends.pytorch.device_queue import DeviceQueue
from cartoonize.backends.pytorch.gpu import GpuModel
from cartoonize.backends.tiles import TiledBackend

PICTURES = np.arange(2 * 4 * 6 * 3, dtype=np.uint8).reshape(2, 4, 6, 3)


class Smoothing:
    """Remembers the last result in the memory of the GPU, as the stabilizer does."""

    state = None

    def __call__(self, pictures):
        self.state = pictures if self.state is None else torch.maximum(self.state, pictures)
        return self.state + 1


def test_batches_in_flight_are_ordered():
    """Several batches are queued without waiting. Results are complete when the CPU gets them."""
    with simulate_streams() as gpu:
        queue, smoothing = DeviceQueue(GPU), Smoothing()
        waits = [queue.submit([PICTURES + number], smoothing) for number in range(3)]
        assert not gpu.has_downloaded()
        results = [wait() for wait in waits]
        assert gpu.has_downloaded()
        assert not gpu.waits
    for number, result in enumerate(results):
        assert np.array_equal(result, PICTURES + number + 1)


class Negative(torch.nn.Module):
    """A network that inverts pictures."""

    def forward(self, pictures):
        return 255 - pictures


@pytest.mark.parametrize("limit", [1000, 30])
def test_large_pictures_are_drawn_before_their_effects(limit):
    """Pictures that are too large for one call are drawn in parts, and get their effects on the GPU too."""
    with simulate_streams():
        gpu = GpuModel(Negative(), GPU)
        tiled = TiledBackend(gpu, limit=limit, reach=1, stride=1)
        result = gpu.submit([PICTURES], tiled, torch.maximum)()
    assert np.array_equal(result, np.maximum(255 - PICTURES, PICTURES))


def test_work_that_does_not_wait_is_found(monkeypatch):
    """The simulation fails if a stream does not wait for another one, or does not claim its memory."""
    for broken, message in (("wait_event", "does not wait"), ("record_stream", "without record_stream")):
        with monkeypatch.context() as patch, simulate_streams():
            owner = Stream if broken == "wait_event" else StreamedTensor
            patch.setattr(owner, broken, lambda *_: None)
            with pytest.raises(RuntimeError, match=message):
                DeviceQueue(GPU).submit([PICTURES], torch.neg)
