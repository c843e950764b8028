"""The cores that this process may use, how its threads wait, and at what priority they run.

The cores can be fewer than those of the machine. More threads than cores do not help: in a container with two
of 64 cores, 64 threads would use up the quota of each period at once, and then all would wait until its end.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import ceil
from pathlib import Path

from .control_groups import quotas

_WAIT_POLICY = "OMP_WAIT_POLICY"


def count_cores() -> int:
    """Count the cores of this process: those of its affinity, and on Linux the quota of its control groups.

    taskset and Slurm set the affinity; `docker --cpus`, Kubernetes and systemd set the quota, where a part of
    a core counts as one.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([count, *(max(1, ceil(quota)) for quota in quotas())])


def count_threads() -> int:
    """The threads on which networks compute: one for each core, or OMP_NUM_THREADS if that is lower.

    PyTorch reads this variable itself, and Ray sets it to the share of a worker; here it holds for all
    runtimes.
    """
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(count_cores(), int(limit)) if limit.isdigit() and int(limit) else count_cores()


def set_passive_waiting() -> None:
    """Let the threads of OpenMP teams, which PyTorch uses, sleep while they wait for each other.

    Call it before PyTorch is imported; an OMP_WAIT_POLICY that is set already stays. By default such threads
    spin, and can occupy the core that another thread needs (docs/performance.md).

    It changes the environment of the process, so only programs call it; a library uses `passive_waiting`.
    """
    os.environ.setdefault(_WAIT_POLICY, "PASSIVE")


@contextmanager
def passive_waiting() -> Iterator[None]:
    """As `set_passive_waiting`, for a `with` block that imports PyTorch; it restores the environment."""
    before = os.environ.get(_WAIT_POLICY)
    set_passive_waiting()
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_WAIT_POLICY, None)


@contextmanager
def keep_scheduling() -> Iterator[None]:
    """Undo real-time priorities that a library gives to the threads of this process within the block.

    SVT-AV1 asks for SCHED_FIFO if the user is root, as in most containers, for its own threads and for the
    one that opens it. A thread that waits in a loop would then keep all others from a core forever.
    """
    if sys.platform != "linux" or os.sched_getscheduler(0) == os.SCHED_FIFO:
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        replace_real_time(policy, parameters)


def replace_real_time(policy: int, parameters: "os.sched_param") -> None:
    """Give all threads of this process that have SCHED_FIFO another policy. Only Linux has this function."""
    for folder in Path("/proc/self/task").iterdir():
        thread = int(folder.name)
        with suppress(OSError):  # the thread has ended
            if os.sched_getscheduler(thread) == os.SCHED_FIFO:
                os.sched_setscheduler(thread, policy, parameters)
