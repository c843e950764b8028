"""Groups of options: a dataclass in a signature stands for the options that its fields declare."""

import inspect
from dataclasses import asdict, dataclass, fields
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from cartoonize import Encoding
from cartoonize.backends import RuntimeOptions
from cartoonize.cli import main, options
from cartoonize.cli.batch import batch
from cartoonize.cli.groups import expand_groups
from cartoonize.cli.live import live
from cartoonize.cli.video import video
from cartoonize.cluster.jobs import VideoJob
from cartoonize.media import Decoding


@dataclass(frozen=True)
class Inner:
    quality: Annotated[int, typer.Option(help="Lower is better.")] = 18


@dataclass(frozen=True)
class Outer:
    name: Annotated[str, typer.Option()]
    inner: Inner


def test_groups_are_options_on_the_command_line():
    """The fields of a group, and of groups in it, are options; the command gets the groups."""
    called = []

    def command(source: str, outer: Outer, *, loud: bool = False) -> None:
        called.append((source, outer, loud))

    app = typer.Typer()
    app.command()(expand_groups(command))
    assert CliRunner().invoke(app, ["in", "--name", "a", "--quality", "7", "--loud"]).exit_code == 0
    assert CliRunner().invoke(app, ["in", "--name", "b"]).exit_code == 0
    assert called == [("in", Outer("a", Inner(7)), True), ("in", Outer("b", Inner()), False)]
    assert CliRunner().invoke(app, ["in"]).exit_code == 2  # a field without a default is required


def names(command):
    return set(inspect.signature(expand_groups(command)).parameters)


def test_batch_takes_what_video_takes():
    """`batch` takes each option of `video`, but for those about paths and folders."""
    assert names(video) - names(batch) == {"paths", "preview", "skip_existing", "watch"}


def test_live_takes_the_network_options_of_video():
    """`live` loads any network that `video` loads."""
    assert {field.name for field in fields(options.NetworkOptions)} <= names(live)
    assert {field.name for field in fields(options.OnnxFileOptions)} <= names(live)


@pytest.mark.parametrize(
    ("group", "target"),
    [
        (options.EncodingOptions, Encoding),
        (options.DecodingOptions, Decoding),
        (options.SizeOptions, Decoding),
        (options.OnnxFileOptions, RuntimeOptions),
        (options.ConversionOptions, VideoJob),
        (options.RangeOptions, VideoJob),
        (options.NetworkOptions, VideoJob),
    ],
)
def test_fields_have_the_names_and_defaults_of_the_library(group, target):
    """Each option has the name and the default of a field of the library."""
    library = {field.name: field.default for field in fields(target)}
    for field in fields(group):
        if field.name != "detail":  # the library's Decoding draws at full size
            assert library[field.name] == field.default


def test_the_options_of_a_video_make_a_job():
    """The options of `video` and `batch` reach the library by keyword."""
    chosen = options.VideoOptions(
        options.NetworkOptions("null"),
        options.SizeOptions("high", 640),
        options.VideoLookOptions(strength=0.5, stabilize=False),
        options.RangeOptions(1.5, 2.5),
        options.DecodingOptions(stream=1),
        options.EncodingOptions(crf=30.0, audio=False),
        options.ConversionOptions(batch=2, resume=False),
        options.OnnxFileOptions(channel_order="bgr"),
    )
    job = VideoJob("in.mp4", "out.mp4", **chosen.job())
    assert (job.style, job.start, job.end, job.batch, job.resume) == ("null", 1.5, 2.5, 2, False)
    assert (job.decoding.detail, job.decoding.max_size, job.decoding.stream) == ("high", 640, 1)
    assert (job.encoding.crf, job.encoding.audio) == (30.0, False)
    assert (job.look.retouch.strength, job.look.stabilize) == (0.5, False)
    assert asdict(job.options)["channel_order"] == "bgr"


def test_the_commands_of_export_stand_beside_the_others():
    """`export-onnx` and its like are commands of the program, not of a group."""
    commands = typer.main.get_command(main.app).commands
    assert {"video", "export-onnx", "export-tensorrt", "import-weights", "train"} <= set(commands)
