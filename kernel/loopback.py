"""Detect hosts that are reachable from this machine only."""

import ipaddress
import socket


def is_loopback(host: str) -> bool:
    """Return whether a listener on ``host`` has only loopback addresses. Names are resolved.

    Raises:
        OSError: the name cannot be resolved.
    """
    found = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return all(_is_loopback(str(address[0])) for *_, address in found)


def _is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)  # ::ffff:127.0.0.1
    return (mapped or parsed).is_loopback
