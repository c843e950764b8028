"""ONNX files of other programs: what they expect is read from the graph, or detected by trials."""

import re
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest

from cartoonize import BackendError, ModelError, RuntimeOptions, load
from cartoonize.backends import onnx_session, providers
from cartoonize.backends.layout import read_layout

onnx = pytest.importorskip("onnx")
from networks import RANGES, TINT, VEIL, foreign, save_onnx  # noqa: E402
from noise import noise  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402


def tinted(images, order="rgb"):
    tint = TINT if order == "rgb" else TINT[::-1]
    return np.rint(images * np.array(tint) + 255 * VEIL).astype(np.uint8)


def largest_difference(ours, theirs):
    return np.abs(ours.astype(int) - theirs).max()


@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize("span", RANGES)
def test_what_a_foreign_network_expects_is_detected(tmp_path, channels_first, span):
    """Layout and range of a float network, such as AnimeGAN's files, are detected; any size is drawn."""
    backend = load(str(foreign(tmp_path / "a.onnx", channels_first=channels_first, span=span)), device="cpu")
    for shape in ((1, 64, 40), (3, 37, 51), (1, 1, 1)):
        images = noise(*shape)
        assert largest_difference(backend(images), tinted(images)) <= 1
    assert span in backend.notices[0]


@pytest.mark.parametrize("multiple", [1, 8, 16, 32])
def test_the_multiple_of_the_sides_is_found(tmp_path, multiple):
    """Pictures are padded to the multiple that the network needs, and no further."""
    backend = load(str(foreign(tmp_path / "a.onnx", multiple=multiple)), device="cpu")
    assert backend._layout.multiple == multiple


def test_range_and_order_can_be_given(tmp_path):
    """`--input-range` and `--channel-order` are used as given, without a trial."""
    path = str(foreign(tmp_path / "a.onnx", span="0..1"))
    images = noise(2, 40, 40)
    backend = load(path, device="cpu", options=RuntimeOptions(input_range="0..1", channel_order="bgr"))
    assert largest_difference(backend(images), tinted(images, "bgr")) <= 1
    assert not backend.notices
    for wrong in (RuntimeOptions(input_range="0..2"), RuntimeOptions(channel_order="gbr")):
        with pytest.raises(BackendError, match="choose"):
            load(path, device="cpu", options=wrong)


def test_half_precision_input(tmp_path):
    """A float16 network is fed float16."""
    images = noise(1, 40, 40)
    backend = load(str(foreign(tmp_path / "a.onnx", dtype="float16")), device="cpu")
    assert backend.precision == "fp16"
    assert largest_difference(backend(images), tinted(images)) <= 2


@pytest.mark.parametrize("size", [(64, 96), (20, 30), (150, 97), (64, 300)])
def test_one_size_only(tmp_path, size):
    """A network for one size: smaller pictures are padded, larger ones drawn in tiles without a seam."""
    backend = load(str(foreign(tmp_path / "a.onnx", sides=(64, 96), batch=2)), device="cpu")
    images = noise(3, *size)
    assert backend.batch == 2
    assert largest_difference(backend(images), tinted(images)) <= 1


def test_uint8_networks_of_others(tmp_path):
    """A network on bytes needs no range: there is no trial, and no notice."""
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    path = save_onnx(tmp_path / "a.onnx", nodes, ["n", "h", "w", 3], "uint8")
    images = noise(2, 21, 34)
    backend = load(str(path), device="cpu")
    assert np.array_equal(backend(images), images)
    assert not backend.notices


