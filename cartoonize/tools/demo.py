"""The media of `cartoonize demo`: a photo, and a short clip with sound, made of scikit-image's photos."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.Image import Image as Picture
from PIL.Image import Resampling

from ..core.atomic import AtomicFile
from ..core.errors import MediaError, WriteError
from ..core.sample_photos import open_photo
from ..media.colour import Colour
from ..media.ffmpeg import write_errors

PHOTO_CREDITS = """\
Photos, as distributed with scikit-image:
  Eileen Collins, by NASA, public domain (https://flic.kr/p/r9qvLn)
  Coffee at Pikolo Espresso Bar, by Rachel Michetti, CC0
  Chelsea the cat, by Stefan van der Walt, CC0
  Falcon 9 before the launch of DSCOVR, by SpaceX, public domain
    (https://www.flickr.com/photos/spacexphotos/16511594820)"""

WIDTH, HEIGHT, RATE = 640, 360, 24  # small: a slow computer converts it in half a minute
SHOT, FADE = 48, 14  # frames from one shot to the next, and in the cross-fade between them


@dataclass(frozen=True, slots=True)
class Shot:
    """A camera move over a photo: its first and last view, as (centre x, centre y, width) in pixels."""

    photo: str
    start: tuple[float, float, float]
    end: tuple[float, float, float]


SHOTS = (
    Shot("coffee.png", (300, 175, 598), (325, 150, 500)),
    Shot("chelsea.png", (195, 150, 340), (245, 135, 410)),
    Shot("astronaut.png", (230, 118, 360), (256, 152, 508)),
    Shot("rocket.jpg", (320, 248, 470), (320, 240, 636)),
)
FRAMES = SHOT * len(SHOTS)

SAMPLE_RATE = 48_000
BEAT = 0.5  # seconds
# Notes in semitones above middle C, one per beat: A minor, F, C, G, and back to C.
MELODY = (9, 12, 16, 12, 5, 9, 12, 17, 7, 12, 16, 19, 14, 11, 7, 12)
BASS = (-15, -19, -12, -17)


def make_demo_clip(path: Path, width: int = WIDTH, height: int = HEIGHT, frames: int = FRAMES) -> None:
    """Make a clip of 8 seconds at 24 frames/s, or of its first `frames`: H.264 video and stereo AAC sound.

    The camera moves slowly over four photos with cross-fades, to a short melody. An existing file is
    replaced.

    Raises:
        MediaError: the file cannot be written, or scikit-image was installed without its photos.
    """
    with (
        AtomicFile(path, overwrite=True) as pending,
        write_errors(path),
        av.open(pending.path, "w") as container,
    ):
        video = container.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        colour = Colour(1, ColorRange.MPEG.value, 1, 1, Colorspace.ITU709)
        colour.tag_encoder(video.codec_context)
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        # All the sound first: the muxer keeps it until the frames of the same time arrive.
        melody = compose_melody()[:, : frames * SAMPLE_RATE // RATE]
        container.mux(audio.encode(_audio_frame(np.ascontiguousarray(melody))))
        container.mux(audio.encode(None))
        for picture in islice(render_frames(width, height), frames):
            container.mux(video.encode(colour.from_rgb(np.asarray(picture), "yuv420p", width, height)))
        container.mux(video.encode(None))


def make_demo_photo(path: Path) -> None:
    """Write the portrait of an astronaut, 512x512, in the format that the suffix names.

    An existing file is replaced.

    Raises:
        MediaError: the file cannot be written, or scikit-image was installed without its photos.
    """
    with AtomicFile(path, overwrite=True) as pending:
        try:
            open_photo("astronaut.png").save(pending.path)
        except OSError as error:
            raise WriteError.from_os_error(path, error) from error
        except ValueError as error:
            raise MediaError(f"Cannot write {path}: {error}.") from error


def render_frames(width: int = WIDTH, height: int = HEIGHT) -> Iterator[Picture]:
    """Render the frames of the clip."""
    photos = [open_photo(shot.photo) for shot in SHOTS]
    for index in range(FRAMES):
        number, frame = divmod(index, SHOT)
        picture = _view(photos[number], SHOTS[number], frame, (width, height))
        if number and frame < FADE:
            previous = _view(photos[number - 1], SHOTS[number - 1], SHOT + frame, (width, height))
            picture = Pillow.blend(previous, picture, (frame + 1) / (FADE + 1))
        yield picture


def compose_melody() -> NDArray[np.float32]:
    """Compose the sound of the clip: (2, samples), -1 to 1, at SAMPLE_RATE."""
    count = FRAMES * SAMPLE_RATE // RATE
    sound = np.zeros((2, count + 4 * SAMPLE_RATE), np.float32)
    for beat, note in enumerate(MELODY):
        pan = 0.5 + 0.25 * np.sin(beat)
        _add_tone(sound, beat * BEAT, _bell(note, decay=0.5), 0.3 * pan, 0.3 * (1 - pan))
    for bar, note in enumerate(BASS):
        _add_tone(sound, bar * 4 * BEAT, _bell(note, decay=1.2), 0.2, 0.2)
    fade_out = np.minimum(1, np.arange(count, 0, -1) / (0.8 * SAMPLE_RATE))
    return (sound[:, :count] * fade_out).astype(np.float32)


def _view(photo: Picture, shot: Shot, frame: int, size: tuple[int, int]) -> Picture:
    """The camera's view in a frame of a shot. The box has fractions of pixels: whole ones would jitter."""
    progress = frame / (SHOT + FADE)
    x, y, width = (a + (b - a) * progress for a, b in zip(shot.start, shot.end, strict=True))
    # A tall frame shows less of the width.
    height = min(width * size[1] / size[0], 2 * y, 2 * (photo.height - y))
    width = height * size[0] / size[1]
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return photo.resize(size, Resampling.LANCZOS, box=box)


def _bell(note: int, decay: float) -> NDArray[np.float64]:
    """A soft bell: a sine with a little of its octave and twelfth, which decays to 1/e in `decay` seconds."""
    time = np.arange(int(6 * decay * SAMPLE_RATE)) / SAMPLE_RATE
    phase = 2 * np.pi * 261.63 * 2 ** (note / 12) * time
    wave = (
        np.sin(phase)
        + 0.25 * np.sin(2 * phase) * np.exp(-2 * time)
        + 0.1 * np.sin(3 * phase) * np.exp(-4 * time)
    )
    return wave * np.exp(-time / decay) * np.minimum(1, time / 0.015)  # a sudden attack would click


def _add_tone(
    sound: NDArray[np.float32], start: float, tone: NDArray[np.float64], left: float, right: float
) -> None:
    first = round(start * SAMPLE_RATE)
    audible = tone[: sound.shape[1] - first]
    sound[:, first : first + len(audible)] += np.outer((left, right), audible)


def _audio_frame(sound: NDArray[np.float32]) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="stereo")
    frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, Fraction(1, SAMPLE_RATE), 0
    return frame
