"""Parsers of containers: what they tell of a file and of a stream."""

import av
import pytest
from containers import CONTAINERS

from cartoonize.media.reading.parsers import parser_for
from cartoonize.media.reading.parsers.structure import StreamingParser, parse_file


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("piece", [1, 777])
def test_a_pipe_tells_what_a_file_does(made, name, piece):
    """Passing once, in pieces of any length, a container is understood as from its file."""
    path = made(name)
    with av.open(path) as container:
        container_parser = parser_for(container.format.name)
    if container_parser is None:
        pytest.skip("there is no parser for it")
    structure = parse_file(path, container_parser, 0)
    streaming, data = StreamingParser(container_parser, 0), path.read_bytes()
    for offset in range(0, len(data), piece):
        streaming.feed(data[offset : offset + piece])
    streaming.finish()
    assert streaming.structure == structure
    assert structure.intact
