"""The commands as users type them."""

import json
import os
import re
import signal

import av
import pytest
from clips import Clip, mean_difference, names_in, packets, read_clip
from pictures import save_picture
from PIL import Image
from processes import WAIT, run_program, start_program, wait_until

from cartoonize.cli.quantities import format_size


@pytest.fixture
def clip(tmp_path):
    return Clip(tones=[440]).write(tmp_path / "in.mp4")


@pytest.fixture
def photo(tmp_path):
    return save_picture(tmp_path / "in.png")


def test_a_video_is_converted_with_its_sound(run, clip, tiny_style, tmp_path):
    """`cartoonize video` changes the frames, keeps the sound, and prints on stderr what ran."""
    code, out, err = run("video", clip, tmp_path / "out.mp4", "--style", tiny_style)
    assert (code, out) == (0, "")
    assert re.search(r"Drawing with \S*tiny\.safetensors on \d+ CPU cores? \((bf16|fp32), pytorch\)", err)
    size = format_size((tmp_path / "out.mp4").stat().st_size)
    assert re.search(rf"out\.mp4: 12 frames in \d+\.\d s, \d+\.\d frames/s, {size} $", err)
    before, after = read_clip(clip), read_clip(tmp_path / "out.mp4")
    assert after.times == pytest.approx(before.times)
    assert packets(tmp_path / "out.mp4", 0) == packets(clip, 0)
    assert mean_difference(before.images, after.images) > 1


def test_the_stabilizer_can_be_turned_off(run, tmp_path, tiny_style):
    """The stabilizer is on by default; `--no-stabilize` turns it off. The null style needs none."""
    clip = Clip(tones=[440]).write(tmp_path / "in.mp4")
    stabilized = {}
    for option in ("--stabilize", "--no-stabilize"):
        target = tmp_path / f"out{option}.mp4"
        code, out, _ = run("video", clip, target, "--style", tiny_style, "--json", option)
        assert code == 0
        stabilized[option] = json.loads(out)["stabilized"]
        assert read_clip(target).times == pytest.approx(read_clip(clip).times)
    assert stabilized == {"--stabilize": True, "--no-stabilize": False}
    assert (
        json.loads(run("video", clip, tmp_path / "null.mp4", "--style", "null", "--json")[1])["stabilized"]
        is False
    )


def test_json_is_all_that_is_printed(run, clip, tiny_style, tmp_path):
    """`--json` prints one object on stdout, with what ran and how long each stage took."""
    target = tmp_path / "out.mp4"
    code, out, _ = run("video", clip, target, "--style", tiny_style, "--json", "--precision", "fp32")
    report = json.loads(out)
    assert code == 0
    assert out.count("\n") == 1
    assert (report["frames"], report["width"], report["height"]) == (12, 64, 48)
    assert (report["precision"], report["backend"], report["output"]) == ("fp32", "pytorch", str(target))
    assert report["style"] == str(tiny_style)
    assert report["device"]
    assert report["seconds"] > 0
    assert report["fps"] == pytest.approx(report["frames"] / report["seconds"], rel=0.1)
    assert set(report["waiting"]) == {"decode", "network", "encode"}


def test_options_reach_the_encoder(run, clip, tmp_path):
    """Codec, quality, batch, range and sound are as the options say."""
    arguments = ("--style", "null", "--codec", "libvpx-vp9", "--crf", "30", "--preset", "8")
    range_options = ("--start", "0:00.25", "--end", "0.375", "--batch", "2", "--no-audio")
    assert run("video", clip, tmp_path / "out.mkv", *arguments, *range_options)[0] == 0
    with av.open(tmp_path / "out.mkv") as out:
        assert [s.codec_context.name for s in out.streams] in (["vp9"], ["libvpx-vp9"])
        assert len(list(out.decode(video=0))) == 3


def test_a_picture_is_converted(run, photo, tiny_style, tmp_path):
    """`cartoonize image INPUT OUTPUT` writes one picture."""
    code, out, err = run("image", photo, tmp_path / "out.png", "--style", tiny_style)
    assert (code, out) == (0, "")
    assert "converted in" in err
    with Image.open(tmp_path / "out.png") as drawn:
        assert drawn.size == (48, 32)