def test_graphs_that_are_no_such_networks(tmp_path):
    """A graph that does not map pictures to pictures is refused in a sentence that says why."""
    relu = [helper.make_node("Relu", ["x"], ["y"])]
    flat = save_onnx(tmp_path / "flat.onnx", relu, [1, 4])
    deep = save_onnx(tmp_path / "deep.onnx", relu, ["n", 4, "h", "w"])
    half = save_onnx(tmp_path / "half.onnx", relu, ["n", 3, 64, "w"])
    tiny = save_onnx(tmp_path / "tiny.onnx", relu, [1, 3, 8, 8])
    times_c, nan = [helper.make_node("Mul", ["x", "c"], ["y"])], [("c", np.float32("nan"))]
    pool = [helper.make_node("GlobalAveragePool", ["x"], ["y"])]
    whole = save_onnx(tmp_path / "whole.onnx", pool, ["n", 3, "h", "w"], out_shape=["n", 3, 1, 1])
    expected = {
        flat: "not four",
        deep: "three colours",
        half: "other is not",
        tiny: "too small",
        whole: "same size",
        save_onnx(tmp_path / "huge.onnx", relu, [1, 3, 100_000, 100_000]): "too much memory",
        save_onnx(tmp_path / "many.onnx", relu, [10**6, 3, 64, 64]): "too much memory",
        save_onnx(tmp_path / "nan.onnx", times_c, ["n", 3, "h", "w"], weights=nan): "returns NaN",
        save_nothing(tmp_path / "nothing.onnx"): "no input or no output",
    }
    for path, message in expected.items():
        with pytest.raises(ModelError, match=message):
            load(str(path), device="cpu")


def save_nothing(path):
    """Write a graph that returns a constant and takes nothing."""
    value = onnx.numpy_helper.from_array(np.zeros((1, 3, 64, 64), np.float32))
    end = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 64, 64])
    graph = helper.make_graph([helper.make_node("Constant", [], ["y"], value=value)], "g", [], [end])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def test_outputs_of_another_size_are_refused(tmp_path):
    """A graph whose output is too small for some pictures is refused there, in a sentence."""
    cut = [helper.make_node("Slice", ["x", "from", "to"], ["y"])]
    ends = [("from", np.zeros(4, np.int64)), ("to", np.array([9, 512, 512, 3]))]
    path = save_onnx(tmp_path / "a.onnx", cut, ["n", "h", "w", 3], "uint8", ends, ["n", "h2", "w2", 3])
    with load(str(path), device="cpu") as backend:
        assert backend(noise(1, 64, 64)).shape == (1, 64, 64, 3)
        with pytest.raises(ModelError, match="does not keep the size of pictures"):
            backend(noise(1, 600, 64))


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        (["tensor(float)"] * 2, ["tensor(float)"], "2 inputs"),
        (["tensor(float)"], ["tensor(uint8)"], "returns"),
        (["tensor(int64)"], ["tensor(int64)"], "uint8, float or float16"),
    ],
)
def test_types_that_are_no_pictures(inputs, outputs, message):
    """Several inputs, or numbers of another kind, are no pictures."""
    ends = [
        [SimpleNamespace(name="x", type=kind, shape=[1, 3, 64, 64]) for kind in side]
        for side in (inputs, outputs)
    ]
    with pytest.raises(ModelError, match=message):
        read_layout(*ends, "a.onnx")


