"""HDR becomes SDR, and more than 8 bits become 8."""

import re
from fractions import Fraction

import av
import numpy as np
import pytest
from clips import Clip, convert, require_encoder

from cartoonize import Decoding, Encoding, MediaError
from cartoonize.media import VideoSource
from cartoonize.media.hdr import eetf


def write_deep(path, colours, *, transfer, primaries, matrix="bt2020nc"):
    """A lossless 10-bit clip, limited range, of stripes of given R'G'B' signals of 0 to 1."""
    kr, kb = {"bt2020nc": (0.2627, 0.0593), "bt709": (0.2126, 0.0722)}[matrix]
    red, green, blue = np.array(colours, float).T
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    planes = [64 + 876 * luma, 512 + 448 * (blue - luma) / (1 - kb), 512 + 448 * (red - luma) / (1 - kr)]
    with av.open(path, "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = 16 * len(colours), 16, "yuv444p10le"
        context.color_trc, context.color_primaries, context.color_range = transfer, primaries, 1
        context.colorspace = {"bt2020nc": 9, "bt709": 1}[matrix]
        frame = av.VideoFrame(context.width, 16, "yuv444p10le")
        for plane, values in zip(frame.planes, planes, strict=True):
            row = np.zeros(plane.line_size // 2, "<u2")
            row[: context.width] = np.rint(values).repeat(16)
            plane.update(np.tile(row, 16).tobytes())
        for number in range(2):
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def pq(light):
    """The PQ signal of cd/m²; SMPTE ST 2084."""
    power = (np.asarray(light) / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def stripe_middles(image, count):
    return image[8, 8 : 16 * count : 16].astype(int)


def test_pq_becomes_sdr(tmp_path):
    """Dark and middle tones keep their light, 203 cd/m² is near white, more is rolled off, hues stay."""
    red = np.array([0.6274, 0.0691, 0.0164])  # BT.709's red in BT.2020's primaries (BT.2087)
    lights = [(0, 0, 0), (1, 1, 1), (10, 10, 10), (50, 50, 50), (203, 203, 203), (400, 400, 400), (1000,) * 3]
    made = write_deep(tmp_path / "in.mkv", [*pq(lights), pq(60 * red)], transfer=16, primaries=9)
    report = convert(made, tmp_path / "out.mkv", encoding=Encoding(codec="ffv1"))
    assert any("PQ (HDR); it was tone-mapped to SDR, by ITU-R BT.2390" in notice for notice in report.notices)
    with VideoSource(made) as source:
        shown = stripe_middles(next(iter(source)).image, 8)
    displayed = [255 * (light / 203) ** (1 / 2.4) for light in (0, 1, 10, 50)]  # BT.1886, white at 203 cd/m²
    assert np.abs(shown[:4] - np.array(displayed)[:, None]).max() <= 2
    assert shown[4].min() >= 220
    assert shown[4].max() < shown[5].min() < shown[6].max() <= 255
    assert np.abs(shown[7] - [255 * (60 / 203) ** (1 / 2.4), 0, 0]).max() <= 15
    with av.open(tmp_path / "out.mkv") as out:
        frame = next(out.decode(video=0))
    assert (frame.color_trc, frame.color_primaries, frame.colorspace) == (1, 1, 1)


def test_hlg_becomes_sdr(tmp_path):
    """HLG's reference white, 75 % of the signal (BT.2408), is near white, and its grey card is mid-grey."""
    signals = [(0.0,) * 3, (0.38,) * 3, (0.75,) * 3, (1.0,) * 3]
    with VideoSource(write_deep(tmp_path / "in.mkv", signals, transfer=18, primaries=9)) as source:
        shown = stripe_middles(next(iter(source)).image, 4)
        assert any("HLG" in notice for notice in source.notices)
    assert shown[0].max() <= 1
    assert 95 <= shown[1].mean() <= 125
    assert shown[2].min() >= 220
    assert shown[3].min() >= 253


def test_the_stated_peak_is_used():
    """A video graded to 4000 cd/m² keeps differences above 1000 cd/m² that other videos do not have."""
    bright, brighter = eetf(np.array([1000.0, 3000.0]), 4000.0)
    assert brighter - bright > 5
    assert np.ptp(eetf(np.array([1000.0, 3000.0]), 1000.0)) < 1e-6


def test_hdr_that_only_the_container_states_is_seen(tmp_path):
    """Colour tags of MP4, MOV and Matroska count where the video in them states none."""
    images = []
    for tag, place in ((16, "video"), (2, "container")):  # PQ, unspecified
        path = tmp_path / f"{place}.mov"
        with av.open(path, "w") as container:
            stream = container.add_stream("prores_ks", rate=24)
            context = stream.codec_context
            context.width, context.height, context.pix_fmt = 64, 48, "yuv422p10le"
            context.color_trc, context.color_primaries, context.colorspace = 16, 9, 9
            grey = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 130, np.uint8), "rgb24")
            frame = grey.reformat(format="yuv422p10le")
            frame.pts, frame.time_base, frame.color_trc = 0, Fraction(1, 24), tag
            frame.color_primaries = frame.colorspace = min(tag, 9)
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        with av.open(path) as container:
            assert next(container.decode(video=0)).color_trc == tag
        with VideoSource(path) as source:
            images += [frame.image for frame in source]
            assert any("is PQ (HDR)" in notice for notice in source.notices)
    assert np.array_equal(*images)


def test_hdr_can_be_refused(tmp_path):
    """`--hdr fail` ends in one sentence, and writes nothing."""
    made = write_deep(tmp_path / "in.mkv", [(0.5,) * 3], transfer=16, primaries=9)
    with pytest.raises(MediaError, match="PQ"):
        convert(made, tmp_path / "out.mp4", decoding=Decoding(hdr="fail"))
    assert not (tmp_path / "out.mp4").exists()


def dolby_vision_metadata(profile, full_range):
    """A NAL unit with a minimal RPU (ETSI GS CCM 001), whose curves change nothing."""
    bits = f"{2:06b}{18:011b}{profile:04b}0000" + "1"  # type, format, profile, level, sequence info follows
    bits += "000" + golomb(23) + f"01{full_range}" + golomb(2) + golomb(2) + golomb(4)  # depths 10, 10, 12
    bits += "000001" + "00" + 3 * golomb(0)  # no residual; no display metadata, no reference; colour space
    bits += 3 * (golomb(0) + f"{0:010b}{1023:010b}") + 2 * golomb(0)  # pivots and partitions
    line = golomb(0) + f"{0:023b}" + golomb(1) + f"{0:023b}"  # 0 + 1 x
    bits += 3 * (golomb(0) + golomb(0) + "0" + line)
    bits += "0" * (-len(bits) % 8)
    data = b"\x19" + int(bits, 2).to_bytes(len(bits) // 8) + b"\1\1\1\1\x80"
    return b"\0\0\0\1\x7c\1" + re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", data)


def golomb(number):
    """Exp-Golomb bits of an unsigned number (ITU-T H.265, 9.2)."""
    bits = f"{number + 1:b}"
    return "0" * (len(bits) - 1) + bits


@pytest.mark.parametrize("profile", [5, 8])
def test_dolby_vision_is_read_by_its_base_layer_or_refused(tmp_path, profile):
    """No video comes out with wrong colours, as those of profile 5 would be."""
    require_encoder("libx265")
    options = {"x265-params": "log-level=none:repeat-headers=1:bframes=0"}
    plain = Clip(codec="libx265", options=options, pixel_format="yuv420p10le").write(tmp_path / "plain.hevc")
    metadata = dolby_vision_metadata(*((0, 1) if profile == 5 else (1, 0)))
    with av.open(plain) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    made = tmp_path / "in.hevc"
    made.write_bytes(b"".join(packet + metadata for packet in packets))
    if profile == 8:
        assert convert(made, tmp_path / "out.mp4").frames == 12
    else:
        with pytest.raises(MediaError, match=r"in\.hevc is Dolby Vision without a base layer \(profile 5\)"):
            convert(made, tmp_path / "out.mp4")


def test_ten_bits_of_sdr_stay_right_in_eight(tmp_path):
    """10-bit SDR keeps its colours to one level, and a notice says that it is 8-bit now."""
    colours = np.random.default_rng(2).integers(0, 256, (8, 3)) / 255
    made = write_deep(tmp_path / "in.mkv", colours, transfer=1, primaries=1, matrix="bt709")
    report = convert(made, tmp_path / "out.mp4")
    assert any("10-bit" in notice for notice in report.notices)
    with VideoSource(made) as source:
        shown = stripe_middles(next(iter(source)).image, 8)
    assert np.abs(shown - 255 * colours).max() <= 1.5
