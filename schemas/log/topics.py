"""The log's topic and the rule for keys: all records of a session are in one partition."""

import hashlib
from functools import lru_cache
from itertools import count
from uuid import UUID

TOPIC = "crewkit.sessions.v1"
RECORD_BYTES_MAX = 1_048_576  # a request above this size becomes several records
APPENDED_BYTES_MAX = 1_500_000  # fits an event of 1 MiB in base64, with its envelope; every topic accepts it
FACTS_PER_RECORD_MAX = 1 << 16


def record_key(session_id: UUID) -> bytes:
    """Return the key of every record about a session: the 16 bytes of its id."""
    return session_id.bytes


@lru_cache(1_024)
def erasures_id(partition: int, partitions: int) -> UUID:
    """Return the session id of a partition's records of erasures: the first of a series whose key is there.

    It is in the log, so the series must never change.
    """
    for number in count():
        found = UUID(bytes=hashlib.sha256(f"erasures {number}".encode()).digest()[:16], version=4)
        if partition_of(record_key(found), partitions) == partition:
            return found
    raise AssertionError  # the series has no end


@lru_cache(8_192)
def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition that Kafka's default partitioner gives to ``key``: murmur2, as in the Java client."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """Return the 32-bit murmur2 hash with the seed of Kafka's clients."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    if tail := data[whole:]:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15
