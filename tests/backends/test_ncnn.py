"""ncnn: GPUs of any vendor by Vulkan. Mesa's driver, which computes on the CPU, takes their place here."""

import random
import sys

import numpy as np
import pytest
from noise import noise
from processes import run_python
from small_networks import NETWORKS, lively

from cartoonize import BackendError, ModelError, RuntimeOptions, load
from cartoonize.backends.ncnn import gpus, trial
from cartoonize.backends.ncnn.backend import NcnnBackend
from cartoonize.backends.ncnn.files import read_network
from cartoonize.core.errors import CartoonizeError
from cartoonize.models.checkpoint import save_style
from cartoonize.styles.card import Card

pytest.importorskip("ncnn", reason="needs the extra `vulkan`")
from cartoonize.backends.ncnn import convert


def difference(ours, theirs):
    return np.abs(ours.astype(int) - theirs)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Converted styles and trials are kept in a folder of the test."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache")


@pytest.mark.parametrize(("architecture", "config"), NETWORKS)
def test_every_network_is_drawn_as_on_the_cpu(tmp_path, lively_generator, vulkan, architecture, config):
    """Every architecture drawn by Vulkan in fp32 is within a level of the CPU, at odd and even sizes."""
    style = tmp_path / "style.safetensors"
    save_style(style, lively(lively_generator, architecture, config), Card())
    with (
        load(str(style), device="cpu", precision="fp32") as ours,
        load(str(style), device=vulkan, precision="fp32") as theirs,
    ):
        for images in (noise(1, 32, 48), noise(1, 33, 21), noise(1, 5, 7)):
            assert difference(ours(images), theirs(images)).max() <= 1
            assert difference(ours(images), images).mean() > 1


@pytest.mark.parametrize(("architecture", "config"), [NETWORKS[0], NETWORKS[2]])
def test_fp16_is_close(tmp_path, lively_generator, vulkan, architecture, config):
    """fp16 is used where the GPU stores it, and differs by at most two levels, also with instance norm."""
    style = tmp_path / "style.safetensors"
    save_style(style, lively(lively_generator, architecture, config), Card())
    images = noise(1, 40, 56)
    with load(str(style), device="cpu", precision="fp32") as ours, load(str(style), device=vulkan) as theirs:
        assert theirs.precision == ("fp16" if gpus.list_gpus()[0].has_fp16 else "fp32")
        assert np.percentile(difference(ours(images), theirs(images)), 99.9) <= 2


def test_pictures_in_flight_keep_their_order(tiny_style, vulkan):
    """Several pictures of a batch are drawn at once, each as when it is drawn alone."""
    images = noise(7, 24, 32)
    with load(str(tiny_style), device=vulkan, precision="fp32") as backend:
        assert backend.batch > 1
        assert np.array_equal(backend(images), np.concatenate([backend(image[None]) for image in images]))


def test_a_full_gpu_draws_in_tiles(tiny_style, vulkan, monkeypatch):
    """If the GPU has less free memory than a picture needs, it is drawn in tiles, and a notice says so."""
    images = noise(1, 300, 280)
    with load(str(tiny_style), device=vulkan, precision="fp32") as backend:
        whole = backend(images)
        backend._checked.clear()
        monkeypatch.setattr("cartoonize.backends.ncnn.backend.free_memory", lambda _: 10 << 20)
        assert difference(backend(images), whole).max() <= 1
        assert "tiles" in backend.notices[-1]
        monkeypatch.setattr("cartoonize.backends.ncnn.backend.free_memory", lambda _: 0)
        backend._checked.clear()
        with pytest.raises(BackendError, match="nothing smaller"):
            backend(images)


def test_a_style_is_converted_once(tiny_style, vulkan, monkeypatch):
    """A converted style is kept in the user's cache; other weights are converted again."""
    images = noise(1, 16, 16)
    with load(str(tiny_style), device=vulkan) as backend:
        first = backend(images)
    monkeypatch.setattr(convert, "convert_style", lambda *_: pytest.fail("it was converted again"))
    with load(str(tiny_style), device=vulkan) as backend:
        assert np.array_equal(backend(images), first)
        assert (backend.card.name, backend.card.licence, backend.network) == ("tiny", "CC0", "swift 8")
    with pytest.raises(pytest.fail.Exception):
        load("pepper", device=vulkan)


