"""The addresses of the page: which are private, and which open it."""

import ipaddress
import socket
from contextlib import suppress

from .access_key import AccessKey

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = {"0.0.0.0": "192.0.2.1", "": "192.0.2.1", "::": "2001:db8::1"}  # noqa: S104  # by --host only
"""What serves the whole network, and a distant address of its family, for examples (RFC 5737, RFC 3849)."""


def is_private(host: str) -> bool:
    """Whether only this computer can reach an address: one of the loopback."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK


def page_addresses(host: str, port: int, key: AccessKey) -> list[str]:
    """The address that opens the page on this computer, then that for others if it is another one."""
    hosts = [host]
    if host in LOOPBACK:
        hosts = ["localhost"]
    elif host in _EVERYWHERE:
        hosts = ["localhost", *_own_address(_EVERYWHERE[host])]
    return [
        key.address(f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/") for name in hosts
    ]


def _own_address(distant: str) -> list[str]:
    """The address of this computer in its network; none without a network."""
    family = socket.AF_INET6 if ":" in distant else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((distant, 9))  # chooses the network interface; it sends nothing
        return [probe.getsockname()[0]]
    return []
