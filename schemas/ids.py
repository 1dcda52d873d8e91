"""Create and verify session, run, thread and event ids.

A session id is a UUID in version-4 shape whose 122 free bits are, from the top::

    thread 56 | sensitive 1 | unique 41 | mac 24

The mac is an HMAC-SHA256 over the purpose, the org and the 98 bits before it. So the write side knows from the id alone
that it was created here for this org, whether content may be stored, and which thread it belongs to. Run ids have the
same shape and another purpose.

Two kinds of secret:

* ``id_keys`` make the macs of random ids and can be rotated: the first key creates, all keys verify;
* ``seed_key`` derives every value that must stay the same, so it must never change.
"""

import hashlib
import hmac
import os
import secrets
import struct
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

THREAD_BITS = 56
UNIQUE_BITS = 41
MAC_BITS = 24

OF_PARENTS_THREAD = frozenset({"resume", "fork", "compact"})  # relations to a parent that keep its thread

_VERSION_4 = 0x4 << 76
_VARIANT = 0b10 << 62
_LOW_62 = (1 << 62) - 1
_LENGTHS = struct.Struct(">IIII")
_RANDOM_AT_ONCE = 128
_random_ids: list[UUID] = []
os.register_at_fork(after_in_child=_random_ids.clear)
_OF_SESSION = b"\0\0\0\5event\0\0\0\x10"  # how `_join` begins for "event" and 16 bytes
_encode = msgspec.msgpack.Encoder().encode
_uuids = msgspec.msgpack.Decoder(list[UUID])


class UnknownId(Exception):
    """The id was not created here for this org. The response reveals no more than that."""


class IdSecrets(NamedTuple):
    """The two kinds of secret. Each key has at least 16 bytes."""

    id_keys: tuple[bytes, ...]
    seed_key: bytes


class IdParts(NamedTuple):
    """The parts of an id: its thread tag (56 bits), and whether the session is sensitive (no content is stored)."""

    thread: int
    sensitive: bool


def mint(secrets_: IdSecrets, purpose: str, org: str, thread: int, sensitive: bool, seed: bytes | None) -> UUID:
    """Create an id for ``purpose`` ("session" or "run"): random, or always the same for the same ``seed``."""
    if seed is None:
        key, unique = secrets_.id_keys[0], secrets.randbits(UNIQUE_BITS)
    else:
        key, unique = secrets_.seed_key, _bits(seed, UNIQUE_BITS)
    body = thread << (UNIQUE_BITS + 1) | int(sensitive) << UNIQUE_BITS | unique
    return _to_uuid(body << MAC_BITS | _mac(key, purpose, org, body))


def verify(secrets_: IdSecrets, purpose: str, org: str, id_: UUID) -> IdParts:
    """Verify an id and return its parts. Raises `UnknownId` if it was not created here for this org."""
    free = _from_uuid(id_)
    if _to_uuid(free) != id_:  # the mac does not cover the six fixed bits
        raise UnknownId(str(id_))
    body, mac = free >> MAC_BITS, free & ((1 << MAC_BITS) - 1)
    # Every key is tried, so that the time does not reveal which key matches.
    matches = [_mac(key, purpose, org, body) == mac for key in (secrets_.seed_key, *secrets_.id_keys)]
    if not any(matches):
        raise UnknownId(str(id_))
    return IdParts(body >> (UNIQUE_BITS + 1), bool(body >> UNIQUE_BITS & 1))


def new_thread(seed: bytes | None) -> int:
    """Return a thread tag of 56 bits: random, or derived from the second half of ``seed`` (the id uses the first)."""
    return secrets.randbits(THREAD_BITS) if seed is None else _bits(seed[16:], THREAD_BITS)


def thread_id(org: str, thread: int) -> UUID:
    """Return the public id of a thread: BLAKE2b over org and tag, without a key, so that any reader can compute it."""
    digest = hashlib.blake2b(_join([b"thread", org.encode(), thread.to_bytes(7, "big")]), digest_size=16).digest()
    return _to_uuid(int.from_bytes(digest, "big") >> 6)


def thread_of(id_: UUID) -> int:
    """Return the thread tag of a session id without verifying the id (the projector verifies no mac)."""
    return _from_uuid(id_) >> (MAC_BITS + UNIQUE_BITS + 1)


def is_sensitive(id_: UUID) -> bool:
    """Return whether a session id is marked as sensitive (no content is stored), without verifying it."""
    return bool(_from_uuid(id_) >> (MAC_BITS + UNIQUE_BITS) & 1)


def derive(seed_key: bytes, purpose: str, parts: Sequence[str | bytes | None]) -> bytes:
    """Derive 32 bytes from ``parts``, always the same. Parts are length-prefixed, so no two lists of parts collide."""
    encoded = [b"\0" if part is None else b"\1" + (part.encode() if isinstance(part, str) else part) for part in parts]
    return hmac.digest(seed_key, _join([purpose.encode(), *encoded]), "sha256")


def derived_uuid(seed_key: bytes, purpose: str, parts: Sequence[str | bytes | None]) -> UUID:
    """Derive a UUID of version-4 shape from ``parts``, always the same."""
    return _to_uuid(_bits(derive(seed_key, purpose, parts), 122))


def random_id() -> UUID:
    """Return a random UUID of version 4, as `uuid4` does with a system call for each."""
    while True:
        try:
            return _random_ids.pop()
        except IndexError:  # none is left: another thread may have taken the last one
            random = os.urandom(16 * _RANDOM_AT_ONCE)
            _random_ids.extend(UUID(bytes=random[at : at + 16], version=4) for at in range(0, len(random), 16))


def event_id_hasher(seed_key: bytes, session_id: UUID) -> hashlib.blake2b:
    """Return a keyed BLAKE2b of 128 bits that has already hashed the session; copy it for each event."""
    return hashlib.blake2b(_OF_SESSION + session_id.bytes, key=seed_key[:64], digest_size=16)


def derived_event_digest(
    hasher: hashlib.blake2b, event_type: str, timestamp: str, data: bytes | memoryview, ordinal: int
) -> bytes:
    """Derive the id of an event sent without one. Equal (type, timestamp, data) in two requests are one event.

    ``timestamp`` and ``data`` are the bytes as sent; ``ordinal`` counts the equal events before it in the request.
    `event_ids` makes the id of the 16 bytes.
    """
    event = hasher.copy()
    head, sent = event_type.encode(), timestamp.encode()
    event.update(_LENGTHS.pack(len(head), len(sent), len(data), ordinal) + head + sent)
    event.update(data)
    return event.digest()


def event_ids(digests: Sequence[bytes]) -> list[UUID]:
    """Return the ids of all events of a request. MessagePack makes them in a tenth of the constructor's time."""
    return _uuids.decode(_encode(digests))


def _mac(key: bytes, purpose: str, org: str, body: int) -> int:
    message = _join([purpose.encode(), org.encode(), body.to_bytes(13, "big")])
    return _bits(hmac.digest(key, message, "sha256"), MAC_BITS)


def _join(parts: Sequence[bytes]) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _bits(digest: bytes, count: int) -> int:
    return int.from_bytes(digest[:16], "big") >> (128 - count)


def _to_uuid(free: int) -> UUID:
    top, middle, low = free >> 74, free >> 62 & 0xFFF, free & _LOW_62
    return UUID(int=top << 80 | _VERSION_4 | middle << 64 | _VARIANT | low)


def _from_uuid(id_: UUID) -> int:
    value = id_.int
    return value >> 80 << 74 | (value >> 64 & 0xFFF) << 62 | value & _LOW_62
