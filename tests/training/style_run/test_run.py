"""`train run` makes a style of drawings or films; interrupted anywhere, the style is the same."""

import json
from pathlib import Path

import numpy as np
import pytest
from clips import write_film
from noise import noise
from PIL import Image, ImageDraw
from train_command import train

from cartoonize import stylize
from cartoonize.backends import load
from cartoonize.core.errors import CartoonizeError, TrainingError
from cartoonize.styles.card import read_header
from cartoonize.training.style_run.run import Helpers, list_steps
from cartoonize.training.style_run.state import RunState, Speeds, read_state, write_state

SPEEDS = Speeds(target=1.0, learn=50.0, refine=10.0, teach=1.0, evaluate=1.0)
COUNTS = {"targets": 8, "learn": 16, "refine": 16, "evaluate": 2}
FILES = ("style.safetensors", "style.int8.onnx", "style.webp", "before-after.png", "quality.json")


def draw_scene(seed: int, size: tuple[int, int]) -> Image.Image:
    """A soft picture with one clear edge."""
    picture = Image.fromarray(noise(5, 6, seed=seed)).resize(size, Image.Resampling.BICUBIC)
    ImageDraw.Draw(picture).rectangle((size[0] // 3, size[1] // 3, size[0] // 2, size[1] // 2), fill="white")
    return picture


def draw_cartoon(seed: int, size: tuple[int, int]) -> Image.Image:
    """Flat shapes with dark outlines."""
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", size, tuple(rng.integers(120, 256, 3).tolist()))
    pen = ImageDraw.Draw(picture)
    for _ in range(6):
        x, y = rng.integers(0, size[0] - 60), rng.integers(0, size[1] - 50)
        colour = tuple(rng.integers(0, 256, 3).tolist())
        pen.ellipse((x, y, x + 80, y + 60), fill=colour, outline=(30, 10, 10), width=3)
    return picture


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Ten photos of 200x170 pixels, of which eight are learned from."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(10):
        draw_scene(number, (200, 170)).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def drawings(tmp_path_factory):
    """Eight drawings of 220x180 pixels."""
    folder = tmp_path_factory.mktemp("drawings")
    for number in range(8):
        draw_cartoon(number, (220, 180)).save(folder / f"{number}.png")
    return folder


def plan(run: Path, **done: float) -> Path:
    """Begin a run folder with a plan of the smallest counts, as a run that measured its speed would."""
    run.mkdir(parents=True)
    write_state(run, RunState(speeds=SPEEDS, counts=dict(COUNTS), done=["speed"], seconds=done))
    return run


def arguments(run, style, photos):
    tiny = ("--workers", 0, "--precision", "fp32", "--device", "cpu", "--save-every", 0)
    return ["run", "--run", run, "--style", style, "--photos", photos, *tiny]


def make(run, style, photos, *options):
    """Call `train run`; what it wrote."""
    return train(*arguments(run, style, photos), *options).output


@pytest.fixture(scope="module")
def finished(tmp_path_factory, drawings, photos):
    """A finished run of drawings, and its output."""
    run = plan(tmp_path_factory.mktemp("once") / "mine")
    return run, make(run, drawings, photos)


@pytest.mark.slow
def test_one_command_makes_a_style(finished):
    """`train run` ends with a report, commands to use the style, and a style that draws in 8-bit integers."""
    run, output = finished
    assert all((run / name).is_file() for name in FILES)
    for words in (
        "faint structures lost",
        "flatness",
        "contours kept",
        "--style",
        "styles add",
        "before-after.png",
    ):
        assert words in output
    with load(str(run), device="cpu") as backend:
        photo = np.asarray(draw_scene(3, (64, 48)))
        drawing = backend(photo[None])[0]
        assert backend.precision == "int8"
    assert drawing.shape == photo.shape
    assert (drawing != photo).any()


@pytest.mark.slow
def test_the_card_names_what_the_style_was_made_from(finished):
    """The card has the run's numbers and figures, and the credit of the style that it started from."""
    card = read_header(finished[0] / "style.safetensors").card
    assert "8 drawings" in card.data
    assert "David Revoy" in card.credit
    assert "8 pairs" in card.recipe
    assert card.figures["contours_kept"] > 0
    assert card.figures == {
        name: float(f"{value:.4g}")
        for name, value in json.loads((finished[0] / "quality.json").read_text())["figures"].items()
    }


@pytest.mark.slow
def test_a_finished_run_is_left_alone(finished, drawings, photos):
    """The same command on a finished run changes nothing and prints the report again."""
    run, output = finished
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.name != "run.json"}
    again = make(run, drawings, photos)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert again[again.index("figure") :] == output[output.index("figure ") :]


@pytest.mark.slow
def test_other_options_are_refused(finished, drawings, photos):
    """A run is not continued with other drawings or another seed."""
    with pytest.raises(TrainingError, match="seed 0, not 3"):
        make(finished[0], drawings, photos, "--seed", 3)


@pytest.mark.slow
def test_a_look_without_an_artist(photos, tmp_path):
    """With --look alone, photos are redrawn in that look; the report says that no artist was measured."""
    run = plan(tmp_path / "mine")
    command = arguments(run, "unused", photos)
    position = command.index("--style")
    command[position : position + 2] = ["--look", "ink"]
    train(*command)
    assert not (run / "drawings").exists()
    card = read_header(run / "style.safetensors").card
    assert "--look ink" in card.recipe
    assert "drawings" not in card.data[: card.data.index("started")]
    with load(str(run), device="cpu") as backend:
        assert backend.precision == "int8"


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_misspelt_folder_leaves_nothing_behind(drawings, photos, tmp_path, dry):
    """A folder that does not exist is named, and the run can be started by the corrected command."""
    for words in (
        arguments(tmp_path / "run", tmp_path / "drawing", photos),
        arguments(tmp_path / "run", drawings, tmp_path / "photo"),
    ):
        with pytest.raises(
            TrainingError, match=r"There is no file or folder .*(drawing \(--style|photo \(--photos)"
        ):
            train(*words, *dry)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_folder_without_pictures_leaves_nothing_behind(drawings, photos, tmp_path, dry):
    """A folder without pictures is named before the other steps begin."""
    empty = tmp_path / "empty"
    empty.mkdir()
    for words in (arguments(tmp_path / "run", empty, photos), arguments(tmp_path / "run", drawings, empty)):
        with pytest.raises(TrainingError, match=r"There are no pictures in .*empty"):
            train(*words, *dry)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("option", "name", "sentence"),
    [
        ("--video", "none.mp4", r"none.mp4 \(--video\)"),
        ("--video", "picture.png", "picture.png is a picture: flicker needs a video"),
        ("--features", "none.safetensors", r"none.safetensors \(--features\)"),
    ],
)
def test_what_only_the_last_steps_read_is_checked_first(drawings, photos, tmp_path, option, name, sentence):
    """A wrong clip or file of weights is named before the training."""
    Image.new("RGB", (8, 8)).save(tmp_path / "picture.png")
    with pytest.raises(CartoonizeError, match=sentence):
        make(tmp_path / "run", drawings, photos, option, tmp_path / name)
    assert not (tmp_path / "run").exists()


