"""Streams of a simulated GPU, which find work that is not ordered, as tools for races of threads do.

Each stream counts its operations, and knows up to which one of each other stream it has waited (the vector
clocks of Mattern, 1989). An operation fails if it uses a tensor that its stream has not waited for, or one in
the memory of another stream without `record_stream`: that memory could be used again too early.
"""

from contextlib import contextmanager

import pytest
import torch
from simulated_gpu import GpuTensor, SimulatedGpu, simulate_gpu
from torch.utils._pytree import tree_leaves

from cartoonize.backends.pytorch import device as devices
from cartoonize.backends.pytorch.device_queue import DeviceQueue


class Event:
    """A position in a stream."""

    def __init__(self, *_device, **_settings):
        self.seen = {}

    def record(self):
        """Take the position of the stream that was entered last."""
        StreamedGpu.active.entered[-1].record_event(self)

    def synchronize(self):
        """Have the CPU wait for it."""
        StreamedGpu.active.cpu.wait_event(self)


class Stream:
    """A queue of the GPU, or the CPU."""

    def __init__(self, *_device):
        self.seen = {self: 0}

    def record_event(self, event=None):
        event = event or Event()
        event.seen = dict(self.seen)
        return event

    def wait_event(self, event):
        for stream, count in event.seen.items():
            self.seen[stream] = max(count, self.seen.get(stream, 0))

    def has_seen(self, operation):
        stream, count = operation
        return self.seen.get(stream, 0) >= count

    def __enter__(self):
        if self in StreamedGpu.active.entered:
            raise RuntimeError("A stream was entered twice, which older versions of PyTorch refuse.")
        StreamedGpu.active.entered.append(self)

    def __exit__(self, *_error):
        StreamedGpu.active.entered.pop()


class StreamedTensor(GpuTensor):
    """`written` is the operation that wrote it; `users` are the streams that may use its memory."""

    def __init__(self, values):
        super().__init__(values)
        self.written, self.users = None, None

    def record_stream(self, stream):
        self.users.add(stream)


class StreamedGpu(SimulatedGpu):
    """A simulated GPU whose operations belong to the stream that was entered last."""

    tensor = StreamedTensor
    active = None

    def __init__(self):
        super().__init__()
        self.cpu, self.entered, self.downloads = Stream(), [Stream()], []
        StreamedGpu.active = self

    def observe(self, operation, arguments, result):
        """Check the tensors that an operation uses, and remember what it writes."""
        stream = self.entered[-1]
        used = [leaf for leaf in arguments if isinstance(leaf, StreamedTensor) and leaf.written]
        for tensor in used:
            if not stream.has_seen(tensor.written):
                raise RuntimeError(f"{operation} does not wait for a tensor of another stream.")
            if stream not in tensor.users:
                raise RuntimeError(f"{operation} uses memory of another stream without record_stream.")
        stream.seen[stream] += 1
        written = stream, stream.seen[stream]
        for tensor in tree_leaves(result):
            if isinstance(tensor, StreamedTensor):
                tensor.written = written
                tensor.users = tensor.users or (used[0].users if operation.is_view and used else {stream})
            elif operation is torch.ops.aten.copy_.default and used:
                self.downloads.append(written)

    def has_downloaded(self):
        """Whether the CPU has waited for all that was copied to it."""
        return all(map(self.cpu.has_seen, self.downloads))


@contextmanager
def simulate_streams():
    """As `simulate_gpu`, for a GPU with streams; it has no pinned memory."""
    with pytest.MonkeyPatch.context() as patch, simulate_gpu(StreamedGpu()) as gpu:
        patch.setattr(torch, "Stream", Stream)
        patch.setattr(torch, "Event", Event)
        patch.setattr(devices, "has_streams", lambda _: True)
        patch.setattr(DeviceQueue, "allocate_on_host", lambda _, shape: torch.empty(shape, dtype=torch.uint8))
        yield gpu
