"""What once cost a server minutes, made beforehand and sent at a steady, small rate."""

import random
from functools import lru_cache

from schemas.http.requests import EVENT_BYTES_MAX
from tests.fuzz.attack_setup import Scene
from tests.fuzz.bodies import sent
from tests.fuzz.case import Case
from tests.fuzz.encodings import gzipped
from tests.fuzz.large import DENSE, batch, repeated

KNOWN_TO_COST = (b"password=", b"?token=a&")
UNFINISHED_BYTES = 10_400_000


def twelve_dense(chance: random.Random, scene: Scene) -> Case:
    """12 requests of 250 KB at once, which hold nothing but the beginnings of secrets."""
    unit = chance.choice((*KNOWN_TO_COST, *KNOWN_TO_COST, *DENSE))
    packed = {"Content-Encoding": "gzip"}
    return Case(f"12 × 250 KB of {unit!r}", _events(scene, _dense(unit, 250_000, 1), **packed), copies=12)


def dense_megabytes(chance: random.Random, scene: Scene) -> Case:
    """9 MB of the same, in events of 1 MB."""
    unit = chance.choice((*KNOWN_TO_COST, *KNOWN_TO_COST, *DENSE))
    packed = {"Content-Encoding": "gzip"}
    return Case(f"9 MB of {unit!r}", _events(scene, _dense(unit, EVENT_BYTES_MAX - 100, 9), **packed))


def empty_members(chance: random.Random, scene: Scene) -> Case:
    """10 MB of gzip members with nothing in them, or a byte."""
    member = chance.choice((b"", b"", b" "))
    packed = {"Content-Encoding": "gzip"}
    return Case(f"10 MB of members of {member!r}", _events(scene, _members(member), **packed))


def unfinished_bodies(_chance: random.Random, scene: Scene) -> Case:
    """40 bodies of 10 MB that never end; after some seconds their clients go away."""
    raw = _events(scene, b" " * (UNFINISHED_BYTES + 1))[:-1]
    return Case("40 unfinished bodies", raw, pause_s=4.0, ending="hold", is_whole=False, copies=40)


def _events(scene: Scene, body: bytes, **headers: str) -> bytes:
    return sent(scene, "POST", f"/observability/sessions/{scene.sessions[1]}/events", body, **headers)


@lru_cache(maxsize=32)
def _dense(unit: bytes, size: int, events: int) -> bytes:
    return gzipped(batch(*([repeated(unit, size)] * events)), 6)


@lru_cache(maxsize=4)
def _members(content: bytes) -> bytes:
    member = gzipped(content)
    return member * (10_000_000 // len(member))
