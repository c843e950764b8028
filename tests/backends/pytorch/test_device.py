"""The device that PyTorch computes on, also for GPUs that this machine does not have."""

from contextlib import suppress
from types import SimpleNamespace

import pytest
import torch

import cartoonize.backends
from cartoonize import BackendError
from cartoonize.backends import check_device
from cartoonize.backends.pytorch import device as devices
from cartoonize.backends.pytorch import gpu_kinds, hardware
from cartoonize.core.choices import DEVICES


@pytest.fixture
def machine(monkeypatch):
    """Has PyTorch report GPUs of a kind; without one, `built_for` is what it was built for."""

    def pretend(kind, count=1, built_for=None):
        def current_accelerator(check_available=False):
            name = kind if check_available else (kind or built_for)
            return torch.device(name) if name else None

        monkeypatch.setattr(torch.accelerator, "current_accelerator", current_accelerator)
        monkeypatch.setattr(torch.accelerator, "device_count", lambda: count if kind else 0)

    return pretend


def test_the_words_for_devices_are_the_kinds():
    """Every kind of GPU that PyTorch has can be named on the command line, and Vulkan's, and no other."""
    assert set(DEVICES) == {"auto", "cpu", "vulkan", *devices.KINDS}


@pytest.mark.parametrize("kind", devices.KINDS)
def test_every_kind_has_a_name(machine, kind):
    """A GPU is chosen by its kind, with or without a number; "auto" takes only those that were tried."""
    machine(kind, count=2)
    assert devices.choose_device("auto") == torch.device(kind if kind == "cuda" else "cpu")
    assert devices.choose_device(kind) == torch.device(kind)
    assert devices.choose_device(f"{kind}:1") == torch.device(kind, 1)
    assert devices.choose_device("cpu") == torch.device("cpu")
    assert devices.gpus() == [torch.device(kind, 0), torch.device(kind, 1)]
    with pytest.raises(BackendError, match="number of GPUs is 2"):
        devices.choose_device(f"{kind}:2")


@pytest.mark.parametrize(
    ("built_for", "reason"), [(None, "this build of PyTorch has no CUDA"), ("cuda", "PyTorch finds no GPU"),
                              ("xpu", "this build of PyTorch has no CUDA")])  # fmt: skip
def test_without_a_gpu(machine, built_for, reason):
    """Without a GPU, "auto" is the CPU, and requesting a GPU is an error that says what is missing."""
    machine(None, built_for=built_for)
    assert devices.choose_device("auto") == torch.device("cpu")
    with pytest.raises(BackendError, match=reason):
        devices.choose_device("cuda")


def test_a_gpu_of_another_kind(machine):
    """No other kind of GPU replaces the one that was requested."""
    machine("xpu")
    with pytest.raises(BackendError, match="cuda was requested"):
        devices.choose_device("cuda")


def test_unknown_accelerators_are_left_alone(machine):
    """An accelerator of a kind that was never tried is not chosen by itself."""
    machine("mtia")
    assert devices.choose_device("auto") == torch.device("cpu")


def test_a_kind_of_gpu_is_one_row(machine, monkeypatch):
    """A row of the table and its name are all that a new kind of GPU needs to be chosen and measured."""
    row = gpu_kinds.GpuKind(
        "MTIA",
        automatic=True,
        has_streams=False,
        has_bf16=lambda _: True,
        memory=lambda _: (3 << 30, 4 << 30),
    )
    monkeypatch.setitem(devices.KINDS, "mtia", row)
    monkeypatch.setattr(cartoonize.backends, "DEVICES", (*DEVICES, "mtia"))
    machine("mtia")
    check_device("mtia:0")
    gpu = devices.choose_device("auto")
    assert gpu == torch.device("mtia")
    assert devices.choose_precision(gpu, "auto") == "bf16"
    assert devices.gpu_memory(gpu) == (3 << 30, 4 << 30)
    assert not devices.has_streams(gpu)


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "fp16"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_the_fastest_precision_of_a_gpu(monkeypatch, capability, expected):
    """GPUs compute in bf16 if their hardware has it, otherwise in fp16."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _gpu: capability)
    gpu = torch.device("cuda")
    assert devices.choose_precision(gpu, "auto") == expected
    assert devices.choose_precision(gpu, "fp32") == "fp32"
    assert devices.choose_precision(torch.device("mps"), "auto") == "fp16"


def test_memory_that_is_free(monkeypatch):
    """Half of a GPU's free memory is for activations; Metal reports its own numbers."""
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 10 << 30)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 4 << 30)
    assert devices.gpu_memory(torch.device("mps")) == (6 << 30, 10 << 30)
    assert devices.memory_budget(torch.device("mps")) == 3 << 30
    assert devices.memory_budget(devices.CPU) == devices.CPU_BUDGET


