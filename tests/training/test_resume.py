"""A run that was stopped resumes and equals an uninterrupted one."""

import errno
import io
import json
import math
import multiprocessing
import re
import shutil
import signal
from dataclasses import replace

import msgspec
import pytest
import torch
from PIL import Image
from processes import file_limit
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer.record_writer import RecordWriter

from cartoonize.backends.pytorch.hardware import cpu_features
from cartoonize.core.errors import CartoonizeError, SpaceError, TrainingError
from cartoonize.models.checkpoint import load_style
from cartoonize.training.log import Log
from cartoonize.training.losses import Weights
from cartoonize.training.networks import start_generator
from cartoonize.training.pretrain import Pretrain
from cartoonize.training.run import train

EVERYTHING = Weights(content=1, adversarial=1, temporal=0.5, texture=0.5)


def weights_of(settings):
    newest = max((settings.folder / "checkpoints").glob("*.pt"))
    return torch.load(newest, weights_only=True)


def assert_equal(a, b):
    """All tensors of two checkpoints, bit for bit."""
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for name in a:
            assert_equal(a[name], b[name])
    elif isinstance(a, list):
        for one, other in zip(a, b, strict=True):
            assert_equal(one, other)
    else:
        assert a == b


# Where the processor computes bf16 in software, these two take as long as fifty other tests.
BF16 = pytest.param("bf16", marks=[] if "AVX512 bf16" in cpu_features() else pytest.mark.slow)


@pytest.mark.parametrize("precision", ["fp32", BF16])
@pytest.mark.parametrize("phase", ["pretrain", "adversarial"])
def test_resumed_run_equals_an_uninterrupted_one(settings, tmp_path, phase, precision):
    """Stopped halfway and started again, networks, optimisers, image pool and style end bit for bit equal."""
    changes = {"weights": EVERYTHING, "pool": 3, "precision": precision}
    whole = settings(phase, run=tmp_path / "whole", **changes)
    halves = settings(phase, run=tmp_path / "halves", **changes)
    train(whole)
    train(replace(halves, images=8))
    train(halves)
    assert_equal(weights_of(whole), weights_of(halves))
    styles = [load_style(run / "style.safetensors")[0].state_dict() for run in (whole.run, halves.run)]
    assert_equal(dict(styles[0]), dict(styles[1]))


def test_workers_do_not_change_the_result(settings, tmp_path):
    """Training has the same weights if other processes load the pictures.

    These processes end with the training.
    """
    alone = settings("pretrain", run=tmp_path / "alone", workers=0, images=8)
    helped = settings("pretrain", run=tmp_path / "helped", workers=2, images=8)
    train(alone)
    train(helped)
    assert multiprocessing.active_children() == []
    assert_equal(weights_of(alone), weights_of(helped))


def test_finished_run_is_left_alone(settings):
    """The same command on a finished run changes nothing."""
    once = settings("pretrain")
    style = train(once)
    before = style.stat().st_mtime_ns
    train(once)
    assert style.stat().st_mtime_ns == before


def test_damaged_checkpoint_falls_back(settings):
    """With the newest checkpoint cut short the one before is taken, with a warning; the end is the same."""
    once = settings("pretrain", images=8)
    train(once)
    train(replace(once, images=16))
    checkpoints = sorted((once.folder / "checkpoints").glob("*.pt"))
    expected = weights_of(once)
    checkpoints[-1].write_bytes(checkpoints[-1].read_bytes()[:1000])
    with pytest.warns(UserWarning, match="using the one before"):
        train(replace(once, images=12))
    assert [path.name for path in sorted((once.folder / "checkpoints").iterdir())] == [
        "checkpoint-000000008.pt", "checkpoint-000000012.pt",
    ]  # fmt: skip
    train(replace(once, images=16))
    assert_equal(expected, weights_of(once))


TOO_LITTLE = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 400000000 bytes."


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "too little memory"),
        (RuntimeError(TOO_LITTLE), "too little memory"),
        (OSError(errno.EIO, "Input/output error"), r"Cannot read \S+16\.pt: Input/output error\."),
    ],
)
@pytest.mark.parametrize("reader", ["torch.load", "zipfile._EndRecData"])
def test_a_checkpoint_that_cannot_be_read_now_is_kept(settings, monkeypatch, reader, error, message):
    """A lack of memory or an error of the disk ends the training, and no checkpoint is removed for it."""
    once = settings("pretrain", images=8)
    train(once)
    train(replace(once, images=16))
    before = sorted((once.folder / "checkpoints").iterdir())

    def refuse(*_args, **_options):
        raise error

    monkeypatch.setattr(reader, refuse)
    with pytest.raises(TrainingError, match=message):
        train(replace(once, images=20))
    assert sorted((once.folder / "checkpoints").iterdir()) == before


