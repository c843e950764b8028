"""The steps of a style's run, each by itself."""

import itertools
import json
import math
import os
import sys
import time

import numpy as np
import pytest
from clips import write_film
from noise import noise
from PIL import Image
from train_command import train

from cartoonize.core.errors import TrainingError
from cartoonize.training.pictures import list_pictures, read_rgb
from cartoonize.training.recipe import TargetLook
from cartoonize.training.recipe_files import load_recipe
from cartoonize.training.style_run import stopwatch
from cartoonize.training.style_run.drawings import CollectDrawings
from cartoonize.training.style_run.look import keep_given_look
from cartoonize.training.style_run.networks import Learn
from cartoonize.training.style_run.photos import ChoosePhotos, choose_versions, read_choices
from cartoonize.training.style_run.state import COUNTED, RunState, Speeds, read_state, write_state
from cartoonize.training.style_run.time_budget import FIXED_SECONDS, SHARES, plan_counts
from cartoonize.training.style_run.workspace import RunOptions, Workspace

SPEEDS = Speeds(target=0.5, learn=60.0, refine=15.0, teach=1.0, evaluate=1.0)
STEPS = ("targets", "learn", "refine", "evaluate")


class Notes:
    """A display that keeps the sentences."""

    def __init__(self):
        self.sentences = []

    def show_note(self, sentence):
        self.sentences.append(sentence)

    def show_pictures(self, done, total):
        assert done <= total


def picture(seed, size):
    return Image.fromarray(noise(4, 5, seed=seed)).resize(size, Image.Resampling.BICUBIC)


def save_pictures(folder, count, size=(200, 170)):
    folder.mkdir(parents=True)
    for number in range(count):
        picture(number, size).save(folder / f"{number}.png")
    return folder


def save_film(path, seeds):
    return write_film(path, [np.asarray(picture(seed, (160, 96))) for seed in seeds])


def collect(tmp_path, *styles):
    workspace, notes = Workspace(tmp_path / "run", RunOptions(styles, ())), Notes()
    CollectDrawings().run(workspace, notes)
    return list_pictures(workspace.drawings), notes.sentences


def test_drawings_of_films_folders_and_files(tmp_path):
    """Films, folders and single pictures may be mixed; each film's scenes are counted."""
    films = [save_film(tmp_path / f"{name}.mp4", seeds) for name, seeds in (("a", (1, 2, 3)), ("b", (4, 5)))]
    folder = save_pictures(tmp_path / "sketches", 3)
    save_film(folder / "c.mp4", (6,))
    collected, sentences = collect(tmp_path, *films, folder, folder / "0.png")
    assert len(collected) == 3 + 2 + 1 + 3 + 1, sentences
    assert any("a.mp4: 3 scenes, 3 frames kept" in sentence for sentence in sentences)
    assert "10 drawings to learn from" in sentences[-1]


def test_large_drawings_are_reduced(tmp_path):
    """A scan is reduced to the 720 lines at which networks draw; a small drawing keeps its size."""
    save_pictures(tmp_path / "in" / "small", 7)
    save_pictures(tmp_path / "in" / "scan", 1, (2000, 1440))
    collected, _ = collect(tmp_path, tmp_path / "in")
    assert {read_rgb(path).shape[1::-1] for path in collected} == {(200, 170), (1000, 720)}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("few", "holds 3 usable"), ("x.txt", "neither a film")],
)
def test_what_is_no_style(tmp_path, name, sentence):
    """Too few drawings, a missing folder and another file are refused with a sentence."""
    save_pictures(tmp_path / "few", 3)
    (tmp_path / "x.txt").touch()
    with pytest.raises(TrainingError, match=sentence):
        collect(tmp_path, tmp_path / name)


