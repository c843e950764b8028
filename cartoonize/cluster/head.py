"""Notices that the head of a cluster is lost, before Ray ends this process without a chance to clean up."""

import socket
import time

from ..core.errors import ClusterError

PATIENCE = 20.0
"""Seconds for which a head may be lost, as while it is started again. Ray ends the process after 60."""
_INTERVAL, _TIMEOUT = 2.0, 2.0  # seconds from one probe to the next, and for a connection


def parse_address(address: str) -> tuple[str, int]:
    """Return the host and the port of HOST:PORT or [IPV6]:PORT.

    Raises:
        ValueError: there is no port, or it is not a number.
    """
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


class Head:
    """The head of a cluster, by its address HOST:PORT. Without it only running tasks go on."""

    def __init__(self, address: str) -> None:
        self._address = parse_address(address)
        self._last_answer = self._last_probe = time.monotonic()

    def answers(self) -> bool:
        """Whether the head accepts connections now. Most of Ray's functions do not return if it does not."""
        self._last_probe = time.monotonic()
        try:
            socket.create_connection(self._address, timeout=_TIMEOUT).close()
        except OSError:
            return False
        self._last_answer = time.monotonic()
        return True

    def check(self) -> None:
        """Probe the head from time to time.

        Raises:
            ClusterError: it has not answered for PATIENCE seconds.
        """
        is_due = time.monotonic() - self._last_probe >= _INTERVAL
        if is_due and not self.answers() and time.monotonic() - self._last_answer > PATIENCE:
            raise ClusterError(
                f"The head of the cluster, {':'.join(map(str, self._address))}, does not answer. Finished "
                "segments are kept: start the cluster again, and run the same command to continue."
            )
