"""Cartoonize the frames of an OpenCV loop, without flicker.

    python opencv_frames.py INPUT OUTPUT.mp4 [STYLE]

OpenCV's pictures are BGR and have no sound. `cartoonize video` keeps sound, times and colours. Use this loop
if your program has the frames already.
"""

import sys
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction

import cv2
import numpy as np

from cartoonize import Frame, Look, load, stream


def read_frames(capture: cv2.VideoCapture, rate: float) -> Iterator[Frame]:
    """Yield the frames as RGB, with their times: the stabilizer needs them."""
    time_base, number = 1 / Fraction(rate).limit_denominator(1001), 0
    while True:
        is_read, picture = capture.read()
        if not is_read:
            return
        image = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
        yield Frame(image, number, time_base, duration=1)
        number += 1


def main(source: str, target: str, style: str = "pepper") -> None:
    """Convert a video by OpenCV's reader and writer."""
    capture = cv2.VideoCapture(source)
    rate = capture.get(cv2.CAP_PROP_FPS) or 25.0
    size = tuple(int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    writer = cv2.VideoWriter(target, cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
    if not (capture.isOpened() and writer.isOpened()):
        raise SystemExit(f"Cannot read {source}, or cannot write {target}.")
    effects = Look().effects()  # the stabilizer
    with load(style) as backend:
        frames = stream(read_frames(capture, rate), backend, batch=backend.batch, effects=effects)
        with closing(frames):
            for frame in frames:
                writer.write(cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))
    writer.release()


if __name__ == "__main__":
    main(*sys.argv[1:])
