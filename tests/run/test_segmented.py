"""Resuming: a run that was stopped, killed or cut off continues, and its result is that of an uninterrupted
one."""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from clips import BEATS, Clip, all_packets, extract_h264, names_in, read_clip, require_encoder
from processes import WAIT, command_line, start_program, wait_until

from cartoonize import Encoding, Look, MediaError, Retouch, stylize
from cartoonize.backends import load
from cartoonize.media import VideoSource, open_sink
from cartoonize.run.job import run
from cartoonize.run.report import Report

KILLS = int(os.environ.get("CARTOONIZE_KILLS", "50"))


class PowerError(Exception):
    """Stops a run."""


def draw(source, target, style="null", stop=None, **options):
    """Convert a clip until the power fails after `stop` frames."""
    part = {name: options.pop(name) for name in ("start", "end") if name in options}
    encoding = options.pop("encoding", None) or Encoding()

    def on_frame(done):
        if done == stop:
            raise PowerError

    with VideoSource(source, **part) as frames:
        sink = open_sink(target, frames, encoding=encoding, overwrite=True)
        look = options.pop("look", None)
        report = Report(str(target), str(style))
        return run(frames, sink, load(str(style)), report, look=look, on_frame=on_frame, **options)


def convert_in_pieces(source, target, *stops, **options):
    for stop in stops:
        with pytest.raises(PowerError):
            draw(source, target, stop=stop, **options)
    return draw(source, target, **options)


def assert_same(one, other):
    """Both have the same frames, times, duration and packets."""
    before, after = read_clip(one), read_clip(other)
    assert after.times == before.times
    assert after.seconds == before.seconds
    assert np.array_equal(np.stack(after.images), np.stack(before.images))
    assert all_packets(one) == all_packets(other)


