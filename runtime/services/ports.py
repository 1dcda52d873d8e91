"""Check and choose TCP ports on this machine, and detect hosts that only this machine can reach."""

import ipaddress
import os
import random
import socket

from runtime.settings.settings import Settings
from store.broken import Broken

# Below Linux' ephemeral range (from 32768). In that range, the kernel may give the port to an outgoing connection while
# our server restarts; a client that keeps dialling may even connect to itself.
FIRST, LAST = 15_000, 32_000
RANGE = "CREWKIT_PORTS"  # FIRST-LAST in the environment: installations that start at the same time can be kept apart
_LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared, not bound)


def is_free(host: str, port: int) -> bool:
    """Return whether a server could listen there now (connections in TIME_WAIT do not count)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def check_ports(settings: Settings) -> None:
    """Raise `Broken` if another program is listening, or an address does not belong to this machine."""
    for option, address in (("port", (settings.host, settings.port)), ("admin-port", settings.admin_address)):
        if address is not None and not is_free(*address):
            raise Broken(f"port {address[1]} of {address[0]} is taken: choose another with --{option}")


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return different free ports, at random, so that concurrent processes rarely choose the same ones."""
    first, last = map(int, os.environ.get(RANGE, f"{FIRST}-{LAST}").split("-"))
    candidates = random.sample(range(first, last), k=200)
    free = [port for port in candidates if is_free(host, port)][:count]
    if len(free) < count:
        raise OSError(f"fewer than {count} free ports found on {host} between {first} and {last}")
    return free


def free_port(host: str = "127.0.0.1") -> int:
    return free_ports(1, host)[0]


def reachable(host: str) -> str:
    """Return an address to connect to: the loopback address if the given one means every interface."""
    return _LOOPBACK_OF.get(host, host)


def is_loopback(host: str) -> bool:
    """Return whether a host, by address or name, has only loopback addresses. Raises `OSError`: unknown name."""
    found = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return all(_is_loopback(str(address[0])) for *_, address in found)


def _is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)  # ::ffff:127.0.0.1
    return (mapped or parsed).is_loopback
