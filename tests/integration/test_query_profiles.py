"""Readers adapt to the profile of a store user that may only read, for every form that ClickHouse has."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import ProgrammingError
from structlog.testing import capture_logs

from runtime.services.http_probe import answers_200
from runtime.services.ports import free_ports
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.secrets import own_secrets
from store.address import StoreAddress
from store.client_errors import classify
from store.connect import SNAPSHOT, WRITE, connect
from store.errors import StoreRefuses
from store.installation_record import record_in_store
from store.reading.errors import ReadRefused
from store.reading.reader import open_reader
from tests.support.rigs.personas import Failed, Persona, act
from tests.support.rigs.query_store import NOON, QueryApi, QueryStore, session
from tests.support.rigs.served_store import STRICT
from tests.support.rigs.store import Options, TestStore
from tests.support.waiting import eventually


def fill(options: dict[str, Any]) -> str:
    """Make a store with two sessions; return the name of its control database."""
    store = QueryStore(options)
    store.progress(0, 10, 10, NOON)
    store.put(session(agent_name="reviewer"), session())
    return store.base


def read(options: dict[str, Any], base: str) -> dict[str, Any]:
    """Run the start-up check, a list of sessions and a search; return the results and the log."""
    with capture_logs() as logged:
        return asyncio.run(_read(options, base)) | {"logged": logged}


async def _read(options: dict[str, Any], base: str) -> dict[str, Any]:
    reader = open_reader(StoreAddress(options, base))
    try:
        await reader.check()
        api = QueryApi(reader)
        replies = [await api.get("sessions"), await api.get("sessions/search", {"q": "reviewer"})]
        return {"replies": [[reply.status_code, len(reply.json().get("data", []))] for reply in replies]}
    finally:
        reader.close()


pytest_plugins = ["tests.support.rigs.query_fixtures"]

READ, FILL = f"{__name__}:read", f"{__name__}:fill"
READONLY_1 = Persona({"readonly": "1"})
READONLY_2 = Persona({"readonly": "2"})
TIGHT = Persona({"readonly": "2"}, {"max_memory_usage": {"max": "1000000000"}, "max_execution_time": {"max": "30"}})
CONSTANT = Persona({"max_execution_time": "5"}, {"max_execution_time": {"const": ""}, "max_result_rows": {"const": ""}})
CUT_SHORT = Persona({"result_overflow_mode": "break"}, {"result_overflow_mode": {"const": ""}})
FORGETFUL = Persona({SNAPSHOT: "0"}, {SNAPSHOT: {"const": ""}})


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Make an engine's folder with two sessions; return it and the name of the control database."""
    folder = tmp_path_factory.mktemp("profiles")
    return folder, act(folder, Persona(), FILL)


def limits_said(done: dict[str, Any]) -> list[str]:
    """Return the single log line about limits, or nothing."""
    lines = [line for line in done["logged"] if line["event"] == "store_limits_differ"]
    assert len(lines) <= 1
    return [remark for line in lines for remark in line["limits"]]


@pytest.mark.parametrize(
    ("persona", "said"),
    [
        (READONLY_2, []),
        (TIGHT, ["max_memory_usage is 1000000000 instead of 2147483648"]),
        (CONSTANT, ["max_result_rows is without bound"]),
        (FORGETFUL, ["of different moments"]),
    ],
)
def test_reads_go_on_within_the_profile(filled: tuple[Path, str], persona: Persona, said: list[str]) -> None:
    """One line says which limits differ from ours; nothing forbidden is sent."""
    folder, base = filled

    done = act(folder, persona, READ, base)

    assert done["replies"] == [[200, 2], [200, 1]]
    remarks = sorted(limits_said(done), key=lambda remark: remark.startswith("enable"))
    assert len(remarks) == len(said), remarks
    assert all(words in remark for words, remark in zip(said, remarks, strict=True)), remarks


def test_a_profile_that_cuts_answers_short_is_refused(filled: tuple[Path, str]) -> None:
    """A truncated list would look complete."""
    folder, base = filled

    with pytest.raises(Failed, match=r"^ReadRefused: .*result_overflow_mode = break.*set it to 'throw'"):
        act(folder, CUT_SHORT, READ, base)


def test_a_profile_that_allows_no_setting_is_refused(filled: tuple[Path, str]) -> None:
    """What hides the erased rows is a setting."""
    folder, base = filled

    with pytest.raises(Failed, match=r"^ReadRefused: .*hides what is erased: use `readonly = 2`"):
        act(folder, READONLY_1, READ, base)


def test_a_right_that_is_missing_everywhere_is_found_at_the_start(filled: tuple[Path, str]) -> None:
    """The check reads the control database and the live generation."""
    folder, base = filled

    for grant, missing in (("x.*", base), (f"{base}.*", f"{base}_g1")):
        with pytest.raises(Failed, match=rf"^ReadRefused: .* lacks the right .* ON {missing}\..*: grant it"):
            act(folder, Persona(grants=[f"GRANT SELECT ON {grant}"]), READ, base)


def test_a_right_that_is_missing_for_some_questions_stops_those_alone(filled: tuple[Path, str]) -> None:
    """They get a 503, and a log line names the right."""
    folder, base = filled
    readable = (f"{base}.*", f"{base}_g1.progress", f"{base}_g1.rollup_progress")
    half = Persona(grants=[f"GRANT SELECT ON {name}" for name in readable])

    done = act(folder, half, READ, base)

    assert [status for status, _ in done["replies"]] == [503, 503]
    (line,) = [line for line in done["logged"] if line["event"] == "store_refuses"]
    assert f"ON {base}_g1.rollups: grant it" in line["error"]


@pytest.fixture
def strict(engine: Options) -> Options:
    """Return options of a store server user with readonly=1: every setting of a request is refused."""
    return engine | {"username": STRICT.name, "password": STRICT.password}


async def test_over_http_too_the_refusal_says_what_to_do(query_store: QueryStore, strict: Options) -> None:
    """The questions before it send no setting, neither ours nor one that the client library adds."""
    reader = open_reader(StoreAddress(strict, query_store.base))
    try:
        with pytest.raises(ReadRefused, match="use `readonly = 2`, or only GRANT SELECT"):
            await reader.check()
    finally:
        reader.close()


def test_query_api_starts_as_a_user_that_only_reads(store: TestStore, tmp_path: Path) -> None:
    """The process starts with `readonly = 2`, and compares the installation record."""
    make_embedded_secrets(tmp_path / "secrets")
    record_in_store(store.address, store.partitions, own_secrets(tmp_path / "secrets"))
    at, port = store.address, free_ports(1)[0]
    url = f"clickhouse://reader:r%3Asecret@127.0.0.1:{at.options['port']}/{at.control}"
    env = {**os.environ, "STORE_URL": url, "DEV_TOKENS": "1"}
    command = [sys.executable, "-P", "-m", "cli", "query-api", "--data", str(tmp_path), "--port", str(port)]
    started = subprocess.Popen(command, env=env)
    try:
        eventually(lambda: answers_200("127.0.0.1", port, "/readyz"))
    finally:
        started.terminate()

    assert started.wait(timeout=20) == 0


def test_a_projector_as_a_read_only_user_is_refused(query_store: QueryStore, strict: Options) -> None:
    """Client or server, whichever is first, names the setting."""
    with pytest.raises(ProgrammingError) as raised:
        connect(WRITE, **strict, database=f"{query_store.base}_g1")

    refused = classify(raised.value)
    assert isinstance(refused, StoreRefuses)
    assert "does not allow changing async_insert: relax the profile" in str(refused)
