"""`--on-twos` and `--on-threes`: drawings are held, the network skips frames, and no frame or time is
lost."""

from fractions import Fraction
from itertools import groupby

import numpy as np
import pytest
from clips import BEATS, Clip, read_clip
from noise import noise

from cartoonize import (
    Decoding,
    Encoding,
    Frame,
    Hold,
    Look,
    MediaError,
    Retouch,
    load,
    open_sink,
    open_source,
    stream,
    stylize,
)
from cartoonize.effects import effect
from cartoonize.effects.hold import CutDetector

LOSSLESS = Encoding(codec="ffv1")


class CountingBackend:
    """A network whose drawings are known: the first pixel counts them. `batches` holds the sizes of its
    calls."""

    runtime, device, precision, batch, pixel_format = "counting", "none", "none", 1, ""

    def __init__(self):
        self.notices, self.batches = [], []

    def __call__(self, images):
        first = sum(self.batches)
        self.batches.append(len(images))
        drawings = 255 - images
        drawings[:, 0, 0, 0] = np.arange(first, first + len(images))
        return drawings


def shot(seed=0, size=(48, 64)):
    """A picture of large spots, unlike those of other seeds."""
    spots = noise(6, 8, seed=seed)
    return np.kron(spots, np.ones((size[0] // 6, size[1] // 8, 1), np.uint8))


def frames_at(times, time_base=Fraction(1, 1000), image=shot):
    return [Frame(image(), pts, time_base) for pts in times]


def held(frames, hold=2, batch=1, **options):
    """For how many frames each drawing lasts, and the pictures of each call."""
    backend = CountingBackend()
    shown = list(stream(frames, backend, batch=batch, effects=[Hold(hold)], **options))
    assert [frame.pts for frame in shown] == [frame.pts for frame in frames]
    return [len(list(group)) for _, group in groupby(int(frame.image[0, 0, 0]) for frame in shown)], backend


@pytest.mark.parametrize(
    ("rate", "twos", "threes"),
    [
        (Fraction(24000, 1001), 2, 3),
        (24, 2, 3),
        (25, 2, 3),
        (Fraction(30000, 1001), 2, 3),
        (30, 2, 3),
        (12, 1, 1),
        (15, 1, 2),
        (48, 4, 6),
        (50, 4, 6),
        (60, 5, 7),
    ],
)
@pytest.mark.parametrize("time_base", [Fraction(1, 90000), Fraction(1, 1000)])
def test_drawings_last_as_at_24_frames_per_second(rate, twos, threes, time_base):
    """At 24 to 30 frames/s drawings last two or three frames, at other rates 1/12 or 1/8 s to the frame."""
    times = [round(number / Fraction(rate) / time_base) for number in range(84)]
    for hold, expected in ((2, twos), (3, threes)):
        lengths, _ = held(frames_at(times, time_base), hold)
        assert set(lengths[:-1]) == {expected}


def test_variable_rates_are_held_by_time():
    """At irregular rates, drawings last as long as on film, to half a frame, and never longer."""
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.choice([5, 10, 17, 50, 700], 200)).tolist()
    for hold, seconds in ((2, 1 / 12), (3, 1 / 8)):
        lengths, _ = held(frames_at(times), hold)
        starts = np.cumsum([0, *lengths[:-1]])
        for start, length in zip(starts, lengths, strict=True):
            last = times[start + length - 1] / 1000 - times[start] / 1000
            assert last < seconds


@pytest.mark.parametrize("batch", [1, 4])
def test_the_network_runs_half_as_often(batch):
    """48 frames on twos are 24 drawings, on threes 16, in whole batches."""
    frames = frames_at(range(48), Fraction(1, 24))
    for hold, expected in ((2, 24), (3, 16)):
        _, backend = held(frames, hold, batch)
        assert backend.batches == [batch] * (expected // batch)


def test_the_picture_stands_between_drawings(tmp_path):
    """Every frame keeps its time, and the picture changes only with each drawing."""
    source = Clip(times=range(18), tones=[440]).write(tmp_path / "in.mp4")
    report = stylize(source, tmp_path / "out.mkv", "null", hold=2, encoding=LOSSLESS, stabilize=False)
    before, after = read_clip(source), read_clip(tmp_path / "out.mkv")
    assert after.times == pytest.approx(before.times, abs=0.001)  # Matroska counts milliseconds
    assert after.audio == before.audio
    assert (report.frames, report.hold) == (18, 2)
    images = np.stack(after.images)
    assert np.array_equal(images[::2], images[1::2])
    assert all(np.any(a != b) for a, b in zip(images[::2], images[2::2], strict=False))


@pytest.mark.parametrize("cut", [4, 5, 6, 7])
def test_a_cut_begins_a_new_drawing(cut):
    """The first frame of a shot is drawn, wherever it is, and its drawing is held in turn."""
    frames = [Frame(shot(seed=number >= cut), number, Fraction(1, 24)) for number in range(12)]
    lengths, _ = held(frames, hold=3)
    assert cut in np.cumsum(lengths)
    assert lengths[-1] <= 3


def test_a_flash_and_a_dark_cut_begin_drawings():
    """A shot of one frame, the shot after it, and a dark shot each begin a drawing."""
    flash = [Frame(np.full((48, 64, 3), 255 * (n == 7), np.uint8), n, Fraction(1, 24)) for n in range(12)]
    assert held(flash, hold=3)[0] == [3, 3, 1, 1, 3, 1]
    dark = [Frame(shot(seed=n >= 7) // 6, n, Fraction(1, 24)) for n in range(12)]
    assert held(dark, hold=3)[0] == [3, 3, 1, 3, 2]


def test_a_pan_is_no_series_of_cuts():
    """Drawings are held even if the camera moves fast."""
    wide = np.hstack([shot(seed) for seed in range(8)])
    frames = [Frame(wide[:, 6 * n : 6 * n + 64], n, Fraction(1, 24)) for n in range(60)]
    lengths, _ = held(frames)
    assert lengths.count(1) <= 2


def test_noise_is_no_cut():
    """Grain and slow fades do not begin shots."""
    detector, rng = CutDetector(), np.random.default_rng(0)
    for number in range(48):
        noisy = shot().astype(int) + rng.integers(-20, 21, (48, 64, 3)) - 2 * number
        assert not detector.is_cut(np.clip(noisy, 0, 255).astype(np.uint8))


def test_frames_without_times_are_all_drawn():
    """Frames without times, as of a folder, and frames of changing sizes are all drawn."""
    lengths, _ = held(frames_at([0] * 6))
    assert lengths == [1] * 6
    sizes = [Frame(shot(size=size), n, Fraction(1, 24)) for n, size in enumerate([(48, 64), (24, 32)] * 3)]
    assert held(sizes)[0] == [1] * 6


def test_a_segment_begins_a_new_drawing():
    """A segment begins with a new drawing, and no batch holds frames of two segments."""
    lengths, backend = held(frames_at(range(24), Fraction(1, 24)), 2, batch=4, segment=7)
    assert lengths == [2, 2, 2, 1] * 3 + [2, 1]
    assert backend.batches == [4, 4, 4, 2]


def test_a_comparison_moves_beside_a_held_drawing():
    """The source's half changes with every frame, the drawing's half with every second."""
    images = [np.full((48, 64, 3), number, np.uint8) for number in range(8)]
    frames = [Frame(image, number, Fraction(1, 24)) for number, image in enumerate(images)]
    effects = [Hold(2), Retouch(compare="side")]
    shown = list(stream(frames, lambda images: 255 - images, effects=effects))
    assert [int(frame.image[9, 9, 0]) for frame in shown] == list(range(8))
    assert [int(frame.image[9, 99, 0]) for frame in shown] == [255, 255, 253, 253, 251, 251, 249, 249]


def test_opacity_is_held_with_the_drawing():
    """A drawing keeps its own outline for as long as it is held."""
    frames = [
        Frame(shot(), number, Fraction(1, 24), alpha=np.full((48, 64), number, np.uint8))
        for number in range(4)
    ]
    shown = list(stream(frames, lambda images: images, effects=[Hold(2)]))
    assert [int(frame.alpha[0, 0]) for frame in shown] == [0, 0, 2, 2]


def test_a_drawing_is_enlarged_once(monkeypatch):
    """A held drawing is enlarged once, and not for each frame."""
    calls = []
    monkeypatch.setattr(effect, "enlarge", lambda image, size: calls.append(size) or image)
    list(stream(frames_at(range(8), Fraction(1, 24)), lambda images: images, effects=[Hold(2)]))
    assert len(calls) == 4


@pytest.mark.parametrize("compare", [None, "side"])
def test_the_loop_of_the_library_gives_what_the_command_gives(tmp_path, tiny_style, compare):
    """With the same effects, `stream` yields the frames that `stylize` writes."""
    images = [np.roll(shot(seed=number // 27), number, axis=1) for number in range(100)]
    source = Clip(times=BEATS[:100], images=images).write(tmp_path / "in.mp4")
    retouch = Retouch(compare=compare)
    options = {"encoding": LOSSLESS, "hold": 2, "batch": 3, "retouch": retouch}
    stylize(source, tmp_path / "one.mkv", str(tiny_style), **options)
    look, decoding = Look(hold=2, retouch=retouch), Decoding(detail="normal", keep_source=True)
    with load(str(tiny_style)) as draw, open_source(source, decoding=decoding) as frames:
        size = look.size(frames.video.width, frames.video.height)
        with open_sink(tmp_path / "two.mkv", frames, encoding=LOSSLESS, size=size) as sink:
            for frame in stream(frames, draw, batch=3, effects=look.effects()):
                sink.write(frame)
    one, two = read_clip(tmp_path / "one.mkv"), read_clip(tmp_path / "two.mkv")
    assert one.times == two.times
    assert np.array_equal(np.stack(one.images), np.stack(two.images))


def test_the_command_holds(tmp_path, run):
    """`cartoonize video` holds drawings on twos or on threes, and refuses both options together."""
    Clip(times=range(12)).write(tmp_path / "in.mp4")
    command = ("video", tmp_path / "in.mp4", tmp_path / "out.mkv", "--style", "null", "--codec", "ffv1")
    assert run(*command, "--on-threes")[0] == 0
    images = np.stack(read_clip(tmp_path / "out.mkv").images)
    assert np.array_equal(images[::3], images[2::3])
    code, _, messages = run(*command, "--on-twos", "--on-threes")
    assert code == 1
    assert "choose one" in messages


@pytest.mark.parametrize("frames", [0, 1, 4])
def test_other_numbers_are_refused(frames):
    """Drawings are held for two or three frames."""
    with pytest.raises(MediaError, match="2 or 3"):
        Hold(frames)
    if frames != 1:
        with pytest.raises(MediaError, match="1, 2 or 3"):
            Look(hold=frames)