def test_the_given_look_is_that_of_the_beginning(tmp_path):
    """A run keeps the look that --look held when it began; if the file changes or is lost, a note says so."""
    file, folder = tmp_path / "look.toml", tmp_path / "run"
    file.write_text('base = "pepper"\n[look]\ntones = 5\n')
    folder.mkdir()

    def resume():
        load_recipe.cache_clear()  # another process has none
        workspace, notes = Workspace(folder, RunOptions((), (), str(file))), Notes()
        keep_given_look(workspace, notes)
        workspace.save()
        return workspace.state.given_look.tones, notes.sentences

    assert resume() == (5, [])
    assert resume() == (5, [])
    file.write_text('base = "pepper"\n[look]\ntones = 6\n')
    tones, notes = resume()
    assert tones == 5
    assert "not as it was when the run began" in notes[0]
    file.unlink()
    assert resume() == (5, notes)


def test_photos_are_held_back_and_listed(tmp_path):
    """A tenth of the photos of all folders is held back; the same seed chooses the same ones."""
    folders = save_pictures(tmp_path / "a", 30), save_pictures(tmp_path / "b", 10, (1000, 800))
    choices = []
    for run in ("one", "two"):
        workspace, notes = Workspace(tmp_path / run, RunOptions((), folders)), Notes()
        workspace.folder.mkdir()
        ChoosePhotos().run(workspace, notes)
        assert len(list_pictures(workspace.held_back)) == 4
        choices.append(read_choices(workspace.folder))
    assert "40 photos are few" in notes.sentences[0]
    assert choices[0] == choices[1]
    assert len({choice.photo for choice in choices[0]}) == 36
    assert len({choice.version().file for choice in choices[0]}) == len(choices[0])


def test_a_teacher_that_did_not_finish_teaches_nothing(tmp_path):
    """A run that is stopped while its teacher redraws, and resumes on a CPU, learns from the filters."""
    workspace = Workspace(tmp_path, RunOptions((), ()))
    (tmp_path / "taught").mkdir()
    assert Learn().targets(workspace) == workspace.pairs / "target"
    workspace.state.done.append("taught")
    assert Learn().targets(workspace) == tmp_path / "taught"


@pytest.mark.parametrize("change", [{"name": "../../a"}, {"scale": 1e9}, {"megapixels": math.nan}], ids=str)
def test_photos_of_a_strangers_run(tmp_path, change):
    """A run folder of somebody else cannot have files written elsewhere, or photos enlarged without limit."""
    choice = {"photo": "a.png", "name": "00001-a", "scale": 2.0, "megapixels": 0.1}
    (tmp_path / "photos.json").write_text(json.dumps([choice]))
    assert len(read_choices(tmp_path)) == 1
    (tmp_path / "photos.json").write_text(json.dumps([choice | change]))
    with pytest.raises(TrainingError, match=r"photos\.json is damaged"):
        read_choices(tmp_path)


def test_no_photos(tmp_path):
    """A list without photos is refused, as a damaged file is."""
    (tmp_path / "photos.json").write_text("[]")
    with pytest.raises(TrainingError, match=r"photos\.json is damaged"):
        read_choices(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        '{"counts": {"evaluate": 100000000000000000}}',
        '{"counts": {"evaluate": 0}}',
        '{"seconds": {"learn": 1e999}}',
        "[",
    ],
)
def test_the_state_of_a_strangers_run(tmp_path, content):
    """Numbers out of range in run.json are refused, as a damaged file is."""
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(TrainingError, match=r"run\.json is damaged"):
        read_state(tmp_path)


@pytest.mark.parametrize("lost", ["look", "speeds", "counts"])
def test_a_step_is_not_done_without_its_result(tmp_path, lost):
    """A state that lacks what a finished step has put into it is refused, as a damaged file is."""
    done = ["look", "speed", "targets"]
    state = RunState(speeds=SPEEDS, look=TargetLook(), counts={"targets": 8}, done=done)
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    content = json.loads((tmp_path / "run.json").read_text())
    del content[lost]
    (tmp_path / "run.json").write_text(json.dumps(content))
    with pytest.raises(TrainingError, match=r"run\.json is damaged"):
        read_state(tmp_path)


