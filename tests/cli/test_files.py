"""Many files in one command: one failure stops no other, and the report counts them all."""

import json
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from clips import Clip, make_files, mean_difference, names_in, read_clip
from PIL import Image
from processes import WAIT, command_line, start_program, wait_until

from cartoonize.cli.outcome_log import OutcomeLog
from cartoonize.core.errors import MediaError, TrainingError
from cartoonize.media.pictures import picture_sink
from cartoonize.media.remote import Url
from cartoonize.run.file_jobs import Job
from cartoonize.training.errors import disk_errors


def clip(name, **options):
    return Clip(**options).write(Path(name))


def photo(name, size=(20, 16)):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "orange").save(name)


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["video", "a", "b", "out.mp4", "--fps", "24"], "--fps is for one folder"),
        (["video", "a/*.png", "out.mp4", "--fps", "24"], "name a in place of a/*.png"),
        (["video", "a", "out", "--fps", "24", "--watch"], "--watch converts each file; choose one"),
    ],
)
def test_a_rate_is_for_one_folder(workdir, run, words, message):
    """--fps takes one folder of pictures: it leaves out no other in silence, and says so of a pattern."""
    make_files("a/1.png", "b/1.png", "c.mp4")
    code, _, err = run(*words, "--style", "null")
    assert (code, message in err) == (1, True), err
    assert files(".") == ["a/1.png", "b/1.png", "c.mp4"]


def test_addresses_on_this_machine_are_paths(workdir, run):
    """file:///... names a picture, a video, or a folder to write as its path does."""
    here = f"file://{workdir}"
    photo("in.png")
    clip("a.mp4")
    clip("b.mp4")
    assert run("image", f"{here}/in.png", f"{here}/out.png", "--style", "null")[0] == 0
    assert run("image", f"{here}/in.png", f"{here}/pictures/", "--style", "null")[0] == 0
    assert run("video", "a.mp4", f"{here}/b.mp4", f"{here}/new/", "--style", "null")[0] == 0
    assert files(".") == ["a.mp4", "b.mp4", "in.png", "new/a.mp4", "new/b.mp4", "out.png", "pictures/in.png"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["in.mp4", "out.mp3"], "mp3 files hold no video. Write .mp4, .m4v, .mov, .mkv"),
        (
            ["in.mp4", "out.ogg"],
            "ogg files cannot hold libx264, the default encoder. Write .mp4, .m4v, .mov, .mkv",
        ),
        (["in.mp4", "out.mp3", "--cluster", "auto"], "mp3 files hold no video"),
        (["in.mp4", "in.mp4", "out", "--codec", "libsvtav1", "--preset", "fast"], "preset fast"),
        (["in.mp4", "out.webm", "--codec", "h264"], "webm cannot hold libx264"),
        (["in.mp4", "out.mkv", "--background", "blu"], "not a colour"),
        (["*.mp4", "there"], "exists already"),
    ],
)
def test_what_cannot_be_written_is_refused_at_once(workdir, run, words, message):
    """An output that cannot be written is refused before a network is loaded or a cluster is connected."""
    clip("in.mp4")
    make_files("there/in.mp4")
    code, _, err = run("video", *words)
    assert (code, message in err, "Drawing with" in err) == (1, True, False), err
    assert files(".") == ["in.mp4", "there/in.mp4"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["video", "films", "out.mp4"], "There are videos in films, and no pictures; name a folder"),
        (["video", "a.mp4", "films", "out.mp4"], "out.mp4 is not a folder; name a folder for several videos"),
        (["video", "a.mp4", "films", "-"], "- is not a folder"),
        (["video", "-", "a.mp4", "new"], "Standard input (-) is one video"),
        (["image", "-", "new.png"], "only `cartoonize video` takes -"),
        (["image", "both/1.png", "-"], "only `cartoonize video` takes -"),
        (["video", "films", "new", "-y", "--skip-existing"], "choose one"),
        (["video", "a.mp4", "new", "--watch"], "--watch watches folders, and a.mp4 is not one"),
        (["video", "films", "films", "--watch"], "films is the folder to watch"),
        (["video", "films", "out.mp4", "--watch"], "out.mp4 is not a folder"),
        (["image", "both", "a.png"], "a.png is not a folder; name a folder for several pictures"),
        (["image", "films", "new"], "no picture in the folder films"),
        (["image", "both/1.png", "a.mp4/"], "is not a folder"),
        (["image", "both/1.png", "plain"], "plain is not a folder: name another place for 1.png"),
    ],
)
def test_contradictions_are_one_sentence(workdir, run, arguments, message):
    """Contradicting paths and options are refused before anything is written."""
    make_files("films/a.mp4", "both/1.png", "both/a.mp4", "a.mp4", "plain")
    before = files(workdir)
    code, out, err = run(*arguments, "--style", "null")
    assert (code, out) == (1, "")
    assert message in err.replace("\\", "/")
    assert files(workdir) == before
    assert not Path("new").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--codec", "mpeg4", "--crf", "9"], "mpeg4 has no crf"),
        (["--format", "mp3"], "Error: The output cannot be written: mp3 files hold no video"),
        (["--background", "blu"], "'blu' is not a colour"),
    ],
)
def test_wrong_options_end_watching_at_once(workdir, run, options, message):
    """--watch refuses a wrong encoder, format or option before it loads the network, and not at the first
    file."""
    Path("films").mkdir()
    code, out, err = run("video", "films", "new", "--watch", "--style", "null", *options)
    assert (code, out) == (1, "")
    assert message in err
    assert "The style null draws nothing" not in err  # as it says once it is loaded


