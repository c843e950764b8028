"""Networks in 8-bit integers: they draw what PyTorch computes, on every processor, by default."""

import shutil
from dataclasses import replace
from hashlib import sha256

import numpy as np
import onnxruntime
import pytest
import torch
from clips import names_in
from noise import noise
from processes import run_python

from cartoonize import BackendError, load
from cartoonize.models import FrameModel
from cartoonize.models.checkpoint import load_style, save_style, write_card
from cartoonize.models.int8 import INNER, TRUNK, Int8, fit_grids, round_to_levels, weight_scales
from cartoonize.styles.card import Card, read_header, set_int8_file, weights_sha256

onnx = pytest.importorskip("onnx")
from cartoonize.export.int8 import write_int8  # noqa: E402
from cartoonize.export.onnx import export_onnx  # noqa: E402
from cartoonize.export.parity import pictures  # noqa: E402


def make_swift(lively_generator):
    network = lively_generator("swift", width=8, blocks=2).requires_grad_(requires_grad=False)
    network.head.weight *= 40
    network.tail.weight /= 40
    return network


@pytest.fixture
def swift(lively_generator):
    """A small network whose values lie far outside of the grids."""
    return make_swift(lively_generator)


@pytest.fixture(scope="module")
def exported(tmp_path_factory, lively_generator):
    """A folder with a style file and its int8 file, written once."""
    folder, network = tmp_path_factory.mktemp("int8"), make_swift(lively_generator)
    torch.nn.init.zeros_(network.gain)
    save_style(folder / "mine.safetensors", network, Card("mine", licence="CC0"))
    export_onnx(str(folder / "mine.safetensors"), folder / "mine.int8.onnx", precision="int8")
    return folder


@pytest.fixture
def style(tmp_path, exported, swift):
    """A style file of `swift` with its int8 file beside it; a test may change both."""
    torch.nn.init.zeros_(swift.gain)
    shutil.copytree(exported, tmp_path, dirs_exist_ok=True)
    return tmp_path / "mine.safetensors"


def photos():
    return torch.from_numpy(next(pictures((96, 64), 4))).permute(0, 3, 1, 2) / 127.5 - 1


def test_fitting_changes_no_drawing_in_floats(swift):
    """A network that is scaled to the grids draws the same in floats, and nearly the same in integers."""
    before = swift(photos())
    unfitted = (Int8(swift)(photos()) - before).abs().mean()
    fit_grids(swift, photos())
    assert (swift(photos()) - before).abs().max() < 1e-3
    assert (Int8(swift)(photos()) - before).abs().mean() < min(0.02, unfitted)


@pytest.mark.parametrize("gain", [0.0, 0.7])
@pytest.mark.parametrize("shape", [(2, 64, 96), (1, 37, 51), (3, 5, 7)])
def test_the_file_draws_what_pytorch_says(tmp_path, swift, gain, shape):
    """With pictures of any size and number, the file rounds where the network in training did."""
    torch.nn.init.constant_(swift.gain, gain)
    fit_grids(swift, photos())
    write_int8(swift, tmp_path / "a.onnx", 18, None, None)
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx", providers=["CPUExecutionProvider"])
    images = next(pictures((shape[2], shape[1]), shape[0]))
    (drawn,) = session.run(None, {"images": images})
    expected = FrameModel(Int8(swift))(torch.from_numpy(images)).numpy()
    differences = np.abs(drawn.astype(int) - expected)
    assert drawn.shape == images.shape
    assert differences.mean() < 0.5
    assert np.percentile(differences, 99) <= 2


def test_nothing_is_computed_in_floats(tmp_path, swift):
    """ONNX Runtime merges every layer into one on integers: bytes go in, bytes come out."""
    torch.nn.init.zeros_(swift.gain)
    write_int8(swift, tmp_path / "a.onnx", 18, None, None)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "merged.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(tmp_path / "a.onnx", options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(tmp_path / "merged.onnx").graph.node]
    assert kinds.count("QLinearConv") == 6
    assert kinds.count("QLinearAdd") == 2
    assert not {"Conv", "QuantizeLinear", "DequantizeLinear", "Cast"} & set(kinds)


def test_sums_of_older_processors_fit():
    """The sum of two neighbouring products fits into 16 bits, as processors without VNNI need."""
    weight = torch.randn(16, 32, 3, 3, generator=torch.Generator().manual_seed(0)) ** 3
    levels = torch.round(weight / weight_scales(weight)[:, None, None, None]).clamp(-127, 127)
    pairs = levels.reshape(16, 16, 2, 3, 3)
    assert pairs.clamp(min=0).sum(2).max() * 255 <= 2**15 - 1
    assert pairs.clamp(max=0).sum(2).min() * 255 >= -(2**15)
    assert levels.abs().max() > 100


def test_gradients_pass_the_rounding(swift):
    """A network in integers can be trained: every layer gets a gradient."""
    swift.requires_grad_()
    fit_grids(swift, photos())
    Int8(swift)(photos()).square().mean().backward()
    weights = [p for name, p in swift.named_parameters() if name.endswith("weight")]
    assert all(weight.grad.abs().sum() > 0 for weight in weights)