def test_a_software_driver_is_never_chosen_by_itself(tiny_style, tiny_param, vulkan):
    """`auto` takes no driver that computes on the CPU; with its name, a note says that it is not a GPU."""
    if not all(gpu.is_software for gpu in gpus.list_gpus()):
        pytest.skip("there is a GPU")
    with load(str(tiny_style)) as backend:
        assert backend.runtime == "pytorch"
    with load(str(tiny_param)) as backend:
        assert backend.device == "cpu"
    with load(str(tiny_style), device=vulkan) as backend:
        assert "is no GPU" in backend.notices[0]


@pytest.mark.parametrize(
    ("seconds", "runtime"), [((0.01, 0.02), "ncnn"), ((0.02, 0.01), "pytorch"), (None, "pytorch")]
)
def test_auto_takes_what_is_faster(tiny_style, vulkan, monkeypatch, seconds, runtime):
    """`auto` uses a GPU by Vulkan only if it was faster than the CPU in the trial of this month."""
    calls = []

    def measured(function, **_):
        calls.append(function)
        if seconds is None:
            raise BackendError("The process crashed (exit code -11).")
        return {"gpu": "a GPU", "vulkan": seconds[0], "cpu": seconds[1]}

    monkeypatch.setattr(trial, "call_isolated", measured)
    for _ in range(2):
        with load(str(tiny_style)) as backend:
            assert backend.runtime == runtime
    assert len(calls) == 1
    monkeypatch.setattr(trial, "REPEAT_AFTER" if seconds else "REPEAT_FAILED_AFTER", 0)
    load(str(tiny_style)).close()
    assert len(calls) == 2
    trial._path().write_text("[" * 10_000)
    load(str(tiny_style)).close()
    assert len(calls) == 3


def test_the_trial_measures_both(tiny_style, vulkan, monkeypatch):
    """The trial draws pictures on the GPU and on the CPU, and names the GPU."""
    monkeypatch.setattr(trial, "SIZE", (16, 16))
    assert trial.measure(str(tiny_style))["vulkan"] == 0 or not gpus.list_gpus()[0].is_software
    monkeypatch.setattr(gpus.VulkanGpu, "is_software", property(lambda _: False))
    result = trial.measure(str(tiny_style))
    assert result["gpu"] == gpus.list_gpus()[0].name
    assert min(result["vulkan"], result["cpu"]) > 0


def test_what_is_missing_is_said(tiny_style, tiny_param, vulkan, monkeypatch):
    """A missing GPU, driver, precision or package is named, and nothing else draws."""
    for device, precision, message in (
        ("vulkan:9", "auto", "the number of Vulkan devices is"),
        ("vulkan", "bf16", "fp16 or fp32, not in bf16"),
        ("vulkan", "int8", "fp16 or fp32, not in int8"),
    ):
        with pytest.raises(BackendError, match=message):
            load(str(tiny_style), device=device, precision=precision)
    with pytest.raises(BackendError, match="in fp32"):
        load(str(tiny_param), device="cpu", precision="fp16")
    with pytest.raises(BackendError, match="--provider"):
        load(str(tiny_style), device="vulkan", options=RuntimeOptions(provider="cpu"))
    monkeypatch.setattr(gpus, "list_gpus", tuple)
    with pytest.raises(BackendError, match="no Vulkan driver is installed"):
        load(str(tiny_style), device="vulkan")
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "ncnn", None)
    with pytest.raises(BackendError, match=r"cartoonize\[vulkan\]"):
        load(str(tiny_param), device="cpu")


def test_the_log_of_ncnn_stays_off_the_terminal(tiny_style, vulkan):
    """Neither ncnn nor a driver writes to the terminal, and a backend that is left open ends in silence."""
    code = (
        "import os, sys; from cartoonize import load; from cartoonize.backends.ncnn.gpus import hidden_log\n"
        f"import numpy; backend = load({str(tiny_style)!r}, device='vulkan')\n"
        "backend(numpy.zeros((1, 8, 8, 3), numpy.uint8))\n"
        "with hidden_log(): os.write(2, b'[0 GPU]  queueC=0\\nof somebody else\\n')\n"
    )
    done = run_python(code)
    assert (done.stdout, done.stderr) == ("", "of somebody else\n")


