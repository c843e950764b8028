"""`cartoonize doctor --gpu`: one picture on every device."""

import json
import re

import pytest

from cartoonize import BackendError
from cartoonize.backends import ncnn, vendors
from cartoonize.backends.ncnn.gpus import VulkanGpu
from cartoonize.cli.doctor import _devices
from cartoonize.tools import doctor, gpu_check


def draw_here(function, **options):
    """Draw in this process: a separate one for each device would take seconds."""
    options.pop("timeout")
    return gpu_check.draw(**options)


def test_every_device_is_compared_with_the_cpu(run, monkeypatch, tiny_style):
    """Each device has a row with its runtime, its difference from the CPU and its time, or why it failed."""
    style = str(tiny_style)
    devices = [
        ("cpu", {"style": style, "device": "cpu", "precision": "fp32"}),
        ("cpu, bf16", {"style": style, "device": "cpu", "precision": "bf16"}),
        ("xpu", {"style": style, "device": "xpu:7"}),
        ("vulkan", "No Vulkan driver is installed."),
    ]
    monkeypatch.setattr(gpu_check, "_candidates", lambda _: iter(devices))
    monkeypatch.setattr(gpu_check, "call_isolated", draw_here)
    code, out, _ = run("doctor", "--gpu", "--json")
    assert code == 0
    cpu, other, missing, skipped = json.loads(out)["devices"]
    assert (cpu["runtime"], cpu["precision"], cpu["difference"], cpu["error"]) == ("pytorch", "fp32", 0, "")
    assert 0 < other["difference"] < 20
    assert min(cpu["milliseconds"], other["milliseconds"]) > 0
    assert "xpu:7 was requested" in missing["error"]
    assert skipped["error"] == "No Vulkan driver is installed."
    monkeypatch.setattr(gpu_check, "_candidates", lambda _: iter(devices[2:]))
    code, out, _ = run("doctor", "--gpu")
    assert code == 1
    assert re.search("failed +No Vulkan driver is installed.", out)
    assert max(map(len, out.splitlines())) <= 80


def test_all_devices_are_candidates(tmp_path, monkeypatch):
    """The CPU, GPUs of PyTorch, devices of Vulkan and providers of ONNX Runtime are tried."""
    gpus = [VulkanGpu(n, "a GPU", "discrete", "amd", 1 << 30, has_fp16=True) for n in range(2)]
    monkeypatch.setattr(gpu_check, "is_installed", lambda: True)
    monkeypatch.setattr(gpu_check, "list_gpus_isolated", lambda: gpus)
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["DmlExecutionProvider"])
    monkeypatch.setattr(gpu_check, "find_spec", lambda _: None)
    labels = dict(gpu_check._candidates(tmp_path))
    assert {"cpu", "vulkan:0", "vulkan:1", "--provider directml"} <= labels.keys()
    assert "cartoonize[export]" in labels["--provider directml"]
    monkeypatch.setattr(gpu_check, "is_installed", lambda: False)
    assert "cartoonize[vulkan]" in dict(gpu_check._candidates(tmp_path))["vulkan"]


def test_devices_of_vulkan_are_listed():
    """`cartoonize doctor` lists every device of Vulkan, and marks drivers that compute on the CPU."""
    pytest.importorskip("ncnn", reason="needs the extra `vulkan`")
    diagnosis = doctor.Diagnosis()
    doctor._check_vulkan(diagnosis)
    rows = dict(_devices(diagnosis))
    assert rows["ncnn"]
    for gpu in diagnosis.vulkan:
        assert gpu["name"] in rows[f"vulkan:{gpu['number']}"]
        assert ("no GPU" in rows[f"vulkan:{gpu['number']}"]) == (gpu["kind"] == "software")


def test_vendors_are_devices(monkeypatch):
    """`--device amd` is PyTorch's GPU if it is built for AMD's, and otherwise the best one of Vulkan."""
    found = [("discrete", "intel"), ("integrated", "amd"), ("discrete", "amd")]
    gpus = [VulkanGpu(n, "x", kind, vendor, 0, has_fp16=True) for n, (kind, vendor) in enumerate(found)]
    monkeypatch.setattr(ncnn.gpus, "is_installed", lambda: True)
    monkeypatch.setattr(ncnn.gpus, "list_gpus", lambda: gpus)
    monkeypatch.setattr(vendors, "is_built_for", lambda _: False)
    assert vendors.resolve_device("amd") == "vulkan:2"
    assert vendors.resolve_device("vulkan:0") == "vulkan:0"
    with pytest.raises(BackendError, match="No Vulkan driver finds one"):
        vendors.resolve_device("nvidia")
    monkeypatch.setattr(ncnn.gpus, "is_installed", lambda: False)
    with pytest.raises(BackendError, match=r"cartoonize\[vulkan\]"):
        vendors.resolve_device("intel")
    monkeypatch.setattr(vendors, "is_built_for", lambda platform: platform == "hip")
    assert vendors.resolve_device("amd") == "cuda"
