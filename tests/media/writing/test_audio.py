"""Sound never fails a video and never drifts: the target gets the nearest form that it holds."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from clips import Clip, all_packets, mean_difference, packets, read_clip, remux, require_encoder

from cartoonize import stylize
from cartoonize.media.iso_boxes import split_boxes
from cartoonize.media.writing.audio_frames import to_speakers

RATE = 48000


def make_video(path, codec, *, layout="mono", rate=RATE, start=0.0, picture="libx264", options=None):
    """A clip of a second with a tone, of any layout and rate, that begins at `start`."""
    with av.open(path, "w") as container:
        clip = Clip(times=range(24), codec=picture, options=options or {})
        video = clip._video_stream(container)
        sound = container.add_stream(codec, rate=rate, layout=layout)
        if codec == "wmav2":
            sound.bit_rate = 128_000  # it has no default
        if layout.startswith("ambisonic"):
            sound.options = {"mapping_family": "2"}
        for number, pts in enumerate(clip.times):
            container.mux(video.encode(clip._frame(number, pts)))
        container.mux(video.encode(None))
        for frame in tone(sound.codec_context.format.name, layout, rate, start):
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path


def tone(form, layout, rate, start, seconds=1.0):
    channels = av.AudioLayout(layout).nb_channels
    wave = np.sin(np.arange(int(rate * seconds)) * (2 * np.pi * 440 / rate)) * 0.4
    resampler = av.AudioResampler(form, layout, rate)
    for begin in range(0, len(wave), 1000):
        samples = np.repeat(wave[begin : begin + 1000].astype(np.float32), channels)[None]
        frame = av.AudioFrame.from_ndarray(samples, "flt", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, begin + round(start * rate), Fraction(1, rate)
        yield from resampler.resample(frame)


def heard(path):
    """Samples of the first channel, from time zero of the file on."""
    sound = np.zeros(0, np.float32)
    with av.open(path) as container:
        resampler = av.AudioResampler("fltp", "mono", RATE)
        for frame in container.decode(audio=0):
            place = round(float(frame.pts * frame.time_base) * RATE)
            frame.pts = None
            for part in resampler.resample(frame):
                samples = part.to_ndarray()[0]
                sound = np.concatenate(
                    [sound[:place], np.zeros(max(0, place - len(sound)), np.float32), samples]
                )
                place += len(samples)
    return sound


def loud_from(samples):
    return np.argmax(np.abs(samples) > 0.1) / RATE


@pytest.mark.parametrize(
    ("codec", "layout", "rate", "picture", "source", "target"),
    [
        ("flac", "2.1", 48000, "libx264", "in.mkv", "out.webm"),
        ("flac", "4.0", 48000, "libx264", "in.mkv", "out.webm"),
        ("libopus", "5.1", 48000, "libx264", "in.mkv", "out.avi"),
        ("libopus", "stereo", 48000, "libx264", "in.mkv", "out.mp4"),
        ("flac", "stereo", 48000, "libx264", "in.mkv", "out.mov"),
        ("flac", "stereo", 192000, "libx264", "in.mkv", "out.ts"),
        ("wmav2", "mono", 44100, "mpeg4", "in.avi", "out.mp4"),
        ("pcm_u8", "mono", 8000, "mpeg4", "in.avi", "out.flv"),
        ("pcm_s16le", "5.1", 48000, "libx264", "in.mkv", "out.webm"),
        ("aac", "mono", 96000, "libx264", "in.mkv", "out.flv"),
        ("flac", "7.1", 48000, "libx264", "in.mkv", "out.ts"),
        ("pcm_s16le", "hexadecagonal", 48000, "libx264", "in.mov", "out.flv"),
    ],
)
def test_sound_comes_out_in_any_container(tmp_path, codec, layout, rate, picture, source, target):
    """Sound that the target cannot hold is encoded in the nearest form; no frame and no second is lost."""
    require_encoder(codec)
    path = make_video(tmp_path / source, codec, layout=layout, rate=rate, picture=picture)
    report = stylize(path, tmp_path / target, "null")
    assert report.frames == 24
    samples = heard(tmp_path / target)
    assert 0.9 < len(samples) / RATE < 1.2
    assert np.abs(samples[RATE // 4 : RATE // 2]).max() > 0.1
    with av.open(tmp_path / target) as container:
        assert len(container.streams.audio) == 1


def test_sound_that_changes_its_layout_comes_out_in_one(tmp_path):
    """Stereo that becomes 5.1 within a stream is brought to one layout, and goes on at its time."""
    parts = [make_video(tmp_path / f"{name}.ts", "ac3", layout=name) for name in ("stereo", "5.1")]
    joined = tmp_path / "in.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    report = stylize(joined, tmp_path / "out.webm", "null")
    assert report.frames == 48
    with av.open(tmp_path / "out.webm") as container:
        layouts = {frame.layout.name for frame in container.decode(audio=0)}
    assert len(layouts) == 1
    assert 1.8 < len(heard(tmp_path / "out.webm")) / RATE < 2.4


@pytest.mark.parametrize("codec", ["ac3", "pcm_s16le", "libmp3lame"])
def test_a_pause_of_the_sound_stays_in_avi(tmp_path, codec):
    """AVI states no times of sound: a pause becomes silence, and what follows it stays at its time."""
    path = tmp_path / "in.mkv"
    with av.open(path, "w") as container:
        video, sound = Clip()._video_stream(container), container.add_stream(codec, rate=RATE, layout="mono")
        for start, seconds in ((0.0, 0.2), (1.0, 0.5)):
            for frame in tone(sound.codec_context.format.name, "mono", RATE, start, seconds):
                container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
        for number, pts in enumerate(range(0, 48, 4)):
            container.mux(video.encode(Clip()._frame(number, pts)))
        container.mux(video.encode(None))
    report = stylize(path, tmp_path / "out.avi", "null")
    assert any("starts late or pauses" in notice for notice in report.notices)
    before, after = (heard(tmp_path / name) for name in ("in.mkv", "out.avi"))
    later = slice(RATE // 2, None)
    assert loud_from(after[later]) == pytest.approx(loud_from(before[later]), abs=0.06)


@pytest.mark.parametrize(
    ("codec", "rate"),
    [("libmp3lame", 22050), *((name, RATE) for name in ("ac3", "mp2", "aac", "libmp3lame", "adpcm_ms"))],
)
def test_sound_from_avi_keeps_its_times_in_avi(tmp_path, codec, rate):
    """Compressed sound keeps its times from AVI to AVI, at any rate."""
    require_encoder(codec)
    path = make_video(tmp_path / "in.avi", codec, rate=rate, picture="mpeg4")
    stylize(path, tmp_path / "out.avi", "null")
    ends = []
    for name in ("in.avi", "out.avi"):
        with av.open(tmp_path / name) as container:
            ends.append(max(float(p.pts * p.time_base) for p in container.demux(audio=0) if p.size))
    assert ends[1] == pytest.approx(ends[0], abs=0.1)


@pytest.mark.parametrize("target", ["out.avi", "out.mp4", "out.mkv"])
@pytest.mark.parametrize("start", [0.06, 0.5])
def test_sound_that_starts_late_stays_late(tmp_path, start, target):
    """Silence in front of sound is still there, in AVI, too."""
    source = make_video(tmp_path / "in.mkv", "aac", start=start)
    assert loud_from(heard(source)) == pytest.approx(start, abs=0.03)
    stylize(source, tmp_path / target, "null")
    assert loud_from(heard(tmp_path / target)) == pytest.approx(loud_from(heard(source)), abs=0.03)


class LateTone(Clip):
    """A clip whose sound is silent for half a second."""

    def sound(self, hertz):
        for frame in super().sound(hertz):
            yield mute(frame) if frame.pts < RATE // 2 else frame


def mute(frame):
    frame.planes[0].update(bytes(frame.planes[0].buffer_size))
    return frame


def cut_sound(path, seconds):
    """Write an MP4 file again, whose edit list cuts the sound by some seconds."""

    def shift(packet):
        if packet.stream.type == "audio":
            packet.pts -= round(seconds / packet.time_base)
            packet.dts = packet.pts

    return remux(path.with_name("cut.mp4"), path, change=shift)


@pytest.mark.parametrize("target", ["out.avi", "out.mp4", "out.mkv", "out.ts", "out.flv"])
@pytest.mark.parametrize("seconds", [0, 0.3])
def test_sound_that_an_edit_list_cuts_stays_in_step(tmp_path, seconds, target):
    """Sound from before the start of the picture does not make the rest late, in any container."""
    whole = LateTone(times=range(48), tones=[440], options={"bf": "0"}).write(tmp_path / "in.mp4")
    stylize(cut_sound(whole, seconds), tmp_path / target, "null")
    with av.open(tmp_path / target) as container:
        first = next(container.decode(video=0))
        begin = float(first.pts * first.time_base)  # of TS, whose clock starts later
    assert loud_from(heard(tmp_path / target)) - begin == pytest.approx(0.5 - seconds, abs=0.03)


@pytest.mark.parametrize(
    ("codec", "target"),
    [("flac", f"out{suffix}") for suffix in (".avi", ".flv", ".webm")] + [("libmp3lame", "out.webm")],
)
def test_the_delay_of_encoders_moves_nothing(tmp_path, codec, target):
    """Sound that is encoded again stays at its time within 5 ms, and so does every frame."""
    clip = LateTone(times=range(48), tones=[440], audio_codec=codec, options={"bf": "0"})
    source = clip.write(tmp_path / "in.mkv")
    report = stylize(source, tmp_path / target, "null")
    assert any("was re-encoded" in notice for notice in report.notices)
    assert np.allclose(read_clip(source).times, read_clip(tmp_path / target).times, atol=1e-3)
    assert loud_from(heard(tmp_path / target)) == pytest.approx(loud_from(heard(source)), abs=0.005)


@pytest.mark.parametrize("codec", ["aac", "ac3", "mp2", "libmp3lame", "pcm_s16le"])
def test_sound_in_avi_lasts_as_long_as_before(tmp_path, codec):
    """AVI states how long a packet of sound lasts; if FFmpeg does not know it, the sound is encoded again."""
    clip = Clip(times=[0, 1, 720], tones=[440], audio_codec=codec)  # FFmpeg does not read up to the sound
    stylize(clip.write(tmp_path / "in.mov"), tmp_path / "out.avi", "null")
    assert len(heard(tmp_path / "out.avi")) / RATE == pytest.approx(clip.seconds, abs=0.1)


@pytest.mark.parametrize("target", ["out.mp4", "out.mkv", "out.ts"])
def test_a_clock_that_begins_again_goes_on(tmp_path, target):
    """If two recordings in one file have the same clock, the second follows the first, with a note."""
    part = make_video(tmp_path / "part.ts", "aac", options={"g": "24", "bf": "0"})
    (tmp_path / "in.ts").write_bytes(part.read_bytes() * 2)
    report = stylize(tmp_path / "in.ts", tmp_path / target, "null")
    assert report.frames == 48
    times = read_clip(tmp_path / target).times
    assert np.diff(times) == pytest.approx(1 / 24, abs=0.03)
    assert 1.8 < len(heard(tmp_path / target)) / RATE < 2.4
    assert any("corrected" in notice for notice in report.notices)


@pytest.mark.parametrize("target", ["out.mp4", "out.avi", "out.mkv"])
def test_sound_that_is_announced_and_never_comes(tmp_path, target):
    """A recording may list a stream of sound that begins later or never: its rate is not known then."""
    data = make_video(tmp_path / "whole.ts", "aac").read_bytes()
    parts = [data[begin : begin + 188] for begin in range(0, len(data), 188)]
    sound = 0x101  # the number that FFmpeg gives the packets of the second stream
    source = tmp_path / "in.ts"
    source.write_bytes(b"".join(p for p in parts if int.from_bytes(p[1:3]) & 0x1FFF != sound))
    report = stylize(source, tmp_path / target, "null")
    assert report.frames == 24
    assert any("sound begins later than the file" in notice for notice in report.notices)


def test_priming_is_not_called_a_jump(tmp_path):
    """Sound that begins before zero, as AAC does, causes no notice."""
    source = make_video(tmp_path / "in.mp4", "aac")
    assert stylize(source, tmp_path / "out.mkv", "null").notices == []
    assert loud_from(heard(tmp_path / "out.mkv")) == pytest.approx(loud_from(heard(source)), abs=0.03)


@pytest.mark.parametrize(
    ("codec", "layout", "name"),
    [("pcm_s16le", "stereo", "in.avi"), ("pcm_s24le", "5.1", "in.nut"), ("pcm_s16be", "stereo", "in.nut")],
)
@pytest.mark.parametrize("target", ["out.mp4", "out.mov"])
def test_pcm_without_a_layout_is_copied(tmp_path, codec, layout, name, target):
    """PCM that does not state its speakers, as in AVI, is copied to MP4 and MOV bit for bit."""
    picture = "mpeg4" if name.endswith("avi") else "libx264"
    source = make_video(tmp_path / name, codec, layout=layout, picture=picture)
    assert stylize(source, tmp_path / target, "null").notices == []
    assert b"".join(packets(tmp_path / target, 0)) == b"".join(packets(source, 0))
    with av.open(tmp_path / target) as container:
        assert container.streams.audio[0].layout.name == layout


def test_what_mp4_refuses_at_its_end_is_found_at_its_beginning(tmp_path):
    """Sound that MP4 would refuse at its end, such as PCM of an unknown layout, is encoded from the start."""
    source = make_video(tmp_path / "in.nut", "pcm_s16le", layout="hexadecagonal")
    report = stylize(source, tmp_path / "out.mp4", "null")
    assert any("re-encoded" in notice for notice in report.notices)
    assert read_clip(tmp_path / "out.mp4").kinds == ["video", "audio"]
    assert 0.9 < len(heard(tmp_path / "out.mp4")) / RATE < 1.1


def test_of_ambisonic_sound_one_channel_is_heard():
    """Ambisonic sound is encoded again as its first channel, sound from all directions, at its own pace."""
    frame = av.AudioFrame.from_ndarray(np.arange(16_000, dtype=np.int16)[None], "s16", "ambisonic 3")
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    mono = to_speakers(frame)
    assert mono.layout.name == "mono"
    np.testing.assert_array_equal(mono.to_ndarray()[0], np.arange(0, 16_000, 16))


@pytest.mark.parametrize("layout", ["mono", "5.1", "ambisonic 1"])
@pytest.mark.parametrize("target", ["out.ts", "out.mp4", "out.webm"])
def test_opus_can_be_read_back(tmp_path, layout, target):
    """Opus is copied if the target can state its channels; in TS, ambisonic sound becomes mono."""
    source = make_video(tmp_path / "in.mkv", "libopus", layout=layout)
    report = stylize(source, tmp_path / target, "null")
    is_lost = (layout, target) == ("ambisonic 1", "out.ts")
    assert any("re-encoded" in notice for notice in report.notices) == is_lost
    with av.open(tmp_path / target) as container:
        assert container.streams.audio[0].layout.name == ("mono" if is_lost else layout)
        assert sum(frame.samples for frame in container.decode(audio=0)) == pytest.approx(RATE, rel=0.1)


@pytest.mark.parametrize("codec", ["libmp3lame", "aac"])
def test_copied_sound_in_avi_begins_in_step(tmp_path, codec):
    """AVI states no priming: packets that are mostly priming are left out, or all sound would come late."""
    source = LateTone(times=range(48), tones=[440], audio_codec=codec).write(tmp_path / "in.mp4")
    stylize(source, tmp_path / "out.avi", "null")
    assert loud_from(heard(tmp_path / "out.avi")) == pytest.approx(loud_from(heard(source)), abs=0.005)


def test_ac3_is_copied_to_mp4(tmp_path):
    """AC-3 is copied into MP4, without a notice."""
    source = make_video(tmp_path / "in.mkv", "ac3", layout="5.1(side)")
    report = stylize(source, tmp_path / "out.mp4", "null")
    assert not report.notices


@pytest.mark.parametrize(("source", "target"), [("in.flv", "out.flv"), ("in.mkv", "out.ts")])
def test_mp3_is_copied(tmp_path, source, target):
    """MP3 is copied bit for bit into Flash video and transport streams."""
    made = make_video(tmp_path / source, "libmp3lame", rate=44100)
    assert stylize(made, tmp_path / target, "null").notices == []
    assert packets(tmp_path / target, 0) == packets(made, 0)


def test_packets_shorter_than_a_tick_keep_their_times(tmp_path):
    """Sound whose packets are shorter than a millisecond, as those of TrueHD are, stays in step."""
    with av.open(tmp_path / "in.mkv", "w") as output:
        picture = output.add_stream("libx264", rate=24)
        sound = output.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for number in range(24):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            output.mux(picture.encode(frame))
        output.mux(picture.encode(None))
        for number in range(1200):
            frame = av.AudioFrame.from_ndarray(np.full((1, 40), number, np.int16), "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, number * 40, Fraction(1, RATE)
            output.mux(sound.encode(frame))
    assert stylize(tmp_path / "in.mkv", tmp_path / "out.mkv", "null").notices == []
    before, after = (all_packets(tmp_path / name)[1] for name in ("in.mkv", "out.mkv"))
    assert len(before) == 1200
    assert after == before


def test_sound_behind_damage_stays_in_step(tmp_path):
    """A packet that cannot be decoded becomes silence of its length, however short it is."""
    source = make_video(tmp_path / "whole.mkv", "aac")
    with av.open(source) as whole, av.open(tmp_path / "in.mkv", "w") as damaged:
        streams = [damaged.add_stream_from_template(stream, opaque=True) for stream in whole.streams]
        for number, packet in enumerate(whole.demux(audio=0)):
            if packet.size:
                written = av.Packet(b"\0" if number in (10, 20, 30) else bytes(packet))
                written.pts, written.dts, written.duration = packet.pts, packet.dts, packet.duration
                written.time_base, written.stream = packet.time_base, streams[1]
                damaged.mux(written)
        whole.seek(0)
        for packet in whole.demux(video=0):
            if packet.size:
                packet.stream = streams[0]
                damaged.mux(packet)
    report = stylize(tmp_path / "in.mkv", tmp_path / "out.webm", "null")
    assert any("3 damaged packets of sound (stream 1)" in notice for notice in report.notices)
    ends = [len(heard(path)) / RATE for path in (source, tmp_path / "out.webm")]
    assert ends[1] == pytest.approx(ends[0], abs=0.021)


def with_edits(data, edits, ticks=1):
    """An MP4 file whose tracks show parts of it: for each the seconds that it lasts, and where it begins."""
    changed = b""
    for kind, content, _ in split_boxes(data):
        new = content
        if kind == b"trak":
            ticks = int.from_bytes(content[(place := content.index(b"mdhd") + 16) : place + 4])
        if kind in (b"moov", b"trak", b"edts"):
            new = with_edits(content, edits, ticks)
        elif kind == b"elst":
            first = int.from_bytes(content[12:16])
            rows = [struct.pack(">3I", int(n * 1000), first + int(at * ticks), 1 << 16) for n, at in edits]
            new = struct.pack(">2I", 0, len(edits)) + b"".join(rows)
        changed += struct.pack(">I", len(new) + 8) + kind + new
    return changed


def test_parts_in_another_order_are_converted_as_shown(tmp_path):
    """An edit list may show parts of a file in any order: picture and sound follow it, without a notice."""
    whole = Clip(times=range(48), tones=[440], options={"g": "12"}).write(tmp_path / "whole.mp4")
    (tmp_path / "in.mp4").write_bytes(with_edits(whole.read_bytes(), [(0.5, 1.0), (0.5, 0.25)]))
    report = stylize(tmp_path / "in.mp4", tmp_path / "out.mkv", "null")
    assert report.notices == []
    images, parts = read_clip(whole).images, read_clip(tmp_path / "out.mkv")
    shown = [images[number] for number in (*range(24, 36), *range(6, 18))]
    assert mean_difference(parts.images, shown) < 2
    assert len(heard(tmp_path / "out.mkv")) / RATE == pytest.approx(1.0, abs=0.05)
