"""Parsers of container files, which tell whether a file is complete."""

from .avi import parse_avi
from .chunks import parse_apng, parse_flv
from .gif import parse_gif
from .matroska import parse_matroska
from .mov import parse_mov
from .mpegps import parse_mpegps
from .mpegts import parse_mpegts
from .structure import Parser

_PARSERS: dict[str, Parser] = {
    "matroska": parse_matroska, "flv": parse_flv, "gif": parse_gif, "apng": parse_apng, "mov": parse_mov,
    "avi": parse_avi, "mpegts": parse_mpegts, "mpeg": parse_mpegps,
}  # fmt: skip


def parser_for(container: str) -> Parser | None:
    """The parser of a container by FFmpeg's name of it ("matroska,webm"); None if there is none."""
    return next((parser for name, parser in _PARSERS.items() if container.startswith(name)), None)
