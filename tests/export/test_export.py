"""Exported networks: complete in themselves, and the same as in PyTorch."""

import hashlib
import json
import sys

import numpy as np
import pytest
import torch

from cartoonize import BackendError, MediaError, ModelError, load
from cartoonize.backends.pytorch import device as devices
from cartoonize.backends.tensorrt import Engine, Engines, read_engines, write_engines
from cartoonize.models.checkpoint import save_style
from cartoonize.models.deploy import deploy
from cartoonize.styles.card import Card

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
from noise import noise  # noqa: E402
from small_networks import NETWORKS, lively  # noqa: E402

from cartoonize.export import onnx as exporting  # noqa: E402
from cartoonize.export.onnx import export_onnx  # noqa: E402
from cartoonize.export.parity import compare, measure_parity, pictures  # noqa: E402
from cartoonize.export.tensorrt import export_tensorrt, write_graph  # noqa: E402

SLOW = [pytest.param(*given, marks=pytest.mark.slow) for given in NETWORKS[1:]]


@pytest.mark.parametrize(("architecture", "config"), [NETWORKS[0], *SLOW])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_every_network_is_drawn_the_same(tmp_path, lively_generator, architecture, config, precision):
    """fp32 files are within 1 grey level of PyTorch, fp16 files within 2 at the 99.9th percentile."""
    style = tmp_path / "style.safetensors"
    save_style(style, lively(lively_generator, architecture, config), Card("lively", licence="CC0"))
    parity = export_onnx(str(style), tmp_path / "a.onnx", precision=precision)
    assert parity.pictures == 9
    assert parity.largest <= (1 if precision == "fp32" else 255)
    assert parity.percentile <= (1 if precision == "fp32" else 2)
    images = noise(2, 37, 51)
    ours, theirs = (
        load(str(style), device="cpu", precision="fp32"),
        load(str(tmp_path / "a.onnx"), device="cpu"),
    )
    assert theirs.precision == precision
    assert np.percentile(np.abs(ours(images).astype(int) - theirs(images)), 99.9) <= 2


@pytest.mark.slow
def test_norms_stay_in_float32(tmp_path, lively_generator):
    """In an fp16 file the statistics of instance norm are taken in float32."""
    style = tmp_path / "style.safetensors"
    save_style(style, lively_generator("cartoongan", width=4, blocks=1, norm="instance"), Card())
    export_onnx(str(style), tmp_path / "a.onnx", precision="fp16")
    graph = onnx.shape_inference.infer_shapes(onnx.load(tmp_path / "a.onnx")).graph
    kinds = {value.name: value.type.tensor_type.elem_type for value in graph.value_info}
    means = [node for node in graph.node if node.op_type in ("ReduceMean", "Rsqrt", "Sqrt")]
    assert means
    assert {kinds[node.input[0]] for node in means} == {onnx.TensorProto.FLOAT}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert {kinds[node.output[0]] for node in convolutions} == {onnx.TensorProto.FLOAT16}


def test_the_file_says_where_it_comes_from(tiny_style, tiny_onnx):
    """Architecture, style, licence, precision, the source's hash and the version are in the file."""
    metadata = {entry.key: entry.value for entry in onnx.load(tiny_onnx).metadata_props}
    assert metadata["architecture"] == "swift"
    assert metadata["style"] == "tiny"
    assert metadata["licence"] == "CC0"
    assert metadata["source_sha256"] == hashlib.sha256(tiny_style.read_bytes()).hexdigest()
    assert metadata["precision"] == "fp32"
    assert metadata["cartoonize"]


def test_one_size_and_batch(tmp_path, tiny_style):
    """A file for one size and batch is that, and still draws everything: padded, filled up, or in tiles."""
    export_onnx(str(tiny_style), tmp_path / "a.onnx", size=(96, 64), batch=2)
    ends = onnx.load(tmp_path / "a.onnx").graph.input[0].type.tensor_type.shape.dim
    assert [end.dim_value for end in ends] == [2, 64, 96, 3]
    ours, theirs = (
        load(str(tiny_style), device="cpu", precision="fp32"),
        load(str(tmp_path / "a.onnx"), device="cpu"),
    )
    for shape in ((2, 64, 96), (3, 64, 96)):
        images = noise(*shape)
        assert np.abs(ours(images).astype(int) - theirs(images)).max() <= 1
    large = noise(1, 150, 210)
    assert theirs(large).shape == large.shape


def test_the_newest_opset_draws_the_same(tmp_path, tiny_style):
    """The newest opset that can be written draws the same; others are refused."""
    export_onnx(str(tiny_style), tmp_path / "a.onnx", opset=exporting.OPSETS[-1])
    assert onnx.load(tmp_path / "a.onnx").opset_import[0].version == exporting.OPSETS[-1]
    for given in ({"opset": 11}, {"precision": "bf16"}):
        with pytest.raises(BackendError):
            export_onnx(str(tiny_style), tmp_path / "b.onnx", **given)


