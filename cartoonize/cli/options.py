"""The options that commands share, each declared once, in groups (see groups.py).

A new option of the encoder is a field of `EncoderOptions`, and one of the same name in media.Encoding.
"""

from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.choices import ChannelOrder, Compare, Detail, Hdr, InputRange, Precision, ProviderName
from ..core.errors import MediaError
from ..styles import DEFAULT
from . import completion
from .console import be_quiet, show_tracebacks
from .values import check_device_name, check_style, parse_batch, parse_rate, parse_seconds

if TYPE_CHECKING:
    from ..backends import RuntimeOptions
    from ..effects.look import Look
    from ..media import Decoding, Encoding

# Panels of `--help`. The options in no panel come first: they are those that most people need.
LOOK, READING, WRITING = "Look", "Reading INPUT", "Writing OUTPUT"
_ONNX = "Running .onnx networks of other programs"

Style = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE",
        help="A style by name (see `cartoonize styles`), a style file or a run folder.",
        autocompletion=completion.style_names,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="DEVICE",
        help="auto, cpu, cuda, cuda:N, mps, xpu, vulkan or vulkan:N; or nvidia, amd, intel or apple. No "
        "other device is used in its place.",
        autocompletion=completion.devices,
        callback=check_device_name,
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", "-y", help="Replace output that exists.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print only one JSON object, at the end.")]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="Print only notes about what was changed or left out, and errors; no progress.",
        callback=be_quiet,
    ),
]
Debug = Annotated[
    bool,
    typer.Option("--debug", help="Print the traceback of each error.", callback=show_tracebacks),
]
OnCluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="auto|ADDRESS",
        help="Convert on a Ray cluster; auto is the one that runs on this machine, or else this machine "
        "alone.",
        show_default=False,
    ),
]
Stabilize = Annotated[
    bool,
    typer.Option(
        "--stabilize/--no-stabilize",
        help="Prevent flicker: keep the drawing where the video stands still, and move it where that moves.",
        rich_help_panel=LOOK,
    ),
]
DetailName = Annotated[
    Detail,
    typer.Option(
        "--detail",
        metavar="LEVEL",
        help="Lines at which the network draws: low is 480, normal 720, high 1080, full all of INPUT. OUTPUT "
        "keeps the size of INPUT.",
        rich_help_panel=LOOK,
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Refuse larger pictures and frames, before they take memory.",
        show_default="256 million; 67 million in a video",
        rich_help_panel=READING,
    ),
]


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """Which network draws, and what it runs on."""

    style: Style = DEFAULT
    device: Device = "auto"
    precision: Annotated[
        Precision,
        typer.Option(metavar="BITS", help="auto, fp32, bf16, fp16 or int8; auto is the fastest on DEVICE."),
    ] = "auto"

    def __post_init__(self) -> None:
        check_style(self.style)  # before a command opens a source or a camera


@dataclass(frozen=True, slots=True)
class OnnxFileOptions:
    """How an .onnx file is run, by the names of backends.RuntimeOptions. Our own files need none of it."""

    provider: Annotated[
        ProviderName,
        typer.Option(
            metavar="NAME",
            help="auto, tensorrt, cuda, coreml, directml or cpu. No other provider is used in its place.",
            rich_help_panel=_ONNX,
        ),
    ] = "auto"
    input_range: Annotated[
        InputRange,
        typer.Option(
            metavar="RANGE", help="-1..1, 0..1, 0..255, or auto: by a trial.", rich_help_panel=_ONNX
        ),
    ] = "auto"
    channel_order: Annotated[
        ChannelOrder, typer.Option(metavar="ORDER", help="rgb or bgr.", rich_help_panel=_ONNX)
    ] = "rgb"

    def build(self) -> "RuntimeOptions":
        from ..backends import RuntimeOptions

        return RuntimeOptions(**asdict(self))


@dataclass(frozen=True, slots=True)
class SizeOptions:
    """The size at which the network draws, and that of the output."""

    detail: DetailName = "normal"
    max_size: Annotated[
        int | None,
        typer.Option(metavar="PX", help="Largest width or height of OUTPUT in pixels.", rich_help_panel=LOOK),
    ] = None


@dataclass(frozen=True, slots=True)
class LookOptions:
    """How the drawing and its source are combined."""

    strength: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="X",
            help="Blend: 0 is INPUT, 1 the drawing.",
            rich_help_panel=LOOK,
        ),
    ] = 1.0
    keep_colour: Annotated[
        bool,
        typer.Option(
            "--keep-colour",
            help="Keep the colours of INPUT; only the brightness comes from the drawing.",
            rich_help_panel=LOOK,
        ),
    ] = False
    compare: Annotated[
        Compare | None,
        typer.Option(
            metavar="VIEW",
            help="Show INPUT too. side: next to the drawing; split: in the left half; wipe: up to a moving "
            "line.",
            rich_help_panel=LOOK,
        ),
    ] = None

    def build(self) -> "Look":
        from ..effects.compositing import Retouch
        from ..effects.look import Look

        retouch = Retouch(strength=self.strength, keep_colour=self.keep_colour, compare=self.compare)
        return Look(retouch=retouch)