def param_of(tmp_path, tiny_param, text, weights=None):
    (tmp_path / "a.param").write_text(text)
    (tmp_path / "a.bin").write_bytes(
        tiny_param.with_suffix(".bin").read_bytes() if weights is None else weights
    )
    return tmp_path / "a.param"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("7767517", "", "does not begin"),
        ("Convolution ", "Embed ", "'Embed' are not accepted"),
        ("6=576", "6=900000000", "weights is 900000000"),
        ("6=576", "6=577", "states 577 weights and has 576"),
        ("0=8 1=3", "0=9 1=3", "weights and has"),
        ("1=3 3=1 4=1", "1=3 3=1 4=0", "different sizes"),
        ("9=1", "9=2", "slope"),
        ("9=1", "9=9", "activation is 9"),
        ("5=1", "5=1 31=7", "parameter 31"),
        ("5=1", "-23305=100000000,1", "no parameter"),
        ("Reorg reorg_2 1 1 scale_1 reorg_2 0=4", "Reorg reorg_2 1 1 scale_1 reorg_2 0=0", "side is 0"),
        ("1 1 scale_1 reorg_2", "1 1 nowhere reorg_2", "'nowhere', which does not exist"),
        ("stride=4", "stride=0", "not a network of cartoonize"),
        ("reach=", "rich=", "not a network of cartoonize"),
        ("input 0 1 images", "input 0 1 images 0=4 1=4 2=3", "does not begin with the input"),
        ("clip", "clip\x1b[2J", "line"),
        ("clip", "clíp", "it is no text"),
    ],
)
def test_damaged_graphs_never_reach_ncnn(tmp_path, tiny_param, before, after, message):
    """A .param file with other layers, numbers or sizes than ours is refused in a sentence."""
    text = tiny_param.read_text()
    assert before in text
    with pytest.raises(ModelError, match=message):
        load(str(param_of(tmp_path, tiny_param, text.replace(before, after, 1))), device="cpu")


def test_damaged_weights_never_reach_ncnn(tmp_path, tiny_param):
    """A .bin file that is missing, too short, too long, of other types, not finite, or zero is refused."""
    text, data = tiny_param.read_text(), tiny_param.with_suffix(".bin").read_bytes()
    endless = np.full(len(data) // 4, np.inf, np.float32).tobytes()
    for weights, message in (
        (data[:-4], "incomplete"),
        (data + bytes(4), "longer|other weights"),
        (data + bytes(1 << 20), "longer"),
        (endless, "not finite"),
        (bytes(len(data)), "nothing but zeros"),
        (data[:24] + b"\x01" + data[25:], "neither float32 nor float16"),
    ):
        with pytest.raises(ModelError, match=message):
            load(str(param_of(tmp_path, tiny_param, text, weights)), device="cpu")
    (tmp_path / "a.bin").unlink()
    with pytest.raises(ModelError, match=r"Cannot read .*a\.bin"):
        load(str(tmp_path / "a.param"), device="cpu")


def test_random_changes_do_no_harm(tmp_path, tiny_param):
    """Files with random changes are refused, or draw; none of them ends the process."""
    lines, numbers, image = tiny_param.read_text().splitlines(), random.Random(0), noise(1, 12, 12)
    values = ["0", "1", "2", "5", "-1", "0.5", "1e9", "999999999", "1,1", "images", "Split", "x=1"]
    refused = 0
    for _ in range(150):
        changed = [line.split() for line in lines]
        line = numbers.choice(changed[9:])
        place = numbers.randrange(len(line))
        key, equals, _ = line[place].rpartition("=")
        line[place] = f"{key}{equals}{numbers.choice(values)}"
        path = param_of(tmp_path, tiny_param, "\n".join(map(" ".join, changed)))
        try:
            with load(str(path), device="cpu") as backend:
                backend(image)
        except CartoonizeError:
            refused += 1
    assert 75 < refused < 150


def test_every_size_is_checked(tiny_param):
    """A graph that is valid for some sizes only is refused at the first picture of another size."""
    network = read_network(tiny_param)
    backend = NcnnBackend(network, "cpu", "auto")
    assert backend(noise(1, 30, 30)).shape == (1, 30, 30, 3)
    backend._stride = 1
    with pytest.raises(ModelError, match="cannot draw 31x30 pixels: 31x30 is not divisible by 4"):
        backend(noise(1, 30, 31))
    backend.close()