@pytest.mark.parametrize("location", ["../secret.bin", "absolute", "link.bin"])
def test_weights_from_elsewhere_are_refused(tmp_path, location):
    """A graph may keep weights in files beside it, but reads nothing from outside of its folder."""
    folder = tmp_path / "style"
    folder.mkdir()
    for name in (tmp_path / "secret.bin", folder / "beside.bin"):
        np.ones(3, np.float32).tofile(name)
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")

    def with_weights(at):
        tensor = TensorProto(name="w", data_type=1, dims=[3], data_location=TensorProto.EXTERNAL)
        for key, value in (("location", at), ("offset", "0"), ("length", "12")):
            tensor.external_data.add(key=key, value=value)
        ends = [helper.make_tensor_value_info(name, 1, ["n", "h", "w", 3]) for name in "xy"]
        graph = helper.make_graph(
            [helper.make_node("Mul", ["x", "w"], ["y"])], "g", ends[:1], ends[1:], [tensor]
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
        (folder / "a.onnx").write_bytes(model.SerializeToString())
        return str(folder / "a.onnx")

    images = noise(1, 8, 8)
    assert largest_difference(load(with_weights("beside.bin"), device="cpu")(images), images) <= 1
    with pytest.raises(ModelError, match="is not an ONNX file, or it is damaged"):
        load(with_weights(str(tmp_path / "secret.bin") if location == "absolute" else location), device="cpu")


def test_a_picture_too_large_for_the_memory_is_done_in_parts(tmp_path, monkeypatch):
    """When ONNX Runtime runs out of memory the picture is drawn in tiles, and a notice says so."""
    backend = load(
        str(foreign(tmp_path / "a.onnx", multiple=1)),
        device="cpu",
        options=RuntimeOptions(input_range="-1..1"),
    )
    session = backend._session

    class Cramped:
        def __getattr__(self, name):
            return getattr(session, name)

        def run_with_iobinding(self, binding, options):
            if binding.numel > 450 * 450 * 3:
                raise RuntimeError("Failed to allocate memory for requested buffer of size 9999999999")
            session.run_with_iobinding(binding.real, options)

        def io_binding(self):
            return Binding(session.io_binding())

    class Binding:
        def __init__(self, real):
            self.real = real

        def __getattr__(self, name):
            return getattr(self.real, name)

        def bind_cpu_input(self, name, tensor):
            self.numel = tensor.size
            self.real.bind_cpu_input(name, tensor)

    monkeypatch.setattr(backend, "_session", Cramped())
    images = noise(1, 600, 700)
    assert largest_difference(backend(images), tinted(images)) <= 1
    assert "tiles" in backend.notices[-1]


def test_the_session_says_what_ran(tmp_path):
    """The device in reports is where ONNX Runtime's session runs its nodes."""
    assert load(str(foreign(tmp_path / "a.onnx")), device="cpu").device == "cpu"
    nodes = [SimpleNamespace(ep_name=name, get_nodes=lambda n=count: [None] * n)
             for name, count in (("CUDAExecutionProvider", 7), ("CPUExecutionProvider", 3))]  # fmt: skip
    session = SimpleNamespace(get_provider_graph_assignment_info=lambda: nodes)
    assert providers.assigned_providers(session) == "cuda 7/10, cpu 3/10"


@pytest.mark.skipif(providers.has_driver(), reason="there is a driver")
@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_a_provider_means_that_provider(tmp_path, provider):
    """Without a GPU, asking for one of its providers is an error: nothing else runs in its place."""
    path = str(foreign(tmp_path / "a.onnx"))
    with pytest.raises(BackendError, match=f"--provider {provider} was requested"):
        load(path, options=RuntimeOptions(provider=provider))
    with pytest.raises(BackendError, match="does not run on cpu"):
        load(path, device="cpu", options=RuntimeOptions(provider=provider))
    with pytest.raises(BackendError, match="choose auto, tensorrt"):
        load(path, options=RuntimeOptions(provider="rocm"))


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """A driver of NVIDIA, but none of the libraries of CUDA."""
    if providers.has_driver() or "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("there is a driver, or this ONNX Runtime has no CUDA")
    monkeypatch.setattr(providers, "has_driver", lambda: True)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_args, **_named: tmp_path / "cache")


def test_cuda_that_does_not_start(tmp_path, driver, capfd):
    """If CUDA does not start, "auto" draws on the CPU and a notice says why; a demanded provider is an error.
    Nothing is printed, as standard output may be a video."""
    path, images = str(foreign(tmp_path / "a.onnx")), noise(1, 40, 40)
    with load(path) as backend:
        assert backend.device == "cpu"
        assert re.match("The CPU draws. ONNX Runtime cannot use cuda.*onnxruntime-gpu", backend.notices[0])
        assert largest_difference(backend(images), tinted(images)) <= 1
    for device, provider in (("cuda", "auto"), ("auto", "cuda"), ("auto", "tensorrt")):
        with pytest.raises(BackendError, match="cannot use"):
            load(path, device=device, options=RuntimeOptions(provider=provider))
    (tmp_path / "a.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="is not an ONNX file"):
        load(path)
    assert capfd.readouterr() == ("", "")


def test_cuda_that_stays_silent(tmp_path, monkeypatch):
    """If nothing says why CUDA does not start, the error says what to try; the libraries are loaded once."""
    path, loads = foreign(tmp_path / "a.onnx"), []
    on_cpu = onnx_session.open_session(path, providers.CPU, 1)
    monkeypatch.setattr(onnx_session, "_create_session", lambda *_: on_cpu)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: loads.append(1), raising=False)
    onnx_session._preload.cache_clear()
    for _ in range(2):
        with pytest.raises(BackendError, match=r"pip install .*\[cuda,cudnn\]\", or update the driver\."):
            onnx_session.open_session(path, providers.provider_settings("cuda", "cuda", path), 1)
    onnx_session._preload.cache_clear()
    assert loads == [1]


