"""`/readyz` on the real engine waits for no other query, and is cheap at any request rate."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.services.http_services import service
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.settings import Settings
from store.errors import StoreUnavailable
from store.reading.reader import POOL_SIZE, ClickHouseReader
from tests.support.clients.in_process import in_process
from tests.support.fakes.log import FakeEventLog
from tests.support.rigs.query_store import QueryStore

pytest_plugins = ["tests.support.rigs.query_fixtures"]


class HeldClient:
    """A client of the real engine that holds each query until ``gate`` opens."""

    def __init__(self, client: Any, gate: threading.Event) -> None:
        self._client, self._gate = client, gate
        self.database = ""

    def query(self, *args: Any, **options: Any) -> Any:
        self._gate.wait(30)
        self._client.database = self.database
        return self._client.query(*args, **options)

    def close(self) -> None:
        self._client.close()


class CountingLog(FakeEventLog):
    """Counts its readiness checks."""

    asked = 0

    async def ready(self) -> bool:
        self.asked += 1
        return await super().ready()


class Rig:
    """A service whose reader and whose probe each wait at a gate."""

    def __init__(self, store: QueryStore, folder: Path) -> None:
        self.reading, self.probing = threading.Event(), threading.Event()
        self.log = CountingLog()
        reading: Any = lambda: HeldClient(store.connect(), self.reading)  # noqa: E731 (typed as what makes clients)
        probing: Any = lambda: HeldClient(store.connect(), self.probing)  # noqa: E731 (as above)
        self.reader = ClickHouseReader(reading, store.base)
        self.probe = ClickHouseReader(probing, store.base, pool_size=1, live_for_s=0)
        make_embedded_secrets(folder / "secrets")
        app = service(Settings(data=str(folder)), self.log, self.reader, probe=self.probe)
        self.client = in_process(app)

    async def readyz(self) -> tuple[int, Any]:
        reply = await self.client.get("/readyz")
        return reply.status_code, reply.json().get("details")

    def close(self) -> None:
        self.reading.set()
        self.probing.set()
        self.reader.close()
        self.probe.close()


@pytest.fixture
def rig(query_store: QueryStore, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(query_store, tmp_path)
    yield rig
    rig.close()


async def test_it_is_ready_while_slow_questions_hold_every_reader(rig: Rig) -> None:
    """One org can make others wait, but must not remove a process from the load balancer."""
    rig.probing.set()
    asking = [asyncio.ensure_future(rig.reader.live()) for _ in range(2 * POOL_SIZE)]
    await asyncio.sleep(0)

    assert await rig.readyz() == (200, None)
    assert not any(question.done() for question in asking)
    rig.reading.set()
    await asyncio.gather(*asking)


async def test_a_store_that_hangs_is_away_within_two_seconds_and_comes_back(rig: Rig) -> None:
    """The result is cached for a second, and a check takes at most a second."""
    rig.probing.set()
    assert await rig.readyz() == (200, None)

    rig.probing.clear()
    async with asyncio.timeout(2.5):
        while (said := await rig.readyz()) == (200, None):
            pass
    assert said == (503, {"store": ["is away"]})

    rig.probing.set()
    async with asyncio.timeout(10):
        while await rig.readyz() != (200, None):
            pass


async def test_thousands_of_questions_a_second_are_one_check_a_second(rig: Rig) -> None:
    """Log and store are checked once a second; all requests are answered."""
    rig.probing.set()
    began = time.monotonic()

    replies = [await asyncio.gather(*(rig.readyz() for _ in range(200))) for _ in range(10)]

    assert {reply[0] for some in replies for reply in some} == {200}
    assert rig.log.asked <= 1 + (time.monotonic() - began)


async def test_a_probe_remembers_nothing(rig: Rig, query_store: QueryStore) -> None:
    """`/readyz` must not report an outdated result."""
    rig.probing.set()
    await rig.probe.live()
    rig.probe._base = "no_such_base"

    with pytest.raises(StoreUnavailable):
        await rig.probe.live()
