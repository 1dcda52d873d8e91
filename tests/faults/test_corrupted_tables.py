"""Tables corrupted while an installation runs: the audit reports the corruption, and `--repair` repairs it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.clients.sending import Org, hook
from tests.support.rigs.installation import Installation
from tests.support.rigs.opened import OpenedInstallation, opened_stack, opened_up

GROUP = ", ".join(f"g.{n} + 1" if n == 14 else f"g.{n}" for n in range(1, 22))  # the fourteenth measure is tool_calls
DELETE_SESSION = "DELETE FROM sessions WHERE session_id = '{id}'"
ALTER_BUCKET = (
    f"INSERT INTO rollups SELECT * REPLACE (arrayMap(g -> tuple({GROUP}), groups) AS groups)"
    " FROM rollups FINAL WHERE seconds = 900 AND sessions > 0 AND org_id = '{org}'"
)
DELETE_RECEIPT = "DELETE FROM receipts WHERE log_partition = {partition} AND log_offset = {offset}"


@pytest.fixture
def target(installation: Installation, tmp_path: Path) -> Iterator[OpenedInstallation]:
    """Return the shared stack, whose store is a server, or an `up` of this test, with a socket."""
    if installation.kind == "stack":
        yield opened_stack(installation)
        return
    with opened_up(tmp_path / "up") as up:
        yield up


def test_corruption_is_reported_and_repaired(target: OpenedInstallation, fresh_org: str) -> None:
    """A deleted session, an altered bucket and a missing receipt: each is reported with exit 1 and repaired exactly."""
    org = Org(target.installation, fresh_org)
    session = org.create(agent_name="reviewer", project_id="shop")
    uses = [hook("PreToolUse", tool_name="Bash", tool_use_id=f"t{n}") for n in range(3)]
    partition, offset = org.record(session, *uses).headers["X-Log-Position"].split(":")
    named = {"org": fresh_org, "id": session["id"], "partition": partition, "offset": offset}
    before = _shown(org, session["id"])

    target.run(DELETE_SESSION.format(**named))
    _assert_reported(target, "recount", rf"session_id={session['id']}\s")
    _repair(target, "recount")

    target.run(ALTER_BUCKET.format(**named))
    ((bucket,),) = target.run(
        f"SELECT toString(bucket) FROM rollups FINAL WHERE seconds = 900 AND sessions > 0 AND org_id = '{fresh_org}'"
    )
    hour = f"bucket={bucket.replace(' ', 'T')}.000Z"
    _assert_reported(target, "recount", hour, "agent_name=reviewer", r"rollup_quarters .+ tool_calls +1 +0 ")
    _repair(target, "recount")

    target.run(DELETE_RECEIPT.format(**named))
    shown = f"{int(offset):,}"
    _assert_reported(target, "coverage", rf"{partition} +{shown} +{shown} +1\s")
    _repair(target, "coverage")

    assert _shown(org, session["id"]) == before
    for command in ("coverage", "recount"):
        done = target.installation.command(command)
        assert done.returncode == 0, done.stdout + done.stderr


def _shown(org: Org, session_id: str) -> list[Any]:
    paths = (f"sessions/{session_id}", f"sessions/{session_id}/events", "sessions/analytics/by-agent")
    return [org.data(path) for path in paths]


def _assert_reported(target: OpenedInstallation, command: str, *words: str) -> None:
    """Assert that the command exits with 1 and names what is wrong."""
    done = target.installation.command(command)
    assert done.returncode == 1, done.stdout + done.stderr
    for word in words:
        assert re.search(word, done.stdout), done.stdout


def _repair(target: OpenedInstallation, command: str) -> None:
    """Assert that the command repairs everything."""
    done = target.installation.command(command, "--repair")
    assert done.returncode == 0, done.stdout + done.stderr
