"""Check, once everything is projected, that every position promised by a 2xx is durable and has its receipt."""

import random
import time
from collections.abc import Callable, Collection, Iterator

import httpx

from schemas.permissions import OPERATOR_ORG, Role
from tests.fuzz.attack_setup import ATTACKERS
from tests.fuzz.response_checks import Fault
from tests.support.rigs.installation import eventually_ok

RECEIPTS = 300  # receipts read one by one; coverage covers all of them
AWAY_S = 120.0

Connect = Callable[[str, Role], httpx.Client]  # a client in an org


def missing_promises(connect: Connect, offsets: Collection[int], seed: int) -> Iterator[Fault]:
    """Yield the errors in ``offsets``, all of them promised to the attackers. `Checker` checks that none is missing."""
    known = set(offsets)
    if twice := len(offsets) - len(known):
        yield Fault("lost", f"{twice} positions were promised to two requests each")
    with connect(OPERATOR_ORG, "operator") as operator:
        coverage = eventually_ok(operator, "GET", "/api/v1/operator/coverage", AWAY_S).json()["data"]
    end = coverage["partitions"][0]["end"] if coverage["partitions"] else 0
    if known and max(known) >= end:
        yield Fault("lost", f"0:{max(known)} was promised, and the log ends at 0:{end}")
    with connect(ATTACKERS, "admin") as http:
        some = random.Random(seed).sample(sorted(known), min(RECEIPTS, len(known)))
        yield from (fault for offset in some if (fault := _without_receipt(http, offset)))


def _without_receipt(http: httpx.Client, offset: int) -> Fault | None:
    """Check that a promised position is projected, or a dead letter."""
    reply = _get_until_available(http, f"/api/v1/{ATTACKERS}/ops/receipts/0:{offset}")
    outcome = reply.json().get("data", {}).get("outcome") if reply.is_success else reply.status_code
    if outcome in ("projected", "dead"):
        return None
    return Fault("lost", f"0:{offset} was promised by a 2xx, and its receipt says {outcome}")


def _get_until_available(http: httpx.Client, path: str) -> httpx.Response:
    """Return the response once the service is available, or the last 503."""
    deadline = time.monotonic() + AWAY_S
    while (reply := http.get(path)).status_code == httpx.codes.SERVICE_UNAVAILABLE and time.monotonic() < deadline:
        time.sleep(0.5)
    return reply
