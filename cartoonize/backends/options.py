"""The options of the runtimes, besides device and precision."""

from dataclasses import dataclass, fields

from ..core.choices import ChannelOrder, InputRange, ProviderName


@dataclass(frozen=True, slots=True)
class RuntimeOptions:
    """Options of the runtimes; each backend accepts the ones that it declares (see registry.py).

    Attributes:
        provider: the execution provider of ONNX Runtime: "tensorrt", "cuda", "coreml" (Apple), "directml"
            (Windows), "cpu", or "auto", which takes the GPU of CUDA if there is one.
        input_range: the values that a network of another program expects and returns: "-1..1", "0..1" or
            "0..255"; "auto" tries the three (see layout.py).
        channel_order: the order of its channels, "rgb" or "bgr", for the input and the output.
    """

    provider: ProviderName = "auto"
    input_range: InputRange = "auto"
    channel_order: ChannelOrder = "rgb"

    @property
    def changed(self) -> frozenset[str]:
        """Names of the options that differ from their defaults."""
        return frozenset(
            option.name for option in fields(self) if getattr(self, option.name) != option.default
        )
