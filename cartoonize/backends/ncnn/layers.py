"""The kinds of layer that are accepted: the ranges of their parameters, their output's shape, their weights.

`check.py` applies these rules to a file before ncnn sees it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .graph import Layer, Number, Value

Shape = tuple[int, int, int]
"""Channels, height and width of a blob."""
REFLECT, BILINEAR, ADD = 2, 2, 0
RELU, LEAKY_RELU = 1, 2
_MAX_CHANNELS = 8192


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a kind of layer: its name, range and type, and whether ncnn's default is refused."""

    name: str
    low: float
    high: float
    type: Literal["int", "float", "floats"] = "int"
    required: bool = True

    def check(self, value: Value) -> Number:
        """Return the number.

        Raises:
            ValueError: it is of another type, or out of range.
        """
        if isinstance(value, tuple) == (self.type == "floats"):
            (number,) = value if isinstance(value, tuple) and len(value) == 1 else (value,)
            fits = isinstance(number, int if self.type == "int" else float)
            if fits and not isinstance(number, tuple) and self.low <= number <= self.high:
                return number
        raise ValueError(f"{self.name} is {value}, not from {self.low:g} to {self.high:g}")


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """Numbers in the .bin file; those that are `tagged` begin with a mark of their type."""

    count: int
    tagged: bool = False


Values = Mapping[str, Number]
Shapes = Sequence[Shape]


@dataclass(frozen=True, slots=True)
class LayerKind:
    """The rules for a kind of layer.

    Attributes:
        parameters: by ncnn's numbers; all others are refused.
        shape: returns the shape of the output for those of the inputs, or raises ValueError.
        weights: returns its weights for inputs of these shapes, or raises ValueError.
        inputs: how many blobs it reads.
    """

    parameters: Mapping[int, Parameter]
    shape: Callable[[Values, Shapes], Shape]
    weights: Callable[[Values, Shapes], list[LayerWeights]] = lambda _values, _shapes: []
    inputs: int = 1


def values_of(layer: Layer) -> dict[str, Number]:
    """Return the parameters of a layer by name.

    Raises:
        ValueError: the kind of layer is not accepted, or a parameter is unknown, missing or out of range.
    """
    kind = KINDS.get(layer.kind)
    if kind is None:
        raise ValueError(f"layers of the kind {layer.kind!r} are not accepted")
    unknown = layer.parameters.keys() - kind.parameters.keys()
    if unknown:
        raise ValueError(f"the parameter {min(unknown)} of {layer.kind} is not accepted")
    values = {kind.parameters[n].name: kind.parameters[n].check(v) for n, v in layer.parameters.items()}
    for parameter in kind.parameters.values():
        if parameter.required and parameter.name not in values:
            raise ValueError(f"{layer.kind} lacks {parameter.name}")
    return values


def _same(_values: Values, shapes: Shapes) -> Shape:
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"inputs of different sizes are added: {', '.join(map(str, shapes))}")
    return shapes[0]


def _for_channels(values: Values, shapes: Shapes) -> Shape:
    if values["channels"] != shapes[0][0]:
        raise ValueError(f"a layer for {values['channels']} channels gets {shapes[0][0]}")
    return shapes[0]


def _two_per_channel(values: Values, _shapes: Shapes) -> list[LayerWeights]:
    return [LayerWeights(int(values["channels"]))] * 2


