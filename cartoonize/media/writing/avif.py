"""Transparent AVIF animations: FFmpeg's AV1 encoders write opaque ones only, so Pillow encodes the frames.

They are first written as an APNG file, so that the memory holds one frame and not all.
"""

from collections.abc import Sequence
from pathlib import Path

from ...core.containers import Container, container_named
from ...core.errors import MediaError
from ..encoding import Encoding
from ..pictures.formats import FORMATS
from ..pictures.picture import open_picture
from ..video_info import VideoInfo

SUFFIX = ".avif"


def needs_pillow(container: Container, video: VideoInfo, encoding: Encoding) -> bool:
    """Whether Pillow writes a video: it is transparent, and no options of an encoder are given."""
    is_default = (encoding.codec, encoding.crf, encoding.preset) == (None, None, None)
    return container.muxer == "avif" and video.transparent and is_default and SUFFIX in FORMATS


def intermediate_container() -> Container:
    """The container of the frames until they are complete: without loss, and transparent."""
    return container_named("apng")


def repetition_notices(video: VideoInfo) -> list[str]:
    """A sentence if the animation is not shown forever, which is all that Pillow writes."""
    return [f"The output repeats forever, and {video.path.name} does not."] if video.plays else []


def convert_to_avif(path: Path, durations: Sequence[float]) -> None:
    """Replace a finished APNG file by an AVIF file of the same frames.

    Args:
        path: the file.
        durations: of the frames, in seconds; AVIF has milliseconds.

    Raises:
        MediaError: Pillow cannot encode the frames.
        OSError: the file cannot be written.
    """
    avif = FORMATS[SUFFIX]
    draft = path.with_name(f"{path.name}.draft")
    milliseconds = [round(1000 * seconds) for seconds in durations]
    try:
        with open_picture(path) as frames:
            frames.save(draft, avif.name, save_all=True, duration=milliseconds, **avif.options)
    except (ValueError, RuntimeError) as error:
        raise MediaError(f"Cannot write {path.name} as {avif.name}: {error}.") from error
    draft.replace(path)
