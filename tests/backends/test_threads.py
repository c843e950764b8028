"""Threads of backends end with them, and those that wait leave the cores to others."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from processes import environment, run_python

from cartoonize import load
from cartoonize.backends.pytorch.hardware import cpu_features
from cartoonize.backends.pytorch.threads import own_threads, set_own_threads

NO_BF16 = pytest.mark.skipif("AVX512 bf16" not in cpu_features(), reason="this processor has no bf16")
BF16 = pytest.param("bf16", marks=[NO_BF16, pytest.mark.slow])

MANY = """
import os, sys, threading, time
import numpy as np

precision, cores, ending, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
from cartoonize import load
from cartoonize.core import cpus
cpus.count_cores = cpus.count_threads = lambda: cores  # pretend that the machine has them

def threads():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("Threads")).split()[1])

images = np.random.default_rng(0).integers(0, 256, (2 * cores, 40, 48, 3), dtype=np.uint8)

def use():
    backend = load("pepper", device="cpu", precision=precision)
    backend(images)
    backend(images[:1])
    return backend

use().close()
before, kept = threads(), []
for _ in range(count):
    backend = use()
    if ending == "closed":
        backend.close()
    elif ending == "kept":
        kept.append(backend)
    del backend
last_work = sum(os.times()[:4])
deadline = time.monotonic() + 60
while ending != "kept" and threads() > before and time.monotonic() < deadline:
    time.sleep(0.01)  # the system counts a thread for some moments after its end
print(max(0, threads() - before), threading.active_count() - 1, last_work)
"""


def use_backends(precision, cores, ending, count):
    """Use backends in a process, one after the other.

    Returns how many of their threads are left, those of Python that its end would wait for, and the seconds
    of CPU time from the last work to the end of the process, which do not depend on other programs.
    """
    before = sum(os.times()[2:4])
    done = run_python(MANY, precision, cores, ending, count)
    spent = sum(os.times()[2:4]) - before
    left, of_python, until_last = done.stdout.split()
    return int(left), int(of_python), spent - float(until_last)


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads in /proc")


@pytest.fixture(scope="module")
def alone():
    """CPU seconds that the end of a process with one backend takes, for the slower of the two libraries."""
    return max(use_backends(precision, 2, "closed", 1)[2] for precision in ("fp32", "int8"))


@needs_proc
@pytest.mark.parametrize("cores", [pytest.param(2, marks=pytest.mark.slow), 8])
@pytest.mark.parametrize("precision", ["fp32", BF16, "int8"])
def test_fifty_backends_leave_nothing(precision, cores, alone):
    """Closed backends leave no thread, for any number of backends and any library.

    A process that closes many ends as promptly as one with a single backend: it has no more to do at its
    end, and no thread to wait for.
    """
    left, of_python, took = use_backends(precision, cores, "closed", 50)
    assert (left, of_python) == (0, 0)
    assert took < alone + 1


@needs_proc
@pytest.mark.parametrize("precision", ["fp32", BF16, "int8"])
def test_forgotten_backends_leave_nothing(precision):
    """The threads of a backend that was not closed end as soon as nothing refers to it."""
    left, of_python, _ = use_backends(precision, 8, "forgotten", 10)
    assert (left, of_python) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", BF16, "int8"])
def test_fifty_open_backends_delay_no_end(precision, alone):
    """A program that never closes its backends still ends: within a second of work after its last drawing."""
    _, _, took = use_backends(precision, 8, "kept", 50)
    assert took < alone + 1


def test_the_end_of_a_with_block_closes(tiny_style):
    """After the block, no thread of the network is left."""
    before = set(threading.enumerate())
    with load(str(tiny_style), device="cpu", precision="fp32") as draw:
        draw._pool.count = 2
        draw(np.zeros((4, 16, 16, 3), np.uint8))
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) <= before


def in_new_thread(function, *arguments):
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(function, *arguments).result()


def test_a_thread_keeps_to_its_core():
    """A thread keeps its number of cores when another thread sets its own."""
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        one.submit(set_own_threads, 1).result()
        other.submit(set_own_threads, 8).result()
        assert one.submit(torch.get_num_threads).result() == 1
        assert other.submit(torch.get_num_threads).result() == 8


@pytest.mark.parametrize("count", [1, 3, 8])
def test_the_number_of_threads_is_that_of_one_thread(count):
    """The number of threads that a block sets applies to this thread only, and only within the block."""
    before, initial = torch.get_num_threads(), in_new_thread(torch.get_num_threads)
    with own_threads(count):
        assert torch.get_num_threads() == count
        assert in_new_thread(torch.get_num_threads) == initial
    assert torch.get_num_threads() == before
    assert in_new_thread(torch.get_num_threads) == initial


LIBRARY = """
import os, sys
import numpy as np
environment = dict(os.environ)
from cartoonize import load
from cartoonize.core import cpus
cpus.count_cores = cpus.count_threads = lambda: 4  # a machine with four cores
import threading, torch

