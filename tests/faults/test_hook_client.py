"""The hook client loses nothing that a hook recorded, and counts dropped events, whatever is killed or missing."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from crewkit_hook import settings as client_settings
from crewkit_hook import spool
from crewkit_hook.settings import Settings
from crewkit_hook.store import for_reading
from crewkit_hook.taking import DEATHS_MAX

from tests.support.clients.sending import wait_for_all
from tests.support.rigs.installation import Installation
from tests.support.rigs.small_disk import SmallDisk, small_disk
from tests.support.waiting import eventually

COMMAND = Path(sys.executable).with_name("crewkit-hook")
PROGRAM = Path(spool.__file__).with_name("hook.py")
JUMPED = """
import runpy, sys, time
right = time.time_ns
time.time_ns = lambda: right() + {by_ns}
sys.argv = [{program!r}, *sys.argv[1:]]
runpy.run_path({program!r}, run_name="__main__")
"""


class HookClient:
    """A connected client in a folder."""

    def __init__(self, home: Path, url: str, token: str, org: str = "acme", **options: Any) -> None:
        self.home = home
        spool.make(str(home))
        client_settings.save(str(home), Settings(url, org, token, **options))

    @property
    def environment(self) -> dict[str, str]:
        """The agent's environment variables."""
        return {**os.environ, spool.HOME_VARIABLE: str(self.home)}

    def start(
        self, payload: dict[str, Any], clock_ahead_s: float = 0, agent: int | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a hook as the agent with this process id would; its clock may be wrong."""
        program = [str(PROGRAM)]
        if clock_ahead_s:
            program = ["-c", JUMPED.format(by_ns=round(clock_ahead_s * 1e9), program=str(PROGRAM))]
        command = [sys.executable, "-I", "-S", *program, "claude-code", str(agent or os.getpid())]
        pipe = subprocess.PIPE
        started = subprocess.Popen(command, env=self.environment, stdin=pipe, stdout=pipe, stderr=pipe)
        assert started.stdin is not None
        with contextlib.suppress(BrokenPipeError), started.stdin:
            started.stdin.write(json.dumps(payload).encode())
        return started

    def hook(self, payload: dict[str, Any], clock_ahead_s: float = 0) -> None:
        """Run a hook, and check that it exits with 0 and prints nothing."""
        with self.start(payload, clock_ahead_s) as started:
            assert started.stdout is not None
            assert started.stderr is not None
            assert (started.wait(timeout=30), started.stdout.read(), started.stderr.read()) == (0, b"", b"")

    def hook_killed_after(self, payload: dict[str, Any], seconds: float) -> None:
        """Start a hook, and kill it."""
        with self.start(payload) as started:
            time.sleep(seconds)
            started.kill()

    def kill_sender(self) -> None:
        """Kill the sender, if it is running, and wait until its lock is free: the next hook starts another."""
        pid = spool.sender(str(self.home))
        if pid in (0, os.getpid()):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: spool.sender(str(self.home)) != pid)

    def waiting(self) -> int:
        """Return the number of waiting events. Unlike `status`, this takes no lock, which would block a sender."""
        spooled, store = len(spool.waiting(str(self.home))), for_reading(str(self.home))
        if store is None:
            return spooled
        with contextlib.closing(store):
            return spooled + store.waiting()

    def dropped(self) -> int:
        """Return the number of events that were dropped for lack of space."""
        return spool.dropped(str(self.home))

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `crewkit-hook` command."""
        command = [str(COMMAND), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=False)

    def status(self) -> dict[str, Any]:
        """Return the output of `status`."""
        found: dict[str, Any] = json.loads(self.command("status", "--json").stdout)
        return found


def numbered(session_id: str, number: int, chance: random.Random) -> dict[str, Any]:
    """Return a payload with a unique number, and some text of random length."""
    text = "x" * int(chance.paretovariate(0.9) * 50 % 60_000)
    return {"session_id": session_id, "hook_event_name": "Notification", "number": number, "message": text}


__all__ = ["small_disk"]  # a fixture

SOME, MANY = 300, 800
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
@pytest.mark.parametrize("hooks", [SOME, pytest.param(MANY, marks=pytest.mark.part("volume", instead=True))])
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
