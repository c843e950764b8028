"""The networks, and the files that hold them."""

import json
import math
import os
import struct
import sys
import time

import numpy as np
import pytest
import torch
from noise import noise
from safetensors.torch import load_file, save_file
from small_networks import NETWORKS

from cartoonize import MediaError, ModelError, load, models
from cartoonize.models import ARCHITECTURES, FrameModel
from cartoonize.models.blocks import InstanceNorm, LayerNorm
from cartoonize.models.checkpoint import load_style, save_style, write_card
from cartoonize.models.cost import multiplications
from cartoonize.styles.card import Card, read_header


def parameters(generator):
    return sum(p.numel() for p in generator.parameters())


def test_cartoongan_is_the_published_network():
    """Width 64 has the paper's 11.1 million parameters and 54.4 GMAC at 256x256."""
    generator = ARCHITECTURES["cartoongan"]()
    assert parameters(generator) == pytest.approx(11.1e6, rel=0.01)
    assert multiplications(generator, 256, 256) == pytest.approx(54.4e9, rel=0.01)


def test_animegan2_is_the_published_network():
    """Width 32 has AnimeGANv2's 2.14 million parameters and 26.3 GMAC at 256x256."""
    generator = ARCHITECTURES["animegan2"]()
    assert parameters(generator) == pytest.approx(2.14e6, rel=0.01)
    assert multiplications(generator, 256, 256) == pytest.approx(26.3e9, rel=0.01)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("kind", "mean", "axes"), [(LayerNorm, 3, (1, 2, 3)), (InstanceNorm, 200, (2, 3))])
def test_norms_take_their_sums_in_float32(kind, mean, axes, dtype):
    """In half precision too the statistics have all digits, also far from 0; only the result is rounded."""
    x = (mean + torch.randn(2, 6, 40, 56)).to(dtype).contiguous(memory_format=torch.channels_last)
    norm = kind(6)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    exact = x.double()
    variance = exact.var(axes, correction=0, keepdim=True)
    scaled = (exact - exact.mean(axes, keepdim=True)) * torch.rsqrt(variance + norm.eps)
    expected = scaled * norm.weight.double()[:, None, None] + norm.bias.double()[:, None, None]
    for mode in (torch.inference_mode, torch.enable_grad):
        with mode():
            out = norm(x)
        assert out.dtype == dtype
        torch.testing.assert_close(out.double(), expected, rtol=torch.finfo(dtype).eps / 2, atol=2e-4)


def test_the_variant_costs_no_more():
    """The deck's blurred up-sampling takes no more multiplications than transposed convolutions."""
    blur = multiplications(ARCHITECTURES["cartoongan_blur"](), 256, 256)
    assert blur <= multiplications(ARCHITECTURES["cartoongan"](), 256, 256) * 1.001


def test_blurred_upsampling_draws_no_checkerboard():
    """A flat picture stays flat through the variant's up-sampling; transposed convolutions pattern it."""

    @torch.no_grad()
    def pattern(architecture):
        torch.manual_seed(0)
        block = ARCHITECTURES[architecture](width=8, blocks=1).eval().up1[:2]
        y = block(torch.ones(1, 32, 16, 16))[..., 6:-6, 6:-6]
        return float((y - y.mean((2, 3), keepdim=True)).abs().max())

    assert pattern("cartoongan_blur") < 1e-5
    assert pattern("cartoongan") > 1e-2


@pytest.mark.parametrize(("architecture", "config"), NETWORKS)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (17, 33), (64, 48), (31, 8)])
def test_pictures_of_any_size_keep_it(architecture, config, size):
    """FrameModel takes and returns uint8 pictures of any size and number."""
    model = FrameModel(ARCHITECTURES[architecture](**config)).eval()
    images = torch.randint(0, 256, (2, *size, 3), dtype=torch.uint8)
    with torch.inference_mode():
        out = model(images)
    assert out.shape == images.shape
    assert out.dtype == torch.uint8


def test_an_untrained_swift_changes_nothing():
    """The identity is the starting point: scaling, padding, cropping and rounding lose no grey level."""
    images = torch.randint(0, 256, (1, 30, 41, 3), dtype=torch.uint8)
    with torch.inference_mode():
        assert torch.equal(FrameModel(ARCHITECTURES["swift"]())(images), images)


@pytest.mark.parametrize("architecture", ["swift", "cartoongan_blur", "animegan2"])
def test_a_picture_knows_nothing_of_its_batch(lively_generator, architecture):
    """A frame is drawn the same alone and among others."""
    model = FrameModel(lively_generator(architecture, width=4, blocks=1))
    images = torch.randint(0, 256, (3, 24, 24, 3), dtype=torch.uint8)
    with torch.inference_mode():
        together, alone = model(images), torch.cat([model(image[None]) for image in images])
    assert (together.int() - alone.int()).abs().max() <= 1


