"""The recipe for GPUs, with its teacher, at tiny size on a CPU."""

import shutil

import pytest
from noise import noise
from PIL import Image

from cartoonize.training.settings import read_settings
from cartoonize.training.style_run import networks, run, stopwatch
from cartoonize.training.style_run.card import complete_card
from cartoonize.training.style_run.look import keep_given_look
from cartoonize.training.style_run.speed import MeasureSpeed
from cartoonize.training.style_run.state import RunState, Speeds, write_state
from cartoonize.training.style_run.workspace import RunOptions, Workspace

pytestmark = pytest.mark.slow

COUNTS = {"targets": 4, "teach": 8, "learn": 8, "refine": 8}


class Killed(BaseException):
    """Ends a run at once."""


class Display:
    """Kills the run at the second report of progress of the step with the title `kill`."""

    def __init__(self, kill=None):
        self.kill, self.title, self.reports = kill, None, 0

    def begin_step(self, title, *_):
        self.title, self.reports = title, 0

    def report(self, *_):
        self.reports += 1
        if self.kill and self.title == self.kill and self.reports == 2:
            raise Killed

    show_pictures = show_images = show_sheet = report

    def show_note(self, sentence):
        pass


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch):
    """A run on the CPU takes the recipe for GPUs, with batches and crops that a test has time for."""
    monkeypatch.setattr(Workspace, "has_gpu", True)
    monkeypatch.setattr(networks, "GPU_BATCH", 4)
    monkeypatch.setattr(networks, "GPU_SIZE", 64)
    monkeypatch.setattr(networks, "LOG_EVERY", 4)


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    """Ten soft photos and eight drawings with sharp edges."""
    folders = []
    for name, resample in (("photos", Image.Resampling.BICUBIC), ("drawings", Image.Resampling.NEAREST)):
        folder = tmp_path_factory.mktemp(name)
        for seed in range(10):
            small = Image.fromarray(noise(5, 6, seed=seed))
            small.resize((180, 164), resample).save(folder / f"{seed}.png")
        folders.append(folder)
    photos, drawings = folders
    return RunOptions(
        (drawings,), (photos,), "pepper", device="cpu", precision="fp32", workers=0, save_every=0
    )


def open_run(folder, options):
    folder.mkdir(parents=True)
    speeds = Speeds(target=1, teach=1, learn=50, refine=10, evaluate=1)
    write_state(folder, RunState(speeds=speeds, counts=dict(COUNTS), done=["speed"]))
    return Workspace(folder, options)


def make(workspace, monkeypatch, last="learn", kill=None):
    """Run the steps up to `last`."""
    steps = run.list_steps(run.Helpers(print, print))
    wanted = steps[: [step.name for step in steps].index(last) + 1]
    with monkeypatch.context() as patch:
        patch.setattr(run, "list_steps", lambda _: wanted)
        run.make_style(Workspace(workspace.folder, workspace.options), Display(kill), None)


def contents(workspace):
    files = [workspace.folder / step / "style.safetensors" for step in ("teach", "learn")]
    files += sorted((workspace.folder / "taught").rglob("*.png"))
    return {str(path.relative_to(workspace.folder)): path.read_bytes() for path in files}


def test_the_small_network_learns_from_the_teacher(options, tmp_path, monkeypatch):
    """The teacher redraws each pair, and the small network learns from that; a killed run ends the same."""
    begun = open_run(tmp_path / "mine", options)
    make(begun, monkeypatch, last="targets")
    killed = Workspace(tmp_path / "killed" / "mine", options)
    shutil.copytree(begun.folder, killed.folder)

    make(begun, monkeypatch)
    photos = sorted(path.name for path in (begun.pairs / "photo").rglob("*.png"))
    assert len(photos) == COUNTS["targets"]
    assert sorted(path.name for path in (begun.folder / "taught").rglob("*.png")) == photos
    settings = read_settings(begun.folder / "learn" / "distil")
    assert settings["targets"] == str(begun.folder / "taught")

    card = complete_card(Workspace(begun.folder, options))
    assert "a teacher from pepper-hq with 8 images, 8 images in floats" in card.recipe

    for kind in (networks.Teach, networks.Redraw, networks.Learn):
        with pytest.raises(Killed):
            make(killed, monkeypatch, kill=kind.title)
    make(killed, monkeypatch)
    assert contents(killed) == contents(begun)


def test_speeds_of_all_trainings_are_measured(options, tmp_path, monkeypatch):
    """The speeds that a plan for a GPU needs are measured, the teacher's too."""
    monkeypatch.setattr(stopwatch, "SECONDS", 0)
    workspace = open_run(tmp_path / "run", options)
    keep_given_look(workspace, Display())
    for step in run.list_steps(run.Helpers(print, print))[:3]:
        step.run(workspace, Display())
    assert networks.recipe_for("teach", workspace).model == "cartoongan_blur"
    MeasureSpeed().run(workspace, Display())
    speeds = workspace.state.speeds
    assert min(speeds.target, speeds.teach, speeds.learn, speeds.refine, speeds.evaluate) > 0
    assert speeds.teach < speeds.learn
