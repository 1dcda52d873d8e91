"""Does a broker serve? Asked with one `Metadata` request by hand: `deploy` has no Kafka client, and needs no more.

An open port alone says too little: another program may hold it, or the controller has not let the broker in yet; then
its metadata name no broker, and clients get errors.
"""

import socket
import struct

# Version 1, a list of no topics: the oldest layout that every broker since 0.10 reads.
METADATA_KEY, METADATA_VERSION = 3, 1
_REQUEST = struct.pack(">hhih", METADATA_KEY, METADATA_VERSION, 1, -1) + struct.pack(">i", 0)


def serves(host: str, port: int, *, timeout_s: float = 1.0) -> bool:
    """Whether the broker answers and its cluster has at least one live broker."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(struct.pack(">i", len(_REQUEST)) + _REQUEST)
            reply = connection.makefile("rb").read(12)
    except OSError:
        return False
    return len(reply) == 12 and _live_brokers(reply) > 0


def _live_brokers(reply: bytes) -> int:
    """A reply starts with size, correlation id and the number of brokers, four bytes each."""
    _size, _correlation_id, brokers = struct.unpack(">iii", reply)
    return int(brokers)
