"""The options of the runtimes, besides device and precision."""

from dataclasses import dataclass, fields

from ..core.choices import ChannelOrder, InputRange, ProviderName


@dataclass(frozen=True, slots=True)
class RuntimeOptions:
    """Options of the runtimes. Each backend accepts those that it declares (see registry.py).

    Attributes:
        provider: the execution provider of ONNX Runtime: "tensorrt", "cuda", "coreml" (Apple), "directml"
            (Windows), "cpu", or "auto", which uses a GPU of CUDA if it can, and otherwise the CPU.
        input_range: the range of the values that another program's network takes and returns: "-1..1",
            "0..1" or "0..255"; "auto" tries all three (see layout.py).
        channel_order: the order of that network's channels, for input and output: "rgb" or "bgr".
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
