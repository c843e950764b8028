"""The pictures of a training step."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cartoonize.core.errors import TrainingError
from cartoonize.media.pictures.formats import FORMATS
from cartoonize.media.pictures.picture import read_picture
from cartoonize.training.crops import Pictures
from cartoonize.training.data import Batches, Photos, PhotosAndDrawings
from cartoonize.training.distributed import ProcessGroup
from cartoonize.training.frames import list_films
from cartoonize.training.pictures import list_pictures, read_rgb, sample_evenly
from cartoonize.training.run import open_data
from cartoonize.training.smooth import smooth_edges, smooth_folder


def take(batches, start, count):
    source = batches.start_at(start)
    return [next(source)["photo"] for _ in range(count)]


def test_a_batch_depends_on_its_position_alone(photos):
    """The batches from image 8 on equal those of a run from the beginning."""
    items = Photos(Pictures(photos, 32, seed=3))
    whole, later = take(Batches(items, 4), 0, 4), take(Batches(items, 4), 8, 2)
    assert torch.equal(whole[2], later[0])
    assert torch.equal(whole[3], later[1])
    assert not torch.equal(whole[0], whole[2])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
def test_pipes_and_devices_are_no_pictures(tmp_path):
    """Pipes and devices are left out, as reading could wait for ever; a link to nothing counts as damaged."""
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    for name in ("b.png", "b.mp4"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "c.png").symlink_to("/dev/zero")
    (tmp_path / "d.png").symlink_to("nothing")
    assert [path.name for path in list_pictures(tmp_path)] == ["a.png", "d.png"]
    assert list_films(tmp_path) == []


def test_hidden_pictures_are_left_out(tmp_path):
    """Hidden files, and the thumbnails that programs keep in hidden folders, are not learned from."""
    for name in ("a.png", ".b.png", ".thumbnails/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    assert list_pictures(tmp_path) == [tmp_path / "a.png"]


def test_pictures_are_kept_while_the_container_has_memory(monkeypatch, photos):
    """Decoded pictures are kept beyond a fixed amount only if the limit of the container leaves room too."""
    monkeypatch.setattr("cartoonize.training.crops.CACHE", 0)
    monkeypatch.setattr("os.sysconf", {"SC_AVPHYS_PAGES": 9, "SC_PHYS_PAGES": 10}.__getitem__, raising=False)
    for unused, kept in (([], True), ([0.5], True), ([0.5, 0.1], False)):
        monkeypatch.setattr("cartoonize.training.crops.unused_memory", lambda unused=unused: iter(unused))
        pictures = Pictures(photos, 32, seed=0)
        first, second = (pictures.read(pictures.paths[0]) for _ in range(2))
        assert (first is second) == kept


def test_processes_share_a_batch(photos):
    """Two processes together see what one sees."""
    items = Photos(Pictures(photos, 32, seed=3))
    whole = take(Batches(items, 4), 0, 2)
    shares = [take(Batches(items, 4, ProcessGroup(rank, 2)), 0, 2) for rank in (0, 1)]
    for step in (0, 1):
        assert torch.equal(whole[step], torch.cat([shares[0][step], shares[1][step]]))


def test_batch_that_cannot_be_shared():
    """A batch of 5 on two processes is refused in a sentence."""
    with pytest.raises(TrainingError, match="batch of 5"):
        ProcessGroup(0, 2).share(5)


def test_an_epoch_shows_every_photo_once(photos):
    """The first eight of eight photos are eight different ones, and so are the next, in another order."""
    pictures = Pictures(photos, 32, seed=0)
    rng = np.random.default_rng(0)
    drawn = [pictures.sample(number, rng)[0].path for number in range(16)]
    assert sorted(drawn[:8]) == sorted(drawn[8:]) == pictures.paths
    assert drawn[:8] != drawn[8:]


def test_unreadable_and_small_pictures_are_skipped_and_counted(photos, tmp_path):
    """A truncated file, one that is no picture, and one too small: training continues without them."""
    folder = tmp_path / "photos"
    shutil.copytree(photos, folder)
    whole = (folder / "0.png").read_bytes()
    (folder / "1.png").write_bytes(whole[: len(whole) // 2])
    (folder / "2.png").write_text("no picture")
    Image.new("RGB", (31, 90)).save(folder / "3.png")
    pictures = Pictures(folder, 32, seed=0)
    assert pictures.skipped == 2  # the header of the truncated one is whole
    for number in range(8):
        pictures.sample(number, np.random.default_rng(number))
    assert pictures.skipped == 3


def test_folder_of_damaged_pictures(photos, tmp_path):
    """If no picture can be read, an error says so instead of an endless search."""
    for number in range(3):
        whole = (photos / f"{number}.png").read_bytes()
        (tmp_path / f"{number}.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TrainingError, match="in a row"):
        next(Batches(Photos(Pictures(tmp_path, 32, seed=0)), 2).start_at(0))


@pytest.mark.parametrize(("count", "side", "minimum"), [(0, 0, 1), (3, 40, 4), (4, 20, 4)])
def test_too_few_or_too_small(tmp_path, count, side, minimum):
    """Too few pictures of the size are refused before training begins."""
    for number in range(count):
        Image.new("RGB", (side, side)).save(tmp_path / f"{number}.png")
    with pytest.raises(TrainingError, match=r"no pictures|are needed"):
        Pictures(tmp_path, 32, seed=0, minimum=minimum)


@pytest.mark.parametrize(("count", "expected"), [(2, [0, 2]), (4, [0, 1, 2, 3]), (100, [0, 1, 2, 3])])
def test_samples_are_spread(count, expected):
    """A sample is spread evenly; it is everything if there are no more than requested."""
    paths = [Path(str(number)) for number in range(4)]
    assert sample_evenly(paths, count) == [paths[number] for number in expected]


def test_a_missing_folder_is_named(tmp_path):
    """A missing folder is named."""
    with pytest.raises(TrainingError, match="There is no folder"):
        Pictures(tmp_path / "missing", 32, seed=0)


def test_large_photos_are_shrunk(tmp_path):
    """Large photos are shrunk, so that a crop shows a good part of them."""
    Image.new("RGB", (400, 300), "red").save(tmp_path / "large.jpg")
    assert read_rgb(tmp_path / "large.jpg", 64).shape == (64, 85, 3)


def test_pictures_are_upright(tmp_path):
    """EXIF orientation is applied."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    Image.new("RGB", (40, 20)).save(tmp_path / "turned.jpg", exif=exif)
    assert read_rgb(tmp_path / "turned.jpg").shape == (40, 20, 3)


