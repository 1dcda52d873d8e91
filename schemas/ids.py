"""Minting and verifying session, run, thread and event ids.

A session id is a UUID in version-4 shape whose 122 free bits are, from the top::

    thread 56 | sensitive 1 | unique 41 | mac 24

The mac is an HMAC-SHA256 over the purpose, the org and the 98 bits before it. So the write side can tell, without
reading anything, that an id was minted here for this org, whether its content may be kept, and which thread it
belongs to. Run ids have the same shape and another purpose.

Two kinds of secret:

* ``id_keys`` serve the macs of random ids and may be rotated: the first one makes, all of them verify;
* ``seed_key`` derives everything that has to come out the same for ever, and therefore never changes.
"""

import hashlib
import hmac
import secrets
import struct
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

THREAD_BITS = 56
UNIQUE_BITS = 41
MAC_BITS = 24
BODY_BITS = THREAD_BITS + 1 + UNIQUE_BITS  # what the mac covers

_VERSION_4 = 0x4 << 76
_VARIANT = 0b10 << 62
_LOW_62 = (1 << 62) - 1
_LENGTHS = struct.Struct(">IIII")


class UnknownId(Exception):
    """This id was not minted here for this org; the caller learns no more than that."""


class IdSecrets(NamedTuple):
    """The two kinds of secret, each key at least 16 bytes."""

    id_keys: tuple[bytes, ...]
    seed_key: bytes


class IdParts(NamedTuple):
    """What an id says about itself: its thread tag (56 bits) and whether content may be kept."""

    thread: int
    sensitive: bool


def mint(secrets_: IdSecrets, purpose: str, org: str, thread: int, sensitive: bool, seed: bytes | None) -> UUID:
    """Make an id for ``purpose`` ("session" or "run"): random, or the one that follows from ``seed`` for ever."""
    if seed is None:
        key, unique = secrets_.id_keys[0], secrets.randbits(UNIQUE_BITS)
    else:
        key, unique = secrets_.seed_key, _bits(seed, UNIQUE_BITS)
    body = thread << (UNIQUE_BITS + 1) | int(sensitive) << UNIQUE_BITS | unique
    return _to_uuid(body << MAC_BITS | _mac(key, purpose, org, body))


def verify(secrets_: IdSecrets, purpose: str, org: str, id_: UUID) -> IdParts:
    """Read an id that was minted here for this org.

    Raises:
        UnknownId: for any other id, whoever made it.
    """
    free = _from_uuid(id_)
    if _to_uuid(free) != id_:  # the six fixed bits are under no mac; other ones would make it another id
        raise UnknownId(str(id_))
    body, mac = free >> MAC_BITS, free & ((1 << MAC_BITS) - 1)
    # Every key is tried, so that the time taken tells nothing about which one fits.
    matches = [_mac(key, purpose, org, body) == mac for key in (secrets_.seed_key, *secrets_.id_keys)]
    if not any(matches):
        raise UnknownId(str(id_))
    return IdParts(body >> (UNIQUE_BITS + 1), bool(body >> UNIQUE_BITS & 1))


def new_thread(seed: bytes | None) -> int:
    """A thread tag of 56 bits: random, or the one that follows from ``seed`` (from its other half than the id's)."""
    return secrets.randbits(THREAD_BITS) if seed is None else _bits(seed[16:], THREAD_BITS)


def thread_id(org: str, thread: int) -> UUID:
    """The public id of a thread: BLAKE2b over org and tag. It needs no key, so any reader can compute it."""
    digest = hashlib.blake2b(_join([b"thread", org.encode(), thread.to_bytes(7, "big")]), digest_size=16).digest()
    return _to_uuid(int.from_bytes(digest, "big") >> 6)


def thread_of(id_: UUID) -> int:
    """The thread tag inside a session id, without verifying it (the projector verifies no mac)."""
    return _from_uuid(id_) >> (MAC_BITS + UNIQUE_BITS + 1)


def is_sensitive(id_: UUID) -> bool:
    """Whether a session id says that its content may not be kept, without verifying it."""
    return bool(_from_uuid(id_) >> (MAC_BITS + UNIQUE_BITS) & 1)


def derive(seed_key: bytes, purpose: str, parts: Sequence[str | bytes | None]) -> bytes:
    """32 bytes that follow from ``parts`` for ever; each part is length-prefixed, so no two lists of parts collide."""
    encoded = [b"\0" if part is None else b"\1" + (part.encode() if isinstance(part, str) else part) for part in parts]
    return hmac.digest(seed_key, _join([purpose.encode(), *encoded]), "sha256")


def derived_uuid(seed_key: bytes, purpose: str, parts: Sequence[str | bytes | None]) -> UUID:
    """A UUID in version-4 shape that follows from ``parts`` for ever."""
    return _to_uuid(_bits(derive(seed_key, purpose, parts), 122))


def event_id_hasher(seed_key: bytes, session_id: UUID) -> hashlib.blake2b:
    """A keyed BLAKE2b, 128 bits, that has already taken in the session; copy it for each event."""
    return hashlib.blake2b(_join([b"event", session_id.bytes]), key=seed_key[:64], digest_size=16)


def derived_event_id(
    hasher: hashlib.blake2b, event_type: str, timestamp: str, data: bytes | memoryview, ordinal: int
) -> UUID:
    """The id of an event that came without one: equal (type, timestamp, data) in two requests are one event.

    ``timestamp`` and ``data`` are taken as sent; ``ordinal`` counts the equal events before it in the request.
    """
    event = hasher.copy()
    head, sent = event_type.encode(), timestamp.encode()
    event.update(_LENGTHS.pack(len(head), len(sent), len(data), ordinal) + head + sent)
    event.update(data)
    return msgspec.convert(event.digest(), UUID)  # a third of the time that the constructor takes


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