def test_several_pictures_go_to_a_folder(run, photo, tiny_style, tmp_path):
    """`cartoonize image INPUT... OUTPUT` makes the folder and keeps the names."""
    other = tmp_path / "other.png"
    other.write_bytes(photo.read_bytes())
    code, out, _ = run("image", photo, other, tmp_path / "drawn", "--style", tiny_style, "--json")
    assert code == 0
    assert json.loads(out)["frames"] == 2
    assert names_in(tmp_path / "drawn") == ["in.png", "other.png"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("video in.mp4", "`cartoonize video in.mp4 cartoon.mp4`"),
        ("video inn.mp4 out.mp4", "There is no file or folder inn.mp4. Did you mean in.mp4?"),
        ("video notes.txt out.mp4", "notes.txt is not a video of a known format"),
        ("video zero.mp4 out.mp4", "empty"),
        ("video in.mp4 out", "name out.mp4 or out.mkv"),
        ("video in.mp4 out.mp5", "Did you mean .mp4?"),
        ("video in.mp4 out.png --preview 999", "not 999"),
        ("video in.mp4 taken.mp4", "pass --overwrite"),
        ("video in.mp4 - --json", "where the video goes"),
        ("video in.mp4 out.mp4 --codec x265", "There is no encoder 'x265'"),
        ("video in.mp4 out.mp4 --fps 24", "has times of its own"),
        ("video in.mp4 out.mp4 --fps often", "is not a rate"),
        ("video in.mp4 out.mp4 --start -3", "must not be negative"),
        ("video in.mp4 out.mp4 --start soon", "is not a time"),
        ("video in.mp4 out.mp4 --start 1e20", "is not a time"),
        ("video in.mp4 out.mp4 --style damaged.safetensors", "damaged"),
        ("video in.mp4 out.mp4 --device gpu", "Did you mean cuda"),
        ("image in.png", "`cartoonize image in.png cartoon.png`"),
        ("image im.png out.png", "There is no file or folder im.png. Did you mean in.png?"),
        ("image in.mp4 out.png", "use `cartoonize video`"),
        ("image notes.txt out.png", "notes.txt: it is not a picture"),
        ("image in.png out.xyz", "neither a folder nor named like a picture"),
        ("image in.png taken.png", "taken.png exists already"),
        ("image https://host/a.jpg?key=1 out.png", "https://host/a.jpg?***: only videos are read"),
        ("image in.png s3://b/", "s3://b/in.png: only videos are written to"),
        ("batch films.csv", "films.csv, line 2: There is no style"),
        ("batch films.csv --device gpu", "Did you mean cuda"),
        ("batch film.mkv", "film.mkv has more than 64 MB; name a file of text."),
        ("live --device gpu", "Did you mean cuda"),
        ("live --source in.mp4 --sink taken.mp4", "taken.mp4 exists already"),
        ("web --device gpu", "Did you mean cuda"),
        ("benchmark --video in.mp4 --size 640x360", "--size is for the generated clip"),
        ("styles preview in.png out.xyz", "A preview is a picture"),
        ("styles show monet", "no style 'monet'"),
        ("export-onnx pepper taken.onnx", "taken.onnx exists already"),
    ],
)
def test_mistakes_are_one_sentence(run, workdir, photo, arguments, sentence):
    """A mistake sets exit code 1 and prints one sentence, before the network is loaded, which takes seconds.

    Nothing is written or replaced.
    """
    Clip().write(workdir / "in.mp4")
    (workdir / "zero.mp4").touch()
    (workdir / "damaged.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    (workdir / "notes.txt").write_text("to do")
    (workdir / "films.csv").write_text("source,target,style\nin.mp4,out.mp4,nowhere\n")
    with (workdir / "film.mkv").open("wb") as film:
        film.truncate(65 << 20)
    for name in ("taken.png", "taken.mp4", "taken.onnx"):
        (workdir / name).write_text("earlier")
    before = sorted(workdir.iterdir())
    code, out, err = run(*arguments.split())
    assert (code, out) == (1, "")
    assert sentence in err
    assert "pepper on" not in err
    assert "Traceback" not in err
    assert sorted(workdir.iterdir()) == before
    assert (workdir / "taken.mp4").read_text() == "earlier"


def test_each_picture_at_an_address_is_refused(run):
    """Of several pictures, each that is at an address is named, and why it is not read."""
    code, _, err = run("image", "https://host/a.jpg", "s3://b/c.png", "out/", "--style", "null")
    assert code == 1
    for address in ("https://host/a.jpg", "s3://b/c.png"):
        assert f"Failed: {address}: only videos are read from addresses" in err


def test_a_demo_that_cannot_begin_writes_nothing(run, workdir):
    """A style or a device that is missing leaves no clip, so that the next demo can begin."""
    for words, sentence in (
        (["--style", "inc"], "There is no style 'inc'"),
        (["--device", "cuda:9"], "cuda:9 was requested"),
    ):
        code, _, messages = run("demo", *words)
        assert (code, sentence in messages) == (1, True), messages
        assert not list(workdir.rglob("*.mp4"))


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_leaves_nothing(tmp_path, name, code):
    """Ctrl-C, `kill` and a closed terminal in the first seconds of a video end the program in one sentence.

    The exit code is the one that shells use for the signal, and no file is left at OUTPUT or beside it.
    """
    source = Clip(size=(1280, 960), times=range(110), codec="mpeg4", options={}).write(tmp_path / "in.mp4")
    slowly = ("--style", "null", "--preset", "placebo")  # time enough for a signal
    process = start_program("video", source, tmp_path / "out.mp4", *slowly)
    wait_until((tmp_path / ".out.mp4.cartoonize" / "out.mp4").exists, process)
    process.send_signal(getattr(signal, name))
    _, errors = process.communicate(timeout=WAIT)
    assert process.returncode == code
    assert errors.endswith("Stopped.\n")
    assert "Traceback" not in errors
    assert names_in(tmp_path) == ["in.mp4"]


def test_a_signal_ends_the_wait_for_standard_input(tmp_path):
    """Ctrl-C ends the command in one sentence while the program before the pipe sends nothing."""
    from fcntl import ioctl
    from termios import FIONREAD

    theirs, ours = os.pipe()
    process = start_program("video", "-", tmp_path / "out.mp4", "--style", "null", stdin=theirs)
    os.write(ours, b"\x1a")
    wait_until(lambda: ioctl(theirs, FIONREAD, bytes(4)) == bytes(4), process)  # it has read the byte
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=WAIT)
    for handle in (ours, theirs):
        os.close(handle)
    assert (process.returncode, errors) == (130, "Stopped.\n")


