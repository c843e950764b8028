"""Several processes train as one."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from processes import run_python, wait_until
from torch.distributed.run import get_args_parser

NETWORK = ("--width", 4, "--size", 32, "--batch", 4, "--images", 16, "--log-every", 4)
REST = ("--workers", 0, "--precision", "fp32", "--device", "cpu", "--model", "cartoongan", "--vgg", "vgg16")
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")

GRADIENTS = """
import sys, torch, torch.distributed as dist
from cartoonize.models import ARCHITECTURES
from cartoonize.training.discriminator import Discriminator
from cartoonize.training.distributed import average_gradients, join_process_group, sync_batch_norm

def gradients(pictures):
    torch.manual_seed(0)
    networks = [ARCHITECTURES["cartoongan_blur"](width=4, blocks=1), Discriminator(4)]
    for network in networks:
        sync_batch_norm(network).train()
    generator, discriminator = networks
    drawn = generator(pictures)
    (discriminator(drawn).square().mean() + (drawn - pictures).abs().mean()).backward()
    for network in networks:
        average_gradients(network)
    tensors = [p.grad for n in networks for p in n.parameters()]
    return tensors + [b for n in networks for b in n.buffers()]

torch.manual_seed(1)
batch = torch.rand(4, 3, 32, 32)
with join_process_group(torch.device("cpu")) as group:
    share = batch[group.rank * 4 // group.world :][: 4 // group.world]
    results = gradients(share)
    if group.rank == 0:
        torch.save(results, sys.argv[1])
"""

ENDED = """
import contextlib, os, time, torch
from cartoonize.training.distributed import average_gradients, join_process_group

def has_gloo_threads():
    names = []
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):  # it ends just now
            names.append(open(f"/proc/self/task/{task}/comm").read())
    return any("gloo" in name for name in names)

network = torch.nn.Linear(2, 2)
with join_process_group(torch.device("cpu")):
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 2)).sum().backward()
    average_gradients(network)
    optimiser.step()
    print(has_gloo_threads())
deadline = time.monotonic() + 60  # the system lists a thread a moment longer than it can be waited for
while has_gloo_threads() and time.monotonic() < deadline:
    time.sleep(0.01)
print(has_gloo_threads())
"""


def command(run, photos, features, launcher):
    arguments = ("train", "pretrain", "--photos", photos, "--run", run, "--features", features)
    return [sys.executable, *launcher, *map(str, (*arguments, "--preset", "official", *NETWORK, *REST))]


def trained(run):
    return torch.load(run / "pretrain" / "checkpoints" / "checkpoint-000000016.pt", weights_only=True)


def train(run, photos, features, launcher):
    line = command(run, photos, features, launcher)
    subprocess.run(line, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return trained(run)


def assert_equal_to_rounding(one, two):
    expected, actual = (state["parts"]["generator"]["network"] for state in (one, two))
    for name, value in expected.items():
        torch.testing.assert_close(actual[name], value, atol=2e-5, rtol=1e-3)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("page", ["training", "cluster"])
def test_documented_commands_of_torchrun(page):
    """The documented commands reach cartoonize whole: torchrun takes none of their options for its own."""
    text = Path(__file__).parents[2].joinpath(f"docs/{page}.md").read_text(encoding="utf-8")
    lines = re.findall(r"^torchrun (.+)", text.replace("\\\n", " "), re.MULTILINE)
    assert lines
    for line in lines:
        parsed = get_args_parser().parse_args(shlex.split(line))
        assert {"train", "--photos", "--run"} <= set(parsed.training_script_args)


@pytest.mark.slow
def test_two_processes_equal_one_with_the_combined_batch(photos, features, tmp_path):
    """Under torchrun the same command results in the same weights, except for rounding."""
    one = train(tmp_path / "one", photos, features, ["-m", "cartoonize"])
    two = train(tmp_path / "two", photos, features, [*TORCHRUN, "-m", "cartoonize", "--"])
    assert_equal_to_rounding(one, two)


@pytest.mark.slow
def test_two_nodes_equal_one(photos, features, tmp_path):
    """Two launchers that meet at an address, as on two machines, train like one process."""
    one = train(tmp_path / "one", photos, features, ["-m", "cartoonize"])
    launcher = ["-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d"]
    launcher += [f"--rdzv-endpoint=127.0.0.1:{free_port()}", "--rdzv-id=1", "--local-addr=127.0.0.1"]
    line = command(tmp_path / "two", photos, features, [*launcher, "-m", "cartoonize", "--"])
    nodes = [subprocess.Popen(line, env=os.environ | {"OMP_NUM_THREADS": "1"}) for _ in range(2)]
    assert [node.wait(timeout=300) for node in nodes] == [0, 0]
    assert_equal_to_rounding(one, trained(tmp_path / "two"))


@pytest.mark.slow
def test_a_stop_of_one_process_stops_all_of_them(photos, features, tmp_path):
    """If one of several processes is asked to stop, all stop after the same step, and it is saved."""
    run, port = tmp_path / "run", free_port()
    line = [*command(run, photos, features, ["-m", "cartoonize"]), "--images", "1000000"]
    shared = os.environ | {"OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = [
        subprocess.Popen(
            line,
            env=shared | {"WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    first, second = processes
    wait_until((run / "pretrain" / "stats.jsonl").exists, first)
    second.send_signal(signal.SIGTERM)
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [1, 128 + signal.SIGTERM], errors
    assert re.search(r"stopped at [\d,]+ of 1,000,000 images: run the same command", errors[0])
    assert "Traceback" not in "".join(errors)
    (checkpoint,) = (run / "pretrain" / "checkpoints").iterdir()
    records = (run / "pretrain" / "stats.jsonl").read_text().splitlines()
    assert json.loads(records[-1])["images"] == torch.load(checkpoint, weights_only=True)["images"]


@pytest.mark.slow
def test_batch_norm_sees_the_combined_batch(tmp_path):
    """With batch norm too, two processes have the gradients and running statistics of one, to rounding."""
    # Not weights: Adam makes steps of full size out of rounding errors, as of the bias before a norm.
    script = tmp_path / "gradients.py"
    script.write_text(GRADIENTS)
    for launcher, name in (((), "one"), (TORCHRUN, "two")):
        command = [sys.executable, *launcher, script, tmp_path / name]
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    one, two = (torch.load(tmp_path / name, weights_only=True) for name in ("one", "two"))
    for expected, actual in zip(one, two, strict=True):
        torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-3)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc has the names of threads")
def test_no_thread_of_the_group_is_left():
    """No thread outlives the training: it could abort the process after a successful run."""
    alone = {"WORLD_SIZE": "1", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    assert run_python(ENDED, env=os.environ | alone).stdout.split() == ["True", "False"]
