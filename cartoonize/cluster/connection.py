"""Joining a cluster, or starting one on this machine, and what a task gets of it."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

# Nothing of what people do is to leave their machines; see https://docs.ray.io/en/latest/cluster/usage-stats.html.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# Ray warns of a change to come in what tasks without a GPU see, and this is the new behaviour.
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

try:
    import ray
except ImportError as missing:
    from ..core.errors import ClusterError as _ClusterError

    raise _ClusterError(
        "--cluster needs Ray, which is not installed; install it by pip install 'cartoonize[cluster]'."
    ) from missing

from ..core.errors import BackendError, ClusterError
from ..core.signals import preserve_handlers

MOST_CORES = 8
"""Of a task: as many pictures as the network draws at once on a CPU (backends/pytorch.py)."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What one task takes of a cluster: `cpus` cores, and `gpus` GPUs, which is one or none."""

    cpus: int
    gpus: int

    @property
    def device(self) -> str:
        """Where a task draws; Ray shows each the GPU that is its own."""
        return "cuda" if self.gpus else "cpu"

    @property
    def resources(self) -> dict[str, Any]:
        """The same in Ray's words."""
        return {"num_cpus": self.cpus, "num_gpus": self.gpus}

    def slots(self) -> int:
        """The tasks that the cluster can run at once, as it is now."""
        return sum(
            min(int(node["CPU"] // self.cpus), int(node.get("GPU", 0)) if self.gpus else 1 << 30)
            for node in _nodes()
            if "CPU" in node
        )


@contextmanager
def connected(address: str, device: str) -> Iterator[Cluster]:
    """Join a cluster for the time of a `with` block.

    Args:
        address: HOST:PORT of its head; "auto" is RAY_ADDRESS, or the one of this machine, or one that is
            started on this machine and lasts as long as the block.
        device: "cpu", "cuda", or "auto", which is GPUs only if there are any.

    Raises:
        ClusterError: it does not answer.
        BackendError: no node has such a device.
    """
    if address.startswith("ray://"):
        raise ClusterError(
            f"{address} is for Ray's clients; run this on a node of the cluster, with HOST:6379 of its head."
        )
    named = os.environ.get("RAY_ADDRESS", "auto") if address == "auto" else address
    if named != "auto":
        _check_address(named)
    try:
        with preserve_handlers():  # Ray's own would leave no time for tidying up
            _join(address)
        yield _shares(device)
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """See that somebody listens there: Ray would wait for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, ValueError) as error:
        raise ClusterError(f"There is no cluster at {address} (HOST:PORT of its head).") from error


def _join(address: str) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        try:
            ray.init(address, **quiet)
        except ConnectionError:
            if address != "auto" or os.environ.get("RAY_ADDRESS"):
                raise
            # No dashboard, which takes longer to start than a short film to draw.
            ray.init("local", include_dashboard=False, **quiet)
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise ClusterError(
            f"There is no answer from the cluster ({address}): {_first_line(error)}"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _shares(device: str) -> Cluster:
    nodes = [node for node in _nodes() if node.get("CPU", 0) >= 1]
    with_gpus = [node for node in nodes if node.get("GPU", 0) >= 1]
    if device not in ("auto", "cpu", "cuda"):
        raise BackendError(f"In a cluster Ray chooses the GPUs; write --device cuda, not {device}.")
    if device == "cuda" and not with_gpus:
        raise BackendError("cuda was asked for, but no node of the cluster has a GPU.")
    if not nodes:
        raise ClusterError("No node of the cluster has a core to draw with.")
    if with_gpus and device != "cpu":
        return Cluster(_least(node["CPU"] // node["GPU"] for node in with_gpus), 1)
    return Cluster(_least(node["CPU"] for node in nodes), 0)


def _least(cores: Iterator[float]) -> int:
    return max(1, min(MOST_CORES, int(min(cores))))


def _nodes() -> list[dict[str, float]]:
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node["Resources"] for node in nodes if node["Alive"]]
