"""The code for GPUs, which runs on a CPU too."""

import numpy as np
import pytest
import torch
from noise import noise

from cartoonize import load
from cartoonize.backends.pytorch.device_queue import DeviceQueue
from cartoonize.backends.pytorch.gpu import GpuModel
from cartoonize.backends.tiles import TiledBackend


@pytest.fixture
def images():
    return noise(3, 40, 60)


@pytest.fixture
def model(tiny_style):
    with load(str(tiny_style), device="cpu", precision="fp32") as backend:
        yield backend._model


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_batch_in_parts_is_the_batch(tiny_style, model, images, count):
    """Pictures are returned in order, for any number of parts, as from the threads of a CPU."""
    with load(str(tiny_style), device="cpu", precision="fp32") as backend:
        expected = backend(images[:count])
    assert np.array_equal(GpuModel(model, torch.device("cpu"))(images[:count]), expected)


def submit(gpu, images, limit):
    """Draw with an effect that subtracts the drawings from a second list; the notices too."""
    tiled = TiledBackend(gpu, limit=limit, reach=8, stride=4)
    wait = gpu.submit([list(images), list(255 - images)], tiled, lambda drawn, _, others: others - drawn)
    return wait(), tiled.notices


@pytest.mark.parametrize("limit", [1 << 20, 3000])
def test_effects_get_drawings_and_all_pictures(model, images, limit):
    """Effects get all drawings and pictures of a batch, even if it is drawn in smaller parts."""
    gpu = GpuModel(model, torch.device("cpu"))
    result, notices = submit(gpu, images, limit)
    assert np.array_equal(result, 255 - images - gpu(images))
    assert notices == []


def test_too_little_memory_means_smaller_batches(model, images):
    """If a batch does not fit into the memory, it is drawn one by one, and a notice says so."""
    gpu = GpuModel(model, torch.device("cpu"))
    expected = 255 - images - gpu(images)

    class Small(torch.nn.Module):
        def forward(self, pictures):
            if len(pictures) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return model(pictures)

    result, notices = submit(GpuModel(Small(), torch.device("cpu")), images, 1 << 20)
    assert np.array_equal(result, expected)
    assert any("too little memory" in notice for notice in notices)


def test_too_little_memory_for_the_pictures(model, images, monkeypatch):
    """If the pictures do not fit into the memory, batches get smaller, with effects and without."""
    gpu = GpuModel(model, torch.device("cpu"))
    expected, stage = gpu(images), DeviceQueue._stage

    def stage_one(queue, pictures):
        if len(pictures) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return stage(queue, pictures)

    monkeypatch.setattr(DeviceQueue, "_stage", stage_one)
    tiled = TiledBackend(gpu, limit=1 << 20, reach=8, stride=4)
    assert np.array_equal(tiled(images), expected)
    assert tiled.notices
    result, _ = submit(gpu, images, 1 << 20)
    assert np.array_equal(result, 255 - images - expected)
    assert gpu.notices[0].endswith("It continued in batches of 1; no frame was lost.")
