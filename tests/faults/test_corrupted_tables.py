"""Tables corrupted while an installation runs: the audit reports the corruption, and `--repair` repairs it."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from deploy.devstack.stack import stack_store_url
from runtime.store_url import parse_store_url
from tests.support import CHECKOUT
from tests.support.clients.sending import Org, hook
from tests.support.rigs.installation import Installation
from tests.support.rigs.up_with_sql_socket import Tables, run_over_socket

GROUP = ", ".join(f"g.{n} + 1" if n == 14 else f"g.{n}" for n in range(1, 17))  # the fourteenth measure is tool_calls
DELETE_SESSION = "DELETE FROM sessions WHERE session_id = '{id}'"
ALTER_BUCKET = (
    f"INSERT INTO rollup_hourly SELECT * REPLACE (arrayMap(g -> tuple({GROUP}), groups) AS groups)"
    " FROM rollup_hourly FINAL WHERE org_id = '{org}'"
)
DELETE_RECEIPT = "DELETE FROM receipts WHERE log_partition = {partition} AND log_offset = {offset}"


class UpWithSqlSocket(Installation):
    """`up` with a socket to its tables."""

    def __init__(self, data: Path) -> None:
        super().__init__("up", data)
        self.environment["PYTHONPATH"] = str(CHECKOUT)

    def command_line(self) -> list[str]:
        return [sys.executable, "-m", "tests.support.rigs.up_with_sql_socket", str(self.data), str(self.port)]


class OpenedInstallation(NamedTuple):
    """An installation, and a function that runs a statement on its tables."""

    installation: Installation
    run: Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def target(installation: Installation, tmp_path: Path) -> Iterator[OpenedInstallation]:
    """Return the shared stack, whose store is a server, or an `up` of this test, with a socket."""
    if installation.kind == "stack":
        url = stack_store_url(installation.data)
        assert url is not None
        yield OpenedInstallation(installation, Tables(parse_store_url(url)).run)
        return
    up = UpWithSqlSocket(tmp_path / "up")
    try:
        up.start()
        yield OpenedInstallation(up, lambda statement: run_over_socket(up.data, statement))
        assert up.stop() == 0
    finally:
        up.end()


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
    ((bucket,),) = target.run(f"SELECT toString(bucket) FROM rollup_hourly FINAL WHERE org_id = '{fresh_org}'")
    hour = f"bucket={bucket.replace(' ', 'T')}.000Z"
    _assert_reported(target, "recount", hour, "agent_name=reviewer", r"rollup_hourly .+ tool_calls +│ +4 +│ +3 ")
    _repair(target, "recount")

    target.run(DELETE_RECEIPT.format(**named))
    shown = f"{int(offset):,}"
    _assert_reported(target, "coverage", rf"{partition} +│ +{shown} +│ +{shown} +│ +1 ")
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
