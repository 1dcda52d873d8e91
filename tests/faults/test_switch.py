"""Readers during a switch and back: no request fails, and each reply comes from one generation."""

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import httpx
import pytest

from tests.support.clients.sending import Org, hook
from tests.support.rigs.installation import Installation
from tests.support.rigs.opened import opened
from tests.support.rigs.operator import Operator, shown_by
from tests.support.waiting import eventually

pytestmark = pytest.mark.fault(row=23)
# Minimum of reads for each kind of installation, and of switches there and back
FEW, MANY = (150, 1), (int(os.environ.get("SWITCH_READS", "300")), 2)
WRITE_EVERY_S, WRITES = 1.0, 5
CONNECTIONS = 3  # per org
PAUSE_S = 0.05  # of a reader after each reply: without it, the readers take all of the machine from the switch
SESSIONS = 12
AT = "2026-01-20T10:00:00.000Z"
PATHS = (
    *("sessions?per_page=12", "sessions/threads?per_page=12", "sessions/analytics/summary?start_date=2026-01-01"),
    "sessions/analytics/team-overview?start_date=2026-01-01&end_date=2026-02-01",
)
ONE_IN = 10  # one read in so many is one of these; the others read a single session
DEARER = ", ".join(f"g.{n} * 2" if n == 12 else f"g.{n}" for n in range(1, 13))  # the cost of a model group
TITLES = {"old": 1.0, "new": 2.0}  # the quiet orgs' sessions have another title in each generation, and another cost
# In that generation, the quiet orgs have different numbers and texts.
PLANTED = (
    "sessions UPDATE title = 'new', cost_nano = 2000000000",
    f"rollups UPDATE cost_nano = 2 * cost_nano, model_groups = arrayMap(g -> ({DEARER}), model_groups)",
)


@pytest.mark.parametrize(
    ("reads", "rounds"), [FEW, pytest.param(*MANY, marks=pytest.mark.part("volume", instead=True))]
)
def test_no_read_fails_or_mixes_generations_through_a_switch_and_back(
    upgraded: Installation, fresh_org: str, reads: int, rounds: int
) -> None:
    """Two orgs whose numbers differ between the generations are read while another org writes."""
    quiet = {org: _sessions_of(Org(upgraded, org)) for org in (f"a-{fresh_org}", f"b-{fresh_org}")}
    busy, operator, live = Org(upgraded, f"busy-{fresh_org}"), Operator(upgraded), shown_by(upgraded)
    new = operator.next_name()
    operator.do("replay", new)
    for change in PLANTED:
        where = f"WHERE org_id IN {tuple(quiet)} SETTINGS mutations_sync = 2"
        opened(upgraded, new).run(f"ALTER TABLE {change} {where}")
    operator.do("prove", new)
    assert not operator.proof(new)["equal"]

    with _writing(busy) as written:
        reading = _Reading(upgraded, quiet, {live: "old", new: "new"})
        reading.start()
        for generation in (new, live) * rounds:
            reading.wait_for(reads // (2 * rounds + 1))
            operator.do("switch", generation, accept_differences=generation == new)
        reading.wait_for(reads // (2 * rounds + 1))
        eventually(lambda: written[0] > WRITES or reading.failed)
        reading.stop()

    print(f"{sum(reading.seen.values())} reads, {reading.rate:.0f} a second, {written[0]} writes meanwhile")
    assert reading.failed == []
    assert set(reading.seen) == {live, new}
    assert sum(reading.seen.values()) >= reads
    assert written[0] > WRITES
    operator.request("drop", new)
    assert eventually(operator.only_the_live_one_is_left, within_s=90)


def _sessions_of(org: Org) -> str:
    """Create sessions, wait until all are visible, and return the id of one."""
    metrics = {"input_tokens": 1, "cost_usd": 1.0, "reported_at": AT}
    for _ in range(SESSIONS):
        session = org.create(title="old", started_at=AT)
        org.write("PATCH", f"sessions/{session['id']}", {"model_metrics": metrics})
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
    """Reads, and checks each reply against the generation that it names."""

    def __init__(self, installation: Installation, session_ids: Mapping[str, str], titles: Mapping[str, str]) -> None:
        """``session_ids``: for each org, the session that most of its readers read; ``titles`` by generation."""
        self._installation, self._session_ids, self._titles = installation, session_ids, titles
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
        """Wait until this many more reads were answered."""
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
            if (shown := _shown(path, reply.json()["data"])) != {self._titles[generation]}:
                self.failed.append(f"{path}: X-Generation is {generation}, shown is {shown}")
            self.seen[generation] += 1
            await asyncio.sleep(PAUSE_S)


def _shown(path: str, data: Any) -> set[str]:
    """Return the titles that a reply shows, and the titles that belong to the costs that it shows."""
    of_cost = {cost: title for title, cost in TITLES.items()}
    if "analytics" in path:
        cost = data["total_cost_usd"] if "summary" in path else data["current"]["cost_usd"]
        return {of_cost.get(cost / SESSIONS, f"cost {cost}")}
    sessions = [data] if "id" in data else data
    if "threads" in path:
        sessions = [one for thread in data for one in thread["conversations"]]
    assert len(sessions) == (1 if "id" in data else SESSIONS)
    return {session["title"] for session in sessions} | {
        of_cost[session["model_metrics"]["cost_usd"]] for session in sessions
    }
