"""API section "Operations", on `up` and `stack`: receipts, recounts, and the routes of operators."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from schemas.permissions import OPERATOR_ORG
from tests.support.clients.sending import Org, hook
from tests.support.rigs.installation import Installation
from tests.support.waiting import eventually

RECEIPT = {"position", "outcome", "received_at", "stored_at", "facts", "added", "reason"}


@pytest.fixture
def org(installation: Installation, fresh_org: str) -> Org:
    """Return an org of this test."""
    return Org(installation, fresh_org)


@pytest.fixture
def operator(installation: Installation) -> httpx.Client:
    """Return a client of an operator."""
    return installation.client("operator", OPERATOR_ORG, "operator")


def test_a_receipt_says_what_became_of_a_position(org: Org) -> None:
    """A receipt has the times of receipt and projection, and the numbers of facts and new facts."""
    session = org.create()
    events = [{**hook("Stop"), "event_id": f"00000000-0000-4000-8000-{n:012d}"} for n in range(3)]
    positions = [org.record(session, *some).json()["meta"]["position"] for some in (events, events[1:])]

    first, again = (org.data(f"ops/receipts/{position}") for position in positions)

    assert set(first) == RECEIPT
    assert (first["position"], first["outcome"], first["reason"]) == (positions[0], "projected", None)
    assert first["received_at"] <= first["stored_at"]
    assert (first["facts"], first["added"]) == (3, 3)
    assert (again["facts"], again["added"]) == (2, 0)


def test_a_position_that_is_not_there_yet_is_waiting(org: Org) -> None:
    """A waiting position has no times; an unknown partition and a malformed position are a 404."""
    waiting = org.data("ops/receipts/0:999999999")

    assert waiting == {**dict.fromkeys(RECEIPT), "position": "0:999999999", "outcome": "waiting"}
    for position in ("99:0", "x", "0:-1", "00:1", "0:1:2", "0", "0:18446744073709551616"):
        assert org.get(f"ops/receipts/{position}").status_code == 404, position


def test_a_receipt_is_its_orgs_alone(installation: Installation, org: Org) -> None:
    """Every role of the org sees it; to another org the position looks unwritten."""
    made = org.write("POST", "sessions", {})
    position = made.headers["X-Log-Position"]
    path = f"ops/receipts/{position}"

    for role in ("owner", "admin", "manager", "member", "viewer"):
        assert org.get(path, role=role, user="bob").status_code == 200, role
    with installation.client("owner", "another-org") as stranger:
        foreign, unwritten = (
            stranger.get(f"/api/v1/another-org/ops/receipts/{at}") for at in (position, "0:999999999")
        )
    assert foreign.status_code == unwritten.status_code == 200
    assert foreign.json()["data"] == {**unwritten.json()["data"], "position": position}


def test_a_recount_of_the_org_finds_everything_equal(org: Org) -> None:
    """It covers the requested days, by default all."""
    january, may = (org.create(started_at=f"2026-0{month}-20T10:00:00Z") for month in (1, 5))
    org.record(january, hook("Stop"), hook("Stop", n=1))
    org.record(may, hook("Stop"))
    org.data("sessions")

    def settled(**days: str) -> bool:
        found = org.data("ops/recount", **days)
        assert found["equal"] is True
        assert (found["differences"], found["truncated"]) == ([], False)
        return set(found["moving"].values()) == {0}

    eventually(settled)

    whole, part = org.data("ops/recount")["compared"], org.data("ops/recount", start_date="2026-05-01")["compared"]
    assert whole == {"sessions": 2, "events": 3, "amounts": 2, "rollup_quarters": 2, "rollup_days": 2}
    assert part == {"sessions": 1, "events": 1, "amounts": 1, "rollup_quarters": 1, "rollup_days": 1}
    backwards = org.get("ops/recount", start_date="2026-05-02", end_date="2026-05-01")
    assert (backwards.status_code, list(backwards.json()["details"])) == (422, ["end_date"])
    assert org.get("ops/recount", start_date="May").status_code == 422


def test_freshness_tells_each_partition(operator: httpx.Client, org: Org) -> None:
    """Each partition has its end, its projected position, its lag, and the time up to which it is complete."""
    position = org.write("POST", "sessions", {}).headers["X-Log-Position"]
    partition, offset = map(int, position.split(":"))
    org.data("sessions")

    eventually(lambda: _partition(operator, partition)["log_end"] > offset)

    found = operator.get("/api/v1/operator/freshness").json()["data"]
    names = {"complete_through", "rollups_complete_through", "lag_records", "partitions", "events_of_a_day"}
    assert set(found) == names
    assert found["lag_records"] == sum(partition["lag"] for partition in found["partitions"])
    assert [partition["partition"] for partition in found["partitions"]] == list(range(len(found["partitions"])))
    for one in found["partitions"]:
        assert one["lag"] == one["log_end"] - one["projected"] >= 0
        assert one["rolled_up"] <= one["projected"]
        assert one["age_seconds"] >= 0


def test_operators_see_which_clients_send_what_is_unknown(
    operator: httpx.Client, installation: Installation, fresh_org: str
) -> None:
    """An event type from a client's new version is named, with its share, in three places."""
    version = f"9.9.{fresh_org[-6:]}"
    payloads = [{"session_id": "s", "hook_event_name": name} for name in ("Stop", "BrandNew", "BrandNew", "Setup")]
    hooks = [{"id": str(uuid4()), "payload": payload, "context": {"client_version": version}} for payload in payloads]
    with installation.client("agent", fresh_org) as http:
        assert http.post(f"/api/v1/{fresh_org}/hooks/claude-code", json={"hooks": hooks}).status_code == 202

    def seen() -> dict[str, Any] | None:
        clients = operator.get("/api/v1/operator/clients").json()["data"]["clients"]
        found = [one for one in clients if one["client_version"] == version and one["events"] == len(hooks)]
        return found[0] if found else None

    found = eventually(seen)
    assert (found["client"], found["unknown_events"], found["unknown_share"]) == ("claude-code", 2, 0.5)
    types = {one["event_type"]: (one["events"], one["sessions"], one["known"]) for one in found["event_types"]}
    assert types == {"BrandNew": (2, 1, False), "Stop": (1, 1, True), "Setup": (1, 1, True)}
    of_a_day = operator.get("/api/v1/operator/freshness").json()["data"]["events_of_a_day"]
    assert of_a_day["unknown_events"] >= 2
    assert of_a_day["unknown_share"] == of_a_day["unknown_events"] / of_a_day["events"]
    said = installation.command("freshness")
    assert f"{of_a_day['unknown_share']:.2%} unknown" in said.stdout
    days = {"start_date": "2011-01-01", "end_date": "2011-01-02"}
    assert operator.get("/api/v1/operator/clients", params=days).json()["data"]["clients"] == []


def test_coverage_finds_a_receipt_for_every_position(operator: httpx.Client, org: Org) -> None:
    """Every position is projected, dead or erased; none is missing."""
    org.create()
    org.data("sessions")

    found = operator.get("/api/v1/operator/coverage").json()["data"]

    assert (found["complete"], found["missing"]) == (True, 0)
    assert found["positions"] == sum(partition["end"] for partition in found["partitions"])
    for partition in found["partitions"]:
        assert partition["projected"] + partition["dead"] + partition["erased"] == partition["end"]
        assert partition["gaps"] == []


def test_the_installation_recounts_every_org(operator: httpx.Client, org: Org) -> None:
    """The org's sessions are part of the count."""
    org.create(started_at="2011-11-11T11:00:00Z")
    org.data("sessions")

    found = operator.get("/api/v1/operator/recount", params={"end_date": "2011-12-31"}).json()["data"]

    assert found["equal"] is True
    assert found["compared"]["sessions"] + found["moving"]["sessions"] >= 1


def _partition(operator: httpx.Client, partition: int) -> dict[str, int]:
    found: dict[str, int] = operator.get("/api/v1/operator/freshness").json()["data"]["partitions"][partition]
    return found
