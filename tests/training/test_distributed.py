"""Several processes train as one."""

import os
import subprocess
import sys

import pytest
import torch

NETWORK = ("--width", 4, "--size", 32, "--batch", 4, "--images", 16, "--log-every", 4)
REST = ("--workers", 0, "--precision", "fp32", "--device", "cpu", "--model", "cartoongan", "--vgg", "vgg16")


def train(run, photos, features, launcher):
    arguments = ("train", "pretrain", "--photos", photos, "--run", run, "--features", features)
    command = [sys.executable, *launcher, *arguments, "--preset", "official"]
    command += [str(argument) for argument in (*NETWORK, *REST)]
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return torch.load(run / "pretrain" / "checkpoints" / "checkpoint-000000016.pt", weights_only=True)


@pytest.mark.slow
def test_two_processes_equal_one_with_the_combined_batch(photos, features, tmp_path):
    """Under torchrun the same command gives the same weights to rounding.

    With instance norm, that is: batch norm takes its statistics from each process's share of the batch.
    """
    one = train(tmp_path / "one", photos, features, ["-m", "cartoonize"])
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "cartoonize", "--"]
    two = train(tmp_path / "two", photos, features, torchrun)
    expected, found = (state["parts"]["generator"]["network"] for state in (one, two))
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=2e-5, rtol=1e-3)