@pytest.mark.parametrize("provider", ["cpu", "cuda", "tensorrt"])
def test_a_graph_that_brings_an_engine(tmp_path, driver, provider):
    """A graph with a compiled engine, which is a program for a GPU, is refused with every provider."""
    node = helper.make_node("EPContext", ["x"], ["y"], domain="com.microsoft", ep_cache_context="engine")
    path = save_onnx(tmp_path / "a.onnx", [node], ["n", 3, "h", "w"])
    with pytest.raises(ModelError, match="EPContext"):
        load(str(path), options=RuntimeOptions(provider=provider))


def test_options_of_onnx_files_need_one(tiny_style):
    """A provider for a style file is refused; the error names the kind of file that takes one."""
    with pytest.raises(BackendError, match=r"\.onnx files"):
        load(str(tiny_style), options=RuntimeOptions(provider="cpu"))


def test_engines_are_kept_apart(tmp_path):
    """TensorRT's engines are kept per model, GPU, versions, precision and shapes: a change makes new ones."""
    model = tmp_path / "a.onnx"
    model.write_bytes(b"one")
    given = {
        "gpu": "H100",
        "versions": "cuda 13.0, tensorrt 10.9",
        "precision": "fp16",
        "shapes": "x:1x16x16x3",
    }
    folders = [providers.engine_cache(model, **given)]
    folders += [providers.engine_cache(model, **given | {key: "other"}) for key in given]
    model.write_bytes(b"two")
    folders.append(providers.engine_cache(model, **given))
    assert len(set(folders)) == 6
    assert all(folder.parts[-3:-1] == ("cartoonize", "tensorrt") for folder in folders)


def test_tensorrt_comes_before_cuda_before_the_cpu(tmp_path, monkeypatch):
    """CUDA runs what TensorRT cannot, and the CPU the rest; its engines go to the user's cache."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_args, **_named: tmp_path / "cache")
    model = foreign(tmp_path / "a.onnx")
    end = SimpleNamespace(name="x", shape=["n", "h", "w", 3])
    listed = providers.provider_settings("tensorrt", "cuda:1", model, end, "fp16")
    assert [name.partition("Exec")[0] for name, _ in listed] == ["Tensorrt", "CUDA", "CPU"]
    options = listed[0][1]
    assert options["device_id"] == "1"
    assert options["trt_fp16_enable"] == "True"
    assert options["trt_engine_cache_path"].startswith(str(tmp_path / "cache"))
    assert options["trt_profile_max_shapes"] == "x:8x2160x3840x3"
    end.shape = [2, 3, 64, "w"]
    options = providers.provider_settings("tensorrt", "cuda", model, end, "fp32")[0][1]
    assert options["trt_profile_min_shapes"] == "x:2x3x64x32"


def test_fp32_is_not_rounded_by_cuda(tmp_path):
    """Files in fp32 are computed in float32 on a GPU, not in TF32, which is the default of ONNX Runtime."""
    (name, options), _ = providers.provider_settings("cuda", "cuda:1", tmp_path)
    assert name == "CUDAExecutionProvider"
    assert options == {"device_id": "1", "use_tf32": "0"}


@pytest.mark.parametrize(("provider", "title"), [("coreml", "CoreML"), ("directml", "Dml")])
def test_providers_of_other_systems(tmp_path, monkeypatch, provider, title):
    """CoreML and DirectML run alone with their settings; nothing runs in their place."""
    path = str(foreign(tmp_path / "a.onnx"))
    with pytest.raises(BackendError, match=f"--provider {provider} was requested, but this build"):
        load(path, options=RuntimeOptions(provider=provider))
    with pytest.raises(BackendError, match=f"{provider} does not run on cpu"):
        load(path, device="cpu", options=RuntimeOptions(provider=provider))
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [f"{title}ExecutionProvider"])
    assert providers.choose_provider(provider, "auto") == provider
    first, last = providers.provider_settings(provider, "auto", tmp_path)
    assert (first[0], last[0]) == (f"{title}ExecutionProvider", "CPUExecutionProvider")