def test_swift_looks_no_further_than_it_says(lively_generator):
    """A change farther away than `reach` changes nothing, so tiles can be joined exactly."""
    generator = lively_generator("swift", width=8, blocks=2)
    picture = torch.zeros(1, 3, 128, 128)
    changed = picture.clone()
    changed[..., 64, 64] = 1
    with torch.inference_mode():
        moved = (generator(changed) - generator(picture)).abs().sum(1)[0] > 0
    rows, columns = moved.nonzero(as_tuple=True)
    assert int((rows - 64).abs().max().maximum((columns - 64).abs().max())) <= generator.reach


@pytest.mark.parametrize(("architecture", "config"), NETWORKS)
def test_a_style_file_gives_the_network_back(tmp_path, lively_generator, architecture, config):
    """A style file keeps architecture, configuration and card, and the weights in float16."""
    generator = lively_generator(architecture, **config)
    save_style(
        tmp_path / "a.safetensors", generator, Card("a", licence="CC BY 4.0", figures={"flicker": 0.8})
    )
    loaded, header = load_style(tmp_path / "a.safetensors")
    assert header.architecture == architecture
    assert header.config == loaded.config == generator.config
    assert header.card.licence == "CC BY 4.0"
    assert header.card.figures == {"flicker": 0.8}
    for name, value in generator.state_dict().items():
        assert torch.allclose(loaded.state_dict()[name].float(), value.float(), atol=2e-3)


def test_another_card_leaves_the_weights_alone(tmp_path, lively_generator):
    """Weights in float32 are the same, digit by digit, after the card was changed."""
    path, generator = tmp_path / "a.safetensors", lively_generator("swift", width=4, blocks=1)
    save_style(path, generator, Card("a"), half=False)
    write_card(path, Card("b", licence="CC0"))
    loaded, header = load_style(path)
    assert (header.card.name, header.card.licence) == ("b", "CC0")
    for name, value in generator.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)


def test_an_earlier_style_is_kept_without_overwrite(tmp_path, lively_generator):
    """Without `overwrite`, an existing style file stays."""
    path, generator = tmp_path / "a.safetensors", lively_generator("swift", width=4, blocks=1)
    save_style(path, generator, Card("first"))
    with pytest.raises(MediaError, match="exists already"):
        save_style(path, generator, Card("second"), overwrite=False)
    assert read_header(path).card.name == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    """A diverged network never becomes a style file, nor replaces one."""
    generator = ARCHITECTURES["swift"](width=4, blocks=1)
    save_style(tmp_path / "a.safetensors", generator, Card("good"))
    generator.head.weight.data[0] = float("nan")
    with pytest.raises(ModelError, match="not finite"):
        save_style(tmp_path / "a.safetensors", generator, Card("bad"))
    assert read_header(tmp_path / "a.safetensors").card.name == "good"


def rewrite(path, tensors=(), **changes):
    """Change the header of a style file, and some of its tensors."""
    with path.open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        metadata = json.loads(file.read(length))["__metadata__"]
    save_file(load_file(path) | dict(tensors), path, {**metadata, **changes})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_no_numbers_are_refused(tmp_path, tiny_style, value):
    """A style with NaN or infinity in its weights is an error. It would draw an empty picture."""
    path = tmp_path / "broken.safetensors"
    path.write_bytes(tiny_style.read_bytes())
    with path.open("r+b") as file:
        file.seek(-2, os.SEEK_END)
        file.write(np.array(value, np.float16).tobytes())
    with pytest.raises(ModelError, match="NaN or infinity: "):
        load_style(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "else"}, "not a style"),
        ({"architecture": "__import__('os')"}, "architecture"),
        ({"config": '{"width": 1000000}'}, "damaged"),
        ({"config": '{"width": -1}'}, "damaged"),
        ({"config": '{"width": 4096, "blocks": 1}'}, "do not fit"),
        ({"config": '{"surprise": 3}'}, "cannot be built"),
        ({"config": "[1, 2"}, "damaged"),
        ({"card": '"text"'}, "damaged"),
        ({"card": '{"figures": [1]}'}, "damaged"),
        ({"config": "[" * 100_000}, "damaged"),
        ({"tensors": {"gain": torch.zeros(48, 1, 1, dtype=torch.float8_e4m3fn)}}, "do not fit .*: gain"),
    ],
)
def test_a_false_header_is_refused(tmp_path, tiny_style, changes, message):
    """A header that lies about the network is an error, and costs no more memory than the file is long."""
    path = tmp_path / "a.safetensors"
    path.write_bytes(tiny_style.read_bytes())
    rewrite(path, **changes)
    with pytest.raises(ModelError, match=message):
        load_style(path)


