"""The audit commands: last line, exit code and JSON."""

import json
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import pytest
from click.testing import CliRunner, Result
from litestar.testing import TestClient

from cli import audit, find_installation
from schemas.permissions import OPERATOR_ORG
from tests.support.rigs.audited import Operations, token

pytest_plugins = ["tests.support.rigs.audit_fixtures"]


@pytest.fixture
def command(filled: Operations, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs an audit command against the store, in this process."""

    class InProcess:
        def get(self, path: str, *, within_s: float = 30, **params: Any) -> Any:
            with redirect_stdout(StringIO()), TestClient(filled.app) as client:  # where the service logs to
                return client.get(f"/api/v1{path}", params=params, headers=token(OPERATOR_ORG, "operator")).json()

    monkeypatch.setattr(find_installation, "open_installation", lambda *_: InProcess())

    def run(name: str, *options: str) -> Result:
        commands = {command.name: command for command in audit.COMMANDS}
        return CliRunner().invoke(commands[name], options)

    return run


def test_commands_end_with_one_clear_line(command: Any) -> None:
    """If no difference is found, each command says so in its last line and exits with 0."""
    last_lines = {}
    for name in ("freshness", "coverage", "recount"):
        result = command(name)
        assert result.exit_code == 0, result.output
        last_lines[name] = result.output.splitlines()[-1]

    assert last_lines["freshness"] == "freshness: complete through 2026-01-20T10:00:00.000Z, nothing waits"
    assert last_lines["coverage"].startswith("coverage: complete, 91 positions of 4 partitions")
    assert last_lines["recount"].startswith(
        "recount: equal, 10 sessions with 240 events, 17 quarter-hours and 6 days of rollups"
    )


def test_commands_exit_with_1_for_what_is_wrong(command: Any, filled: Operations) -> None:
    """A gap or a difference is named with its remedy, and the exit code is 1."""
    filled.alter("DELETE FROM {db}.receipts WHERE log_partition = 1 AND log_offset = 2")
    filled.alter("INSERT INTO {db}.sessions SELECT * REPLACE (events + 1 AS events) FROM {db}.sessions FINAL LIMIT 1")

    coverage, recount = command("coverage"), command("recount")

    assert (coverage.exit_code, recount.exit_code) == (1, 1)
    assert "coverage: 1 missing of 91 positions of 4 partitions. Project them with --repair" in coverage.output
    assert "differences in rollup_days, rollup_quarters, sessions" in recount.output


def test_json_is_the_only_output(command: Any) -> None:
    """With --json, standard output has only the data."""
    for name in ("freshness", "coverage", "recount"):
        assert isinstance(json.loads(command(name, "--json").stdout), dict)


def test_wrong_usage_is_not_a_difference(command: Any) -> None:
    """Bad options exit with 2, before any request."""
    assert command("recount", "--start-date", "soon").exit_code == 2
    assert command("recount", "--start-date", "2026-01-02", "--end-date", "2026-01-01").exit_code == 2
    for name in ("freshness", "coverage", "recount"):
        assert "Example:" in command(name, "--help").output