def test_versions_of_photos(tmp_path):
    """Large photos are reduced to 540 and 720 lines, some small ones are enlarged, tiny ones left out."""
    save_pictures(tmp_path / "p" / "large", 1, (2000, 1440))
    save_pictures(tmp_path / "p" / "small", 4, (300, 200))
    save_pictures(tmp_path / "p" / "tiny", 2, (100, 100))
    choices = choose_versions(list_pictures(tmp_path / "p"))
    lines = [round((choice.megapixels * 1e6 / 1.5) ** 0.5) for choice in choices if "small" in choice.photo]
    assert sorted(set(lines)) == [200, 400]
    assert sorted(choice.scale for choice in choices if "large" in choice.photo) == [0.375, 0.5]
    assert len({choice.photo for choice in choices}) == 5


def test_a_panorama_has_one_version(tmp_path):
    """A photo of which each version would be reduced to the same size is listed once."""
    save_pictures(tmp_path / "p", 1, (9000, 500))
    (choice,) = choose_versions(list_pictures(tmp_path / "p"))
    assert choice.scale == 540 / 500


def run_on(load, minutes, speeds=SPEEDS, steps=STEPS):
    """Run the plan on a machine that reaches `load[step]` of the measured speeds; the state at the end."""
    state = RunState(speeds=speeds)
    rates = {"targets": speeds.target / 0.2, **{step: getattr(speeds, step) for step in steps[1:]}}
    for step in steps:
        state.counts[step] = plan_counts(steps, state, minutes, pair_megapixels=0.2)[step]
        state.seconds[step] = state.counts[step] / (rates[step] * load.get(step, 1.0))
        state.done.append(step)
    return state


def test_a_run_with_a_teacher_ends_in_its_time():
    """On a GPU the teacher takes the largest share, and leaves time for what learns from it."""
    speeds = Speeds(target=2.0, teach=40.0, learn=400.0, refine=100.0, evaluate=4.0)
    seconds = run_on({}, 20, speeds, ("targets", "teach", *STEPS[1:])).seconds
    assert 0.9 * 1200 < sum(seconds.values()) + FIXED_SECONDS <= 1.1 * 1200
    assert max(seconds, key=seconds.get) == "teach"
    assert min(seconds["learn"], seconds["refine"]) > 0.15 * 1200


@pytest.mark.parametrize("minutes", [10, 60, 150])
@pytest.mark.parametrize(
    "load",
    [
        {},
        dict.fromkeys(STEPS, 0.4),
        {"targets": 0.3},
        {"targets": 0.3, "learn": 0.6},
        {"learn": 0.5, "refine": 0.5, "evaluate": 0.5},
        dict.fromkeys(STEPS, 1.15),
    ],
)
def test_a_run_ends_in_its_time(minutes, load):
    """A run ends within a tenth of --minutes on an idle machine, a busy one, and one that changes."""
    state = run_on(load, minutes)
    spent = sum(state.seconds.values()) + FIXED_SECONDS
    assert spent <= 1.1 * 60 * minutes
    assert spent > 0.7 * 60 * minutes


def test_shares_of_an_hour():
    """An hour has 13 minutes of targets, 22 of learning, 20 of integers, also if it begins on a busy machine.

    With fewer than 9,600 crops in integers, fills are uneven.
    """
    seconds = run_on({}, 60).seconds
    assert [round(seconds[step] / 60) for step in STEPS[:3]] == [13, 22, 21]
    assert run_on({"targets": 0.4}, 60).counts["refine"] > 9600


def test_the_plan_without_time():
    """Without a limit each step does what is useful; with hardly any time, the least that makes a style."""
    assert plan_counts(STEPS, RunState(speeds=SPEEDS), None, 0.2) == {
        step: SHARES[step].most for step in STEPS
    }
    assert plan_counts(STEPS, RunState(speeds=SPEEDS), 0.01, 0.2) == {
        step: SHARES[step].least for step in STEPS
    }


def test_the_planned_steps_are_those_with_a_count():
    """What a run plans is what its state must count."""
    assert set(SHARES) == set(COUNTED)