def test_a_camera_roll(workdir, run):
    """In a folder of photos and videos each command converts its kind, and a notice names the rest."""
    heif = pytest.importorskip("pillow_heif")
    Path("roll").mkdir()
    picture = Image.new("RGB", (48, 32), (200, 100, 50))
    picture.save("roll/IMG_0001.JPG")
    heif.from_pillow(picture).save("roll/IMG_0002.HEIC", quality=95)
    clip("roll/IMG_0003.mov").rename("roll/IMG_0003.MOV")
    make_files("roll/IMG_0004.AAE", "roll/IMG_0005.AAE", "roll/Thumbs.db")
    code, _, err = run("image", "roll", "pictures", "--style", "null")
    assert code == 0
    assert "Note: 2 AAE files and 1 MOV file in roll were left out." in err
    assert names_in(Path("pictures")) == ["IMG_0001.JPG", "IMG_0002.HEIC"]
    with Image.open("pictures/IMG_0002.HEIC") as written:
        assert written.size == (48, 32)
    code, _, err = run("video", "roll", "films", "--style", "null")
    assert code == 0
    assert "Note: 2 AAE files, 1 HEIC file and 1 JPG file in roll were left out." in err
    assert names_in(Path("films")) == ["IMG_0003.MOV"]


def test_one_failure_stops_no_other(workdir, run, tiny_style):
    """A failure is printed at once, and its file is named at the end, with exit code 1.

    One network, loaded once, converts the others. No empty folder is left.
    """
    first = clip("clips/a/one.mp4", tones=[440])
    clip("clips/two.mkv")
    make_files("clips/broken/bad.mp4")
    code, out, err = run("video", "clips", "gone.mp4", "out", "--style", tiny_style)
    assert (code, out) == (1, "")
    assert files("out") == ["a/one.mp4", "two.mkv"]
    assert not Path("out/broken").exists()
    assert err.count("tiny.safetensors on") == 1
    assert "2 files converted in" in err
    messages, listed = err.split("Error: 2 of 4 files could not be converted:")
    assert messages.count("Failed: ") == 2
    assert listed == " gone.mp4, clips/broken/bad.mp4. "
    for sentence in ("There is no file or folder gone.mp4.", "bad.mp4 is not a video of a known format"):
        assert err.count(sentence) == 1
    before, after = read_clip(first), read_clip(Path("out/a/one.mp4"))
    assert after.times == pytest.approx(before.times)
    assert after.audio == before.audio
    assert mean_difference(before.images, after.images) > 1


def test_each_file_is_converted_as_if_alone(workdir, run, tiny_style):
    """No state of one file, such as that of the stabilizer, reaches the next."""
    for name in ("clips/a.mp4", "clips/b.mp4"):
        clip(name)
        assert run("video", name, Path(name).name, "--style", tiny_style)[0] == 0
    assert run("video", "clips", "out", "--style", tiny_style)[0] == 0
    for name in ("a.mp4", "b.mp4"):
        assert np.array_equal(read_clip(Path(name)).images, read_clip(Path("out") / name).images)


