"""Connects to a cluster, or starts one on this machine, and decides the resources of a task."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:
    import ray
except ImportError as missing:
    from ..core.errors import ClusterError as _ClusterError

    raise _ClusterError(
        f'A Ray cluster needs another package: pip install "cartoonize[cluster]" ({missing}).'
    ) from missing

from ..core.errors import BackendError, ClusterError
from ..core.messages import first_line
from ..core.signals import preserve_handlers
from .head import Head, parse_address

MAX_CORES = 8
"""Cores of a task: the pictures that a CPU draws at once (backends/thread_pool.py)."""
_ENVIRONMENT = {
    # Usage data must not leave people's machines: https://docs.ray.io/en/latest/cluster/usage-stats.html
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray warns that tasks without a GPU will see something else; this is the new behaviour.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Variables for Ray, unless the user has set them; they count for the time of a connection."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster, and the resources of one task: `cpus` cores, and `gpus` GPUs, one or none."""

    cpus: int
    gpus: int
    head: Head

    @property
    def device(self) -> str:
        """The device of a task; Ray shows each task only its own GPU."""
        return "cuda" if self.gpus else "cpu"

    @property
    def resources(self) -> dict[str, Any]:
        """The options of a task in Ray's terms."""
        return {"num_cpus": self.cpus, "num_gpus": self.gpus}

    def slots(self) -> int:
        """The number of tasks that the cluster, as it is now, can run at once."""
        return sum(map(self._slots_of, _nodes().values()))

    def nodes(self) -> set[str]:
        """The ids of the nodes that can run a task."""
        return {node for node, resources in _nodes().items() if self._slots_of(resources)}

    def _slots_of(self, resources: dict[str, float]) -> int:
        by_cores = int(resources.get("CPU", 0) // self.cpus)
        return min(by_cores, int(resources.get("GPU", 0))) if self.gpus else by_cores


@contextmanager
def connect(address: str, device: str) -> Iterator[Cluster]:
    """Connect to a cluster for the time of a `with` block.

    Args:
        address: HOST:PORT of its head; "auto" is RAY_ADDRESS, or the cluster of this machine, or one that is
            started on this machine and lasts as long as the block.
        device: "cpu", "cuda", or "auto", which uses only GPUs if there are any.

    Raises:
        ClusterError: it does not answer.
        BackendError: no node has such a device.
    """
    if address.startswith("ray://"):
        raise ClusterError(
            f"{address} is for Ray's clients; run this on a node of the cluster, with HOST:6379 of its head."
        )
    real_address = os.environ.get("RAY_ADDRESS", "auto") if address == "auto" else address
    if real_address != "auto":
        _check_address(real_address)
    with _environment():
        try:
            with preserve_handlers():  # Ray's handlers would leave no time to clean up
                _start(address)
            yield _plan_tasks(device)
        finally:
            ray.shutdown()


@contextmanager
def _environment() -> Iterator[None]:
    """Set the variables for Ray, and remove them again."""
    added = [name for name in _ENVIRONMENT if name not in os.environ]
    os.environ.update({name: _ENVIRONMENT[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _check_address(address: str) -> None:
    """Check that the address accepts connections: Ray would wait for minutes."""
    try:
        socket.create_connection(parse_address(address), timeout=10).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ClusterError(f"There is no cluster at {address}; name the HOST:PORT of its head.") from error


def _start(address: str) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        try:
            if address == "auto" and not os.environ.get("RAY_ADDRESS") and _is_last_cluster_gone():
                raise ConnectionError
            ray.init(address, **quiet)
        except ConnectionError:
            if address != "auto" or os.environ.get("RAY_ADDRESS"):
                raise
            # No dashboard, which takes longer to start than a short video to convert.
            ray.init("local", include_dashboard=False, **quiet)
    except Exception as error:  # of no narrower class where a node does not start in time
        raise ClusterError(f"There is no answer from the cluster ({address}): {first_line(error)}") from error


def _is_last_cluster_gone() -> bool:
    """Whether the last cluster of this machine ended without removing its address, as when it is killed.

    Ray would try to connect to it for minutes.
    """
    temporary = Path(os.environ.get("RAY_TMPDIR") or "/tmp")  # noqa: S108  # Ray's own default
    try:
        _check_address((temporary / "ray" / "ray_current_cluster").read_text(encoding="utf-8").strip())
    except OSError:
        return False
    except ClusterError:
        return True
    return False


def _plan_tasks(device: str) -> Cluster:
    """Give each task a GPU and its share of the cores, or as many cores as the smallest node has."""
    nodes = [node for node in _nodes().values() if node.get("CPU", 0) >= 1]
    with_gpus = [node for node in nodes if node.get("GPU", 0) >= 1]
    if device not in ("auto", "cpu", "cuda"):
        raise BackendError(f"In a cluster Ray chooses the GPUs; write --device cuda, not {device}.")
    if device == "cuda" and not with_gpus:
        raise BackendError("No node of the cluster has a GPU, which --device cuda needs; leave --device out.")
    if not nodes:
        raise ClusterError("No node of the cluster has a core.")
    head = Head(ray.get_runtime_context().gcs_address)
    if with_gpus and device != "cpu":
        return Cluster(_smallest(node["CPU"] // node["GPU"] for node in with_gpus), 1, head)
    return Cluster(_smallest(node["CPU"] for node in nodes), 0, head)


def _smallest(cores: Iterator[float]) -> int:
    return max(1, min(MAX_CORES, int(min(cores))))


def _nodes() -> dict[str, dict[str, float]]:
    """The resources of each node that is alive, by its id."""
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return {node["NodeID"]: node["Resources"] for node in nodes if node["Alive"]}
