"""Graphs of ncnn as its .param files hold them: layers in order, with the blobs that they read and write.

A file is parsed here before ncnn sees it, and ncnn gets the text that `Graph.to_text` writes of what was
understood. So the two cannot read a file differently.

The format: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias
from urllib.parse import quote, unquote

MAGIC = "7767517"
INPUT, OUTPUT = "images", "cartoons"
"""The blobs of the pictures and of the drawings."""
MAX_TEXT = 1 << 20  # bytes; ours are under 20 KB
MAX_LAYERS = 4096
_ARRAY = -23300  # ncnn writes the number of a parameter with several values as this minus the number
_LONGEST_NAME = 250  # ncnn reads up to 255 characters
_LONGEST_VALUE = 200

Number: TypeAlias = int | float
Value: TypeAlias = Number | tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer, with its parameters by ncnn's numbers."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: Mapping[int, Value]

    def to_text(self) -> str:
        """Return the line of a .param file."""
        values = [_format(number, value) for number, value in self.parameters.items()]
        counts = str(len(self.inputs)), str(len(self.outputs))
        return " ".join((self.kind, self.name, *counts, *self.inputs, *self.outputs, *values))


@dataclass(frozen=True, slots=True)
class Graph:
    """The layers of a network, and what the file says about it.

    Layers of the kind Noop compute nothing; their names hold the metadata, as ncnn has no other place for it.
    """

    layers: tuple[Layer, ...]
    metadata: Mapping[str, str]

    def to_text(self) -> str:
        """Return the text of a .param file."""
        notes = [Layer("Noop", f"{key}={_quote(value)}", (), (), {}) for key, value in self.metadata.items()]
        layers = (*notes, *self.layers)
        blobs = sum(len(layer.outputs) for layer in layers)
        return "\n".join((MAGIC, f"{len(layers)} {blobs}", *(layer.to_text() for layer in layers), ""))


@dataclass(frozen=True, slots=True)
class NcnnNetwork:
    """A network as ncnn reads it: the graph of the .param file, and the bytes of the .bin file."""

    graph: Graph
    weights: bytes


def parse_graph(text: str) -> Graph:
    """Parse a .param file.

    Raises:
        ValueError: it is malformed; the message says where.
    """
    lines = text.splitlines()
    if len(lines) < 2 or lines[0].strip() != MAGIC:
        raise ValueError("it does not begin as .param files do")
    if len(lines) - 2 > MAX_LAYERS:
        raise ValueError(f"it has more than {MAX_LAYERS} layers")
    layers = [_parse_layer(line, number) for number, line in enumerate(lines[2:], 3) if line.strip()]
    if lines[1].split()[:1] != [str(len(layers))]:
        raise ValueError("the number of its layers is not the one that it states")
    notes = [layer.name.partition("=") for layer in layers if layer.kind == "Noop"]
    metadata = {key: unquote(value) for key, equals, value in notes if equals}
    return Graph(tuple(layer for layer in layers if layer.kind != "Noop"), metadata)


def _quote(text: str) -> str:
    """Return a text in the letters of a name, cut to the length that ncnn reads."""
    text = text[:_LONGEST_VALUE]
    while len(quote(text, safe="")) > _LONGEST_VALUE:
        text = text[:-1]
    return quote(text, safe="")


def _parse_layer(line: str, number: int) -> Layer:
    words = line.split()
    if len(words) < 4 or not all(re.fullmatch(r"[0-9]{1,2}", word) for word in words[2:4]):
        raise ValueError(f"line {number} is no layer")
    if any(not word.isascii() or not word.isprintable() or len(word) > _LONGEST_NAME for word in words):
        raise ValueError(f"line {number} has a name that is no name")
    ends = [4, 4 + int(words[2]), 4 + int(words[2]) + int(words[3])]
    if len(words) < ends[-1]:
        raise ValueError(f"line {number} names too few blobs")
    inputs, outputs = (tuple(words[start:end]) for start, end in pairwise(ends))
    parameters = dict(_parse_parameter(word, number) for word in words[ends[-1] :])
    return Layer(words[0], words[1], inputs, outputs, parameters)


def _parse_parameter(word: str, line: int) -> tuple[int, Value]:
    match = re.fullmatch(r"(-?[0-9]{1,5})=([-+0-9.e,]+)", word)
    if not match:
        raise ValueError(f"line {line} has no parameter {word!r}")
    number, numbers = int(match[1]), [_parse_number(text, line) for text in match[2].split(",")]
    if number > _ARRAY and len(numbers) == 1:
        return number, numbers[0]
    if number <= _ARRAY and numbers[0] == len(numbers) - 1:
        return _ARRAY - number, tuple(numbers[1:])
    raise ValueError(f"line {line} has no parameter {word!r}")


def _parse_number(text: str, line: int) -> Number:
    if re.fullmatch(r"-?[0-9]{1,9}", text):
        return int(text)
    if re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{0,9})?(e[-+]?[0-9]{1,2})?", text):
        return float(text)
    raise ValueError(f"line {line} has no number {text!r}")


def _format(number: int, value: Value) -> str:
    if isinstance(value, tuple):
        return f"{_ARRAY - number}={len(value)},{','.join(map(_format_number, value))}"
    return f"{number}={_format_number(value)}"


def _format_number(value: Number) -> str:
    # ncnn takes numbers with a point or an exponent for floats, and reads 15 characters.
    return str(value) if isinstance(value, int) else f"{value:.6e}"