def test_json_of_many_is_one_object(workdir, run):
    """--json of many files has counts, and an object for each file: its output, or why there is none."""
    clip("clips/a.mp4")
    clip("clips/c.mp4")
    make_files("clips/b.mp4", "out/c.mp4")
    code, out, _ = run("video", "clips", "out", "--style", "null", "--skip-existing", "--json")
    report = json.loads(out)
    assert code == 1
    assert out.count("\n") == 1
    assert (report["converted"], report["skipped"], report["failed"], report["frames"]) == (1, 1, 1, 12)
    by_source = {Path(file["source"]).name: file for file in report["files"]}
    assert {name: file["state"] for name, file in by_source.items()} == {
        "a.mp4": "converted", "b.mp4": "failed", "c.mp4": "skipped",
    }  # fmt: skip
    assert by_source["a.mp4"]["output"] == str(Path("out/a.mp4"))
    assert (by_source["a.mp4"]["width"], by_source["a.mp4"]["frames"]) == (64, 12)
    assert "not a video of a known format" in by_source["b.mp4"]["error"]
    assert by_source["b.mp4"]["exit_code"] == 1


def test_existing_outputs_are_kept_skipped_or_replaced(workdir, run):
    """An existing output is a failure of its file; --skip-existing keeps it, --overwrite replaces it."""
    clip("clips/a.mp4")
    clip("clips/b.mp4")
    make_files("out/a.mp4")
    code, _, err = run("video", "clips", "out", "--style", "null")
    assert code == 1
    assert "a.mp4 exists already; --skip-existing keeps it" in err
    assert files("out") == ["a.mp4", "b.mp4"]
    code, _, err = run("video", "clips", "out", "--style", "null", "--skip-existing")
    assert code == 0
    assert "0 files converted" in err
    assert "2 existed already" in err
    assert Path("out/a.mp4").read_text() == "nothing to see"
    assert run("video", "clips", "out", "--style", "null", "-y")[0] == 0
    assert len(read_clip(Path("out/a.mp4")).images) == 12


def test_one_file_may_be_skipped_too(workdir, run):
    """`--skip-existing` also works for one input and one output."""
    clip("a.mp4")
    assert run("video", "a.mp4", "out.mp4", "--style", "null", "--skip-existing")[0] == 0
    assert len(read_clip(Path("out.mp4")).images) == 12
    make_files("out.mp4")
    code, _, err = run("video", "a.mp4", "out.mp4", "--style", "null", "--skip-existing")
    assert (code, Path("out.mp4").read_text()) == (0, "nothing to see")
    assert "1 existed already" in err


def test_an_unreachable_target_fails_only_its_file(workdir, run, monkeypatch):
    """--skip-existing asks a server for each output: where it does not answer, that file has failed."""
    clip("a.mp4")
    clip("b.mp4")

    def exists(url):
        if url.name == "a.mp4":
            raise MediaError(f"{url}: The server does not answer.")
        return True

    monkeypatch.setattr(Url, "exists", exists)
    command = "video", "a.mp4", "b.mp4", "http://127.0.0.1:9/out/", "--style", "null", "--skip-existing"
    code, _, err = run(*command)
    assert code == 1
    assert "Failed: http://127.0.0.1:9/out/a.mp4: The server does not answer." in err
    assert "; 1 existed already." in err
    assert "1 of 2 files could not be converted: a.mp4." in err


def test_an_empty_folder_for_frames_is_not_skipped(workdir, run):
    """With --fps and --skip-existing, frames are written into a folder that is empty, and not over others."""
    for number in range(2):
        photo(f"frames/{number}.png")
    Path("out").mkdir()
    command = "video", "frames", "out", "--style", "null", "--fps", "24", "--skip-existing"
    assert run(*command)[0] == 0
    assert files("out") == ["00001.png", "00002.png"]
    assert "1 existed already" in run(*command)[2]


