"""Readers during a switch and back: no request fails, and each reply is of one generation."""

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.clients.sending import Org, hook
from tests.support.rigs.installation import Installation
from tests.support.rigs.kafka import need_jars
from tests.support.rigs.opened import OpenedInstallation, opened_stack, opened_up
from tests.support.rigs.operator import Operator
from tests.support.waiting import eventually

pytestmark = pytest.mark.fault(row=23)
READS = int(os.environ.get("SWITCH_READS", "600"))  # at least, of each kind of installation
WRITE_EVERY_S, WRITES = 1.0, 10
CONNECTIONS = 3  # of each org
SESSIONS = 12
PATHS = (
    *("sessions?per_page=12", "sessions/threads?per_page=12", "sessions/analytics/summary?start_date=2026-01-01"),
    "sessions/analytics/team-overview?start_date=2026-01-01&end_date=2026-02-01",
)
ONE_IN = 10  # reads is of these; the others are of one session
DEARER = ", ".join(f"g.{n} * 2" if n == 12 else f"g.{n}" for n in range(1, 13))  # the cost of a model group
NEW = "g2"
# In it every number and text of the quiet orgs is another one.
PLANTED = (
    "sessions UPDATE title = 'new', cost_nano = 2000000000",
    f"rollup_daily UPDATE cost_nano = 2 * cost_nano, model_groups = arrayMap(g -> ({DEARER}), model_groups)",
)


@pytest.fixture(params=["up", pytest.param("stack", marks=pytest.mark.kafka)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenedInstallation]:
    """Start an installation for one test, which makes a generation in it."""
    if request.param == "up":
        with opened_up(tmp_path / "up") as up:
            yield up
        return
    need_jars()
    stack = Installation("stack", tmp_path / "stack")
    try:
        yield opened_stack(stack.start())
    finally:
        stack.end()


def test_no_read_fails_or_mixes_generations_through_a_switch_and_back(
    target: OpenedInstallation, fresh_org: str
) -> None:
    """Reads of two orgs whose numbers differ between the generations, while another org writes."""
    quiet = {org: _sessions_of(Org(target.installation, org)) for org in (f"a-{fresh_org}", f"b-{fresh_org}")}
    busy = Org(target.installation, f"busy-{fresh_org}")
    operator = Operator(target.installation)
    operator.do("replay", NEW)
    for change in PLANTED:
        where = f"WHERE org_id IN {tuple(quiet)} SETTINGS mutations_sync = 2"
        target.run(f"ALTER TABLE crewkit_{NEW}.{change} {where}")
    operator.do("prove", NEW)
    assert not operator.proof(NEW)["equal"]

    with _writing(busy) as written:
        reading = _Reading(target.installation, quiet)
        reading.start()
        for generation in (NEW, "g1", NEW, "g1"):
            reading.wait_for(READS // 5)
            operator.do("switch", generation, accept_differences=generation == NEW)
        reading.wait_for(READS // 5)
        eventually(lambda: written[0] > WRITES or reading.failed)
        reading.stop()

    print(f"{sum(reading.seen.values())} reads, {reading.rate:.0f} a second, {written[0]} writes meanwhile")
    assert reading.failed == []
    assert set(reading.seen) == {"g1", NEW}
    assert sum(reading.seen.values()) >= READS
    assert written[0] > WRITES
    operator.do("drop", NEW)


def _sessions_of(org: Org) -> str:
    """Create sessions, and return the id of one of them once all are shown."""
    for _ in range(SESSIONS):
        session = org.create(title="g1", started_at="2026-01-20T10:00:00.000Z")
        org.write("PATCH", f"sessions/{session['id']}", {"model_metrics": {"input_tokens": 1, "cost_usd": 1.0}})
    org.data("sessions")
    return str(session["id"])


@contextmanager
def _writing(org: Org) -> Iterator[list[int]]:
    """Write until the end of the block; yield the number of writes."""
    written, stop = [0], threading.Event()
    session = org.create()

    def write() -> None:
        while not stop.wait(WRITE_EVERY_S):
            org.record(session, hook("Notification", message=f"{written[0]}"))
            written[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        stop.set()
        thread.join()


class _Reading:
    """Reads without pause, and checks each reply against the generation that it names."""

    def __init__(self, installation: Installation, session_ids: Mapping[str, str]) -> None:
        """``session_ids``: of each org the session that most of its readers read."""
        self._installation, self._session_ids = installation, session_ids
        self.seen, self.failed = Counter[str](), list[str]()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def start(self) -> None:
        self._begun = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self.rate = sum(self.seen.values()) / (time.monotonic() - self._begun)

    def wait_for(self, more: int) -> None:
        """Wait until so many more reads were answered."""
        goal = sum(self.seen.values()) + more
        while sum(self.seen.values()) < goal and not self.failed:
            time.sleep(0.02)

    async def _run(self) -> None:
        async with AsyncExitStack() as stack:
            reads = []
            for org, session_id in self._session_ids.items():
                token = self._installation.client(org=org).headers["Authorization"]
                base, headers = f"{self._installation.url}/api/v1/{org}/", {"Authorization": token}
                http = httpx.AsyncClient(base_url=base, headers=headers, timeout=20, trust_env=False)
                await stack.enter_async_context(http)
                reads += [self._read(http, f"sessions/{session_id}", n) for n in range(CONNECTIONS)]
            await asyncio.gather(*reads)

    async def _read(self, http: httpx.AsyncClient, one: str, n: int) -> None:
        while not self._stop.is_set():
            path = PATHS[n // ONE_IN % len(PATHS)] if n % ONE_IN == 0 else one
            n += 1
            try:
                reply = await http.get(path)
            except httpx.HTTPError as error:
                self.failed.append(f"{path}: {error!r}")
                return  # the installation may have ended
            if reply.status_code != httpx.codes.OK:
                self.failed.append(f"{path}: {reply.status_code} {reply.text}")
                continue
            generation = reply.headers["X-Generation"]
            if (shown := _shown(path, reply.json()["data"])) != {generation}:
                self.failed.append(f"{path}: X-Generation is {generation}, shown is {shown}")
            self.seen[generation] += 1


def _shown(path: str, data: Any) -> set[str]:
    """Return the generations whose numbers and titles a reply shows."""
    if "analytics" in path:
        cost = data["total_cost_usd"] if "summary" in path else data["current"]["cost_usd"]
        return {{1.0: "g1", 2.0: NEW}.get(cost / SESSIONS, f"cost {cost}")}
    sessions = [data] if "id" in data else data
    if "threads" in path:
        sessions = [one for thread in data for one in thread["conversations"]]
    assert len(sessions) == (1 if "id" in data else SESSIONS)
    titles = {{"g1": "g1", "new": NEW}[session["title"]] for session in sessions}
    costs = {{1.0: "g1", 2.0: NEW}[session["model_metrics"]["cost_usd"]] for session in sessions}
    return titles | costs
