"""HDR pictures become SDR pictures, as HDR video becomes SDR video."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from clips import require_encoder
from pictures import deep_png
from PIL import Image

from cartoonize import MediaError
from cartoonize.media import open_source
from cartoonize.media.pictures.heif_boxes import primary_colour_boxes
from cartoonize.media.pictures.picture_source import PictureSource

SIZE = (96, 64)
PQ, HLG, BT2020 = 16, 18, 9
AV1 = "libaom-av1" if "libaom-av1" in av.codecs_available else "libsvtav1"


def signal():
    """Ramps of an HDR signal, (H, W, 3) uint16: dark to light, and towards saturated colours."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    ramp = 4000 + x * 36000 // SIZE[0]
    tint = y * 12000 // SIZE[1]
    return np.stack([ramp + tint, ramp, ramp + tint // 2], -1).astype(np.uint16)


def encode(path, transfer, codec, **options):
    """Write the signal as one frame of 10 bits, by FFmpeg."""
    require_encoder(codec)
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = *SIZE, "yuv420p10le"
        context.color_trc, context.color_primaries, context.colorspace = transfer, BT2020, BT2020
        context.color_range = 1
        frame = av.VideoFrame.from_ndarray(signal(), "rgb48le").reformat(
            format="yuv420p10le", dst_colorspace=BT2020, src_color_range=2, dst_color_range=1
        )
        frame.color_trc, frame.color_primaries, frame.pts = transfer, BT2020, 0
        frame.time_base = Fraction(1, 25)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_png(path, transfer):
    path.write_bytes(deep_png(signal(), (b"cICP", bytes([BT2020, transfer, 0, 1]))))
    return path


def write_heic(path, transfer):
    heif = pytest.importorskip("pillow_heif")
    image = heif.from_bytes("RGB;16", SIZE, signal().tobytes())
    image.save(
        path, quality=95, chroma=444, save_nclx_profile=True, color_primaries=BT2020,
        transfer_characteristics=transfer, matrix_coefficients=BT2020, full_range_flag=1,
    )  # fmt: skip
    return path


def read(path):
    with PictureSource([path]) as source:
        return next(iter(source)).image.astype(int), source.notices


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("suffix", [".avif", ".heic", ".png"])
def test_an_hdr_picture_looks_as_it_does_in_a_video(tmp_path, suffix, transfer):
    """The same HDR signal in AVIF, HEIC, PNG and a video becomes the same SDR picture, with a notice."""
    video = encode(tmp_path / "in.mkv", transfer, "ffv1")
    with open_source(video) as source:
        expected = next(iter(source)).image.astype(int)
    path = tmp_path / f"in{suffix}"
    if suffix == ".avif":
        encode(path, transfer, AV1, crf="4")
    else:
        (write_png if suffix == ".png" else write_heic)(path, transfer)
    image, notices = read(path)
    assert image.shape == expected.shape
    assert np.abs(image - expected).mean() < 2.5
    name = "PQ" if transfer == PQ else "HLG"
    assert notices == [f"in{suffix} is {name} (HDR); it was tone-mapped to SDR, by ITU-R BT.2390."]


def test_a_picture_that_is_not_hdr_is_not_mapped(tmp_path):
    """A picture in sRGB keeps its values."""
    picture = (signal() >> 8).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "in.png")
    image, notices = read(tmp_path / "in.png")
    np.testing.assert_array_equal(image, picture)
    assert notices == []


@pytest.mark.parametrize("primary", [0, 1])
def test_the_tag_of_another_picture_does_not_count(tmp_path, primary):
    """Of a HEIC file with an SDR and an HDR picture, only the HDR one is tone-mapped, wherever it stands."""
    heif = pytest.importorskip("pillow_heif")
    file = heif.HeifFile()
    for index, transfer in enumerate((PQ, 13)):
        file.add_from_pillow(Image.fromarray((signal() >> 8).astype(np.uint8)))
        file[index].info["nclx_profile"] = {
            "color_primaries": 1, "transfer_characteristics": transfer, "matrix_coefficients": 1,
            "full_range_flag": 1,
        }  # fmt: skip
    file.save(tmp_path / "in.heic", primary_index=primary, save_nclx_profile=True)
    _image, notices = read(tmp_path / "in.heic")
    assert any("tone-mapped" in notice for notice in notices) == (primary == 0)


def test_a_property_that_is_named_often_is_read_once():
    """A malicious file that names one colour thousands of times takes no more memory than its size."""

    def box(kind, *contents):
        content = b"".join(contents)
        return struct.pack(">I", 8 + len(content)) + kind + content

    colour = box(b"colr", b"nclx" + bytes(30000))
    named = struct.pack(">IIHB", 0, 1, 1, 255) + b"\1" * 255
    properties = box(b"iprp", box(b"ipco", colour), box(b"ipma", named))
    header = box(b"meta", bytes(4), box(b"pitm", struct.pack(">IH", 0, 1)), properties)
    assert primary_colour_boxes(header) == colour[4:]


def test_a_damaged_hdr_picture_is_refused(tmp_path):
    """An HDR picture whose samples are gone ends in a sentence."""
    path = encode(tmp_path / "in.avif", PQ, AV1)
    data = path.read_bytes()
    begin = data.index(b"mdat") + 4
    path.write_bytes(data[:begin] + bytes(len(data) - begin))
    with pytest.raises(MediaError, match=r"^Cannot read .*in\.avif"):
        read(path)
