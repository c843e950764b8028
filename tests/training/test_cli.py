"""The commands, as they are typed."""

import json
import re

import numpy as np
import pytest
from clips import names_in
from PIL import Image
from processes import run_program
from train_command import train

from cartoonize.core.errors import CartoonizeError
from cartoonize.models.checkpoint import load_style

SMALL = ("--size", 32, "--batch", 4)
TINY = (*SMALL, "--width", 4, "--images", 8, "--log-every", 4, "--workers", 0, "--precision", "fp32")


def test_run_from_folders_to_a_style(photos, drawings, features, tmp_path):
    """`train run --preset deck` smooths and trains twice, and leaves a style that loads, with its card."""
    run, card = tmp_path / "run", tmp_path / "card.json"
    card.write_text('{"name": "tiny", "licence": "CC0"}')
    arguments = ("run", "--preset", "deck", "--photos", photos, "--style", drawings, "--run", run)
    output = train(*arguments, *TINY, "--features", features, "--card", card).output
    assert "content" in output
    assert "d_adversarial" in output
    generator, header = load_style(run / "style.safetensors")
    assert header.card.name == "tiny"
    assert generator.config["width"] == 4
    assert len(list((run / "smoothed").iterdir())) == 8
    assert {"pretrain", "adversarial"} <= {path.name for path in run.iterdir()}


def test_a_dry_run_prints_settings(photos, features, tmp_path):
    """`--dry-run` prints the resolved settings as JSON and writes nothing."""
    run = tmp_path / "run"
    arguments = ("pretrain", "--photos", photos, "--run", run, "--features", features)
    output = train(*arguments, *SMALL, "--dry-run", "--json").stdout
    resolved = json.loads(output)
    assert resolved["images"] == 80  # ten epochs of eight photos
    assert resolved["recipe"]["schedules"]["pretrain"]["lr"] == 0.001
    assert resolved["recipe"]["width"] == 64
    assert not run.exists()


def test_dry_run_of_everything(photos, features, tmp_path):
    """`--preset deck --dry-run` prints one JSON object with every step, also before frames are taken."""
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "film.mp4").touch()
    run = tmp_path / "run"
    arguments = ("run", "--preset", "deck", "--photos", photos, "--style", tmp_path / "films", "--run", run)
    options = ("--dry-run", "--json", "--features", features, *SMALL, "--weight", "tv=2")
    plan = json.loads(train(*arguments, *options).stdout)
    assert list(plan) == ["frames", "smooth", "pretrain", "adversarial"]
    assert plan["frames"]["size"] == 256
    assert plan["adversarial"]["style"] == plan["smooth"]["frames"] == str(run / "frames")
    assert plan["adversarial"]["smoothed"] == plan["smooth"]["out"] == str(run / "smoothed")
    assert plan["adversarial"]["recipe"]["weights"]["tv"] == 2
    assert not run.exists()


