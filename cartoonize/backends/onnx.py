"""Exported networks in ONNX Runtime. This file never imports torch, so that deployments need none."""

import ctypes
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BackendError, ModelError
from ..frames import Images

if TYPE_CHECKING:
    import onnxruntime as ort


class OnnxBackend:
    """A network exported by `cartoonize export-onnx`: uint8 (N, H, W, 3) RGB in and out, complete in itself.

    Raises:
        ModelError: the file is damaged, or its input is not such pictures.
        BackendError: the device is not to be had in this build of ONNX Runtime.
    """

    runtime = "onnxruntime"

    def __init__(self, path: Path, device: str, precision: str) -> None:
        self._session = _open_session(path, _providers(device))
        self._input = _checked(self._session, path)
        self.device = "cuda" if "CUDA" in self._session.get_providers()[0] else "cpu"
        if device.startswith("cuda") and self.device != "cuda":
            raise BackendError(f"{device} was asked for, but ONNX Runtime fell back to the CPU.")
        # An exported file has its precision built in.
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.precision = metadata.get("precision", "fp32")
        if precision not in ("auto", self.precision):
            raise BackendError(f"{path} computes in {self.precision}; export it anew for {precision}.")
        self.batch = 1 if self.device == "cpu" else 4
        self.notices: list[str] = []

    def __call__(self, images: Images) -> Images:
        """(N, H, W, 3) uint8 -> the same."""
        try:
            (result,) = self._session.run(None, {self._input: np.ascontiguousarray(images)})
        except Exception as error:  # its exceptions share no base class
            raise BackendError(f"ONNX Runtime cannot draw pictures of {images.shape}: {error}.") from error
        return result  # type: ignore[no-any-return]


def _providers(device: str) -> list[tuple[str, dict[str, str]]]:
    import onnxruntime as ort

    possible = "CUDAExecutionProvider" in ort.get_available_providers()
    if device == "cpu" or (device == "auto" and not (possible and _has_driver())):
        return [("CPUExecutionProvider", {})]
    if not possible:
        raise BackendError(f"{device} was asked for, but this build of ONNX Runtime has no CUDA.")
    if not _has_driver():
        raise BackendError(f"{device} was asked for, but this machine has no NVIDIA driver.")
    number = device.partition(":")[2] or "0"
    return [("CUDAExecutionProvider", {"device_id": number}), ("CPUExecutionProvider", {})]


def _has_driver() -> bool:
    """Whether there is an NVIDIA driver; ONNX Runtime lists CUDA without one, and complains later."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _open_session(path: Path, providers: list[tuple[str, dict[str, str]]]) -> "ort.InferenceSession":
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3  # its warnings are about our graph, not for users
    try:
        return ort.InferenceSession(path, options, providers=providers)
    except Exception as error:  # its exceptions share no base class
        raise ModelError(f"{path} is damaged or no ONNX file: {error}.") from error


def _checked(session: "ort.InferenceSession", path: Path) -> str:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    pictures = len(inputs) == len(outputs) == 1 and all(
        end.type == "tensor(uint8)" and len(end.shape) == 4 and end.shape[3] == 3 for end in inputs + outputs
    )
    if not pictures:
        raise ModelError(
            f"{path} is not a network written by `cartoonize export-onnx`: it should take and give uint8 "
            "pictures (N, H, W, 3)."
        )
    name: str = inputs[0].name
    return name
