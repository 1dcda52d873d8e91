"""A later version of the code, or a price of the past, changes numbers: the change is rolled out by replay."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.test_replay import shown_by
from tests.support import CHECKOUT
from tests.support.clients.sending import Org, hook
from tests.support.rigs.installation import Installation
from tests.support.rigs.kafka import need_jars
from tests.support.rigs.opened import opened_up
from tests.support.rigs.operator import Operator
from tests.support.waiting import eventually

CHANGED = CHECKOUT / "tests" / "support" / "rigs" / "changed_fold"
STARTED, ENDED, LATE = "2026-01-20T10:00:00.000Z", "2026-01-20T10:10:00.000Z", "2026-01-20T10:30:00.000Z"
AS_BEFORE = (
    "ALTER TABLE crewkit.generations UPDATE fold_version = fold_version - 1 WHERE true SETTINGS mutations_sync = 1",
    "DROP TABLE rollup_progress SYNC",
    "DROP TABLE dense_receipts SYNC",
    "DELETE FROM migrations WHERE name IN ('0006_rollup_progress.sql', '0007_dense_receipts.sql')",
)
PRICES = """
[[price]]
model = "unpriced-1"
from = 2026-01-01
input = 1.00
output = 2.00
"""


STACK = pytest.param("stack", marks=pytest.mark.kafka)


@pytest.fixture(params=["up", STACK])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """Start an installation for one test, which restarts it."""
    if request.param == "stack":
        need_jars()
    running = Installation(request.param, tmp_path / request.param)
    try:
        yield running.start()
    finally:
        running.end()


@pytest.mark.parametrize("target", [STACK], indirect=True)  # on `up`: see test_counting_rules.py
def test_a_fixed_projection_is_rolled_out_by_replay_proof_and_switch(target: Installation) -> None:
    """The proof shows the sessions that the fix is about and no other; until it is accepted, readers see the old."""
    org = Org(target, "acme")
    late = [_session(org, late=True) for _ in range(2)]
    same = [_session(org, late=False) for _ in range(3)]
    before = _durations(org, late + same)
    operator = Operator(target)

    _restart_with(target, PYTHONPATH=os.pathsep.join([str(CHANGED), str(CHECKOUT)]))
    assert shown_by(target) == "g1"
    assert [org.client().get(f"/api/v1/acme/sessions/{id_}").json()["data"]["duration_seconds"] for id_ in before] == [
        *before.values()
    ]
    added = org.create(started_at=STARTED)["id"]  # accepted while nothing follows the log
    operator.do("replay", "g2")
    operator.do("prove", "g2")

    proof = operator.proof("g2")
    found = {(d["table"], d["key"]["session_id"], d["column"]): (d["live"], d["proved"]) for d in proof["differences"]}
    assert found == {("sessions", id_, "duration_ms"): (600_000, 1_800_000) for id_ in late}
    said = target.command("prove", "g2")
    assert said.returncode == 1
    assert "duration_ms" in said.stdout
    assert "--accept-differences" in operator.refused("switch", "g2")
    done = target.command("switch", "g2", "--accept-differences")
    assert done.returncode == 0, done.stdout + done.stderr

    assert eventually(lambda: shown_by(target) == "g2")
    assert _durations(org, late + same) == {**before, **dict.fromkeys(late, 1800.0)}
    assert org.data(f"sessions/{added}")["id"] == added
    (switch,) = operator.generations()["g2"]["switches"]
    assert (switch["accept_differences"], switch["requested_by"]) == (True, "cli")
    assert target.command("drop", "g1").returncode == 0
    assert operator.generations()["g1"]["state"] == "dropped"
    _restart_with(target)
    for command in ("coverage", "recount"):
        assert target.command(command).returncode == 0
    assert _durations(org, late + same) == {**before, **dict.fromkeys(late, 1800.0)}


def test_a_price_of_the_past_is_rolled_out_the_same_way(target: Installation, tmp_path: Path) -> None:
    """A price that begins in the past counts in a new generation alone; the proof names the sessions that it prices."""
    org = Org(target, "acme")
    unpriced = org.create(model="unpriced-1")["id"]
    reported = org.create(model="unpriced-1")["id"]
    tokens = {"input_tokens": 1_000_000, "output_tokens": 500_000}
    org.write("PATCH", f"sessions/{unpriced}", {"model_metrics": tokens})
    org.write("PATCH", f"sessions/{reported}", {"model_metrics": {**tokens, "cost_usd": 7.0}})
    assert org.data(f"sessions/{unpriced}")["model_metrics"]["cost_usd"] == 0
    (tmp_path / "prices.toml").write_text(PRICES)
    load = ("prices", "load", str(tmp_path / "prices.toml"), "--new-generations-only")

    if target.kind == "up":
        target.stop()
    loaded = target.command(*load)
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    if target.kind == "up":
        target.start()
    operator = Operator(target)
    operator.do("replay", "g2")
    operator.do("prove", "g2")

    differences = operator.proof("g2")["differences"]
    assert {(d["table"], d["key"].get("session_id")) for d in differences} == {("sessions", unpriced)}
    assert {d["column"] for d in differences} == {"cost_nano", "models"}
    assert [(d["live"], d["proved"]) for d in differences if d["column"] == "cost_nano"] == [(0, 2_000_000_000)]
    operator.do("switch", "g2", accept_differences=True)
    assert eventually(lambda: shown_by(target) == "g2")
    assert org.data(f"sessions/{unpriced}")["model_metrics"]["cost_usd"] == 2.0
    assert org.data(f"sessions/{reported}")["model_metrics"]["cost_usd"] == 7.0


def test_tables_without_marks_of_their_rollups_are_replaced_the_same_way(tmp_path: Path) -> None:
    """The version before made rollups in each batch, without `rollup_progress`: they stay readable until the switch."""
    with opened_up(tmp_path / "up") as opened:
        target, org = opened.installation, Org(opened.installation, "acme")
        ids = [_session(org, late=late) for late in (False, True)]
        before = [org.data(f"sessions/{id_}") for id_ in ids] + _analytics(org)
        for statement in AS_BEFORE:
            opened.run(statement)
        assert target.stop() == 0

        target.start()
        assert shown_by(target) == "g1"
        assert [org.data(f"sessions/{id_}") for id_ in ids] + _analytics(org) == before
        assert before[2]["total_sessions"] == 2
        added = org.create(started_at=STARTED)["id"]  # accepted while nothing follows the log
        operator = Operator(target)
        operator.do("replay", "g2")
        operator.do("prove", "g2")
        assert operator.proof("g2")["equal"]
        operator.do("switch", "g2")

        assert eventually(lambda: shown_by(target) == "g2")
        assert _analytics(org)[0]["total_sessions"] == 3
        assert org.data(f"sessions/{added}")["id"] == added
        assert operator.generations()["g1"]["state"] == "following"
        for command in ("coverage", "recount"):
            assert target.command(command).returncode == 0


def _analytics(org: Org) -> list[Any]:
    return [org.data(f"sessions/analytics/{name}", start_date="2026-01-20") for name in ("summary", "by-agent")]


def _session(org: Org, *, late: bool) -> str:
    """Create a session of ten minutes; a late one has an event twenty minutes after its end."""
    session = org.create(started_at=STARTED)
    org.record(session, hook("UserPromptSubmit", STARTED, prompt="begin"))
    org.write("POST", f"sessions/{session['id']}/end", {"ended_at": ENDED})
    if late:
        org.record(session, hook("Notification", LATE))
    return str(session["id"])


def _durations(org: Org, ids: list[str]) -> dict[str, Any]:
    return {id_: org.data(f"sessions/{id_}")["duration_seconds"] for id_ in ids}


def _restart_with(target: Installation, **environment: str) -> None:
    assert target.stop() == 0
    target.environment |= environment
    target.start()
