"""What the hardware and the build of PyTorch are, and what they can do."""

import pytest
import torch

from cartoonize.backends.pytorch import device as devices
from cartoonize.backends.pytorch import hardware


@pytest.mark.parametrize(("device", "has_triton", "compiler", "expected"), [
    ("cuda", True, "gcc", True), ("cuda", True, None, False), ("cuda", False, "gcc", False),
    ("cpu", False, "my-c++", True), ("cpu", True, "gcc", False)])  # fmt: skip
def test_what_compiling_needs(monkeypatch, tmp_path, device, has_triton, compiler, expected):
    """Networks are compiled where a compiler and the headers of Python are; for a GPU also Triton."""
    (tmp_path / "Python.h").touch()
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("CXX", "my-c++")
    monkeypatch.setattr(hardware, "find_spec", lambda _: has_triton or None)
    monkeypatch.setattr(hardware.shutil, "which", lambda name: name if name == compiler else None)
    monkeypatch.setattr(hardware.sysconfig, "get_path", lambda _: str(tmp_path))
    assert hardware.can_compile(torch.device(device)) == expected
    (tmp_path / "Python.h").unlink()
    assert not hardware.can_compile(torch.device(device))


def test_what_the_cpu_computes_in_hardware():
    """PyTorch reports the capabilities under the names that cartoonize reads."""
    capabilities = torch.cpu.get_capabilities()
    if capabilities["architecture"] == "x86_64":
        assert {"avx512_bf16", "avx512_vnni", "amx_tile"} <= set(capabilities)
    assert hardware.cpu_features()[0] == torch.backends.cpu.get_cpu_capability()
    assert devices.choose_precision(devices.CPU, "auto") in ("bf16", "fp32")