def test_the_plan_follows_the_time_that_was_spent():
    """A training that was slower than measured leaves fewer images for the next; decided counts stay."""
    counts = {"targets": 400, "learn": 40_000}
    state = RunState(speeds=SPEEDS, look=TargetLook(), counts=counts, done=["targets", "learn"])
    state.seconds = {"targets": 160.0, "learn": 40_000 / 60}
    on_time = plan_counts(STEPS, state, 60, 0.2)
    state.seconds["learn"] *= 2
    late = plan_counts(STEPS, state, 60, 0.2)
    assert late["refine"] < 0.5 * on_time["refine"]
    assert late["learn"] == 40_000


def test_a_busy_machine_is_not_taken_for_a_slow_one(monkeypatch):
    """A measurement counts the time that its own work took, not that of other programs."""
    monkeypatch.setattr(stopwatch, "SECONDS", 0.1)

    def work():
        ends = time.thread_time() + 0.01
        while time.thread_time() < ends:
            pass
        time.sleep(0.02)  # as if another program had the core

    assert stopwatch.per_second(work) == pytest.approx(100, rel=0.2)
    assert stopwatch.per_second(work, on_gpu=True) < 50


def test_a_thread_that_waits_does_not_slow_the_plan(monkeypatch):
    """Runs in which threads spin, because another program stops one of them, do not count."""
    monkeypatch.setattr(stopwatch, "SECONDS", 0.3)
    costs = itertools.cycle([0.08, 0.01, 0.08])

    def work():
        ends = time.thread_time() + next(costs)
        while time.thread_time() < ends:
            pass

    assert stopwatch.per_second(work) == pytest.approx(100, rel=0.2)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--width", "8"], "--width can only be chosen with --preset"),
        (["--images", "8"], "--images can only be chosen with --preset"),
        (["--log-every", "8"], "--log-every can only be chosen with --preset"),
        (["--json"], "add --dry-run"),
        (["--preset", "deck", "--minutes", "3"], "--minutes cannot be used with --preset"),
        (["--preset", "deck", "--style", "other"], "one folder of photos"),
    ],
)
def test_options_that_exclude_each_other(tmp_path, options, sentence):
    """Options of presets and those of a run with a time limit cannot be mixed; a sentence says so."""
    with pytest.raises(TrainingError, match=sentence):
        train("run", "--style", "a", "--photos", "b", "--run", tmp_path / "run", *options)


def test_no_photos_is_a_sentence(tmp_path):
    """Without photos the run says what to do."""
    workspace = Workspace(tmp_path, RunOptions((), ()))
    with pytest.raises(TrainingError, match="200 or more"):
        ChoosePhotos().run(workspace, Notes())


def test_photos_with_any_name(tmp_path):
    """Photos may have names that fill the limit of the system, or are not UTF-8: a run reads its files."""
    photos = save_pictures(tmp_path / "photos", 20)
    (photos / "0.png").rename(photos / f"{'ä' * 125}.png")
    if sys.platform == "linux":
        (photos / "1.png").rename(photos / os.fsdecode(b"\xff\xfe.png"))
        photos = photos.rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xe4"))
    workspace = Workspace(tmp_path / "run", RunOptions((), (photos,)))
    workspace.folder.mkdir()
    workspace.check_options()
    workspace.save()
    Workspace(workspace.folder, workspace.options).check_options()
    ChoosePhotos().run(workspace, Notes())
    versions = [choice.version() for choice in read_choices(workspace.folder)]
    assert len({version.photo for version in versions}) == 18
    assert all(version.photo.exists() for version in versions)
    assert max(len(os.fsencode(version.file)) for version in versions) <= 120


@pytest.mark.parametrize("options", [((".",), ("photos",)), (("art",), (".",)), (("art",), ("run",))])
def test_a_run_does_not_learn_from_itself(tmp_path, options):
    """A run within its drawings or photos is refused: called again, it would take its own files for them."""
    save_pictures(tmp_path / "art", 8)
    save_pictures(tmp_path / "photos", 8)
    save_pictures(tmp_path / "run", 1)
    styles, photos = (tuple(tmp_path / name for name in names) for names in options)
    with pytest.raises(TrainingError, match="whose pictures are read: name another folder"):
        Workspace(tmp_path / "run", RunOptions(styles, photos)).check_sources()
