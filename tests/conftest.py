"""Fixtures for all tests."""

import os
import re
import signal
import sys
import threading
from pathlib import Path

import pytest

from cartoonize.core import cpus, onnx_runtime, signals

cpus.set_passive_waiting()  # before PyTorch is imported: the machine may have other work
onnx_runtime.disable_telemetry()

from cartoonize.models import ARCHITECTURES, Generator  # noqa: E402
from cartoonize.models.checkpoint import save_style  # noqa: E402
from cartoonize.styles.card import Card  # noqa: E402

TIMEOUT = 600  # seconds, after which a test that hangs fails
MOST_WORKERS = 8  # each takes a gigabyte


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config) -> None:
    """Run the whole suite in a process for each core, and fail tests that hang.

    A selection runs in this process, which starts sooner, and so do the tests of a GPU, whose memory they
    measure. The plugins are optional: images of CUDA have pytest alone.
    """
    option, plugins = config.option, config.pluginmanager
    if plugins.hasplugin("timeout") and option.timeout is None:
        option.timeout = TIMEOUT
    is_selection = config.args_source is pytest.Config.ArgsSource.ARGS or option.keyword or option.lf
    workers = min(cpus.count_cores(), MOST_WORKERS)
    is_worker = hasattr(config, "workerinput")  # which calls this hook too
    if is_worker or not plugins.hasplugin("xdist") or option.numprocesses is not None or option.usepdb:
        return
    if workers > 1 and not is_selection and option.markexpr != "gpu":
        option.numprocesses, option.dist, option.loadscopereorder = workers, "loadfile", False


@pytest.fixture(scope="session")
def lively_generator():
    """Makes small untrained generators that change pictures: (architecture, **config) -> Generator."""
    import torch

    def make(architecture: str, **config: int | str) -> Generator:
        torch.manual_seed(0)
        generator = ARCHITECTURES[architecture](**config)
        for parameter in generator.parameters():
            parameter.data += 0.02 * torch.randn_like(parameter)
        return generator.eval()

    return make


@pytest.fixture(scope="session")
def tiny_style(tmp_path_factory, lively_generator) -> Path:
    """A style file of a small swift network, which changes pictures visibly."""
    path = tmp_path_factory.mktemp("style") / "tiny.safetensors"
    save_style(path, lively_generator("swift", width=8, blocks=1), Card("tiny", licence="CC0"))
    return path


@pytest.fixture(scope="session")
def tiny_onnx(tmp_path_factory, tiny_style) -> Path:
    """The same network as an ONNX file of `export_onnx`; not to be changed."""
    pytest.importorskip("onnxscript")
    from cartoonize.export.onnx import export_onnx

    path = tmp_path_factory.mktemp("onnx") / "tiny.onnx"
    export_onnx(str(tiny_style), path)
    return path


@pytest.fixture(scope="session")
def tiny_param(tmp_path_factory, tiny_style) -> Path:
    """The same network as files of `export_ncnn`; not to be changed."""
    pytest.importorskip("ncnn", reason="needs the extra `vulkan`")
    from cartoonize.export.ncnn import export_ncnn

    path = tmp_path_factory.mktemp("ncnn") / "tiny.param"
    export_ncnn(str(tiny_style), path)
    return path


@pytest.fixture(scope="session")
def vulkan() -> str:
    """The device of Vulkan; skips if no driver is installed, not even one that computes on the CPU."""
    pytest.importorskip("ncnn", reason="needs the extra `vulkan`")
    from cartoonize.backends.ncnn.gpus import list_gpus

    if not list_gpus():
        pytest.skip("no Vulkan driver is installed")
    return "vulkan"


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """A bucket `films` of an S3 server on this machine; returns an independent client for it."""
    server = pytest.importorskip("moto.server", reason="needs moto[server]").ThreadedMotoServer(port=0)
    pytest.importorskip("s3fs", reason="needs the extra `cloud`")
    import boto3

    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="films")
        yield client
        client.close()
    server.stop()


@pytest.fixture(autouse=True)
def signal_handlers_are_restored(monkeypatch):
    """Restore the handlers after the test, as commands that run in this process install their own."""
    handlers = {number: signal.getsignal(number) for number in signals.STOP_SIGNALS}
    monkeypatch.setattr(signals, "_installed", signals._installed)
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command line in this process: (exit code, stdout, stderr)."""
    from cartoonize.cli import main as cli  # here: the tests of a GPU run without some of its packages

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["cartoonize", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        printed = capsys.readouterr()
        return stopped.value.code, printed.out, re.sub(r"\s+", " ", printed.err)

    return command


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder for the user's data; returns the folder of styles in it, which does not exist yet."""
    monkeypatch.setenv("CARTOONIZE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "styles"


@pytest.fixture
def short_segments(monkeypatch):
    """Segments of 24 frames, so that short clips have several."""
    from cartoonize.run import pipeline

    monkeypatch.setattr(pipeline, "SEGMENT", 24)


@pytest.fixture(autouse=True)
def no_thread_stays_a_real_time_one():
    """Make threads normal again: SVT-AV1 makes all of them real-time threads if root runs it."""
    yield
    if sys.platform == "linux":
        cpus.replace_real_time(os.SCHED_OTHER, os.sched_param(0))


@pytest.fixture(autouse=True)
def no_thread_is_left():
    """Fail if a thread outlives the test. Libraries keep daemon threads until the process ends."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in left:  # some are about to end
        thread.join(5)
    assert [thread.name for thread in left if thread.is_alive()] == []