def hidden_files(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


@pytest.mark.parametrize(
    ("suffix", "codec", "clip"),
    [
        (".mp4", "libx264", Clip(times=range(100), tones=[440])),
        (".mp4", "libx264", Clip(times=BEATS[:100], tones=[440, 660], options={"bf": "3"})),
        (".mkv", "libx265", Clip(times=range(100), tones=[440])),
        (".webm", "libvpx-vp9", Clip(times=BEATS[:100], tones=[440])),
        (".mkv", "libsvtav1", Clip(times=range(100), size=(128, 96))),
        (".mov", "prores_ks", Clip(times=range(100))),
        (".avi", "mpeg4", Clip(times=range(100), tones=[440])),
        (".mkv", "ffv1", Clip(times=BEATS[:100])),
        (".ts", "libx264", Clip(times=range(100), tones=[440])),
    ],
    ids=lambda value: "" if isinstance(value, Clip) else value.strip("."),
)
def test_a_stopped_run_is_resumed(tmp_path, short_segments, suffix, codec, clip):
    """Stopped twice and resumed, a video equals an uninterrupted one, with all encoders that have
    segments."""
    require_encoder(codec)
    source = clip.write(tmp_path / "in.mkv")
    whole, pieces = tmp_path / f"whole{suffix}", tmp_path / f"pieces{suffix}"
    encoding = Encoding(codec=codec)
    assert draw(source, whole, encoding=encoding).resumed == 0
    report = convert_in_pieces(source, pieces, 30, 77, encoding=encoding)
    assert (report.resumed, report.frames) == (72, 100)
    assert_same(whole, pieces)
    assert hidden_files(tmp_path) == []


@pytest.mark.parametrize("look", [Look(), Look(hold=2), Look(hold=3)], ids=["stabilized", "twos", "threes"])
def test_a_look_is_resumed(tmp_path, short_segments, tiny_style, look):
    """A resumed run with a network, the stabilizer and held drawings equals an uninterrupted one, also at
    irregular times and with cuts."""
    rng = np.random.default_rng(0)
    shots = rng.integers(40, 200, (3, 48, 64, 3))
    images = [(shots[n // 27] + rng.integers(-1, 2, shots[0].shape)).astype(np.uint8) for n in range(80)]
    source = Clip(times=BEATS[:80], images=images).write(tmp_path / "in.mp4")
    options = {"style": tiny_style, "batch": 5, "look": look}
    draw(source, tmp_path / "whole.mp4", **options)
    assert convert_in_pieces(source, tmp_path / "pieces.mp4", 31, 77, **options).resumed == 75
    assert_same(tmp_path / "whole.mp4", tmp_path / "pieces.mp4")


def test_a_part_of_a_video_is_resumed(tmp_path, short_segments):
    """A resumed part of a video, given by `start` and `end`, equals an uninterrupted one."""
    clip = Clip(times=range(200), tones=[440], options={"crf": "10", "g": "70", "bf": "2"})
    source = clip.write(tmp_path / "in.mp4")
    part = {"start": 1.3, "end": 7.1}
    draw(source, tmp_path / "whole.mp4", **part)
    assert convert_in_pieces(source, tmp_path / "pieces.mp4", 100, **part).resumed == 96
    assert_same(tmp_path / "whole.mp4", tmp_path / "pieces.mp4")


def test_a_source_that_cannot_seek_is_decoded_from_its_start(tmp_path, short_segments):
    """A raw stream has neither times nor an index: it is decoded from its start up to the right frame."""
    images = [np.full((48, 64, 3), 20 + 2 * n, np.uint8) for n in range(100)]
    clip = Clip(times=range(100), images=images)
    clip.write(tmp_path / "in.mp4")
    extract_h264(tmp_path / "in.mp4", tmp_path / "in.h264")
    draw(tmp_path / "in.h264", tmp_path / "whole.mp4")
    assert convert_in_pieces(tmp_path / "in.h264", tmp_path / "pieces.mp4", 60).resumed == 48
    assert_same(tmp_path / "whole.mp4", tmp_path / "pieces.mp4")


@pytest.mark.parametrize("lie", [{"crc": 1}, {"pts": -1}])
def test_a_source_with_wrong_places_is_decoded_from_its_start(tmp_path, short_segments, lie):
    """If seeking leads to another frame, the source is decoded from its start."""
    source = Clip(times=range(60)).write(tmp_path / "in.mp4")
    with VideoSource(source) as frames:
        frames.mark_interval = 24
        images = [frame.image for frame in frames]
    marks = frames.marks
    with VideoSource(source) as frames:
        frames.resume_after(48, {**marks[48], **lie})
        assert all(np.array_equal(f.image, image) for f, image in zip(frames, images[48:], strict=True))


def redrawn(source):
    Clip(times=range(90)).write(source)


def touched(source):
    os.utime(source, (1, 1))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"encoding": Encoding(crf=30)}, "encoding"),
        ({"look": Look(stabilize=False)}, "stabilizer"),
        ({"look": Look(hold=2)}, "hold"),
        ({"look": Look(retouch=Retouch(strength=0.5))}, "look"),
        ({"end": 3.5}, "range"),
        ({"batch": 7}, "batch"),
        (redrawn, "source"),
        (touched, "source"),
    ],
    ids=["encoding", "stabilizer", "hold", "look", "range", "batch", "source", "time"],
)
def test_changes_are_noticed(tmp_path, short_segments, tiny_style, change, word):
    """A notice names a changed source or option, and the video is converted again."""
    source = Clip(times=range(100)).write(tmp_path / "in.mp4")
    with pytest.raises(PowerError):
        draw(source, tmp_path / "out.mp4", tiny_style, stop=60)
    options = change if isinstance(change, dict) else {}
    if not options:
        change(source)
    report = draw(source, tmp_path / "out.mp4", tiny_style, **options)
    assert report.resumed == 0
    assert any(word in notice and "converted from the start" in notice for notice in report.notices)
    draw(source, tmp_path / "whole.mp4", tiny_style, **options)
    assert_same(tmp_path / "whole.mp4", tmp_path / "out.mp4")


