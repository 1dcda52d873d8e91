"""Check, once all writes are over, that every position promised by a 2xx is durable and projected."""

import random
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

import httpx

from schemas.permissions import OPERATOR_ORG, Role
from tests.fuzz.attack_setup import ATTACKERS
from tests.fuzz.response_checks import Fault
from tests.support.rigs.installation import eventually_ok

RECEIPTS = 300  # receipts read one by one; coverage covers all of them
LAG_S = 120.0

Connect = Callable[[str, Role], httpx.Client]  # a client in an org


def missing_promises(connect: Connect, offsets: Collection[int], seed: int) -> Iterator[Fault]:
    """Yield the errors in ``offsets``, all of them promised to the attackers."""
    with connect(OPERATOR_ORG, "operator") as operator:
        yield from _lag(operator)
        yield from _uncovered(operator, offsets)
    twice = len(offsets) - len(set(offsets))
    if twice:
        yield Fault("lost", f"{twice} positions were promised to two requests each")
    with connect(ATTACKERS, "admin") as http:
        some = random.Random(seed).sample(sorted(set(offsets)), min(RECEIPTS, len(set(offsets))))
        yield from (fault for offset in some if (fault := _without_receipt(http, offset)))


def _lag(operator: httpx.Client) -> Iterator[Fault]:
    deadline = time.monotonic() + LAG_S
    while (lag := _shown(operator, "freshness")["lag_records"]) and time.monotonic() < deadline:
        time.sleep(0.5)
    if lag:
        yield Fault("lost", f"{lag} records still wait after {LAG_S:.0f} s")


def _uncovered(operator: httpx.Client, offsets: Collection[int]) -> Iterator[Fault]:
    coverage = _shown(operator, "coverage")
    end = coverage["partitions"][0]["end"] if coverage["partitions"] else 0
    if offsets and max(offsets) >= end:
        yield Fault("lost", f"0:{max(offsets)} was promised, and the log ends at 0:{end}")
    if not coverage["complete"]:
        gaps = [gap for partition in coverage["partitions"] for gap in partition["gaps"]]
        ours = sum(1 for offset in offsets if any(start <= offset < stop for start, stop in gaps))
        yield Fault("lost", f"{coverage['missing']} positions have no receipt, {ours} of them promised by a 2xx")


def _without_receipt(http: httpx.Client, offset: int) -> Fault | None:
    """Check that a promised position is projected, or a dead letter."""
    reply = _get_until_available(http, f"/api/v1/{ATTACKERS}/ops/receipts/0:{offset}")
    outcome = reply.json().get("data", {}).get("outcome") if reply.is_success else reply.status_code
    if outcome in ("projected", "dead"):
        return None
    return Fault("lost", f"0:{offset} was promised by a 2xx, and its receipt says {outcome}")


def _get_until_available(http: httpx.Client, path: str) -> httpx.Response:
    """Return the response once the service is available, or the last 503."""
    deadline = time.monotonic() + LAG_S
    while (reply := http.get(path)).status_code == httpx.codes.SERVICE_UNAVAILABLE and time.monotonic() < deadline:
        time.sleep(0.5)
    return reply


def _shown(operator: httpx.Client, name: str) -> dict[str, Any]:
    found: dict[str, Any] = eventually_ok(operator, "GET", f"/api/v1/operator/{name}", LAG_S).json()["data"]
    return found