def test_a_style_or_a_look_is_needed(photos, tmp_path):
    """Without drawings and without a look, a sentence says what to name."""
    with pytest.raises(TrainingError, match="by --style, or a look by --look"):
        train("run", "--run", tmp_path / "run", "--photos", photos)


@pytest.mark.slow
def test_three_clips_of_a_film(photos, tmp_path):
    """Clips take the place of drawings, and the style converts a video."""
    shots = [np.asarray(draw_cartoon(seed, (320, 240))) for seed in range(9)]
    clips = [write_film(tmp_path / f"{n}.mp4", shots[3 * n : 3 * n + 3]) for n in range(3)]
    run, styles = plan(tmp_path / "mine"), [word for clip in clips[1:] for word in ("--style", clip)]
    assert "0.mp4: 3 scenes" in make(run, clips[0], photos, *styles)
    report = stylize(clips[0], tmp_path / "cartoon.mp4", str(run), device="cpu", end=0.5)
    assert report.frames == 5


class Killed(BaseException):
    """Ends a run at once."""


@pytest.mark.slow
def test_killed_in_every_step(finished, drawings, photos, tmp_path, monkeypatch):
    """A run that is killed within each of its steps, and called again, makes the same files to the byte."""
    run = plan(tmp_path / "mine")
    steps = [
        step.name
        for step in list_steps(Helpers(print, print))
        if step.name not in ("speed", "teach", "taught")
    ]
    for step in steps:
        with monkeypatch.context() as patch:
            kill_within(step, patch)
            with pytest.raises(Killed):
                make(run, drawings, photos)
        assert step not in read_state(run).done
    make(run, drawings, photos)
    for name in FILES:
        assert (run / name).read_bytes() == (finished[0] / name).read_bytes(), name


def kill_within(name: str, patch: pytest.MonkeyPatch) -> None:
    """Let the step end at its second report of progress, or after its work if it reports less."""
    kind = next(type(step) for step in list_steps(Helpers(print, print)) if step.name == name)
    work = kind.run

    def run(step, workspace, display):
        reports = []

        def report(*values):
            reports.append(values)
            if len(reports) == 2:
                raise Killed

        for method in ("show_pictures", "show_images", "show_sheet"):
            patch.setattr(display, method, report)
        work(step, workspace, display)
        raise Killed

    patch.setattr(kind, "run", run)
