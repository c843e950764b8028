"""Drawing on a simulated GPU gives the CPU's results, and waits for nothing but its copies."""

import contextlib

import numpy as np
import pytest
import torch
from noise import noise
from simulated_gpu import GPU, GpuTensor, simulate_gpu
from small_networks import NETWORKS, lively

from cartoonize import Frame, Retouch
from cartoonize.backends.pytorch.backend import PyTorchBackend
from cartoonize.backends.pytorch.gpu import PARTS, GpuModel
from cartoonize.core.yuv import yuv_weights
from cartoonize.effects.look import Look
from cartoonize.effects.pytorch import compositing, stabilizer
from cartoonize.effects.pytorch.yuv import to_yuv420
from cartoonize.models.deploy import deploy
from cartoonize.run.drawer import Drawer

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("architecture", "config"), NETWORKS, ids=str)
def test_every_network_draws_without_waiting(lively_generator, architecture, config, precision):
    """For all architectures and precisions, only the copies of each part of a batch, one each way, wait."""
    images = noise(2, 17, 24)
    model = deploy(lively(lively_generator, architecture, config), PRECISIONS[precision])
    expected = GpuModel(model, torch.device("cpu"))(images)
    with simulate_gpu() as gpu, torch.inference_mode():
        on_gpu = GpuModel(model.to(GPU, memory_format=torch.channels_last), GPU)
        gpu.waits.clear()
        drawn = on_gpu(images)
        assert gpu.waits == {"copy to the GPU": PARTS, "copy to the CPU": PARTS}
    # norms are computed in float32 on a GPU, and on a CPU in its own way
    assert np.abs(drawn.astype(int) - expected).max() <= (1 if precision == "fp32" else 4)


REC_709 = yuv_weights(0.2126, 0.0722, full_range=False)
LOOKS = [
    Look(),
    Look(stabilize=False),
    Look(retouch=Retouch(strength=0.4, keep_colour=True)),
    Look(retouch=Retouch(strength=0.0)),
]


@pytest.mark.parametrize("own_size", [(48, 40), (71, 59), (30, 26)])
@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_effects_do_not_wait(tiny_style, look, own_size):
    """Pictures are copied to the GPU once and back once; all effects run there, as on the CPU."""
    full = noise(4, *own_size[::-1])
    frames = [
        Frame(image, pts, full_size=own_size, full=full[pts]) for pts, image in enumerate(noise(4, 40, 48))
    ]
    batches = frames[:3], frames[3:]
    with simulate_gpu() as gpu, contextlib.closing(PyTorchBackend(tiny_style, "meta", "fp32")) as backend:
        drawer = Drawer(backend, look.effects())
        gpu.waits.clear()
        drawings = [
            image for first, batch in enumerate(batches) for image in drawer(batch, first=not first)()
        ]
        lists = 2 if look.needs_source else 1
        assert gpu.waits == {"copy to the GPU": 2 * lists, "copy to the CPU": 2}
        drawn = [drawer.effects(frame, image).image for frame, image in zip(frames, drawings, strict=True)]
    with contextlib.closing(PyTorchBackend(tiny_style, "cpu", "fp32")) as backend:
        drawer = Drawer(backend, look.effects())
        drawings = [image for batch in batches for image in drawer(batch)()]
        expected = [drawer.effects(frame, image).image for frame, image in zip(frames, drawings, strict=True)]
    for image, other in zip(drawn, expected, strict=True):
        assert image.shape[1::-1] == own_size
        assert np.abs(image.astype(int) - other).max() <= 1


def test_yuv_needs_one_upload(tiny_style):
    """With the conversion to YUV, nothing more is uploaded, and the drawings come back once, in planes."""
    frames = [Frame(image, pts, full_size=(72, 58)) for pts, image in enumerate(noise(3, 40, 48))]
    with simulate_gpu() as gpu, contextlib.closing(PyTorchBackend(tiny_style, "meta", "fp32")) as backend:
        pictures = Drawer(backend, Look().effects())(frames, first=True)()
        drawer = Drawer(backend, Look().effects(REC_709))
        gpu.waits.clear()
        planes = drawer(frames, first=True)()
        assert gpu.waits == {"copy to the GPU": 1, "copy to the CPU": 1}
    assert np.array_equal(planes, to_yuv420(torch.from_numpy(np.stack(pictures)), REC_709))
    finished = [drawer.effects(frame, image) for frame, image in zip(frames, planes, strict=True)]
    assert {(frame.size, frame.is_yuv) for frame in finished} == {((72, 58), True)}


@pytest.mark.parametrize("most", [2, 1, 0])
def test_too_little_memory_for_effects(tiny_style, monkeypatch, most):
    """Effects that do not fit into the memory get fewer frames, or run on the CPU; no frame differs."""
    look, own_size = Look(retouch=Retouch(strength=0.4)), (72, 58)
    full, images = noise(8, *own_size[::-1]), noise(8, 40, 48)
    frames = [Frame(image, pts, full_size=own_size, full=full[pts]) for pts, image in enumerate(images)]

    def draw():
        with simulate_gpu(), contextlib.closing(PyTorchBackend(tiny_style, "meta", "fp32")) as backend:
            drawer = Drawer(backend, look.effects(REC_709))
            batches = frames[:4], frames[4:]
            drawings = [
                image for first, batch in enumerate(batches) for image in drawer(batch, first=not first)()
            ]
            return drawings, backend.notices

    expected, notices = draw()
    assert notices == []
    blend = compositing.blend

    def blend_in_little_memory(sources, drawings, strength):
        if drawings.device == GPU and stabilizer_calls[-1] > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")  # after the stabilizer has seen all frames
        return blend(sources, drawings, strength)

    stabilizer_calls, reduce = [], stabilizer.reduce
    monkeypatch.setattr(stabilizer, "reduce", lambda x: stabilizer_calls.append(len(x)) or reduce(x))
    monkeypatch.setattr(compositing, "blend", blend_in_little_memory)
    drawings, notices = draw()
    assert all(
        np.abs(image.astype(int) - other).max() <= 1 for image, other in zip(drawings, expected, strict=True)
    )
    ending = f"It continued in batches of {most}" if most else "Its effects continued on the CPU"
    assert [notice.endswith(f"{ending}; no frame was lost.") for notice in notices] == [True]


def test_the_simulation_refuses_what_a_gpu_refuses():
    """The simulation refuses tensors on two devices and arrays of its memory, and counts waits."""
    with simulate_gpu() as gpu:
        x = torch.arange(6.0, device=GPU).reshape(2, 3)
        assert isinstance(x[1], GpuTensor)
        assert not gpu.waits
        with pytest.raises(RuntimeError, match="on the GPU and on the CPU"):
            x + torch.ones(3)
        with pytest.raises(RuntimeError, match="numpy"):
            x.numpy()
        assert x.sum().item() == 15
        assert x[torch.tensor([1])].cpu().tolist() == [[3, 4, 5]]
        x.new_tensor([1.0])
        torch.ones(3).to(GPU, non_blocking=True)
        assert gpu.waits == {
            "aten._local_scalar_dense.default": 1,
            "indices on the CPU": 1,
            "copy to the CPU": 1,
            "copy to the GPU": 1,
        }