@pytest.mark.parametrize(
    ("shape", "config"),
    [
        ([10**4200 - 1] * 230, "{}"),
        ([9] * 400_000, "{}"),
        (["9" * 4000], "{}"),
        ([True], "{}"),
        ([2**40], "{}"),
        ([4], f'{{"width": {"9" * 4200}}}'),
        ([4], '{"width": true}'),
        ([4], '{"width": 64, "blocks": 4096}'),
    ],
    ids=["digits", "dimensions", "text", "truth", "too many", "wide", "no number", "blocks"],
)
@pytest.mark.parametrize("architecture", ["swift", "animegan2"])
def test_a_huge_header_is_refused_at_once(tmp_path, shape, config, architecture):
    """Numbers with thousands of digits, and thousands of blocks, are refused within a second of computing."""
    metadata = {"format": "cartoonize/1", "architecture": architecture, "config": config, "card": "{}"}
    tensors = {"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, 16]}}
    text = json.dumps({"__metadata__": metadata} | tensors).encode()
    path = tmp_path / "huge.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(16))
    started = time.process_time()
    with pytest.raises(ModelError, match=r"huge\.safetensors"):
        load_style(path)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_cut_file_is_refused(tmp_path, tiny_style, keep):
    """Truncated files are an error sentence that names them."""
    path = tmp_path / "cut.safetensors"
    path.write_bytes(tiny_style.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"cut\.safetensors"):
        load_style(path)


def test_other_files_are_refused(tmp_path):
    """Pickles, pictures and foreign safetensors are distinguished from styles; none is unpickled."""
    torch.save({"a": torch.zeros(1)}, tmp_path / "pickle.safetensors")
    (tmp_path / "noise.safetensors").write_bytes(np.random.default_rng(0).bytes(500))
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    for name in ("pickle", "noise", "foreign"):
        with pytest.raises(ModelError, match=name):
            load_style(tmp_path / f"{name}.safetensors")


TINY = """
import torch
from torch import Tensor, nn
from cartoonize.models.dialect import Dialect, LayerNames
from cartoonize.models.generator import Generator

class Tiny(Generator):
    stride = 1
    layers = LayerNames("first", "last", blocks="steps")
    dialects = (Dialect("somebody's tiny network", {"first.weight": "a", "last.weight": "b"}, bgr=False),)

    def __init__(self, width: int = 4) -> None:
        super().__init__(width=width)
        self.reach, self.floats_per_pixel = 1, 3.0 * width
        self.first, self.last = nn.Conv2d(3, width, 1, bias=False), nn.Conv2d(width, 3, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.last(self.first(x)))
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """An architecture that is added as its author would: a file, and a line in the registry."""
    (tmp_path / "tiny.py").write_text(TINY)
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    monkeypatch.setitem(models._CLASSES, "tiny", "Tiny")
    monkeypatch.delitem(sys.modules, "cartoonize.export.convert", raising=False)  # it holds the registry
    models._architectures.cache_clear()
    yield models.ARCHITECTURES["tiny"]
    models._architectures.cache_clear()
    sys.modules.pop("cartoonize.models.tiny")


def test_an_architecture_is_one_file(tmp_path, tiny):
    """A file and a line in the registry are all that a network needs to be saved and loaded, recognised in
    weights of other programs, and drawn with."""
    from cartoonize.export.convert import recognise_network

    network = tiny(width=5)
    save_file(
        {"a": network.first.weight.data, "b": network.last.weight.data}, tmp_path / "weights.safetensors"
    )
    recognised = recognise_network(tmp_path / "weights.safetensors")
    assert (recognised.title, recognised.generator.config) == ("somebody's tiny network", {"width": 5})
    save_style(tmp_path / "style.safetensors", recognised.generator, Card("tiny"))
    images = noise(2, 7, 9)
    with load(str(tmp_path / "style.safetensors"), device="cpu", precision="fp32") as backend:
        assert backend.network == "tiny 5"
        assert backend(images).shape == images.shape


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_declares_what_others_need(architecture):
    """Each declares its stride, its reach, the layers by which it is recognised, and names of its tensors."""
    assert architecture in {name for name, _ in NETWORKS}, "the other tests need a small network of it"
    network = ARCHITECTURES[architecture](width=8, blocks=2)
    tensors = network.state_dict()
    assert network.infer_config(tensors) == network.config
    assert network.stride >= 1
    assert network.reach > 0
    assert network.floats_per_pixel > 0
    assert tensors[f"{network.layers.first}.weight"].shape[0] == 8
    assert f"{network.layers.last}.weight" in tensors
    config = {"norm": "instance"} if architecture == "cartoongan" else {}
    published = ARCHITECTURES[architecture](**config).state_dict()
    for dialect in network.dialects:
        assert published.keys() <= dialect.names.keys()
        assert len(set(dialect.names.values())) == len(dialect.names)