@pytest.mark.parametrize("grid", [TRUNK, INNER])
def test_gpus_round_as_cpus_do(grid):
    """What a network in training computes on GPUs has the values and the gradients of PyTorch's function."""
    values = 3 * torch.randn(1000, generator=torch.Generator().manual_seed(0))
    results = []
    for function in (torch.fake_quantize_per_tensor_affine, round_to_levels):
        x = values.clone().requires_grad_()
        rounded = function(x, *grid, 0, 255)
        rounded.square().sum().backward()
        results.append((rounded, x.grad))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    assert 0 < (results[0][1] == 0).sum() < 1000


def test_only_swift_networks(tmp_path, lively_generator):
    """Other networks than swift are refused in a sentence, and nothing is written."""
    style = tmp_path / "a.safetensors"
    save_style(style, lively_generator("cartoongan", width=8, blocks=1), Card("a"))
    with pytest.raises(BackendError, match="Only swift networks"):
        export_onnx(str(style), tmp_path / "a.int8.onnx", precision="int8")
    assert names_in(tmp_path) == ["a.safetensors"]


def test_a_cpu_draws_in_integers_where_it_can(style):
    """On a CPU the int8 file beside a style is used by default, another precision if asked for."""
    chosen = load(str(style), device="cpu")
    assert (chosen.precision, chosen.runtime) == ("int8", "onnxruntime")
    assert load(str(style), device="cpu", precision="int8").precision == "int8"
    plain = load(str(style), device="cpu", precision="fp32")
    assert (plain.precision, plain.runtime) == ("fp32", "pytorch")
    images = next(pictures((96, 64), 3))
    assert np.abs(chosen(images).astype(int) - plain(images)).mean() < 3


def test_weights_that_have_changed(style, swift):
    """After a style was trained further, its old int8 file is not used."""
    swift.head.bias += 0.1
    save_style(style, swift, Card("mine"))
    assert load(str(style), device="cpu").runtime == "pytorch"
    with pytest.raises(BackendError, match=r"is not the file that .* names"):
        load(str(style), device="cpu", precision="int8")


def test_a_graph_of_a_stranger_is_not_opened(style):
    """A graph that was put beside a style, or in the place of its int8 file, is never opened."""
    path = style.with_name("mine.int8.onnx")
    path.write_bytes(path.read_bytes() + b"\0")
    assert load(str(style), device="cpu").runtime == "pytorch"
    path.write_bytes(b"no graph at all, which opening would tell")
    assert load(str(style), device="cpu").runtime == "pytorch"
    with pytest.raises(BackendError, match=r"is not the file that .* names"):
        load(str(style), device="cpu", precision="int8")


def test_naming_the_int8_file_changes_no_weight(style, swift):
    """The header of the style names the hash of its int8 file; the weights stay the same to the byte."""
    before, header = weights_sha256(style), read_header(style)
    assert header.int8_sha256 == sha256(style.with_name("mine.int8.onnx").read_bytes()).hexdigest()
    set_int8_file(style, "0" * 64)
    assert weights_sha256(style) == before
    assert replace(header, int8_sha256="0" * 64) == read_header(style)
    generator, _ = load_style(style)
    pairs = zip(generator.parameters(), swift.half().float().parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)


def test_another_card_changes_nothing(style):
    """The card of a style can be rewritten, and its int8 file stays valid."""
    write_card(style, Card("mine", credit="somebody"))
    assert load(str(style), device="cpu").precision == "int8"


def test_int8_has_to_be_there(style, tmp_path):
    """If int8 is asked for and missing, an error names the command that makes it; nothing else runs."""
    alone = tmp_path / "alone.safetensors"
    shutil.copy(style, alone)
    with pytest.raises(BackendError, match=r"export-onnx .*alone.safetensors .*--precision int8"):
        load(str(alone), device="cpu", precision="int8")
    with pytest.raises(BackendError, match="for CPUs"):
        load(str(style), device="cuda", precision="int8")


def test_threads_draw_what_one_thread_draws(style):
    """Spread over the cores, a batch is drawn as its pictures are drawn alone, in their order."""
    backend = load(str(style), device="cpu")
    backend._pool.count, backend._pool.cores = 3, 3
    images = noise(7, 40, 48)
    assert np.array_equal(backend(images), np.concatenate([backend(image[None]) for image in images]))


def test_torch_is_not_needed(style):
    """Drawing in integers starts without PyTorch, which takes longer to import than a picture to draw."""
    code = (
        "import sys, numpy, cartoonize\n"
        f"backend = cartoonize.load({str(style)!r}, device='cpu')\n"
        "backend(numpy.zeros((2, 20, 30, 3), numpy.uint8))\n"
        "assert 'torch' not in sys.modules"
    )
    run_python(code)


def test_the_cost_is_in_the_file(style):
    """The exported file states its multiplications."""
    assert load(str(style), device="cpu").gflop(64, 64) == pytest.approx(
        load(str(style), device="cpu", precision="fp32").gflop(64, 64), rel=0.02
    )
