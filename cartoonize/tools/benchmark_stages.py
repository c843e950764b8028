"""The stages of a conversion, each as a function that can be timed."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from ..backends import LoadedBackend
from ..core.draw_size import enlarge, replace_image
from ..core.frames import Frame, Image
from ..effects.look import Look
from ..effects.stabilizer import Stabilizer
from ..media import Decoding, Encoding, VideoSink, VideoSource
from ..run.drawer import Drawer
from ..run.job import run
from ..run.pipeline import PlannedFrame, batches, stream
from ..run.report import Report

SAMPLE = 24
"""Decoded frames that the stages repeat: all frames of a long clip would fill the memory."""
_LEAST = 4  # frames: enough for one batch
_OTHER_STAGES = 0.04 / (1280 * 720)
"""Seconds for each pixel that all stages but the network take on a slow computer."""
_PASSES = 2.2
"""Passes over the frames in a round: one by the stages in turn, one by all together, and a margin."""


class Stages:
    """The stages of a conversion, each as a function that processes as many frames as the clip has.

    The stages after the decoder repeat a sample of the frames and of their drawings.
    """

    def __init__(
        self, clip: Path, target: Path, decoding: Decoding, backend: LoadedBackend, style: str
    ) -> None:
        self._clip, self._target, self._decoding = clip, target, decoding
        self._backend, self._style = backend, style
        self._end: float | None = None
        with VideoSource(clip, decoding=decoding) as source:
            self._rate = source.video.rate
            self.frames = list(islice(source, SAMPLE))
            self._yuv_weights = self._open_sink(source).yuv_weights
        self._drawings: list[Image] = []
        self.count = 0

    def prepare(self, seconds: float | None) -> None:
        """Warm everything up, and set `count` so that a round takes about `seconds`; None for the whole clip.

        The estimate is that of one drawing, and of the stages around it.
        """
        first = self.frames[0].image[None]
        self._backend(first)  # the first call also compiles and allocates
        started = time.perf_counter()
        self._backend(first)
        width, height = self.frames[0].size
        estimate = time.perf_counter() - started + _OTHER_STAGES * width * height
        if seconds is not None:
            count = max(_LEAST, int(seconds / (_PASSES * estimate)))
            self._end = float(count / self._rate)
            del self.frames[count:]
        self._drawings = [self._backend(frame.image[None])[0] for frame in self.frames]
        self.count = self.convert()

    def all(self) -> dict[str, Callable[[], int]]:
        """The stages by name, in their order; without those that this conversion does not have.

        What a GPU does to drawings in its memory is part of "network".
        """
        first = self.frames[0]
        height, width = first.image.shape[:2]
        stages: dict[str, Callable[[], int]] = {"decode": self.decode, "network": self.draw}
        if not self._backend.runs_effects and Look().available(self._backend.runtime, []).stabilize:
            stages["stabilize"] = self.stabilize
        if not self._backend.runs_effects and first.size != (width, height):
            stages["enlarge"] = self.enlarge
        return {**stages, "encode": partial(self.encode, self._results()), "together": self.convert}

    def decode(self) -> int:
        with VideoSource(self._clip, end=self._end, decoding=self._decoding) as source:
            return sum(1 for _ in source)

    def draw(self) -> int:
        effects = Look().effects(self._yuv_weights) if self._backend.runs_effects else []
        drawer = Drawer(self._backend, effects)
        frames = map(PlannedFrame, islice(cycle(self.frames), self.count))
        for group in batches(frames, self._backend.batch):
            drawer([item.frame for item in group])()
        return self.count

    def stabilize(self) -> int:
        stabilizer = Stabilizer()
        for frame, drawing in self._repeated():
            stabilizer.stabilize(frame.image, drawing)
        return self.count

    def enlarge(self) -> int:
        for frame, drawing in self._repeated():
            enlarge(drawing, frame.size)
        return self.count

    def encode(self, frames: list[Frame]) -> int:
        with VideoSource(self._clip) as source, self._open_sink(source) as sink:
            for frame in _back_and_forth(frames, self.count):
                sink.write(frame)
        return self.count

    def convert(self) -> int:
        with VideoSource(self._clip, end=self._end, decoding=self._decoding) as source:
            report = Report(str(self._target), self._style)
            return run(source, self._open_sink(source), self._backend, report).frames

    def _open_sink(self, source: VideoSource) -> VideoSink:
        return VideoSink(self._target, source.video, encoding=Encoding(), overwrite=True)

    def _repeated(self) -> Iterator[tuple[Frame, Image]]:
        return islice(cycle(zip(self.frames, self._drawings, strict=True)), self.count)

    def _results(self) -> list[Frame]:
        """The frames to encode: the drawings at the size of the source; those of a GPU may be in YUV."""
        if self._backend.runs_effects:
            return list(stream(self.frames, self._backend, effects=Look().effects(self._yuv_weights)))
        return [
            replace_image(frame, enlarge(drawing, frame.size))
            for frame, drawing in zip(self.frames, self._drawings, strict=True)
        ]


def _back_and_forth(frames: list[Frame], count: int) -> Iterator[Frame]:
    """The frames forwards and backwards: the motion between neighbours stays as small as in the clip."""
    loop = frames + frames[-2:0:-1]
    for i in range(count):
        frame = loop[i % len(loop)]
        yield Frame(frame.image, i * frame.duration, frame.time_base, frame.duration)
