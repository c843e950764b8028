"""Opens graphs in ONNX Runtime, on the CPU or on a GPU."""

import re
from contextlib import redirect_stdout, suppress
from functools import cache
from io import StringIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from ..core.errors import BackendError, ModelError
from ..core.onnx_runtime import load_onnxruntime
from .providers import CPU, NVIDIA, Providers, short_name

if TYPE_CHECKING:
    import onnxruntime as ort

_PLACE = re.compile(r"^\S+\.cc:[0-9]+ [^)]*\) ")  # where an error was raised
_INSTALL = 'pip install "onnxruntime-gpu[cuda,cudnn]"'
_process_lock = Lock()  # standard output and the level of messages belong to the whole process


def open_session(path: Path, providers: Providers, threads: int) -> "ort.InferenceSession":
    """Open a graph on the first provider; the others run the nodes that it lacks.

    Raises:
        ModelError: the file is damaged, or the graph has no input or no output.
        BackendError: the provider does not start.
    """
    if providers == CPU:
        return _create_session(path, providers, threads)
    with _process_lock:
        return _open_on_device(path, providers, threads)


def _open_on_device(path: Path, providers: Providers, threads: int) -> "ort.InferenceSession":
    name = short_name(providers[0][0])
    reason = _load_nvidia_libraries(name) if name in NVIDIA else ""
    ort = load_onnxruntime()
    ort.set_default_logger_severity(4)  # it would log what is missing
    try:
        session = _create_session(path, providers, threads)
        if session.get_providers()[0] == providers[0][0]:
            return session
    except ModelError as error:
        _create_session(path, CPU, threads)  # raises the error if the file is its cause
        reason = reason or " " + _PLACE.sub("", str(error.__cause__)).strip()
    finally:
        ort.set_default_logger_severity(2)  # its default
    if not reason and name in NVIDIA:
        reason = f" To install CUDA: {_INSTALL}, or update the driver."
    raise BackendError(f"ONNX Runtime cannot use {name} on this machine.{reason}")


def _create_session(path: Path, providers: Providers, threads: int) -> "ort.InferenceSession":
    """Open a graph. ONNX Runtime refuses weights that lie outside of the file's folder (from 1.24.1 on).

    Raises:
        ModelError: the file is damaged, or has no input or output; or a provider does not start.
    """
    ort = load_onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = 4  # its messages are about graphs; what users need to know is raised
    # Threads that wait by spinning would take the cores from the decoder and the encoder.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    options.intra_op_num_threads = threads
    if providers[0][0].startswith("Dml"):
        options.enable_mem_pattern = False  # DirectML refuses it
    try:
        # By default, it prints errors of a provider on standard output, and uses the CPU in its place.
        session = ort.InferenceSession(path, options, providers=list(providers), enable_fallback=0)
    except Exception as error:  # its exceptions share no base class
        reason = str(error).split(" : ", 3)[-1].rstrip(".")  # after the name and the code of ONNX Runtime
        raise ModelError(f"{path} is not an ONNX file, or it is damaged: {reason}.") from error
    if not (session.get_inputs() and session.get_outputs()):
        raise ModelError(f"{path} is not a network from pictures to pictures: it has no input or no output.")
    return session


def _load_nvidia_libraries(provider: str) -> str:
    """Load the libraries of CUDA, cuDNN and TensorRT that pip installed, where ONNX Runtime does not look.

    Return a sentence about what is missing, and how to install it, to end a message; empty if nothing is.
    """
    failure = _preload()
    if provider == "tensorrt":
        with suppress(ImportError, OSError):
            import tensorrt  # noqa: F401  # its package loads them
    return f" {failure}. To install CUDA: {_INSTALL}" if failure else ""


@cache
def _preload() -> str:
    """Load them, once per process, and return the first line about what is missing; empty if nothing is."""
    printed = StringIO()
    with redirect_stdout(printed):  # it prints what it does not find
        load_onnxruntime().preload_dlls()
    return next((line for line in printed.getvalue().splitlines() if line.startswith("Failed")), "")
