"""All options of the conversion of a video."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from ..values import parse_batch
from .look import SizeOptions, VideoLookOptions
from .network import NetworkOptions, OnnxFileOptions
from .panels import READING, WRITING
from .reading import DecodingOptions, RangeOptions
from .writing import EncodingOptions


@dataclass(frozen=True, slots=True)
class ConversionOptions:
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
            help="Accept the readable part of a damaged INPUT as the result.",
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
    run: ConversionOptions
    onnx: OnnxFileOptions

    def job(self) -> dict[str, Any]:
        """The fields of cluster.video_job.VideoJob, without source, target and overwrite."""
        return {
            **asdict(self.network),
            "options": self.onnx.build(),
            "decoding": self.decoding.build(self.size),
            "encoding": self.encoding.build(),
            "look": self.look.build(),
            **asdict(self.run),
            **asdict(self.span),
        }
