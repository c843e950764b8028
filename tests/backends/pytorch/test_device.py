"""The device that PyTorch computes on, also for GPUs that this machine does not have."""

from contextlib import suppress
from types import SimpleNamespace

import pytest
import torch

import cartoonize.backends
from cartoonize import BackendError
from cartoonize.backends import check_device
from cartoonize.backends.pytorch import device as devices
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
    """The device "auto" is then the CPU. A GPU that was requested is an error that says what is missing."""
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
    row = devices.GpuKind(
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
    """Half precision everywhere: bf16 where the hardware computes in it."""
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


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: 1 GB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] data. DefaultCPUAllocator: not enough memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB, other allocations: 1 GB)"),
        RuntimeError("Invalid buffer size: 30.00 GiB"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
        RuntimeError("GET was unable to find an engine to execute this computation"),
        RuntimeError("upsample_bilinear2d_nhwc only supports input tensors with less than INT_MAX elements"),
        RuntimeError("input tensor must fit into 32-bit index math"),
    ],
)
def test_out_of_memory_of_every_allocator(error):
    """Each allocator has its own words for it."""
    assert devices.is_out_of_memory(error)
    assert not devices.is_out_of_memory(RuntimeError("The size of tensor a (3) must match"))


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


@pytest.mark.parametrize(("has_triton", "compiler", "expected"), [
    (True, "gcc", True), (True, None, False), (False, "gcc", False)])  # fmt: skip
def test_what_compiling_needs(monkeypatch, tmp_path, has_triton, compiler, expected):
    """Networks are compiled for a GPU where Triton, a C compiler and the headers of Python are installed."""
    (tmp_path / "Python.h").touch()
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(devices, "find_spec", lambda _: has_triton or None)
    monkeypatch.setattr(devices.shutil, "which", lambda name: name if name == compiler else None)
    monkeypatch.setattr(devices.sysconfig, "get_path", lambda _: str(tmp_path))
    assert devices.can_compile(torch.device("cuda")) == expected
    assert devices.can_compile(torch.device("cpu"))
    (tmp_path / "Python.h").unlink()
    assert not devices.can_compile(torch.device("cuda"))


def test_what_the_cpu_computes_in_hardware():
    """PyTorch reports the capabilities under the names that cartoonize reads."""
    capabilities = torch.cpu.get_capabilities()
    if capabilities["architecture"] == "x86_64":
        assert {"avx512_bf16", "avx512_vnni", "amx_tile"} <= set(capabilities)
    assert devices.cpu_features()[0] == torch.backends.cpu.get_cpu_capability()
    assert devices.choose_precision(devices.CPU, "auto") in ("bf16", "fp32")


@pytest.mark.gpu
@pytest.mark.skipif(not devices.gpu_is_available(), reason="there is no GPU")
def test_the_gpu_of_this_machine():
    """It has a name and memory, which can be released."""
    gpu = devices.gpus()[0]
    free, total = devices.gpu_memory(gpu)
    assert 0 < free <= total
    assert devices.device_name(gpu)
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
        assert devices.gpu_capability(torch.device("cuda")) == architecture


def test_memory_on_gpus_of_intel(monkeypatch):
    """If a driver does not report its free memory, this is no error."""

    def silent(_):
        raise RuntimeError("The device doesn't support querying the available free memory.")

    monkeypatch.setattr(devices, "_memory", silent)
    monkeypatch.setattr(torch.xpu, "get_device_properties", lambda _: SimpleNamespace(total_memory=8 << 30))
    monkeypatch.setattr(torch.xpu, "memory_allocated", lambda _: 2 << 30)
    assert devices.gpu_memory(torch.device("xpu")) == (6 << 30, 8 << 30)
    assert devices.is_out_of_memory(RuntimeError("level_zero: UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY"))


def test_pytorch_does_not_run_on_vulkan():
    """Training, which PyTorch does, refuses a device that only draws, and names those that it has."""
    with pytest.raises(BackendError, match="PyTorch does not run on vulkan; choose cpu, cuda"):
        devices.choose_device("vulkan:0")
