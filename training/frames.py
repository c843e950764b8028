"""Extracts frames from films, to learn a style from: some per scene, without bars, blanks and repetitions."""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from .. import media  # reading videos needs PyAV, which is imported at the first use
from ..core.atomic import AtomicFile
from ..core.errors import MediaError, TrainingError
from ..core.frames import Image
from ..core.opencv import load_opencv
from ..media import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from .errors import disk_errors, missing_extra
from .pictures import centre_square, list_files, save_png

if TYPE_CHECKING:
    from _csv import Writer

BLACK = 24  # luma of 0..255 that a letterbox bar stays below, including compression noise
BAR_FRAMES = 24  # frames of a film in which its bars are detected
BLANK = 6.0  # standard deviation of luma below which a frame is blank
SIMILAR = 6  # bits of 64 of the hash; copies of one drawing differ in fewer


@dataclass(slots=True)
class ExtractionCount:
    """The numbers of a film's frames: kept, and left out for each reason."""

    film: Path
    scenes: int = 0
    kept: int = 0
    blank: int = 0
    repeated: int = 0
    failed: int = 0  # could not be decoded


@dataclass(slots=True)
class Extraction:
    """Extracts frames of films to `out`, as square PNG files of `size` pixels, listed in `manifest.csv`.

    It takes `per_scene` frames of each scene, evenly spread, and in a long scene one for every `spacing`
    seconds. `threshold` is that of PySceneDetect's ContentDetector: a lower one finds more scenes.
    """

    out: Path
    size: int = 256
    per_scene: int = 1
    threshold: float = 27.0
    spacing: float = math.inf
    hashes: list[int] = field(default_factory=list)

    def run(self, films: Sequence[Path]) -> Iterator[ExtractionCount]:
        """Extract the frames of the films; yields the count of each film.

        Raises:
            TrainingError: a film is a picture, or the disk cannot be written.
            MediaError: a film cannot be read or has no video stream.
        """
        for film in films:  # before hours are spent on the others
            check_film(film)
        with disk_errors():
            self.out.mkdir(parents=True, exist_ok=True)
            with (
                AtomicFile(self.out / "manifest.csv", overwrite=True) as pending,
                pending.path.open("w", newline="") as file,
            ):
                manifest = csv.writer(file)
                manifest.writerow(["file", "film", "time", "scene"])
                for number, film in enumerate(films):
                    yield self._extract(film, f"{number:02d}-{film.stem}", manifest)

    def _extract(self, film: Path, stem: str, manifest: "Writer") -> ExtractionCount:
        scenes = find_scenes(film, self.threshold)
        moments = [
            (scene, start + (end - start) * (number + 0.5) / frames)
            for scene, (start, end) in enumerate(scenes)
            for frames in [max(self.per_scene, int((end - start) / self.spacing))]
            for number in range(frames)
        ]
        count = ExtractionCount(film, scenes=len(scenes))
        spread = moments[:: max(1, len(moments) // BAR_FRAMES)]
        examples = [frame for _, time in spread if (frame := _grab_or_none(film, time)) is not None]
        window = find_active_area(examples) if examples else (slice(None), slice(None))
        for scene, time in moments:
            frame = _grab_or_none(film, time)
            if frame is None:
                count.failed += 1
                continue
            picture = centre_square(frame[window], self.size)
            if is_blank(picture):
                count.blank += 1
            elif self._is_repeated(picture):
                count.repeated += 1
            else:
                name = f"{stem}-{scene:05d}-{round(1000 * time):09d}.png"
                save_png(picture, self.out / name)
                manifest.writerow([name, film.name, f"{time:.3f}", scene])
                count.kept += 1
        return count

    def _is_repeated(self, picture: Image) -> bool:
        """Whether a similar picture was kept before; if not, remember this one."""
        bits = difference_hash(picture)
        known = np.array(self.hashes, np.uint64)
        if (np.bitwise_count(known ^ np.uint64(bits)) < SIMILAR).any():
            return True
        self.hashes.append(bits)
        return False


def check_film(film: Path) -> None:
    """Refuse what is not a film, and one that cannot be read.

    Raises:
        TrainingError: it is a picture or an animation.
        MediaError: it cannot be read, or has no video stream.
    """
    if film.suffix.lower() in PICTURE_SUFFIXES:
        raise TrainingError(
            f"{film} is a picture, and frames are extracted from films. Pictures need no preparation: pass "
            "their folder to the training."
        )
    media.VideoSource(film).close()


def list_films(folder: Path) -> list[Path]:
    """The films below a folder, sorted by name; none if there is no such folder."""
    return list_files(folder, VIDEO_SUFFIXES)


def find_scenes(film: Path, threshold: float) -> list[tuple[float, float]]:
    """Start and end in seconds of each scene, by PySceneDetect; a film without cuts is one scene.

    Raises:
        TrainingError: the film cannot be searched, or PySceneDetect is not installed.
    """
    import av

    load_opencv()  # PySceneDetect needs it, and its own error would not say how to install it
    with missing_extra():
        from scenedetect import ContentDetector, SceneManager, VideoStreamAv
        from scenedetect.video_stream import VideoOpenFailure

    manager = SceneManager()
    manager.add_detector(ContentDetector(threshold=threshold))
    try:
        with film.open("rb") as file:  # else an error's traceback would keep it open
            manager.detect_scenes(VideoStreamAv(file))
    except (VideoOpenFailure, av.FFmpegError, OSError) as error:
        raise TrainingError(f"Cannot find scenes in {film}: {error}.") from error
    scenes = manager.get_scene_list(start_in_scene=True)
    return [(start.seconds, end.seconds) for start, end in scenes]


def grab(film: Path, time: float) -> Image:
    """The frame at a time in seconds, upright, with square pixels, RGB.

    Raises:
        MediaError: the film cannot be read, has no video stream, or ends earlier.
    """
    with media.VideoSource(film, start=time) as source:
        image, aspect = next(iter(source)).image, source.video.sample_aspect_ratio
    if aspect == 1:
        return image
    size = round(image.shape[1] * aspect), image.shape[0]
    return np.asarray(Pillow.fromarray(image).resize(size, Pillow.Resampling.LANCZOS))


def _grab_or_none(film: Path, time: float) -> Image | None:
    """The frame, or None where the film is damaged, so that the other frames are still extracted."""
    try:
        return grab(film, time)
    except MediaError:
        return None


def find_active_area(frames: Sequence[Image]) -> tuple[slice, slice]:
    """Rows and columns that are not letterbox bars: those with a bright pixel in any of the frames.

    It takes several frames, because a dark scene alone looks like one large bar. If all frames are black, the
    whole is returned.
    """
    brightest = np.max([frame.max(2) for frame in frames], axis=0)
    rows, columns = (np.flatnonzero(brightest.max(axis) > BLACK) for axis in (1, 0))
    if not rows.size:
        return slice(None), slice(None)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def is_blank(picture: Image) -> bool:
    """Whether a picture is black, white, or any other single colour."""
    return float(picture.mean(2).std()) < BLANK


def difference_hash(picture: Image) -> int:
    """64 bits that say where a 9x8 grey version becomes brighter to the right (Krawetz, 2013).

    Compression and small changes of brightness flip few of them.
    """
    small = np.asarray(Pillow.fromarray(picture).convert("L").resize((9, 8), Pillow.Resampling.BOX), np.int16)
    bits = np.packbits(small[:, 1:] > small[:, :-1])
    return int.from_bytes(bits.tobytes(), "big")
