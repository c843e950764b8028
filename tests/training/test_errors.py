"""Missing libraries are named, with what to install; errors of the disk have their exit codes."""

import errno
import os
import sys
from concurrent.futures.process import BrokenProcessPool

import pytest
import torch

from cartoonize.core.errors import CartoonizeError, TrainingError
from cartoonize.training.errors import disk_errors, missing_extra
from cartoonize.training.evaluation import evaluate as evaluation
from cartoonize.training.parallel import map_in_processes
from cartoonize.training.pretrain import Pretrain
from cartoonize.training.run import train


def test_missing_library_of_the_extra(monkeypatch):
    """Without scenedetect the sentence names it and the extra that installs it."""
    monkeypatch.setitem(sys.modules, "scenedetect", None)
    with pytest.raises(TrainingError, match=r"scenedetect is missing.*cartoonize\[train\]"), missing_extra():
        import scenedetect  # noqa: F401


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "),
        BrokenProcessPool("A process in the process pool was terminated abruptly."),
    ],
)
def test_too_little_memory_is_a_sentence(settings, monkeypatch, error):
    """A batch that does not fit into the memory of the device ends the training with a sentence."""

    def step(*_):
        raise error

    monkeypatch.setattr(Pretrain, "step", step)
    with pytest.raises(TrainingError, match="There is too little memory"):
        train(settings("pretrain"))


def end_at_once(_):
    os._exit(9)


def fill_memory(*_, **__):
    raise MemoryError


@pytest.mark.parametrize(("function", "workers"), [(end_at_once, 2), (fill_memory, 2), (fill_memory, 1)])
def test_too_little_memory_for_a_process(function, workers):
    """A process that the system ends, or that gets no memory, ends `train targets` and others likewise."""
    with pytest.raises(TrainingError, match="There is too little memory"):
        list(map_in_processes(function, [1, 2], workers))


def test_too_little_memory_to_evaluate(monkeypatch, tmp_path):
    """So does `train evaluate`."""
    monkeypatch.setattr(evaluation, "load", fill_memory)
    with pytest.raises(TrainingError, match="There is too little memory"):
        evaluation.evaluate("null", tmp_path, device="cpu")


@pytest.mark.parametrize(
    ("number", "code"), [(errno.EROFS, 5), (errno.EACCES, 5), (errno.ENOSPC, 6), (errno.ENOTDIR, 1)]
)
def test_errors_of_the_disk_have_their_exit_codes(number, code):
    """A folder that cannot be written to, a full disk and a wrong name end a training as they end a video."""
    with pytest.raises(CartoonizeError, match=r"^Cannot write runs/mine: .*\.$") as error, disk_errors():
        raise OSError(number, os.strerror(number), "runs/mine")
    assert error.value.exit_code == code