def test_a_file_that_disagrees_is_not_written(tmp_path, tiny_style, monkeypatch):
    """If the exported file draws another picture, the command fails, says where, and leaves no file."""
    honest = exporting.export_graph

    def careless(model, *rest):
        model.generator.tail.bias.data[5] += 0.2
        honest(model, *rest)

    monkeypatch.setattr(exporting, "export_graph", careless)
    with pytest.raises(
        ModelError, match=r"largest difference is \d+ of 255 grey levels, at row \d+, column \d+"
    ):
        export_onnx(str(tiny_style), tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named(tmp_path, tiny_style, monkeypatch):
    """Without onnxscript, or with one that is older than PyTorch needs, an error says what to install."""

    def export(*_, **__):
        raise ModuleNotFoundError("No module named 'onnxscript._framework_apis.torch_9_0'")

    monkeypatch.setattr(torch.onnx, "export", export)
    with pytest.raises(BackendError, match=r"pip install --upgrade onnxscript .*torch_9_0"):
        export_onnx(str(tiny_style), tmp_path / "a.onnx")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(BackendError, match=r'pip install "cartoonize\[export\]"'):
        export_onnx(str(tiny_style), tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_the_largest_difference_is_found():
    """The largest difference and its location are reported, and the percentile of all differences."""
    ours = [noise(1, 20, 30), noise(2, 40, 50)]
    theirs = [images.copy() for images in ours]
    theirs[1][1, 7, 9, 2] = ours[1][1, 7, 9, 2] ^ 64
    parity = measure_parity(list(zip(ours, theirs, strict=True)))
    assert parity.largest == 64
    assert parity.percentile == 0
    assert parity.location == "at row 7, column 9, B of picture 2 of 50x40"
    assert parity.pictures == 3


def test_a_few_values_may_be_off_in_half_precision_only(lively_generator):
    """One value far off is reported for fp16 and refused for fp32; many values off are refused for both."""
    model = deploy(lively_generator("swift", width=8, blocks=1))

    def draw(images, spoilt):
        with torch.inference_mode():
            result = model(torch.from_numpy(images)).numpy().copy()
        result.reshape(-1)[:spoilt] ^= 128
        return result

    given = [noise(1, 64, 64)]
    assert compare(model, lambda images: draw(images, 1), given, precision="fp16", name="a").largest == 128
    for spoilt, precision in ((1, "fp32"), (1000, "fp16")):
        with pytest.raises(ModelError, match="was not written"):
            compare(model, lambda images, n=spoilt: draw(images, n), given, precision=precision, name="a")


@pytest.mark.parametrize(("size", "batch", "shapes"), [
    (None, None, 5), ((64, 48), None, 2), (None, 3, 5), ((64, 48), 4, 1)])  # fmt: skip
def test_photos_of_several_sizes_are_compared(size, batch, shapes):
    """An export is compared on photos, odd sides among them, of the size and batch that the file takes."""
    batches = list(pictures(size, batch))
    assert len(batches) == shapes
    assert all(size is None or images.shape[1:3] == size[::-1] for images in batches)
    assert all(batch is None or len(images) == batch for images in batches)
    assert size is not None or any(images.shape[1] % 2 and images.shape[2] % 2 for images in batches)
    assert batches[0].std() > 20


def test_it_runs_in_plain_onnx_runtime(tiny_onnx):
    """An exported file runs in plain ONNX Runtime, without this package."""
    import onnxruntime

    session = onnxruntime.InferenceSession(tiny_onnx, providers=["CPUExecutionProvider"])
    images = noise(2, 33, 65)
    (cartoons,) = session.run(["cartoons"], {"images": images})
    assert cartoons.shape == images.shape
    assert cartoons.dtype == np.uint8


@pytest.mark.parametrize("precision", ["fp16", "bf16", "fp32"])
def test_the_graph_that_tensorrt_builds_from(tmp_path, tiny_style, precision):
    """The graph for TensorRT has one size, batch and precision, and converts bytes only at its ends."""
    write_graph(tiny_style, tmp_path / "a.onnx", (128, 64), precision, 4)
    graph = onnx.load(tmp_path / "a.onnx").graph
    assert [end.dim_value for end in graph.input[0].type.tensor_type.shape.dim] == [4, 64, 128, 3]
    takers = [node.op_type for node in graph.node if "images" in node.input]
    givers = [node.op_type for node in graph.node if "cartoons" in node.output]
    assert takers == givers == ["Cast"]
    kind = {"fp16": 10, "bf16": 16, "fp32": 1}[precision]
    assert any(weight.data_type == kind for weight in graph.initializer)


@pytest.mark.skipif(devices.gpu_is_available(), reason="there is a GPU")
def test_engines_need_a_gpu(tmp_path, tiny_style):
    """Without TensorRT or a GPU the command says which is missing, and leaves nothing."""
    with pytest.raises(BackendError, match=r"tensorrt|GPU"):
        export_tensorrt(str(tiny_style), tmp_path / "engines", [(64, 64)])
    with pytest.raises(BackendError, match="not in 'int8'"):
        export_tensorrt(str(tiny_style), tmp_path / "engines", [(64, 64)], precision="int8")
    assert not list(tmp_path.iterdir())
    (tmp_path / "photos").mkdir()
    for given, message in (({}, "--overwrite"), ({"overwrite": True}, "not a folder of engines")):
        with pytest.raises(MediaError, match=message):
            export_tensorrt(str(tiny_style), tmp_path / "photos", [(64, 64)], **given)


def test_the_manifest_of_engines(tmp_path):
    """A manifest is read as it was written; one that names other files, or is damaged, is refused."""
    engines = Engines(style="tiny", licence="CC0", precision="fp16", batch=4, gpu="H100", tensorrt="10.9",
                      engines=[Engine(64, 48, "64x48.engine")])  # fmt: skip
    write_engines(tmp_path, engines)
    path = tmp_path / "engines.json"
    assert read_engines(path) == engines
    with pytest.raises(BackendError, match="runs on cuda only, not on cpu"):
        load(str(tmp_path), device="cpu")
    for change in ({"engines": []}, {"engines": [{"width": 64, "height": 48, "file": "../64x48.engine"}]},
                   {"format": "2"}, {"colour": 1}, {"batch": 0}, {"licence": None}):  # fmt: skip
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
        with pytest.raises(ModelError, match="damaged"):
            read_engines(path)
        write_engines(tmp_path, engines)
    path.write_text("[")
    with pytest.raises(ModelError, match="damaged"):
        read_engines(path)