@pytest.mark.parametrize("content", [None, {"images": math.inf}, {"images": 4}, [3], [Weights]], ids=str)
def test_only_damaged_checkpoints(settings, content):
    """If no checkpoint can be read safely, the run does not silently start again."""
    once = settings("pretrain", images=4)
    train(once)
    (path,) = (once.folder / "checkpoints").glob("*.pt")
    path.write_bytes(b"")
    if content is not None:
        torch.save(content, path)
    with (
        pytest.warns(UserWarning, match="damaged.*none before"),
        pytest.raises(TrainingError, match="can be read"),
    ):
        train(once)


def test_other_settings_are_refused(settings):
    """A run is not continued with other settings; the error names them."""
    train(settings("pretrain", images=4))
    with pytest.raises(TrainingError, match=r"other settings \(width 4, not 8\)"):
        train(settings("pretrain", images=8, width=8))
    with pytest.raises(TrainingError, match=r"other settings \(weights\.content 1\.0, not 2\.0\)"):
        train(settings("pretrain", images=8, weights=Weights(content=2.0, adversarial=1.0)))


def test_runs_of_earlier_versions_resume(settings):
    """A run whose settings.json has the names of version 0.1 resumes; other values are still refused."""
    once = settings("pretrain", images=4)
    train(once)
    path = once.folder / "settings.json"
    values = json.loads(path.read_text())
    recipe = values["recipe"]
    recipe["settle"], recipe["late"] = recipe.pop("freeze_batch_norm_at"), recipe.pop("late_losses_at")
    path.write_text(json.dumps(values))
    train(replace(once, images=8))
    assert weights_of(once)["images"] == 8
    recipe["late"] = 0.1
    path.write_text(json.dumps(values))
    with pytest.raises(TrainingError, match=r"late_losses_at 0\.1, not 0\.5"):
        train(replace(once, images=12))


def test_only_two_checkpoints_are_kept(settings):
    """Old checkpoints are removed, two remain."""
    train(replace(settings("pretrain"), save_every=0))
    assert len(list((settings("pretrain").folder / "checkpoints").iterdir())) == 2


def test_a_run_folder_has_all_records(settings):
    """A run holds settings, statistics, events, sample sheets, checkpoints and a style that loads."""
    once = settings("pretrain")
    style = train(once)
    generator, header = load_style(style)
    assert header.architecture == "cartoongan_blur"
    assert generator.config["width"] == 4
    assert json.loads((once.folder / "settings.json").read_text())["recipe"]["width"] == 4
    records = [json.loads(line) for line in (once.folder / "stats.jsonl").read_text().splitlines()]
    assert [record["images"] for record in records] == [4, 8, 12, 16]
    assert all(0 <= record["waiting"] <= 1 and record["images_per_s"] > 0 for record in records)
    assert (once.folder / "samples" / "000000016.png").exists()
    events = EventAccumulator(str(once.folder)).Reload()
    assert [event.step for event in events.Scalars("content")] == [4, 8, 12, 16]
    assert [event.step for event in events.Images("samples")] == [16]


def test_a_removed_style_is_written_again(settings):
    """A finished run that is called again has its style file, even if that was removed meanwhile."""
    once = settings("pretrain", images=4)
    before = load_style(train(once))[0].state_dict()
    (once.run / "style.safetensors").unlink()
    assert_equal(dict(load_style(train(once))[0].state_dict()), dict(before))


def test_log_is_not_repeated(settings):
    """Steps that are repeated after a stop are logged once."""
    once = settings("pretrain")
    train(replace(once, images=8))
    with (once.folder / "stats.jsonl").open("a") as file:
        file.write('{"images": 12, "content": 1.0}\n{"images": 16')
    with pytest.warns(UserWarning, match="damaged line"):
        train(once)
    records = [json.loads(line) for line in (once.folder / "stats.jsonl").read_text().splitlines()]
    assert [record["images"] for record in records] == [4, 8, 12, 16]
    events = EventAccumulator(str(once.folder)).Reload()
    assert [event.step for event in events.Scalars("content")] == [4, 8, 12, 16]
    assert [event.step for event in events.Images("samples")] == [8, 16]


def test_a_closed_terminal_costs_no_training(tmp_path, monkeypatch):
    """If nobody can read the lines of a training, it goes on, and its records are complete."""

    class Closed(io.StringIO):
        def write(self, text):
            raise OSError(errno.EIO, f"Input/output error: {text}")

    monkeypatch.setattr("sys.stdout", Closed())
    with Log(tmp_path, 0, []) as log:
        log.record(4, 8, {"images_per_s": 2.0})
        log.record(8, 8, {"images_per_s": 2.0})
    assert len((tmp_path / "stats.jsonl").read_text().splitlines()) == 2


def test_closing_the_log_on_a_full_disk(tmp_path, monkeypatch):
    """If events cannot be written at the end, the error is a sentence, and does not hide an earlier one."""
    monkeypatch.setattr(RecordWriter, "close", full_disk)
    with pytest.raises(SpaceError, match=r"Cannot write .*events\.out.*: No space"), Log(tmp_path, 0, []):
        pass
    with pytest.raises(ZeroDivisionError), Log(tmp_path, 0, []):
        raise ZeroDivisionError