def draw():
    with load(sys.argv[1], device="cpu", precision="fp32") as backend:
        backend(np.zeros((8, 24, 24, 3), np.uint8))
        backend(np.zeros((1, 24, 24, 3), np.uint8))
        pools.append((backend._pool.count, backend._pool.cores))

def in_thread(function):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(function()))
    thread.start(); thread.join()
    return answers[0]

pools, mine, initial = [], torch.get_num_threads(), in_thread(torch.get_num_threads)
draw(); draw(); in_thread(draw)
assert pools == [(4, 4)] * 3, pools
assert torch.get_num_threads() == mine
assert in_thread(torch.get_num_threads) == initial
assert dict(os.environ) == environment
"""


def test_a_style_changes_nothing_for_its_caller(tiny_style):
    """Loading a style changes neither PyTorch's numbers of threads nor the environment of its caller.

    A second style, and one that is loaded in a thread, have as many threads as the first.
    """
    run_python(LIBRARY, tiny_style)


WATCH_IMPORT = """
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch._C":  # not "torch", which is also looked up without an import
            print(os.environ.get("OMP_WAIT_POLICY"), flush=True)
            if os.environ["OMP_WAIT_POLICY"] == "ACTIVE":
                os._exit(0)  # that the whole command works is tested with the other setting
sys.meta_path.insert(0, Watch())
"""
PROGRAMS = {
    "command": "from cartoonize.cli.main import main; main()",
    "library": "from cartoonize import stylize; stylize(*sys.argv[2:4], sys.argv[5], precision='fp32')",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_threads_that_wait_leave_the_cores_to_others(tiny_style, tmp_path, program):
    """The threads of PyTorch are set not to spin before its import, unless the user says otherwise."""
    Pillow.new("RGB", (32, 32)).save(tmp_path / "in.png")
    for setting, expected in ({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"):
        done = run_python(
            WATCH_IMPORT + PROGRAMS[program], "image", tmp_path / "in.png", tmp_path / f"{expected}.png",
            "--style", tiny_style, "--precision", "fp32", env=environment("OMP_WAIT_POLICY", **setting),
        )  # fmt: skip
        assert done.stdout.split()[0] == expected
    assert (tmp_path / "PASSIVE.png").is_file()


ONE_CORE = """
import os, sys, time
import numpy as np
from cartoonize import load

with load(sys.argv[1], device="cpu", precision="fp32") as draw:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # as if others used the rest
    draw._pool.count, picture, took = 1, np.zeros((1, 96, 96, 3), np.uint8), {1: [], 2: []}
    for _ in range(5):
        for threads, times in took.items():
            draw._pool.cores = threads
            draw(picture)
            began = time.perf_counter()
            for _ in range(3):
                draw(picture)
            times.append(time.perf_counter() - began)
print(min(took[2]) / min(took[1]))
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system binds no process to a core")
def test_threads_on_busy_cores_do_not_spin(tiny_style):
    """If other processes use the cores, two threads draw a picture about as fast as one."""
    assert float(run_python(ONE_CORE, tiny_style, env=environment("OMP_WAIT_POLICY")).stdout) < 4
