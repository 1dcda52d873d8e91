"""A store that does not let us in, or not do what we need: no outage, but one sentence and the end."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.query_store import QueryApi
from support.store_refusals import WORDS, refusal
from support.tcp_proxy import TcpProxy

from deploy.provision import check_migrated, provision_store
from deploy.store_url import StoreAddress, parse_store_url
from processors.errors import StoreRefuses, StoreUnavailable
from query_api.app import store_readiness
from query_api.errors import StoreRefuses as ReadRefused
from query_api.errors import StoreUnavailable as ReadUnavailable
from query_api.reader import open_reader
from schemas.prices import list_prices
from schemas.store_codes import CODES, Verdict

REFUSED = [code for code, known in CODES.items() if known.verdict is Verdict.REFUSED]
PASSES = [code for code, known in CODES.items() if known.verdict is Verdict.PASSES]
PASSWORD = "correct-horse"


@pytest.fixture(scope="module")
def server() -> Iterator[TcpProxy]:
    """A server that answers everything alike."""
    with TcpProxy(1) as proxy:
        yield proxy


@pytest.fixture
def address(server: TcpProxy) -> StoreAddress:
    return parse_store_url(f"clickhouse://crewkit:{PASSWORD}@127.0.0.1:{server.port}")


@pytest.mark.parametrize("code", REFUSED)
async def test_what_only_a_person_can_change_is_no_outage(server: TcpProxy, address: StoreAddress, code: int) -> None:
    """For who provisions, projects and reads; no sentence holds the password."""
    server.answer(refusal(code, 403))
    reader = open_reader(address.options, address.control)
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
        assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize("code", PASSES)
async def test_what_the_store_says_of_itself_is_an_outage(server: TcpProxy, address: StoreAddress, code: int) -> None:
    """The same three ways in, the same table."""
    server.answer(refusal(code))
    reader = open_reader(address.options, address.control)
    try:
        with pytest.raises(StoreUnavailable):
            provision_store(address, 1, list_prices())
        with pytest.raises(StoreUnavailable):
            check_migrated(address, "g1")
        with pytest.raises(ReadUnavailable) as of_reader:
            await reader.live()
    finally:
        reader.close()

    assert not isinstance(of_reader.value, ReadRefused)


@pytest.mark.parametrize("code", sorted(WORDS))
def test_provision_ends_with_one_sentence(server: TcpProxy, tmp_path: Path, code: int) -> None:
    """Exit code 1: a restart changes nothing. Its words are those of the unit tests."""
    server.answer(refusal(code, 403))
    url = f"clickhouse://crewkit:{PASSWORD}@127.0.0.1:{server.port}"

    done = subprocess.run(
        [sys.executable, "-P", "-m", "cli", "provision", "--data", str(tmp_path), "--store-url", url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("refusing to run: the ")
    assert done.stderr.count("\n") == 1
    assert PASSWORD not in done.stderr


async def test_a_read_that_is_refused_says_so_and_is_logged_once(server: TcpProxy, address: StoreAddress) -> None:
    """503 with a code of its own and a longer Retry-After; the reason is for who runs the service, not for clients."""
    server.answer(refusal(497, 403))
    reader = open_reader(address.options, address.control)
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