@pytest.mark.skipif(os.name == "nt", reason="there is no pty")
@pytest.mark.parametrize(("paths", "end"), [(("-", "out.mp4"), "stdin"), (("in.mp4", "-"), "stdout")])
def test_a_terminal_is_no_video(workdir, paths, end):
    """A terminal in place of standard input or output is refused: it sends no video, and shows none."""
    import pty

    Clip().write(workdir / "in.mp4")
    ours, theirs = pty.openpty()
    process = start_program("video", *paths, "--style", "null", **{end: theirs})
    _, errors = process.communicate(timeout=WAIT)
    for handle in (ours, theirs):
        os.close(handle)
    assert process.returncode == 1
    assert f"Standard {end.removeprefix('std')}put is a terminal" in errors


CODECS = [("hevc", "hevc"), ("h265", "hevc"), ("av1", "av1"), ("h264", "h264")]


@pytest.mark.parametrize(("codec", "written"), CODECS)
def test_codecs_by_name(workdir, codec, written):
    """The name of a codec means its best encoder, which prints nothing of its own."""
    Clip().write(workdir / "in.mp4")
    done = run_program("video", "in.mp4", "out.mp4", "--codec", codec, "--json", "--style", "null")
    assert done.returncode == 0, done.stderr
    assert "Svt" not in done.stderr
    assert "x265" not in done.stderr
    assert "encoded" not in done.stderr
    with av.open(workdir / "out.mp4") as container:
        assert written in container.streams.video[0].codec_context.codec.canonical_name
