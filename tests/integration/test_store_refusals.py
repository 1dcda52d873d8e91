"""A store that refuses access or a required right ends the process with one sentence; it is not an outage."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from structlog.testing import capture_logs

from prices.price_list import list_prices
from query_api.app import store_readiness
from runtime.operations.provision_store import provision_store
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_ports
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.store_url import parse_store_url
from store.address import StoreAddress
from store.errors import StoreRefuses, StoreUnavailable
from store.migrate import check_migrated
from store.reading.errors import ReadRefused
from store.reading.reader import open_reader
from tests.support.fakes.store_refusals import PASSES, REFUSED, WORDS, StoreRefusals
from tests.support.rigs.command_here import Ended, command_here
from tests.support.rigs.query_store import QueryApi
from tests.support.rigs.served_store import Served
from tests.support.waiting import eventually


class Refusing(NamedTuple):
    """A store server in another process, and its answer to every statement."""

    served: Served
    refusals: StoreRefusals

    @property
    def password(self) -> str:
        return str(self.served.options["password"])

    @property
    def url(self) -> str:
        return f"clickhouse://{self.served.options['username']}:{self.password}@127.0.0.1:{self.served.port}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refusing]:
    """Run a server that gives every statement the same answer."""
    folder = tmp_path_factory.mktemp("refusing")
    refusals = StoreRefusals(folder / "refusals.json")
    served = Served(folder / "store", **refusals.environment)
    yield Refusing(served, refusals)
    served.end()


@pytest.fixture
def address(server: Refusing) -> StoreAddress:
    return parse_store_url(server.url)


@pytest.mark.parametrize("code", REFUSED)
async def test_what_only_a_person_can_change_is_no_outage(server: Refusing, address: StoreAddress, code: int) -> None:
    """This holds for provisioning, projecting and reading; no sentence contains the password."""
    server.refusals.everything(code)
    reader = open_reader(address)
    try:
        with pytest.raises(StoreRefuses) as of_provision:
            provision_store(address, 1, list_prices())
        with pytest.raises(StoreRefuses) as of_projector:
            check_migrated(address, "g1")
        with pytest.raises(ReadRefused) as of_reader:
            await reader.live()
    finally:
        reader.close()

    for refused in (of_provision, of_projector, of_reader):
        assert server.password not in str(refused.value)


@pytest.mark.parametrize("code", PASSES)
async def test_what_the_store_says_of_itself_is_an_outage(server: Refusing, address: StoreAddress, code: int) -> None:
    """Provisioning, projecting and reading raise an outage for each code of the table."""
    server.refusals.everything(code)
    reader = open_reader(address)
    try:
        with pytest.raises(StoreUnavailable):
            provision_store(address, 1, list_prices())
        with pytest.raises(StoreUnavailable):
            check_migrated(address, "g1")
        with pytest.raises(StoreUnavailable) as of_reader:
            await reader.live()
    finally:
        reader.close()

    assert not isinstance(of_reader.value, ReadRefused)


async def test_a_right_on_many_columns_is_named_with_its_table(server: Refusing, address: StoreAddress) -> None:
    """The store names the table after many columns; our sentence includes the table."""
    named_in = r"user crewkit lacks the right INSERT ON crewkit_g1\.sessions: grant it"
    columns = ", ".join(f"column_{n}" for n in range(60))
    lacks = f"crewkit: Not enough privileges. To execute this query, it's necessary to have the grant INSERT({columns})"
    server.refusals.everything(497, f"{lacks} ON crewkit_g1.sessions.")
    reader = open_reader(address)
    try:
        with pytest.raises(StoreRefuses, match=named_in):
            provision_store(address, 1, list_prices())
        with pytest.raises(ReadRefused, match=named_in):
            await reader.live()
    finally:
        reader.close()


def command(folder: Path, name: str, *options: str) -> list[str]:
    make_embedded_secrets(folder / "secrets")
    return [sys.executable, "-P", "-m", "cli", name, "--data", str(folder), *options]


def environment(server: Refusing) -> dict[str, str]:
    return {**os.environ, "DEV_TOKENS": "1", "STORE_URL": server.url}


@pytest.mark.fault(row=26)
@pytest.mark.parametrize("code", sorted(WORDS))
def test_provisioning_ends_with_one_sentence(
    server: Refusing, tmp_path: Path, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code is 1, since a restart changes nothing. Unit tests check the wording."""
    server.refusals.everything(code)
    make_embedded_secrets(tmp_path / "secrets")
    monkeypatch.setenv("STORE_URL", server.url)

    done = command_here(capsys, "provision", "--data", tmp_path)

    _ended_with_one_sentence(done, server)


@pytest.mark.fault(row=26)
def test_a_reader_ends_with_one_sentence(server: Refusing, tmp_path: Path) -> None:
    """The process of `query-api`; its reader raises the same for every other code."""
    server.refusals.everything(497)
    line, env = command(tmp_path, "query-api", "--port", str(free_ports(1)[0])), environment(server)

    done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=60, check=False)

    _ended_with_one_sentence(Ended(done.returncode, done.stdout, done.stderr), server)


def _ended_with_one_sentence(done: Ended, server: Refusing) -> None:
    assert done.code == 1, done.complaint
    assert done.complaint.splitlines()[-1].startswith("Error: the ")
    assert "Traceback" not in done.complaint
    assert server.password not in done.complaint


def test_a_reader_that_starts_without_its_store_finds_out_later(server: Refusing, tmp_path: Path) -> None:
    """It serves, is not ready, and logs the store's refusal once the store is back."""
    server.refusals.everything(999)
    port, said = free_ports(1)[0], tmp_path / "said"
    with said.open("wb") as out:
        line, env = command(tmp_path, "query-api", "--port", str(port)), environment(server)
        started = subprocess.Popen(line, env=env, stdout=out, stderr=out)
    try:
        eventually(lambda: answers_200("127.0.0.1", port, "/livez"))
        assert not answers_200("127.0.0.1", port, "/readyz")
        assert "store_unavailable" in said.read_text()
        server.refusals.everything(516)

        eventually(lambda: answers_200("127.0.0.1", port, "/readyz") or "login of user crewkit" in said.read_text())

        assert not answers_200("127.0.0.1", port, "/readyz")
        assert started.poll() is None
    finally:
        started.terminate()
        assert started.wait(timeout=20) == 0
    assert server.password not in said.read_text()


async def test_a_read_that_is_refused_says_so_and_is_logged_once(server: Refusing, address: StoreAddress) -> None:
    """It is a 503 with a separate code and a longer Retry-After; only the log has the reason."""
    server.refusals.everything(497)
    reader = open_reader(address)
    api = QueryApi(reader)
    try:
        with capture_logs() as logged:
            replies = [await api.get("sessions") for _ in range(3)]
            ready = await store_readiness(reader)()
    finally:
        reader.close()

    for reply in replies:
        assert (reply.status_code, reply.json()["code"], reply.headers["Retry-After"]) == (503, "store_refuses", "30")
        assert "crewkit" not in reply.text
    assert ready == {"store": False}
    (line,) = [entry for entry in logged if entry["event"] == "store_refuses"]
    assert (line["log_level"], "SELECT(number, sha256) ON crewkit.migrations" in line["error"]) == ("error", True)