def test_smoothed_copies_and_smoothing_on_the_fly(photos, drawings, tmp_path):
    """A folder of copies yields the same crops as smoothing on the fly, except at the borders of a crop."""
    assert all(smooth_folder(drawings, tmp_path, workers=1))
    plain = Photos(Pictures(photos, 32, seed=0))
    pictures, copies = Pictures(drawings, 32, seed=0), Pictures(tmp_path, 32, seed=0)
    made = PhotosAndDrawings(plain, pictures)[5]
    read = PhotosAndDrawings(plain, pictures, copies)[5]
    assert torch.equal(made["drawing"], read["drawing"])
    inner = (slice(None), slice(6, -6), slice(6, -6))
    assert (made["smoothed"][inner] != read["smoothed"][inner]).float().mean() < 0.05
    assert not torch.equal(read["smoothed"], read["drawing"])


def test_copies_of_all_kinds_are_smoothed(tmp_path):
    """Pictures of every kind that is read are smoothed to a copy of the same kind."""
    drawings, copies = tmp_path / "drawings", tmp_path / "copies"
    drawings.mkdir()
    for suffix, target in FORMATS.items():
        Image.new("RGB", (40, 30), "teal").save(drawings / f"a{suffix}", target.name)
    assert all(smooth_folder(drawings, copies, workers=1))
    for suffix, target in FORMATS.items():
        with Image.open(copies / f"a{suffix}") as copy:
            assert copy.format == target.name


def test_missing_smoothed_copies(settings, photos):
    """Copies of other drawings are refused at the first missing one."""
    items, _ = open_data(settings("adversarial", smoothed=photos))
    with pytest.raises(TrainingError, match="to go with"):
        items[0]


def test_damaged_smoothed_copy(photos, drawings, tmp_path):
    """A damaged copy is replaced by smoothing on the fly, and counted once."""
    assert all(smooth_folder(drawings, tmp_path, workers=1))
    pictures, copies = Pictures(drawings, 32, seed=0), Pictures(tmp_path, 32, seed=0)
    plain = Photos(Pictures(photos, 32, seed=0))
    items = PhotosAndDrawings(plain, pictures, copies)
    for path in copies.paths:
        path.write_bytes(path.read_bytes()[:60])
    assert torch.equal(items[0]["smoothed"], PhotosAndDrawings(plain, pictures)[0]["smoothed"])
    assert items[8 * 3]["smoothed"].shape == (3, 32, 32)
    assert 1 <= items.skipped <= 2


def test_smoothing_blurs_edges_only():
    """An edge is softened within two pixels; flat areas and soft shading do not change by a bit."""
    picture = np.full((40, 40, 3), 255, np.uint8)
    picture[:, 20:] = 0
    picture[:, :10] -= np.arange(10, dtype=np.uint8)[::-1, None]
    smoothed = smooth_edges(picture)
    far = np.r_[0:16, 25:40]
    assert np.array_equal(smoothed[:, far], picture[:, far])
    assert 0 < smoothed[20, 20, 0] < 255


def test_pictures_of_all_kinds_are_read_as_they_are_drawn(tmp_path):
    """Scans of 16 bits, CMYK, palettes and animations have the colours that `cartoonize image` draws."""
    ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1))
    grey = Image.fromarray(ramp)
    Image.fromarray(ramp.astype(np.uint16) * 257).save(tmp_path / "scan.png")
    Image.fromarray(ramp.astype(np.uint16) * 257).save(tmp_path / "scan.tif")
    grey.convert("CMYK").save(tmp_path / "print.jpg", quality=100)
    grey.convert("P").save(tmp_path / "palette.png")
    frames = [grey.convert("RGB"), grey.rotate(90).convert("RGB")]
    frames[0].save(tmp_path / "moving.webp", lossless=True, save_all=True, append_images=frames[1:])
    (tmp_path / "folder.png").mkdir()
    paths = list_pictures(tmp_path)
    assert [path.name for path in paths] == [
        "moving.webp",
        "palette.png",
        "print.jpg",
        "scan.png",
        "scan.tif",
    ]
    for path in paths:
        np.testing.assert_array_equal(read_rgb(path), np.asarray(read_picture(path, [])[0]), path.name)
        if path.name != "palette.png":
            assert np.abs(read_rgb(path)[..., 1].astype(int) - ramp).max() <= 3, path.name


@pytest.mark.parametrize("content", [b"", b"II*\0\0\0\0\0", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\xff\xd8\xff"])
def test_damaged_pictures_are_one_sentence(tmp_path, content):
    """A picture that cannot be read is an error that names it, whatever is wrong with it."""
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(TrainingError, match=r"Cannot read the picture .*a\.jpg: "):
        read_rgb(tmp_path / "a.jpg")
