"""Reads untrusted files of weights without running any code in them.

A pickle is a program. PyTorch's `weights_only` runs its instructions that build tensors, and refuses the
rest. It does not limit their memory, so that is checked here, before it begins.
"""

import errno
import math
import pickletools
import re
import struct
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ..core.errors import ModelError
from .memory import is_out_of_memory

NamedTensors = Mapping[str, Tensor]

MAX_FILE = 1 << 30  # bytes; a training checkpoint of CartoonGAN at its full width takes 0.2 GB
MAX_PICKLE = 1 << 20  # bytes without the tensors; one of them may cost sixty of memory
# Keys under which files nest weights, from the outside in; ours nest them under parts, generator, network.
WRAPPERS = (
    "parts", "model", "generator", "network", "model_state_dict", "state_dict", "params_ema", "params",
)  # fmt: skip
PREFIXES = ("module.", "_orig_mod.", "generator.")  # of DataParallel, of torch.compile, of GANs in one module
LEGACY_PICKLES = 5  # one after the other at the start of files that PyTorch wrote before 1.6

_DAMAGE = (
    OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError, EOFError,
    OverflowError, UnpicklingError, struct.error, BadZipFile, SafetensorError,
)  # fmt: skip
_BAD_POSITION = {None, errno.EINVAL}  # of errors of a library, and of a place that no file has


def read_weights(path: Path) -> NamedTensors:
    """Read the tensors of a safetensors file or a file of torch.save, on the CPU; of parts, the generator's.

    Raises:
        ModelError: the file cannot be read, is too large or damaged, holds more than data, or no tensors
            by name.
        MemoryError: there is too little memory for it.
    """
    saved = read_saved(path, MAX_FILE)
    for key in WRAPPERS:
        if isinstance(saved, Mapping) and isinstance(saved.get(key), Mapping):
            saved = saved[key]
    named = saved.items() if isinstance(saved, Mapping) else ()
    weights = {name: value for name, value in named if isinstance(name, str) and _is_plain(value)}
    if not weights:
        raise ModelError(f"{path} holds no weights by name, as a state_dict does.")
    if sum(value.numel() * value.element_size() for value in weights.values()) > path.stat().st_size:
        raise ModelError(f"{path} claims more weights than it holds.")
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in weights):
            weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    return weights


def _is_plain(value: object) -> bool:
    return isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu"


def read_saved(path: Path, largest: float = math.inf) -> Any:
    """Read what a safetensors file or a file of torch.save of at most `largest` bytes holds, on the CPU.

    Raises:
        ModelError: the file cannot be read, and an OSError is the cause; or it is too large or damaged, holds
            more than data, or would grow.
        MemoryError: there is too little memory for it.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {error.strerror}.") from error
    if size > largest:
        raise ModelError(f"{path} is larger than {largest / (1 << 30):g} GB; no known network is.")
    try:
        if start[8:] == b"{":  # first: the length before it may begin like either of the others
            return load_file(path)
        if start.startswith(b"PK"):
            _check_archive(path, size)
        elif start.startswith(b"\x80"):
            _check_pickles(path)
        else:
            raise ModelError(f"{path} is neither a safetensors file nor one of PyTorch.")
        return _load(path)
    except _DAMAGE as error:
        if isinstance(error, RuntimeError) and is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        refusal = error.__context__ if isinstance(error, BadZipFile) else error  # zipfile hides an OSError
        if isinstance(refusal, OSError) and refusal.errno not in _BAD_POSITION:
            raise ModelError(f"Cannot read {path}: {refusal.strerror}.") from refusal
        code = re.search(r"GLOBAL ([\w.]+)", str(error))
        if code:
            raise ModelError(
                f"{path} is more than weights: it asks for {code[1]}, and could run any code. None of it was "
                f"run. If you trust it, save the network's state_dict() alone, and use that."
            ) from error
        raise ModelError(f"{path} is damaged, or holds no weights that can be read safely.") from error


def _check_archive(path: Path, size: int) -> None:
    """Refuse compressed archives: PyTorch stores members as they are, and others could grow in memory."""
    with ZipFile(path) as archive:
        members = archive.infolist()
    packed = any(member.compress_type != ZIP_STORED for member in members)
    if packed or sum(member.file_size for member in members) > size:
        raise ModelError(f"{path} is an archive that would grow when read, as PyTorch's do not.")
    if any(member.file_size > MAX_PICKLE for member in members if member.filename.endswith(".pkl")):
        raise ModelError(_oversized(path))


def _check_pickles(path: Path) -> None:
    """Refuse pickles that are too long to read; whatever else is wrong shows when they are read."""
    with path.open("rb") as file, suppress(ValueError):
        for _ in range(LEGACY_PICKLES):
            for _, _, position in pickletools.genops(file):
                if (position or 0) > MAX_PICKLE:
                    raise ModelError(_oversized(path))


def _oversized(path: Path) -> str:
    return f"{path} holds more beside its weights than the names of a network's layers; it was not read."


def _load(path: Path) -> Any:
    # Opened here: PyTorch's own reader says of an error of the system only that it read too little.
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about other versions of the format; what cannot be read is an error
        return torch.load(file, map_location="cpu", weights_only=True)
