"""The hook client loses nothing that a hook recorded, and counts dropped events, whatever is killed or missing."""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from crewkit_hook.taking import DEATHS_MAX

from tests.support.clients.sending import wait_for_all
from tests.support.rigs.hook_client import HookClient, numbered
from tests.support.rigs.installation import Installation
from tests.support.rigs.small_disk import SmallDisk, small_disk
from tests.support.waiting import eventually

__all__ = ["small_disk"]  # a fixture

SOME, MANY = 300, 2_500
DROPPED = 5  # at least this many, while the disk is full
KILLS_WHILE_SENDING = 5
SENDERS_DIED = f"{DEATHS_MAX} senders died at this event"  # two kills may hit the same one
DAY_S = 86_400
JUMPS_S = (-30 * 365 * DAY_S, -DAY_S, 2 * DAY_S, 400 * DAY_S)


class Agent:
    """An agent that runs one hook after the other; some are killed, and some have a wrong clock."""

    def __init__(self, client: HookClient, session_id: str, hooks: int, seed: int) -> None:
        self._client, self._session_id = client, session_id
        self._chance = random.Random(seed)
        kinds = ["killed", "jumped"] * (hooks // 25)
        self._kinds = kinds + ["plain"] * (hooks - len(kinds))
        self._chance.shuffle(self._kinds)
        self.done: set[int] = set()
        self.killed: set[int] = set()

    def work(self) -> None:
        """Run all hooks."""
        for number, kind in enumerate(self._kinds):
            payload = numbered(self._session_id, number, self._chance)
            if kind == "killed":
                self._client.hook_killed_after(payload, self._chance.uniform(0, 0.03))
                self.killed.add(number)
            else:
                self._client.hook(payload, self._chance.choice(JUMPS_S) if kind == "jumped" else 0)
                self.done.add(number)


def arrived(api: httpx.Client, session_id: str) -> Counter[int]:
    """Return how often each number is stored."""
    sessions = api.get("/api/v1/acme/sessions", params={"external_id": f"claude-code:{session_id}"}).json()["data"]
    found: Counter[int] = Counter()
    for session in sessions:
        cursor: dict[str, str] = {}
        while True:
            path = f"/api/v1/acme/sessions/{session['id']}/events"
            page = api.get(path, params={"per_page": 1_000, **cursor}).json()
            found.update(event["data"]["number"] for event in page["data"] if "number" in event["data"])
            if page["meta"]["next_cursor"] is None:
                break
            cursor = {"cursor": page["meta"]["next_cursor"]}
    return found


def token_of(installation: Installation) -> str:
    made = installation.command("token", "--org", "acme", "--user", "mia", "--role", "agent")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def kill_senders(client: HookClient, chance: random.Random, until: Callable[[], bool]) -> None:
    """Kill each sender soon after its start."""
    while not until():
        time.sleep(chance.uniform(0.05, 0.6))  # random moments are the input
        client.kill_sender()


@pytest.mark.fault(row=30)
@pytest.mark.parametrize("hooks", [SOME, pytest.param(MANY, marks=pytest.mark.part("volume"))])
def test_hooks_arrive_once(tmp_path: Path, small_disk: SmallDisk, hooks: int) -> None:
    """Two agents work while the server is down, hooks and senders are killed, clocks jump and the disk is full."""
    server = Installation("up", tmp_path / "up")
    assert server.command("secrets", "make", "--dev-tokens").returncode == 0
    client = HookClient(small_disk.folder / "hook", server.url, token_of(server))
    chance = random.Random(1)
    agents = [Agent(client, f"session-{n}", hooks // 2, seed=n) for n in range(2)]
    with ThreadPoolExecutor() as threads:
        working = [threads.submit(agent.work) for agent in agents]
        kill_senders(client, chance, lambda: any(len(a.done) > hooks // 4 for a in agents) or working[0].done())
        small_disk.leave(0)
        eventually(lambda: client.dropped() >= DROPPED or working[0].done(), within_s=60)
        small_disk.empty()
        kill_senders(client, chance, lambda: all(work.done() for work in working))
        for work in working:
            work.result()
    dropped = client.dropped()
    server.start()
    try:
        for number in range(KILLS_WHILE_SENDING):
            client.hook(numbered("session-2", number, chance))
            time.sleep(chance.uniform(0.05, 0.5))  # random moments are the input
            client.kill_sender()
        client.hook(numbered("session-2", KILLS_WHILE_SENDING, chance))
        eventually(lambda: client.waiting() == 0, within_s=240)
        with server.client() as api:
            wait_for_all(api, "acme")
            found = [arrived(api, f"session-{n}") for n in range(2)]
    finally:
        server.end()
        client.kill_sender()

    missing = sum(len(agent.done - numbers.keys()) for agent, numbers in zip(agents, found, strict=True))
    refusals = client.status()["refusals"]
    assert all(set(numbers.values()) <= {1} for numbers in found)
    assert dropped >= DROPPED
    assert missing - len(refusals) <= dropped <= missing + sum(len(agent.killed) for agent in agents)
    assert set(refusals) <= {SENDERS_DIED}
