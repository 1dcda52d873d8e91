"""Shared by attacks on the agent endpoints: the sender, the encoding, and the session."""

import random
from collections.abc import Callable, Mapping

from tests.fuzz.attack_setup import ATTACKERS, PROBE_ORG, AttackSetup
from tests.fuzz.case import Case, gzipped, request, zstd

SESSIONS = 40  # of the attackers' clients
_ALLOWED = (("agent", ATTACKERS), ("agent", ATTACKERS), ("member", ATTACKERS), ("admin", ATTACKERS))
_FORBIDDEN = (("viewer", ATTACKERS), ("operator", ATTACKERS), ("agent", PROBE_ORG), ("admin", PROBE_ORG))
_ENCODERS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("gzip", gzipped),
    ("zstd", zstd),
    ("gzip", lambda body: gzipped(body)[:-4]),
    ("zstd", gzipped),
    ("br", bytes),
)


def agent_write(
    chance: random.Random, setup: AttackSetup, path: str, body: bytes, headers: Mapping[str, str], **about: int
) -> Case:
    """Make a write to an agent endpoint, sometimes in an org or a role that may not; ``path`` begins after the org."""
    may_open = chance.random() < 0.95
    role, org = chance.choice(_ALLOWED if may_open else _FORBIDDEN)
    given = {"Authorization": f"Bearer {setup.token(role)}", **headers}
    if "Content-Encoding" not in headers and chance.random() < 0.2:
        given["Content-Encoding"], encode = chance.choice(_ENCODERS)
        body = encode(body)
    raw = request("POST", f"/api/v1/{org}{path}", given, body)
    return Case(path.strip("/"), raw, may_open=may_open, **about)


def client_session(chance: random.Random) -> str:
    """Return a client's id of one of a few sessions."""
    return f"agent-{chance.randrange(SESSIONS)}"