@dataclass(frozen=True, slots=True)
class VideoLookOptions(LookOptions):
    """As LookOptions, with the effects for videos only, which need the frames before."""

    stabilize: Stabilize = True
    on_twos: Annotated[
        bool,
        typer.Option(
            "--on-twos",
            help="12 drawings per second, as in cartoons: each is held for two frames of film.",
            rich_help_panel=LOOK,
        ),
    ] = False
    on_threes: Annotated[
        bool,
        typer.Option(
            "--on-threes",
            help="8 drawings per second: each is held for three frames of film.",
            rich_help_panel=LOOK,
        ),
    ] = False

    def build(self) -> "Look":
        if self.on_twos and self.on_threes:
            raise MediaError("--on-twos holds drawings for two frames, --on-threes for three; choose one.")
        hold = 2 if self.on_twos else 3 if self.on_threes else 1
        return replace(LookOptions.build(self), stabilize=self.stabilize, hold=hold)


@dataclass(frozen=True, slots=True)
class RangeOptions:
    """The part of a video to convert, in seconds."""

    start: Annotated[
        float | None,
        typer.Option(
            parser=parse_seconds,
            metavar="TIME",
            help="Start here: 90, 1:30 or 0:01:30.5.",
            rich_help_panel=READING,
        ),
    ] = None
    end: Annotated[
        float | None,
        typer.Option(
            parser=parse_seconds,
            metavar="TIME",
            help="Stop here, as INPUT counts time.",
            rich_help_panel=READING,
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class DecodingOptions:
    """How a video is read: fields of media.Decoding, by the same names."""

    stream: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Number of the video stream to convert.", rich_help_panel=READING
        ),
    ] = None
    fps: Annotated[
        Fraction | None,
        typer.Option(
            parser=parse_rate,
            metavar="RATE",
            help="Frames per second of a folder of pictures: 24 or 30000/1001.",
            show_default="25",
            rich_help_panel=READING,
        ),
    ] = None
    hdr: Annotated[
        Hdr,
        typer.Option(
            metavar="tonemap|fail",
            help="Convert HDR to SDR by ITU-R BT.2390, or refuse it.",
            rich_help_panel=READING,
        ),
    ] = "tonemap"
    max_pixels: MaxPixels = None

    def build(self, size: SizeOptions) -> "Decoding":
        from ..media import Decoding

        return Decoding(**asdict(self), **asdict(size))


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """The encoder of a video: fields of media.Encoding, by the same names."""

    codec: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A codec, as hevc or av1, or an encoder of FFmpeg.",
            autocompletion=completion.encoders,
            show_default="libx264; libvpx-vp9 for .webm",
            rich_help_panel=WRITING,
        ),
    ] = None
    crf: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=63,
            metavar="X",
            help="Constant quality: lower is better and larger.",
            show_default="18 for libx264",
            rich_help_panel=WRITING,
        ),
    ] = None
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Speed of the encoder: slower makes smaller files.",
            autocompletion=completion.x264_presets,
            show_default="veryfast for libx264",
            rich_help_panel=WRITING,
        ),
    ] = None

    def build(self) -> "Encoding":
        from ..media import Encoding

        return Encoding(**asdict(self))


@dataclass(frozen=True, slots=True)
class EncodingOptions(EncoderOptions):
    """As EncoderOptions, with what is for files only."""

    format: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The container, such as matroska, mpegts or y4m.",
            autocompletion=completion.formats,
            show_default="by suffix; matroska for -",
            rich_help_panel=WRITING,
        ),
    ] = None
    audio: Annotated[
        bool,
        typer.Option("--audio/--no-audio", help="Keep the sound, or leave it out.", rich_help_panel=WRITING),
    ] = True
    background: Annotated[
        str,
        typer.Option(
            metavar="COLOUR",
            help="Colour behind transparent video where OUTPUT cannot be transparent.",
            rich_help_panel=WRITING,
        ),
    ] = "white"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How the conversion of a video runs."""

    batch: Annotated[
        int | None,
        typer.Option(
            parser=parse_batch,
            metavar="N|auto",
            help="Frames per call of the network.",
            show_default="auto: what suits DEVICE",
        ),
    ] = None
    resume: Annotated[
        bool,
        typer.Option(
            "--resume/--no-resume",
            help="Continue where an interrupted run of the same command stopped, or start again.",
            rich_help_panel=WRITING,
        ),
    ] = True
    tolerate_errors: Annotated[
        bool,
        typer.Option(
            "--tolerate-errors",
            help="Accept what can be converted of a damaged INPUT as the result.",
            rich_help_panel=READING,
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """All options of the conversion of a video."""

    network: NetworkOptions
    size: SizeOptions
    look: VideoLookOptions
    span: RangeOptions
    decoding: DecodingOptions
    encoding: EncodingOptions
    run: RunOptions
    onnx: OnnxFileOptions

    def job(self) -> dict[str, Any]:
        """The fields of cluster.jobs.VideoJob, but for source, target and overwrite."""
        return {
            **asdict(self.network),
            "options": self.onnx.build(),
            "decoding": self.decoding.build(self.size),
            "encoding": self.encoding.build(),
            "look": self.look.build(),
            **asdict(self.run),
            **asdict(self.span),
        }


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """What to do about an output that exists, and how to report."""

    overwrite: Overwrite = False
    as_json: AsJson = False
    quiet: Quiet = False
    debug: Debug = False


@dataclass(frozen=True, slots=True)
class FilesOptions:
    """As OutputOptions, for commands that convert many files."""

    overwrite: Overwrite = False
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Convert only what OUTPUT does not hold yet.")
    ] = False
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Convert each file that appears in the folder INPUT, until Ctrl-C."),
    ] = False
    as_json: AsJson = False
    quiet: Quiet = False
    debug: Debug = False
