"""A GPU that no machine has: its tensors compute on the CPU, but are used as those of a GPU.

They have the device "meta", for which PyTorch has all that a kind of device needs, except memory. Results are
those of the CPU, but an operation on tensors of both devices fails, as does reading the memory of the GPU as
an array. `waits` counts what would make the CPU wait for a GPU: reading a value, a blocking copy, an index on
the CPU.
"""

from collections import Counter
from contextlib import contextmanager, nullcontext
from importlib import import_module

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from cartoonize.backends.pytorch import device as devices
from cartoonize.backends.pytorch import gpu_kinds, hardware

GPU = torch.device("meta")
aten, has_kernel = torch.ops.aten, torch._C._dispatch_has_kernel_for_dispatch_key

COPIES = (aten._to_copy.default, aten.copy_.default)
READS = (aten._local_scalar_dense.default, aten.equal.default, aten.nonzero.default)
"""Operations that return a value of the memory of the GPU, or a shape that depends on it."""
INDEXING = (aten.index.Tensor, aten.index_put_.default, aten.index_put.default)
FROM_VALUES = (torch.tensor, torch.as_tensor, Tensor.new_tensor)
"""Functions that make a tensor of Python's numbers: on the CPU, and then copy it."""


class GpuTensor(Tensor):
    """A tensor in the memory of the simulated GPU; `values` holds it on the CPU."""

    values: Tensor

    @staticmethod
    def __new__(cls, values):
        return Tensor._make_wrapper_subclass(
            cls,
            values.shape,
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            device=GPU,
        )

    def __init__(self, values):
        self.values = values

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        raise RuntimeError(f"{operation} was called outside of the simulation.")


class SimulatedGpu(TorchDispatchMode):
    """Simulates a GPU in a `with` block; `waits` counts what would have made the CPU wait for it."""

    tensor = GpuTensor

    def __init__(self):
        super().__init__()
        self.waits = Counter()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        if has_kernel(operation.name(), "CompositeImplicitAutograd"):  # in inference mode these arrive too
            with self:
                return operation.decompose(*args, **(kwargs or {}))
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        on_entry = {id(tensor.values): tensor for tensor in tensors if isinstance(tensor, GpuTensor)}
        on_gpu = self._check(operation, args, kwargs, tensors, is_used=bool(on_entry))
        if kwargs.get("device") == GPU:
            kwargs["device"] = torch.device("cpu")
        result = operation(*tree_map(_unwrap, args), **tree_map(_unwrap, kwargs))

        def wrap(leaf):
            if not isinstance(leaf, Tensor) or not on_gpu:
                return leaf
            return (
                on_entry[id(leaf)] if id(leaf) in on_entry else self.tensor(leaf)
            )  # in place: the same tensor

        returned = args[0] if operation is aten.copy_.default else tree_map(wrap, result)
        self.observe(operation, tensors, returned)
        return returned

    def observe(self, operation, arguments, result):
        """Called after each operation, with the tensors that it used."""

    def _check(self, operation, args, kwargs, tensors, *, is_used):
        """Refuse and count as a GPU would; return whether the result is in its memory."""
        named = kwargs.get("device")
        if operation in COPIES:
            source = args[1] if operation is aten.copy_.default else args[0]
            target = args[0].device if operation is aten.copy_.default else named or source.device
            is_blocking = not kwargs.get("non_blocking", args[2:3] == (True,))
            if source.device != target and is_blocking:
                self.waits[f"copy to {'the GPU' if target == GPU else 'the CPU'}"] += 1
            return target == GPU
        if is_used and operation in READS:
            self.waits[str(operation)] += 1
            return operation is aten.nonzero.default
        others = [tensor for tensor in tensors if not isinstance(tensor, GpuTensor)]
        if is_used and operation in INDEXING and others:
            self.waits["indices on the CPU"] += 1
        elif is_used and any(tensor.ndim for tensor in others):
            shapes = [tuple(tensor.shape) for tensor in others]
            raise RuntimeError(f"{operation} got tensors on the GPU and on the CPU: {shapes}.")
        return is_used if named is None else named == GPU


class _Functions(TorchFunctionMode):
    """Has the functions that make tensors of Python's numbers copy them as they do to a GPU."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        device = kwargs.get("device")
        if function is Tensor.new_tensor:
            device, args = device or args[0].device, (args[1], *args[2:])
            kwargs = {"dtype": kwargs.get("dtype")}
        if function in FROM_VALUES and device is not None and torch.device(device) == GPU:
            kwargs.pop("device", None)
            return torch.tensor(*args, **kwargs).to(GPU)
        return function(*args, **kwargs)


def _no_autocast(_device, _dtype, *, enabled):
    """It exists for real devices only."""
    assert not enabled
    return nullcontext()


def _unwrap(leaf):
    return leaf.values if isinstance(leaf, GpuTensor) else leaf


@contextmanager
def simulate_gpu(simulation=None):
    """Have the package find a simulated GPU of the kind "meta"; the `with` block gets the `SimulatedGpu`.

    It has no streams: copies block. It belongs to the thread that enters the block.
    """
    memory = 1 << 30, 1 << 30
    kind = gpu_kinds.GpuKind(
        "Simulation", automatic=True, has_streams=False, has_bf16=lambda _: True, memory=lambda _: memory
    )
    adam = import_module("torch.optim.adam")  # its fused kernel exists for the CPU, but not for "meta"
    with pytest.MonkeyPatch.context() as patch, _Functions(), simulation or SimulatedGpu() as gpu:
        patch.setitem(devices.KINDS, GPU.type, kind)
        patch.setattr(devices, "gpus", lambda: [GPU])
        patch.setattr(hardware, "device_name", str)
        patch.setattr(devices, "release_memory", lambda _: None)
        patch.setattr(devices, "synchronize", lambda _: None)
        patch.setattr(adam, "_device_dtype_check_for_fused", lambda _: None)
        patch.setattr(torch, "autocast", _no_autocast)
        yield gpu
