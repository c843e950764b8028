"""Describes the hardware and this build of PyTorch: names, features, and whether networks can be compiled."""

import os
import platform
import shutil
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

import torch

from ...core import cpus
from .gpu_kinds import KINDS


def device_name(device: torch.device) -> str:
    """Return the name of the device for people."""
    if device.type == "cpu":
        return f"{_cpu_model()} ({cpus.count_threads()} threads)"
    name_of = getattr(torch.get_device_module(device), "get_device_name", None)  # Metal's has none
    return str(name_of(device)) if name_of else f"{_cpu_model()} GPU"


def cpu_features() -> list[str]:
    """Return the vector width of this CPU, and which short numbers it computes in hardware."""
    has = torch.cpu.get_capabilities()
    return [
        torch.backends.cpu.get_cpu_capability(),
        *(["AVX512 bf16"] if has.get("avx512_bf16") else []),
        *(["VNNI"] if has.get("avx512_vnni") else []),  # int8
        *(["AMX"] if has.get("amx_tile") else []),
    ]


def gpu_capability(gpu: torch.device) -> str:
    """Return the compute capability of an NVIDIA GPU, as "9.0", or the architecture of one of AMD."""
    if gpu.type != "cuda":
        return ""
    if torch.version.hip:
        return str(torch.cuda.get_device_properties(gpu).gcnArchName)
    return "{}.{}".format(*torch.cuda.get_device_capability(gpu))


def build_name() -> str:
    """Return the platform that this build of PyTorch is for, as "CUDA 13.0" or "cpu"."""
    if torch.version.hip:
        return f"ROCm {torch.version.hip}"
    if torch.version.cuda:
        return f"CUDA {torch.version.cuda}"
    built_for = torch.accelerator.current_accelerator()
    return KINDS[built_for.type].title if built_for is not None and built_for.type in KINDS else "cpu"


def can_compile(device: torch.device) -> bool:
    """Whether `torch.compile` can make kernels for a device.

    For CPUs it runs a C++ compiler, as torch/_inductor/cpp_builder.py chooses it. For GPUs it uses Triton,
    which is a part of some builds of PyTorch only, and runs a C compiler, as triton/runtime/build.py chooses
    it.
    """
    if device.type == "cpu":
        compilers = [os.environ.get("CXX", {"darwin": "clang++", "win32": "cl"}.get(sys.platform, "g++"))]
    else:
        compilers = [*filter(None, [os.environ.get("CC")]), "gcc", "clang"]
    has_compiler = any(shutil.which(command.split()[0]) for command in compilers if command.strip())
    has_headers = Path(sysconfig.get_path("include"), "Python.h").exists()
    return has_compiler and has_headers and (device.type == "cpu" or find_spec("triton") is not None)


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