@pytest.mark.parametrize("preset", [("--preset", "deck", *TINY), ()])
def test_run_under_torchrun(photos, drawings, tmp_path, monkeypatch, preset):
    """`train run` under torchrun is refused, as several processes would prepare the same files."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    arguments = ("run", "--photos", photos, "--style", drawings, "--run", tmp_path / "run")
    with pytest.raises(CartoonizeError, match="leave torchrun out"):
        train(*arguments, *preset)
    assert not (tmp_path / "run").exists()


def test_a_wrong_card_is_refused_at_the_start(photos, features, tmp_path):
    """`--card` with a wrong type or key is refused before the training starts, naming the place."""
    path = tmp_path / "card.json"
    path.write_text('{"name": 3}')
    arguments = ("pretrain", "--photos", photos, "--run", tmp_path / "run", "--features", features)
    with pytest.raises(CartoonizeError, match="name: expected str, got int"):
        train(*arguments, *TINY, "--card", path)
    assert not (tmp_path / "run").exists()


def test_smooth_copies_each_picture(drawings, tmp_path):
    """`train smooth` writes a copy of each picture under its name, and says which could not be read."""
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for path in drawings.iterdir():
        (source / path.name).write_bytes(path.read_bytes())
    (source / "bad.png").write_text("no picture")
    train("smooth", source, out, "--workers", 1)
    assert names_in(out) == names_in(drawings)
    before, after = (np.asarray(Image.open(folder / "0.webp")) for folder in (source, out))
    assert before.shape == after.shape
    assert (before != after).any()


def test_targets_and_distil(photos, drawings, tmp_path):
    """`train targets` draws pairs, from which `train distil` teaches a small network."""
    train("targets", photos, tmp_path / "pairs", "--scale", 1, "--workers", 1)
    pairs = ("--pairs", tmp_path / "pairs", "--style", drawings)
    train("distil", *pairs, "--run", tmp_path / "run", *TINY)
    assert load_style(tmp_path / "run" / "style.safetensors")[1].architecture == "swift"


def test_targets_of_two_looks_are_not_mixed(tmp_path):
    """The same command continues a folder of pairs; one with another look is refused, and changes nothing."""
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (40, 40)).save(tmp_path / "photos" / "1.png")
    command = ("targets", tmp_path / "photos", tmp_path / "pairs", "--scale", 1, "--workers", 1)
    train(*command)
    pair = tmp_path / "pairs" / "target" / "1-100.png"
    before = pair.stat().st_mtime_ns
    train(*command)
    with pytest.raises(CartoonizeError, match="targets of another look"):
        train(*command, "--preset", "ink")
    assert pair.stat().st_mtime_ns == before


def test_targets_keep_photos_apart(tmp_path):
    """Photos of one name in two folders, or with two suffixes, each have a pair of their own."""
    for name in ("a/1.jpg", "b/1.jpg", "1.png", "1.jpg", "2.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40)).save(path)
    train("targets", tmp_path / "photos", tmp_path / "pairs", "--scale", 1, "--workers", 1)
    folder = tmp_path / "pairs" / "target"
    names = {str(path.relative_to(folder)) for path in folder.rglob("*.png")}
    assert names == {"a/1-100.png", "b/1-100.png", "1.png-100.png", "1.jpg-100.png", "2-100.png"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["pretrain", "--photos", "missing", "--run", "run"], "There is no folder missing."),
        (["pretrain", "--photos", "empty", "--run", "run"], "There are no pictures in empty"),
        (["pretrain", "--photos", "few", "--run", "run"], "are needed"),
        (["pretrain", "--photos", "few", "--run", "run", "--preset", "deckk"], "presets are comic, deck"),
        (["distil", "--pairs", "few", "--run", "run", "--weight", "tvv=1"], "no loss 'tvv'"),
        (["distil", "--pairs", "few", "--run", "run", "--weight", "tv=1"], "distil has no loss 'tv'"),
        (["distil", "--pairs", "few", "--run", "run", "--weight", "pixel=nan"], "0 or more"),
        (["distil", "--pairs", "few", "--run", "run", "--weight", "pixel=-1"], "0 or more"),
        (["pretrain", "--photos", "few", "--run", "run", "--device", "gpu"], "There is no device 'gpu'"),
        (["targets", "few", "out", "--scale", "0"], "above 0"),
        (["smooth", "few", "few/smoothed"], "name another folder"),
        (["frames", "film.mp4", "out"], "film.mp4"),
        (["frames", "film.mp4"], "at least one film"),
        (["frames", "few/one.png", "out"], "few/one.png is a picture, and frames are extracted from films"),
        (["smooth", "few/one.png", "out"], "few/one.png is a file; name the folder that holds the pictures"),
        (["targets", "few/one.png", "out"], "few/one.png is a file"),
        (["smooth", "few", "few"], "name another folder"),
    ],
)
def test_mistakes_are_sentences(arguments, sentence, tmp_path, monkeypatch):
    """Wrong data and options are errors of one sentence."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "few").mkdir()
    Image.new("RGB", (300, 300)).save(tmp_path / "few" / "one.png")
    with pytest.raises(CartoonizeError, match=re.escape(sentence)):
        train(*arguments)
    assert not (tmp_path / "out").exists()


def test_an_error_has_no_traceback(tmp_path):
    """`cartoonize train` prints an error without a traceback, and exits with 1."""
    done = run_program("train", "smooth", tmp_path / "none", tmp_path / "out")
    assert done.returncode == 1
    assert "There is no folder" in done.stderr
    assert "Traceback" not in done.stderr