@pytest.mark.parametrize("kind", ["cuda", "mps", "xpu"])
def test_memory_is_released_on_every_kind_of_gpu(monkeypatch, kind):
    """After a lack of memory, the cache of the GPU's own library is emptied."""
    emptied = []
    monkeypatch.setattr(getattr(torch, kind), "empty_cache", lambda: emptied.append(kind))
    devices.release_memory(torch.device(kind))
    devices.release_memory(devices.CPU)
    assert emptied == [kind]


def test_a_thread_that_waits_for_cuda_sleeps(monkeypatch):
    """A thread that waits for a download leaves its core to the decoder and the encoder."""
    monkeypatch.setattr(torch.cuda, "Event", lambda *, blocking: f"blocking {blocking}")
    assert devices.make_event(torch.device("cuda", 1)) == "blocking True"


def test_fp32_is_not_rounded():
    """In fp32 cuDNN does not round to 10 bits, its default. Afterwards the process has its setting again."""
    convolutions = torch.backends.cudnn.conv
    before = convolutions.fp32_precision
    with devices.exact_convolutions(torch.device("cpu")):
        assert convolutions.fp32_precision == before
    with suppress(RuntimeError), devices.exact_convolutions(torch.device("cuda")):
        assert convolutions.fp32_precision == "ieee"
        raise RuntimeError("A call that fails.")
    assert convolutions.fp32_precision == before


@pytest.mark.gpu
@pytest.mark.skipif(not devices.gpu_is_available(), reason="there is no GPU")
def test_the_gpu_of_this_machine():
    """The GPU of this machine has a name and memory, which can be released."""
    gpu = devices.gpus()[0]
    free, total = devices.gpu_memory(gpu)
    assert 0 < free <= total
    assert hardware.device_name(gpu)
    torch.ones(3, device=gpu).sum()
    devices.synchronize(gpu)
    devices.release_memory(gpu)


def test_precision_on_gpus_of_amd(monkeypatch):
    """bf16 is used where a GPU of AMD has it in hardware: CDNA and RDNA 3, but not RDNA 2."""
    monkeypatch.setattr(torch.version, "hip", "6.4")
    for architecture, precision in (("gfx1100", "bf16"), ("gfx942:sramecc+", "bf16"), ("gfx1030", "fp16")):
        monkeypatch.setattr(
            torch.cuda, "get_device_properties", lambda _, a=architecture: SimpleNamespace(gcnArchName=a)
        )
        assert devices.choose_precision(torch.device("cuda"), "auto") == precision
        assert hardware.gpu_capability(torch.device("cuda")) == architecture


def test_memory_on_gpus_of_intel(monkeypatch):
    """If a driver does not report its free memory, this is no error."""

    def silent(_):
        raise RuntimeError("The device doesn't support querying the available free memory.")

    monkeypatch.setattr(gpu_kinds, "_memory", silent)
    monkeypatch.setattr(torch.xpu, "get_device_properties", lambda _: SimpleNamespace(total_memory=8 << 30))
    monkeypatch.setattr(torch.xpu, "memory_allocated", lambda _: 2 << 30)
    assert devices.gpu_memory(torch.device("xpu")) == (6 << 30, 8 << 30)


def test_pytorch_does_not_run_on_vulkan():
    """Training, which PyTorch does, refuses a device that only draws, and names those that it has."""
    with pytest.raises(BackendError, match="PyTorch does not run on vulkan; choose cpu, cuda"):
        devices.choose_device("vulkan:0")