def test_a_changed_style_is_noticed(tmp_path, short_segments, tiny_style):
    """A style file of the same name with another content is another style."""
    source = Clip(times=range(60)).write(tmp_path / "in.mp4")
    style = tmp_path / "style.safetensors"
    style.write_bytes(tiny_style.read_bytes())
    with pytest.raises(PowerError):
        draw(source, tmp_path / "out.mp4", style, stop=50)
    weights = bytearray(style.read_bytes())
    weights[-1] ^= 1
    style.write_bytes(weights)
    report = draw(source, tmp_path / "out.mp4", style)
    assert report.resumed == 0
    assert any("The style has changed" in notice for notice in report.notices)


def test_without_resume_nothing_is_used(tmp_path, short_segments):
    """With `resume=False` nothing of an earlier run is used."""
    source = Clip(times=range(60)).write(tmp_path / "in.mp4")
    with pytest.raises(PowerError):
        draw(source, tmp_path / "out.mp4", stop=50)
    assert stylize(source, tmp_path / "out.mp4", "null", resume=False).resumed == 0
    assert hidden_files(tmp_path) == []


@pytest.mark.parametrize("file", ["segment-0", "segment-24", "key.json"])
@pytest.mark.parametrize("harm", ["cut", "changed", "gone"])
def test_damaged_segments_are_not_used(tmp_path, short_segments, tiny_style, file, harm):
    """A segment that the disk has lost or changed is converted again, and the video is right."""
    source = Clip(times=range(60)).write(tmp_path / "in.mp4")
    with pytest.raises(PowerError):
        draw(source, tmp_path / "out.mp4", tiny_style, stop=50)
    path = tmp_path / ".out.mp4.cartoonize" / file
    data = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(
            data[: len(data) // 2] + (b"" if harm == "cut" else b"!" + data[len(data) // 2 + 1 :])
        )
    assert draw(source, tmp_path / "out.mp4", tiny_style).resumed == (24 if file == "segment-24" else 0)
    draw(source, tmp_path / "whole.mp4", tiny_style)
    assert_same(tmp_path / "whole.mp4", tmp_path / "out.mp4")


def test_unfinished_files_are_ignored(tmp_path, short_segments):
    """Packets of an unfinished segment, drafts of the state and unfinished files do not count."""
    source = Clip(times=range(60)).write(tmp_path / "in.mp4")
    with pytest.raises(PowerError):
        draw(source, tmp_path / "out.mp4", stop=50)
    folder = tmp_path / ".out.mp4.cartoonize"
    for name in ("segment.new", "segment.in", "out.mp4"):
        (folder / name).write_text("unfinished")
    assert draw(source, tmp_path / "out.mp4").resumed == 48
    draw(source, tmp_path / "whole.mp4")
    assert_same(tmp_path / "whole.mp4", tmp_path / "out.mp4")
    assert hidden_files(tmp_path) == []


def test_a_failed_command_keeps_the_segments(tmp_path, short_segments):
    """A mistake in a command, such as an unknown encoder, does not delete the segments of an earlier run."""
    source = Clip(times=range(60)).write(tmp_path / "in.mp4")
    with pytest.raises(PowerError):
        draw(source, tmp_path / "out.mp4", stop=50)
    with pytest.raises(MediaError, match="no encoder"):
        draw(source, tmp_path / "out.mp4", encoding=Encoding(codec="betamax"))
    assert draw(source, tmp_path / "out.mp4").resumed == 48


def test_long_names_have_folders_of_their_own(tmp_path, short_segments):
    """Names as long as the file system allows work, and get different folders."""
    source = Clip(times=range(30)).write(tmp_path / "in.mp4")
    targets = [tmp_path / f"{'n' * 240}{n}.mp4" for n in range(2)]
    for target in targets:
        with pytest.raises(PowerError):
            draw(source, target, stop=26)
    assert len(hidden_files(tmp_path)) == 2
    for target in targets:
        assert draw(source, target).resumed == 24


def test_animations_are_written_without_segments(tmp_path, short_segments):
    """An output that cannot be joined from segments is written as a whole, and leaves nothing when it is
    stopped."""
    source = Clip(times=range(60)).write(tmp_path / "in.mp4")
    with pytest.raises(PowerError):
        draw(source, tmp_path / "out.gif", stop=50, encoding=Encoding(codec="gif"))
    assert hidden_files(tmp_path) == []
    report = draw(source, tmp_path / "out.gif", encoding=Encoding(codec="gif"))
    assert (report.resumed, report.frames) == (0, 60)


def test_ctrl_c_says_how_to_resume(tmp_path):
    """A stopped run keeps its finished segments and says how to resume, and the same command does."""
    source = Clip(size=(320, 240), times=range(400)).write(tmp_path / "in.mp4")
    target = tmp_path / "out.mp4"
    slowly = ("video", source, target, "--style", "null", "--preset", "slower")  # time enough for a signal
    process = start_program(*slowly)
    wait_until((tmp_path / ".out.mp4.cartoonize" / "segment-0").exists, process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=WAIT)
    assert process.returncode == 130
    assert re.search(r"\d+ frames are kept in \.out\.mp4\.cartoonize; the same command continues", errors)
    assert names_in(tmp_path) == [".out.mp4.cartoonize", "in.mp4"]
    done = subprocess.run(command_line(*slowly, "--json"), capture_output=True, check=True)
    assert json.loads(done.stdout)["resumed"] >= 120
    assert read_clip(target).times == read_clip(source).times


def test_a_stop_after_a_segment_counts_it(tmp_path, short_segments, monkeypatch):
    """A run that is stopped just when a segment has got its name says that this segment is kept, too."""
    source, replace = Clip(times=range(60)).write(tmp_path / "in.mp4"), Path.replace

    def replace_and_stop(path, target):
        replace(path, target)
        if target.name == "segment-24":
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", replace_and_stop)
    with pytest.raises(KeyboardInterrupt) as stopped:
        draw(source, tmp_path / "out.mp4")
    assert "48 frames are kept" in stopped.value.__notes__[0]


def exists_or_ended(path, process):
    return path.exists() or process.poll() is not None


def assert_kills_do_no_harm(tmp_path, style, kills, seed):
    """Kill a run `kills` times at random moments, resume it each time, and compare the result.

    Returns how many runs were resumed.
    """
    rng = random.Random(seed)
    clip = Clip(times=[n + n // 50 for n in range(560)], time_base=Fraction(1, 30), tones=[440])
    clip.options = {"crf": "20", "g": "90", "bf": "2"}
    source = clip.write(tmp_path / "in.mp4")
    whole, target = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    subprocess.run(command_line("video", source, whole, "--style", style), check=True)
    words = ("video", source, target, "--style", style, "--json")
    folder = tmp_path / ".out.mp4.cartoonize"
    killed = resumed = 0
    while killed < kills:
        process = start_program(*words, stdout=subprocess.PIPE, stderr=None)
        # Not by time alone: on a busy machine all kills would come before the first segment.
        reached = folder / rng.choice(("lock", "segment-0", "segment-120", "segment-240", "segment-360"))
        wait_until(partial(exists_or_ended, reached, process))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0, 0.5))
        process.kill()
        out, _ = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL)
        killed += process.returncode != 0
        if target.exists():  # it was through before it was killed, or just when
            assert_same(whole, target)
            target.unlink()
            resumed += bool(out and json.loads(out)["resumed"])
    done = subprocess.run(command_line(*words), capture_output=True, check=True)
    resumed += json.loads(done.stdout)["resumed"] > 0
    assert_same(whole, target)
    assert names_in(tmp_path) == ["in.mp4", "out.mp4", "whole.mp4"]
    return resumed


def test_a_kill_does_no_harm(tmp_path, tiny_style):
    """Killed at a random moment, the same command resumes, and the video is that of an uninterrupted run."""
    assert_kills_do_no_harm(tmp_path, tiny_style, 1, seed=7)


@pytest.mark.slow
def test_many_kills_do_no_harm(tmp_path, tiny_style):
    """Killed at 50 random moments, a run resumes each time, and the video is that of an uninterrupted run.

    The environment variable CARTOONIZE_KILLS sets another number.
    """
    assert assert_kills_do_no_harm(tmp_path, tiny_style, KILLS, seed=1) > 0