def full_disk(writer):
    writer._writer.close()
    raise OSError(errno.ENOSPC, "No space left on device")


def test_nan_stops_the_run(settings):
    """A loss that is not finite stops the run with the step, the losses and the last good checkpoint."""
    once = settings("adversarial", weights=Weights(content=1, adversarial=1))
    train(replace(once, images=8))
    good = (once.folder / "checkpoints").glob("*.pt")
    broken = replace(
        once,
        recipe=msgspec.structs.replace(once.recipe, weights=Weights(content=1, adversarial=math.inf)),
    )
    path = once.folder / "settings.json"
    path.write_text(path.read_text().replace('"adversarial": 1', '"adversarial": Infinity'))
    with pytest.raises(
        TrainingError, match=r"at 12 images.*gradient_norm (nan|inf).*" + re.escape(str(next(good)))
    ):
        train(broken)


def test_adversarial_phase_starts_from_the_pretrained_generator(settings):
    """The adversarial phase takes the generator of its run; without one, the error says how to make it."""
    second = replace(settings("adversarial"), scratch=False)
    with pytest.raises(TrainingError, match="cartoonize train pretrain"):
        train(second)
    first = settings("pretrain", images=4)
    train(first)
    pretrained = weights_of(first)["parts"]["generator"]["network"]
    assert_equal(dict(start_generator(second, []).state_dict()), dict(pretrained))


def test_pretrained_as_another_network(settings):
    """A second phase of another width is refused, saying what the first was; nothing is called damaged."""
    train(settings("pretrain", images=4))
    second = settings("adversarial", width=8, scratch=False)
    with pytest.raises(TrainingError, match="pretrained as cartoongan_blur of width 4"):
        train(second)
    (settings("pretrain").folder / "settings.json").unlink()
    with pytest.raises(TrainingError, match="is of other networks"):
        train(second)


def test_start_from_a_style(settings, tmp_path):
    """`--start` takes a style's weights; a style of another width is refused, saying what it is."""
    style = train(settings("pretrain", images=4, run=tmp_path / "first"))
    second = settings("adversarial", start=style)
    assert_equal(dict(start_generator(second, []).state_dict()), dict(load_style(style)[0].state_dict()))
    with pytest.raises(TrainingError, match="width 4"):
        train(settings("adversarial", start=style, width=8))


def test_the_style_is_there_at_once_and_ctrl_c_loses_nothing(settings, monkeypatch):
    """A style file is written before the first step; Ctrl-C in a step lets it end, and saves."""
    once, step = settings("pretrain"), Pretrain.step

    def interrupted(phase, batch, progress):
        assert load_style(once.run / "style.safetensors")
        signal.raise_signal(signal.SIGINT)
        return step(phase, batch, progress)

    monkeypatch.setattr(Pretrain, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(once)
    assert weights_of(once)["images"] == 4


def test_card_names_the_losses_used(settings):
    """A recipe's factors of losses that the phase does not know stay out of the style's card."""
    recipe = load_style(train(settings("pretrain", images=4, weights=EVERYTHING)))[1].card.recipe
    assert "losses content 1, seed" in recipe


def test_second_phase_goes_on_without_the_first(settings):
    """Once the second phase has a checkpoint, that of the first is not needed."""
    train(settings("pretrain", images=4))
    second = replace(settings("adversarial"), scratch=False)
    train(replace(second, images=8))
    shutil.rmtree(settings("pretrain").folder)
    train(second)
    assert weights_of(second)["images"] == 16


def test_full_disk_is_a_sentence(settings):
    """If the checkpoint cannot be written, a sentence says so, and the one before is still there."""
    once = settings("pretrain", images=4)
    train(once)
    kept = weights_of(once)
    with file_limit(50_000), pytest.raises(CartoonizeError, match="Cannot write"):
        train(replace(once, images=8))
    assert_equal(kept, weights_of(once))


class Unseen:
    """Prints nothing: here, a limit of the size of files applies to the terminal too."""

    def show_images(self, images, total, speed):
        pass

    def show_sheet(self, sheet):
        pass


@pytest.mark.parametrize("size", [100, 2_000, 20_000, 120_000])
def test_a_full_disk_leaves_no_half_file(settings, capfd, size):
    """If the disk has no space for any file, the error names it, and every file is whole or absent.

    With space, the same command makes the same style.
    """
    once = replace(settings("pretrain", images=8), save_every=0)
    with file_limit(size), pytest.raises(SpaceError, match=rf"^Cannot write {once.run}/.+: File too large"):
        train(once, Unseen())
    assert capfd.readouterr().err == ""
    for path in (path for path in once.run.rglob("*") if path.is_file()):
        assert not path.name.startswith(".")
        if path.suffix == ".png":
            Image.open(path).load()
    again = load_style(train(once, Unseen()))[0]
    other = replace(once, run=once.run.with_name("other"))
    assert_equal(again.state_dict(), load_style(train(other, Unseen()))[0].state_dict())
