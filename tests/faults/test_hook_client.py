"""The hook client loses nothing that a hook noted, and counts what found no room, whatever is killed or missing."""

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.clients.sending import wait_for_all
from tests.support.rigs.hook_client import HookClient, numbered
from tests.support.rigs.installation import Installation
from tests.support.rigs.small_disk import SmallDisk, small_disk
from tests.support.waiting import eventually

__all__ = ["small_disk"]  # a fixture

HOOKS, KILLED = 10_000, 200
DAY_S = 86_400
JUMPS_S = (-30 * 365 * DAY_S, -DAY_S, 2 * DAY_S, 400 * DAY_S)


class Agent:
    """An agent that runs one hook after the other; some are killed, and some have a clock that is wrong."""

    def __init__(self, client: HookClient, session_id: str, hooks: int, killed: int, seed: int) -> None:
        self._client, self._session_id = client, session_id
        self._chance = random.Random(seed)
        kinds = ["killed"] * killed + ["jumped"] * (hooks // 50)
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


@pytest.mark.fault(row=30)
@pytest.mark.timeout(1_500)
def test_ten_thousand_hooks_arrive_once(tmp_path: Path, small_disk: SmallDisk) -> None:
    """Two agents work while the server is away, hooks and senders are killed, clocks jump and the disk is full."""
    server = Installation("up", tmp_path / "up")
    assert server.command("secrets", "make", "--dev-tokens").returncode == 0
    client = HookClient(small_disk.folder / "hook", server.url, token_of(server))
    chance = random.Random(1)
    agents = [Agent(client, f"session-{n}", HOOKS // 2, KILLED // 4, seed=n) for n in range(2)]
    senders_killed = 0
    with ThreadPoolExecutor() as threads:
        working = [threads.submit(agent.work) for agent in agents]
        while not all(work.done() for work in working):
            time.sleep(chance.uniform(0.2, 1.2))
            senders_killed += client.kill_sender()
            if senders_killed == KILLED // 8:
                small_disk.leave(0)
                time.sleep(2)
                small_disk.empty()
        for work in working:
            work.result()
    dropped = client.status()["dropped"]
    server.start()
    try:
        while senders_killed < KILLED // 2:  # also while it sends
            client.hook(numbered("session-2", senders_killed, chance))
            time.sleep(chance.uniform(0.05, 0.5))
            senders_killed += client.kill_sender()
        client.hook(numbered("session-2", HOOKS, chance))
        eventually(lambda: client.status()["waiting"] == 0, within_s=240)
        with server.client() as api:
            wait_for_all(api, "acme")
            found = [arrived(api, f"session-{n}") for n in range(2)]
    finally:
        server.end()
        client.kill_sender()

    missing = sum(len(agent.done - numbers.keys()) for agent, numbers in zip(agents, found, strict=True))
    assert all(set(numbers.values()) <= {1} for numbers in found)
    assert dropped > 0
    assert missing <= dropped <= missing + sum(len(agent.killed) for agent in agents)
    assert client.status()["refused"] == 0
