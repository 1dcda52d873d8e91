"""Requests that once cost a server minutes, built in advance and sent at a low, steady rate."""

import random
from functools import lru_cache

from schemas.http.requests import EVENT_BYTES_MAX
from tests.fuzz.attack_setup import ATTACKERS, AttackSetup
from tests.fuzz.case import Case, gzipped, request
from tests.fuzz.large import DENSE, batch, repeated, sent

KNOWN_TO_COST = (b"password=", b"?token=a&")
UNFINISHED_BYTES = 10_400_000
PACKED = {"Content-Encoding": "gzip"}
RECOUNT_S = 60.0


def twelve_dense(chance: random.Random, setup: AttackSetup) -> Case:
    """Send 12 requests of 250 KB at once that contain only the beginnings of secrets."""
    unit = chance.choice((*KNOWN_TO_COST, *KNOWN_TO_COST, *DENSE))
    return Case(f"12 × 250 KB of {unit!r}", _events(setup, _dense(unit, 250_000, 1), **PACKED), copies=12)


def dense_megabytes(chance: random.Random, setup: AttackSetup) -> Case:
    """Send 9 MB of the beginnings of secrets, in events of 1 MB."""
    unit = chance.choice((*KNOWN_TO_COST, *KNOWN_TO_COST, *DENSE))
    return Case(f"9 MB of {unit!r}", _events(setup, _dense(unit, EVENT_BYTES_MAX - 100, 9), **PACKED))


def empty_members(chance: random.Random, setup: AttackSetup) -> Case:
    """Send 10 MB of gzip members that are empty, or contain one byte."""
    member = chance.choice((b"", b"", b" "))
    return Case(f"10 MB of members of {member!r}", _events(setup, _members(member), **PACKED))


def unfinished_bodies(_chance: random.Random, setup: AttackSetup) -> Case:
    """Send 40 bodies of 10 MB that never end; after a few seconds the clients disconnect."""
    raw = _events(setup, b" " * (UNFINISHED_BYTES + 1))[:-1]
    return Case("40 unfinished bodies", raw, pause_s=4.0, ending="hold", is_whole=False, copies=40)


def recounts_at_once(chance: random.Random, setup: AttackSetup) -> Case:
    """Send eight recounts at once; each reads everything, of the org or of all orgs."""
    path, token = chance.choice(((f"{ATTACKERS}/ops", setup.token()), ("operator", setup.operator)))
    raw = request("GET", f"/api/v1/{path}/recount", {"Authorization": f"Bearer {token}"})
    return Case("8 recounts at once", raw, copies=8, late_s=RECOUNT_S)


def _events(setup: AttackSetup, body: bytes, **headers: str) -> bytes:
    return sent(setup, "POST", f"/observability/sessions/{setup.sessions[1]}/events", body, **headers)


@lru_cache(maxsize=32)
def _dense(unit: bytes, size: int, events: int) -> bytes:
    return gzipped(batch(*([repeated(unit, size)] * events)), 6)


@lru_cache(maxsize=4)
def _members(content: bytes) -> bytes:
    member = gzipped(content)
    return member * (10_000_000 // len(member))