def test_a_damaged_video_among_many(workdir, run):
    """A damaged video counts as failed; what could be converted of it is in a file named partial."""
    whole = clip("whole.mkv", times=range(100)).read_bytes()
    clip("clips/good.mkv")
    Path("clips/cut.mkv").write_bytes(whole[: len(whole) * 2 // 3])
    code, out, err = run("video", "clips", "out", "--style", "null", "--json")
    assert code == 1
    assert "what could be read of it is in" in err
    assert files("out") == ["cut.partial.mkv", "good.mkv"]
    [cut] = [file for file in json.loads(out)["files"] if file["state"] == "failed"]
    assert (cut["exit_code"], cut["partial"]) == (3, True)
    assert cut["output"] == str(Path("out/cut.partial.mkv"))
    assert 0 < cut["frames"] < 100


def test_one_bad_picture_stops_no_other(workdir, run, tiny_style):
    """`image` continues after a damaged picture, and keeps subfolders."""
    photo("photos/a.png")
    photo("photos/trip/b.jpg", size=(31, 17))
    make_files("photos/bad.png")
    code, _, err = run("image", "photos", "cartoons", "--style", tiny_style)
    assert code == 1
    assert files("cartoons") == ["a.png", "trip/b.jpg"]
    assert "1 of 3 files could not be converted" in err
    assert err.count("tiny.safetensors on") == 1
    with Image.open("cartoons/trip/b.jpg") as drawn:
        assert drawn.size == (31, 17)


def test_a_name_that_is_taken_by_a_file(workdir, run):
    """If a subfolder of the output cannot be made, only the files in it fail."""
    photo("photos/trip/a.png")
    photo("photos/b.png")
    make_files("out/trip")
    code, _, err = run("image", "photos", "out", "--style", "null")
    assert code == 1
    assert "1 file converted" in err
    assert "is not a folder: name another place for a.png" in " ".join(err.split())
    assert files("out") == ["b.png", "trip"]


def test_one_file_into_a_folder_keeps_its_name(workdir, run):
    """`video in.mp4 out/` writes out/in.mp4, as several videos would; a name that ends in a slash is a new
    folder. `image` does the same. Numbered pictures are written only where the target has a pattern."""
    clip("in.mp4")
    make_files("notes.wmv")
    photo("in.png")
    Path("there").mkdir()
    for folder in ("there", "new/", "new.d/"):
        code, _, err = run("video", "in.mp4", folder, "--style", "null")
        assert (code, files(folder)) == (0, ["in.mp4"])
        assert f"{Path(folder) / 'in.mp4'}: 12 frames" in err
        assert run("image", "in.png", folder, "--style", "null")[0] == 0
        assert files(folder) == ["in.mp4", "in.png"]
    assert run("video", "notes.wmv", "gone/", "--style", "null")[0] == 1
    assert not Path("gone").exists()
    assert run("video", "in.mp4", "there", "--style", "null")[0] == 1
    assert run("video", "in.mp4", "there/%03d.png", "--style", "null")[0] == 0
    assert len(files("there")) == 2 + 12


def test_a_folder_of_pictures_is_still_a_video(workdir, run):
    """`video frames/ out.mp4` makes one video of the pictures; with --fps even if there are videos."""
    for number in range(3):
        photo(f"frames/{number}.png")
    clip("frames/preview.mp4")
    assert run("video", "frames", "out.mp4", "--style", "null")[0] == 0
    assert len(read_clip(Path("out.mp4")).images) == 3
    Path("drawn").mkdir()
    assert run("video", "frames", "drawn", "--style", "null", "--fps", "24")[0] == 0
    assert files("drawn") == ["00001.png", "00002.png", "00003.png"]


@pytest.mark.skipif(os.name == "nt", reason="signals are sent as Unix knows them")
def test_ctrl_c_keeps_finished_files(workdir):
    """After Ctrl-C finished files stay, and no half-written file is left. The same command with
    --skip-existing continues in the middle of the file that was interrupted."""
    clip("clips/a.mp4")
    clip("clips/b.mp4", size=(320, 240), times=range(360), codec="mpeg4", options={})
    words = ("video", "clips", "out", "--style", "null", "--preset", "placebo", "--skip-existing", "--json")
    process = start_program(*words, stdout=subprocess.DEVNULL)
    wait_until(Path("out/.b.mp4.cartoonize/segment-0").exists, process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=WAIT)
    assert process.returncode == 130
    assert "1 file converted" in errors
    assert "120 frames are kept" in errors
    assert len(read_clip(Path("out/a.mp4")).images) == 12
    assert not Path("out/b.mp4").exists()
    done = subprocess.run(command_line(*words), capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert (done.returncode, report["converted"], report["skipped"]) == (0, 1, 1)
    assert report["files"][-1]["resumed"] == 120
    assert len(read_clip(Path("out/b.mp4")).images) == 360


def test_the_last_outcome_of_a_file_counts(capsys):
    """A file that is converted again, as by --watch, is once in the report, with its last outcome."""
    log = OutcomeLog("out", "null", as_json=True)
    for number in (*range(9), 7):
        log.skip(Job(Path(f"{number}.mp4"), Path(f"out/{number}.mp4")))
    log.end()
    report = json.loads(capsys.readouterr().out)
    assert report["skipped"] == len(report["files"]) == 9
    assert report["files"][-1]["source"] == "7.mp4"


@pytest.mark.parametrize("command", ["video", "image"])
def test_json_of_a_file_that_fails(workdir, run, command):
    """With --json, a single file that fails is an object with its error and exit code."""
    (workdir / "bad.mp4").write_bytes(b"nothing")
    code, out, messages = run(command, "bad.mp4", "out.png" if command == "image" else "out.mp4", "--json")
    report = json.loads(out)
    assert (code, report["state"], report["exit_code"], report["source"]) == (1, "failed", 1, "bad.mp4")
    assert report["error"] in messages


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("by zero"), RecursionError("deep"), MemoryError(), OSError(28, "No space")]
)
def test_a_bug_stops_one_file_only(workdir, run, monkeypatch, error):
    """Any exception is one sentence about its file, and the other files are converted; --debug shows the
    traceback. Of the memory and the system it is no defect."""
    for name in "abc":
        Image.new("RGB", (32, 32)).save(f"{name}.png")

    def save(picture, file, **options):
        if file.target.name == "b.png":
            raise error
        return written(picture, file, **options)

    written = picture_sink.write_picture
    monkeypatch.setattr(picture_sink, "write_picture", save)
    command = ["image", "a.png", "b.png", "c.png", "out", "--style", "null", "--json"]
    code, out, messages = run(*command)
    assert code == 1
    assert [file["state"] for file in json.loads(out)["files"]] == ["converted", "failed", "converted"]
    assert "Traceback" not in messages
    assert "1 of 3 files could not be converted: b.png" in messages
    assert ("a defect of cartoonize" in messages) != isinstance(error, MemoryError | OSError)
    _, _, messages = run(*command, "-y", "--debug")
    assert "Traceback" in messages
    assert "in save" in messages
    _, _, messages = run(*command, "-y")
    assert "Traceback" not in messages


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
@pytest.mark.timeout(120)
def test_a_fifo_is_not_waited_for(run, workdir):
    """A FIFO as a picture, a video, a style or weights is refused at once; nothing waits for a writer."""
    Image.new("RGB", (20, 20)).save("in.png")
    for name in ("pipe.png", "pipe.mp4", "pipe.safetensors", "pipe.pt"):
        os.mkfifo(name)
    for words in (
        ("image", "pipe.png", "out.png"),
        ("video", "pipe.mp4", "out.mp4"),
        ("image", "in.png", "out.png", "--style", "pipe.safetensors"),
        ("import-weights", "pipe.pt", "out.safetensors"),
    ):
        code, _, messages = run(*words)
        assert code == 1
        way_out = "cartoonize video - OUTPUT < pipe.mp4"
        assert (way_out if "video" in words else "neither a file nor a folder") in messages
    assert not list(workdir.glob("out.*"))
    with pytest.raises(TrainingError, match=r"pipe\.pt: it exists and is not a folder"), disk_errors():
        (workdir / "pipe.pt").mkdir(exist_ok=True)


def test_a_video_as_png_is_an_animation(run, workdir, tiny_style):
    """`video in.mp4 x.png` says that x.png is an animation, and how to write a picture."""
    clip("in.mp4")
    code, _, messages = run("video", "in.mp4", "x.png", "--style", tiny_style)
    assert code == 0
    assert "--preview 1 writes a picture" in messages
    assert "--preview" not in run("video", "in.mp4", "%05d.png", "--style", tiny_style)[2]