def _convolve(values: Values, shapes: Shapes) -> Shape:
    stride, least = int(values["stride"]), int(values["kernel"]) - 2 * int(values["pad"])
    height, width = ((side - least) // stride + 1 if side >= least else 0 for side in shapes[0][1:])
    return int(values["outputs"]), height, width


def _convolve_transposed(values: Values, shapes: Shapes) -> Shape:
    stride, more = int(values["stride"]), int(values["kernel"]) - 2 * int(values["pad"])
    height, width = ((side - 1) * stride + more for side in shapes[0][1:])
    return int(values["outputs"]), height + int(values["bottom"]), width + int(values["right"])


def _filters(values: Values, shapes: Shapes) -> list[LayerWeights]:
    channels, outputs, group = shapes[0][0], int(values["outputs"]), int(values.get("group", 1))
    if channels % group or outputs % group:
        raise ValueError(f"{channels} and {outputs} channels are not divisible by {group}")
    count = outputs * (channels // group) * int(values["kernel"]) ** 2
    if values["weights"] != count:
        raise ValueError(f"a convolution states {values['weights']} weights and has {count}")
    if values["activation"] == LEAKY_RELU and "slope" not in values:
        raise ValueError("a convolution lacks the slope of its activation")
    return [LayerWeights(count, tagged=True), *([LayerWeights(outputs)] if values["bias"] else [])]


def _reflect(values: Values, shapes: Shapes) -> Shape:
    channels, height, width = shapes[0]
    vertical, horizontal = (
        [int(values[side]) for side in sides] for sides in (("top", "bottom"), ("left", "right"))
    )
    if max(vertical) >= height or max(horizontal) >= width:
        raise ValueError(f"{width}x{height} pixels are too few to be reflected")
    return channels, height + sum(vertical), width + sum(horizontal)


def _enlarge(_values: Values, shapes: Shapes) -> Shape:
    channels, height, width = shapes[0]
    return channels, 2 * height, 2 * width


def _to_patches(values: Values, shapes: Shapes) -> Shape:
    (channels, height, width), side = shapes[0], int(values["side"])
    if height % side or width % side:
        raise ValueError(f"{width}x{height} is not divisible by {side}")
    return channels * side**2, height // side, width // side


def _from_patches(values: Values, shapes: Shapes) -> Shape:
    (channels, height, width), side = shapes[0], int(values["side"])
    if channels % side**2:
        raise ValueError(f"{channels} channels are not divisible by {side**2}")
    return channels // side**2, height * side, width * side


def _fixed(name: str, value: int) -> Parameter:
    return Parameter(name, value, value)


_CHANNELS = Parameter("channels", 1, _MAX_CHANNELS)
_EPS = Parameter("eps", 0, 1, "float")
_SIDE = Parameter("side", 2, 8)
_CONVOLUTION = {
    0: Parameter("outputs", 1, _MAX_CHANNELS),
    1: Parameter("kernel", 1, 15),
    3: Parameter("stride", 1, 4),
    4: Parameter("pad", 0, 7),
    5: Parameter("bias", 0, 1),
    6: Parameter("weights", 1, 1 << 29),
    9: Parameter("activation", 0, LEAKY_RELU),
    10: Parameter("slope", -10, 10, "floats", required=False),
}

KINDS: Mapping[str, LayerKind] = {
    "BinaryOp": LayerKind({0: _fixed("operation", ADD)}, _same, inputs=2),
    "Clip": LayerKind(
        {0: Parameter("low", -1e9, 1e9, "float"), 1: Parameter("high", -1e9, 1e9, "float")}, _same
    ),
    "Convolution": LayerKind(_CONVOLUTION, _convolve, _filters),
    "ConvolutionDepthWise": LayerKind(
        {**_CONVOLUTION, 7: Parameter("group", 1, _MAX_CHANNELS)}, _convolve, _filters
    ),
    "Deconvolution": LayerKind(
        {**_CONVOLUTION, 18: Parameter("right", 0, 3), 19: Parameter("bottom", 0, 3)},
        _convolve_transposed,
        _filters,
    ),
    "GroupNorm": LayerKind(
        {0: _fixed("group", 1), 1: _CHANNELS, 2: _EPS, 3: _fixed("affine", 1)},
        _for_channels,
        _two_per_channel,
    ),
    "InstanceNorm": LayerKind(
        {0: _CHANNELS, 1: _EPS, 2: _fixed("affine", 1)}, _for_channels, _two_per_channel
    ),
    "Interp": LayerKind(
        {
            0: _fixed("mode", BILINEAR),
            1: Parameter("vertical", 2, 2, "float"),
            2: Parameter("horizontal", 2, 2, "float"),
            6: Parameter("aligned", 0, 1),
        },
        _enlarge,
    ),
    "Padding": LayerKind(
        {
            **{n: Parameter(side, 0, 15) for n, side in enumerate(("top", "bottom", "left", "right"))},
            4: _fixed("mode", REFLECT),
        },
        _reflect,
    ),
    "PixelShuffle": LayerKind({0: _SIDE}, _from_patches),
    "ReLU": LayerKind({0: Parameter("slope", -10, 10, "float")}, _same),
    "Reorg": LayerKind({0: _SIDE}, _to_patches),
    "Scale": LayerKind({0: _CHANNELS, 1: _fixed("bias", 1)}, _for_channels, _two_per_channel),
    "Split": LayerKind({}, _same),
    "TanH": LayerKind({}, _same),
}
"""All kinds that are accepted, besides Input and Noop. https://github.com/Tencent/ncnn/wiki/operators"""
