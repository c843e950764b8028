"""Work for a device, queued so that copies from and to its memory overlap the computation."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ...core.frames import Image, Images
from . import device as devices


class DeviceQueue:
    """Uploads, computes and downloads in order, each in a separate stream, on devices that have streams.

    While one batch is computed, the next one is uploaded and the one before is downloaded: pictures cross the
    bus as bytes, from and to pinned memory. While a caller waits for results, others can submit work.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._streams: tuple[torch.Stream, torch.Stream, torch.Stream] | None = None
        if devices.has_streams(device):
            devices.synchronize(device)  # the weights are copied in another stream
            self._streams = (torch.Stream(device), torch.Stream(device), torch.Stream(device))

    def submit(
        self,
        pictures: Sequence[Sequence[Image] | Images],
        compute: Callable[..., Tensor],
        result: Tensor | None = None,
    ) -> Callable[[], Images]:
        """Queue a computation, and return a function that waits for its result.

        Args:
            pictures: lists of pictures, (H, W, 3) uint8 each, those of a list of one size. A list that is an
                array in pinned memory is not copied, and must not change before the result is there.
            compute: gets each list as a tensor (N, H, W, 3) uint8 in the memory of the device, and returns
                the result, uint8.
            result: memory for the result, from `allocate_on_host`; None for new memory.

        Raises:
            RuntimeError: the memory is too small, among others.
        """
        staged = [self._stage(group) for group in pictures]
        if self._streams is None:
            computed = compute(*(group.to(self._device) for group in staged)).cpu()
            images = (computed if result is None else result.copy_(computed)).numpy()
            return lambda: images
        upload, computation, download = self._streams
        with upload:
            uploaded = [group.to(self._device, non_blocking=True) for group in staged]
        with _after(upload, computation, uploaded):
            computed = compute(*uploaded)
        with _after(computation, download, [computed]):
            target = self.allocate_on_host(computed.shape) if result is None else result
            target.copy_(computed, non_blocking=True)
            downloaded = devices.make_event(self._device)
            downloaded.record()  # in `download`, the current stream

        def wait() -> Images:
            downloaded.synchronize()
            staged.clear()  # until then the device may read them, also those that are the caller's
            return target.numpy()

        return wait

    def allocate_on_host(self, shape: Sequence[int]) -> Tensor:
        """Return uint8 memory of the CPU; pinned, so that the device can copy from and to it by itself."""
        return torch.empty(shape, dtype=torch.uint8, pin_memory=self._streams is not None)

    def _stage(self, pictures: Sequence[Image] | Images) -> Tensor:
        """Return the pictures as one tensor in such memory."""
        if self._streams and isinstance(pictures, np.ndarray) and pictures.flags.carray:
            tensor = torch.from_numpy(pictures)
            if tensor.is_pinned():
                return tensor
        staged = self.allocate_on_host((len(pictures), *pictures[0].shape))
        np.stack(list(pictures), out=staged.numpy())
        return staged


def _after(earlier: torch.Stream, later: torch.Stream, tensors: Sequence[Tensor]) -> torch.Stream:
    """Make the later stream wait for `tensors` of the earlier one, and return it, to enter."""
    later.wait_event(earlier.record_event())
    for tensor in tensors:
        tensor.record_stream(later)  # their memory is not reused before
    return later
