"""`cartoonize benchmark`: its measurements add up, and it names what ran."""

import json
import time

import pytest
from clips import Clip
from on_device import InPyTorch

from cartoonize import load
from cartoonize.cli.benchmark import describe_speed
from cartoonize.core import cpus
from cartoonize.media import Decoding
from cartoonize.tools import benchmark
from cartoonize.tools.benchmark import Benchmark, Cost
from cartoonize.tools.benchmark_stages import Stages


@pytest.fixture(scope="module")
def result(tmp_path_factory, tiny_style):
    """A benchmark of a tiny network on a clip of 12 frames."""
    clip = Clip(tones=[440]).write(tmp_path_factory.mktemp("clip") / "in.mp4")
    backend = load(str(tiny_style), device="cpu")
    return benchmark.benchmark(backend, str(tiny_style), width=64, height=64, rounds=2, clip=clip)


def test_every_stage_is_measured(result):
    """Each stage is measured alone, and all together, in elapsed and in CPU time."""
    assert list(result.stages) == ["decode", "network", "stabilize", "enlarge", "encode", "together"]
    assert all(cost.wall > 0 and cost.cpu > 0 for cost in result.stages.values())
    assert result.frames == 12
    assert result.fps == pytest.approx(1000 / result.stages["together"].wall)


def test_it_names_what_ran(result):
    """The result names the device, precision, backend, versions and the work of the network."""
    assert result.backend == "pytorch"
    assert result.precision in ("bf16", "fp32")
    assert {"cartoonize", "python", "system", "cores", "ffmpeg", "torch"} <= result.machine.keys()
    assert 0 < result.gflop < 1


def test_the_whole_is_compared_with_its_stages():
    """The whole is compared with the slowest stage, and with the lower bound of all cores."""
    result = Benchmark("s", "1x1", 10, 1, "cpu", "fp32", "pytorch", 1, "normal")
    result.stages = {
        "decode": Cost(2, 2), "network": Cost(20, 40), "encode": Cost(10, 10), "together": Cost(30, 55),
    }  # fmt: skip
    result.compare()
    assert result.fps == pytest.approx(1000 / 30)
    assert result.to_slowest == pytest.approx(1.5)
    assert result.to_bound == pytest.approx(30 / max(20, 52 / cpus.count_cores()))
    assert result.outside == pytest.approx(3 / 55)


def test_it_ends_in_time(tiny_style, tmp_path):
    """Without --rounds, the benchmark measures as many frames and rounds as fit into its time."""
    steps, called = [], []
    costs = benchmark._measure(
        {"decode": lambda: called.append(1) or 4}, 3, time.monotonic() - 1, steps.append
    )
    assert (len(called), len(costs["decode"])) == (1, 1)
    assert steps == ["round 1 of 3: decode"]
    clip = Clip(times=range(60)).write(tmp_path / "in.mp4")
    with load(str(tiny_style), device="cpu") as backend:
        stages = Stages(clip, tmp_path / "out.mp4", Decoding(), backend, str(tiny_style))
        stages.prepare(0.0)
        assert stages.count == len(stages.frames) == stages.decode() == 4


def test_a_gpu_hands_yuv_to_the_encoder(tmp_path):
    """If a GPU runs the effects, the stage of the encoder gets what the conversion gives it."""
    clip = Clip(times=range(8)).write(tmp_path / "in.mp4")
    stages = Stages(clip, tmp_path / "out.mp4", Decoding(), InPyTorch(lambda images: images), "a network")
    stages.prepare(None)
    assert list(stages.all()) == ["decode", "network", "encode", "together"]
    assert all(frame.is_yuv for frame in stages._results())
    assert stages.all()["encode"]() == stages.draw() == 8


@pytest.mark.parametrize(
    ("fps", "size", "answer"),
    [
        (7.9, "1280x720", "720p at 7.9 frames/s: ten minutes of film take 38 minutes (at 30 frames/s)."),
        (640, "640x480", "640x480 at 640.0 frames/s: ten minutes of film take 28 seconds (at 30 frames/s)."),
    ],
)
def test_the_answer_is_a_sentence(fps, size, answer):
    """The first line says how long ten minutes of film take."""
    result = Benchmark("s", size, 10, 1, "cpu", "fp32", "pytorch", 1, "normal", fps=fps)
    assert describe_speed(result) == answer


def test_the_command_prints_a_table_or_json(run, tmp_path, tiny_style):
    """`benchmark` prints a table to paste, or one JSON object."""
    clip = Clip().write(tmp_path / "in.mp4")
    command = ("benchmark", "--style", tiny_style, "--video", clip, "--rounds", 1)
    code, printed, _ = run(*command)
    assert code == 0
    assert "together / slowest stage alone" in printed
    assert printed.startswith("64x48 at ")
    code, printed, _ = run(*command, "--json")
    assert code == 0
    assert json.loads(printed)["stages"]["network"]["wall"] > 0


def test_a_missing_clip_is_refused_before_the_network_is_loaded(run):
    """A missing --video is refused before the network is loaded."""
    code, out, err = run("benchmark", "--style", "null", "--video", "missing.mp4")
    assert (code, out) == (1, "")
    assert "There is no file or folder missing.mp4" in err
    assert "The style null draws nothing" not in err  # as it says once it is loaded


@pytest.mark.parametrize("size", ["1280", "axb", "1280x", "0x0", "9999999x2"])
def test_malformed_sizes(run, size):
    """A malformed size is refused in a sentence with an example."""
    code, _, err = run("benchmark", "--size", size)
    assert code == 1
    assert "1280x720" in err
