"""Files of ncnn: complete in themselves but for padding, and the same as in PyTorch."""

import numpy as np
import pytest
import torch
from clips import names_in
from noise import noise

from cartoonize import BackendError, MediaError, ModelError, load
from cartoonize.models import Generator
from cartoonize.models.checkpoint import save_style
from cartoonize.models.dialect import LayerNames
from cartoonize.styles.card import Card

ncnn = pytest.importorskip("ncnn", reason="needs the extra `vulkan`")
from small_networks import NETWORKS, lively  # noqa: E402

from cartoonize.backends.ncnn.convert import convert  # noqa: E402
from cartoonize.export import ncnn as exporting  # noqa: E402
from cartoonize.export.ncnn import export_ncnn  # noqa: E402


@pytest.mark.parametrize(("architecture", "config"), NETWORKS)
def test_every_network_is_drawn_the_same(tmp_path, lively_generator, architecture, config):
    """Files with weights in fp32 are within a level of PyTorch, those in fp16 close, and half as large."""
    style = tmp_path / "style.safetensors"
    save_style(style, lively(lively_generator, architecture, config), Card())
    assert export_ncnn(str(style), tmp_path / "a.param").largest <= 1
    assert export_ncnn(str(style), tmp_path / "b.param", precision="fp16").percentile <= 2
    full, half = ((tmp_path / name).stat().st_size for name in ("a.bin", "b.bin"))
    assert 0.5 < half / full < 0.6


def test_ncnn_alone_draws_it(tiny_style, tiny_param):
    """The file takes RGB values of 0 to 255 and returns the same: other programs need no part of this one."""
    picture = noise(24, 36)
    net = ncnn.Net()
    net.load_param(str(tiny_param))
    net.load_model(str(tiny_param.with_suffix(".bin")))
    extractor = net.create_extractor()
    extractor.input("images", ncnn.Mat.from_pixels(picture, ncnn.Mat.PixelType.PIXEL_RGB, 36, 24))
    code, result = extractor.extract("cartoons")
    drawing = np.rint(np.array(result)).transpose(1, 2, 0)
    assert code == 0
    with load(str(tiny_style), device="cpu", precision="fp32") as backend:
        assert np.abs(drawing - backend(picture[None])[0]).max() <= 1


def test_the_files_say_where_they_come_from(tiny_param):
    """Style, licence and network are in the .param file, and on the card of the style that it is."""
    with load(str(tiny_param), device="cpu") as backend:
        assert (backend.card.name, backend.card.licence) == ("tiny", "CC0")
        assert backend.network == "swift 8 in ncnn"
        assert backend.gflop(100, 100) > 0


def test_files_that_disagree_are_not_written(tmp_path, tiny_style, monkeypatch):
    """If what was converted draws another picture, the command fails, says where, and leaves no file."""
    convert = exporting.convert_style

    def careless(*arguments, **options):
        network = convert(*arguments, **options)
        damaged = np.frombuffer(network.weights, np.float32).copy()
        damaged[-1] += 40  # of the layer that returns to 0 to 255
        return exporting.NcnnNetwork(network.graph, damaged.tobytes())

    monkeypatch.setattr(exporting, "convert_style", careless)
    with pytest.raises(ModelError, match="does not draw what PyTorch draws"):
        export_ncnn(str(tiny_style), tmp_path / "a.param")
    assert list(tmp_path.iterdir()) == []


class Odd(Generator):
    """A network with a layer of our choice."""

    stride = 4
    layers = LayerNames("layer", "layer")

    def __init__(self, layer):
        super().__init__()
        self.reach, self.floats_per_pixel, self.layer = 1, 3.0, layer

    def forward(self, x):
        return self.layer(x)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (torch.nn.Sigmoid(), "cannot hold a layer of this network: Sigmoid"),
        (torch.nn.Conv2d(3, 3, 3, padding=2, dilation=2), "cannot hold a layer of this network: Conv2d"),
        (torch.nn.Conv2d(3, 3, 3, padding=1, padding_mode="circular"), "padding_mode=circular"),
        (lambda x: x + 1.0, "BinaryOp with a constant"),
        (lambda x: x if x.mean() > 0 else -x, "depends on the picture"),
        (torch.nn.Conv2d(3, 3, 3), "do not keep their size"),
    ],
)
def test_layers_without_counterpart_are_named(layer, message):
    """A network that ncnn files cannot hold is refused with the reason, and never written differently."""
    with pytest.raises(BackendError, match=message):
        convert(Odd(layer).eval(), {})


def test_nothing_is_replaced_by_accident(tmp_path, tiny_style):
    """Existing files stay, the .bin file too; other suffixes and precisions are refused."""
    (tmp_path / "a.bin").write_bytes(b"mine")
    with pytest.raises(MediaError, match=r"a\.bin exists already"):
        export_ncnn(str(tiny_style), tmp_path / "a.param")
    assert names_in(tmp_path) == ["a.bin"]
    with pytest.raises(BackendError, match=r"has to end in \.param; write a\.param"):
        export_ncnn(str(tiny_style), tmp_path / "a.onnx")
    with pytest.raises(BackendError, match="in fp32 or fp16, not in 'int8'"):
        export_ncnn(str(tiny_style), tmp_path / "c.param", precision="int8")
    export_ncnn(str(tiny_style), tmp_path / "a.param", overwrite=True)
    assert (tmp_path / "a.bin").stat().st_size > 1000
