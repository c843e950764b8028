"""How many cores this process may use, which can be fewer than the machine has, and how its threads wait.

More threads only take turns: a container with two of 64 cores would draw with 64, and all of them would stand
still for most of each period of its quota.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import ceil
from pathlib import Path, PurePosixPath

ROOT = Path("/")
_WAIT_POLICY = "OMP_WAIT_POLICY"


def count_cores() -> int:
    """Cores that the system gives this process: its affinity, and on Linux the quota of its control groups.

    The first is set by taskset and Slurm, the second by `docker --cpus`, Kubernetes and systemd; a part of a
    core counts as one.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([count, *(max(1, ceil(quota)) for quota in _quotas())])


def count_threads() -> int:
    """Those of them that networks may compute on, unless OMP_NUM_THREADS says fewer.

    It limits PyTorch, and is how Ray tells a worker its share; other runtimes are to take it for the same.
    """
    told = os.environ.get("OMP_NUM_THREADS", "")
    return min(count_cores(), int(told)) if told.isdigit() and int(told) else count_cores()


def set_passive_waiting() -> None:
    """Have the threads of OpenMP teams, which are PyTorch's, sleep while they wait for each other.

    Call it before PyTorch is imported; an OMP_WAIT_POLICY that is set already stays. By default such threads
    spin. Spinning saves 3 ms of a small picture where all cores are idle. Where another process uses one of
    two cores, a thread spins on the core that the other one needs, and the same picture takes 400 ms in place
    of 13 (docs/performance.md). ONNX Runtime is always told not to spin.
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


def _quotas() -> Iterator[float]:
    """In cores, those of the control groups that the process is in, and of the groups that these are in.

    In a container the paths may be those of the host, while its own group stands at the top: what is not
    there limits nothing.
    """
    with suppress(OSError, ValueError):
        for line in (ROOT / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            mount = ROOT / "sys/fs/cgroup" / ("cpu" if controllers else "")
            group = PurePosixPath(path.lstrip("/"))
            for folder in (mount / group, *(mount / parent for parent in group.parents)):
                with suppress(OSError, ValueError, ZeroDivisionError):
                    yield _quota(folder, unified=not controllers)


def _quota(folder: Path, *, unified: bool) -> float:
    """Of a group, as version 2 of control groups writes it (`unified`), or version 1.

    Raises:
        OSError, ValueError: it has none.
    """
    if unified:
        quota, period = (folder / "cpu.max").read_text().split()  # "max" for none
    else:
        quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
    if float(quota) <= 0:  # -1 for none
        raise ValueError
    return float(quota) / float(period)
