"""The control groups of Linux, by which containers and services limit the cores and the memory of a process.

Those of this process and all groups above them count. In a container the paths may be those of the host,
while its own group is at the top: a path that does not exist sets no limit.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

ROOT = Path("/")


def quotas() -> Iterator[float]:
    """Yield the quotas of the groups, in cores."""
    for folder, is_unified in _folders("cpu"):
        with suppress(OSError, ValueError, ZeroDivisionError):
            if is_unified:
                quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()  # "max" for none
            else:
                quota, period = (
                    (folder / f"cpu.cfs_{name}_us").read_text(encoding="utf-8")
                    for name in ("quota", "period")
                )
            if float(quota) > 0:  # -1 for none
                yield float(quota) / float(period)


def unused_memory() -> Iterator[float]:
    """Yield the unused share, from 0 to 1, of the memory of each group that has a limit."""
    for folder, is_unified in _folders("memory"):
        names = ("current", "max") if is_unified else ("usage_in_bytes", "limit_in_bytes")
        with suppress(OSError, ValueError, ZeroDivisionError):
            used, limit = (
                int((folder / f"memory.{name}").read_text(encoding="utf-8")) for name in names
            )  # "max" for none
            yield max(0.0, 1 - used / limit)


def _folders(controller: str) -> Iterator[tuple[Path, bool]]:
    """Yield the folders of the groups of a controller, and whether each is of version 2 of control groups."""
    with suppress(OSError, ValueError):
        for line in (ROOT / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            mount = ROOT / "sys/fs/cgroup" / (controller if controllers else "")
            group = PurePosixPath(path.lstrip("/"))
            for parent in (group, *group.parents):
                yield mount / parent, not controllers
