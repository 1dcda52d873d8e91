"""`audit`: the audit as a process, with its metrics and its health."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from runtime.services.http_probe import answers_200
from runtime.services.ports import free_ports
from tests.support.builders import LogBuilder, created, hook, recorded
from tests.support.builders import session_id as named
from tests.support.rigs.audited import Operations
from tests.support.rigs.served_store import Served
from tests.support.rigs.store import TestStore, new_address
from tests.support.waiting import eventually

LOCAL = "127.0.0.1"


class Auditor:
    """`audit` as the user `reader`, who can't write, twice a second."""

    def __init__(self, folder: Path, options: dict[str, Any], control: str, **settings: str) -> None:
        self.port, self.said = free_ports(1)[0], folder / "said"
        url = f"clickhouse://reader:r%3Asecret@{LOCAL}:{options['port']}/{control}"
        env = {**os.environ, "STORE_URL": url, "AUDIT_EVERY_S": "0.5", **settings}
        command = [sys.executable, "-P", "-m", "cli", "audit", "--data", str(folder), "--metrics-port", str(self.port)]
        with self.said.open("wb") as out:
            self.process = subprocess.Popen(command, env=env, stdout=out, stderr=out)

    def value(self, metric: str) -> float | None:
        """Return the value of a metric, or None if there is none."""
        try:
            text = httpx.get(f"http://{LOCAL}:{self.port}/metrics", trust_env=False).text
        except httpx.HTTPError:
            return None
        found = re.search(rf"^{re.escape(metric)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else None

    def end(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=20)


@pytest.fixture
async def filled(store: TestStore) -> Operations:
    """Return a store with the two records of one session."""
    log, session = LogBuilder(seed=5), named(1)
    log.add(created(session), recorded(session, hook("Stop")))
    operations = Operations(store)
    await operations.project(log.records)
    return operations


@pytest.fixture
def auditor(filled: Operations, tmp_path: Path) -> Iterator[Auditor]:
    """Start an audit of the filled store."""
    auditor = Auditor(tmp_path, filled.store.address.options, filled.store.address.control)
    yield auditor
    if auditor.process.poll() is None:
        auditor.end()


def test_it_finds_what_is_lost_while_it_runs(auditor: Auditor, filled: Operations) -> None:
    """The metrics say so after the next audit, and SIGTERM ends the process with 0."""
    eventually(lambda: auditor.value('crewkit_audit_runs_total{scope="hours"}'))
    assert auditor.value("crewkit_audit_missing_positions") == 0

    filled.alter("DELETE FROM {db}.receipts WHERE log_offset = 0")

    eventually(lambda: auditor.value("crewkit_audit_missing_positions"))
    assert auditor.value("crewkit_audit_missing_positions") == 1
    assert auditor.end() == 0


def test_its_health_is_that_of_the_store(tmp_path: Path) -> None:
    """While the store is down, it is alive but not ready."""
    first = Served(tmp_path / "engine")
    store = TestStore(new_address(first.options), partitions=4)
    first.end()
    auditor = Auditor(tmp_path, first.options, store.address.control)
    eventually(lambda: answers_200(LOCAL, auditor.port, "/livez"))
    assert not answers_200(LOCAL, auditor.port, "/readyz", timeout_s=5)

    second = Served(tmp_path / "engine", first.port)
    eventually(lambda: answers_200(LOCAL, auditor.port, "/readyz", timeout_s=5))

    assert eventually(lambda: auditor.value('crewkit_audit_runs_total{scope="hours"}'))
    assert auditor.end() == 0
    second.end()


@pytest.mark.parametrize(
    ("settings", "code", "sentence"),
    [
        ({"AUDIT_EVERY_S": "0"}, 2, "audit_every_s: 0 means no audits"),
        ({"STORE_URL": "clickhouse://reader:wrong@127.0.0.1:{port}"}, 1, "Error: "),
    ],
)
def test_what_can_never_audit_is_refused(
    settings: dict[str, str], code: int, sentence: str, engine: dict[str, Any], tmp_path: Path
) -> None:
    """A process without audits, or with a wrong password, would look healthy and find nothing."""
    given = {name: value.format(port=engine["port"]) for name, value in settings.items()}
    refused = Auditor(tmp_path, engine, "crewkit", **given)

    assert refused.process.wait(timeout=30) == code
    assert sentence in refused.said.read_text()
