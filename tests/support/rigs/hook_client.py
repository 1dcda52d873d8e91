"""The hook client on a developer's machine: its own folder, and hooks run as an agent runs them."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from crewkit_hook import settings as client_settings
from crewkit_hook import spool
from crewkit_hook.settings import Settings
from crewkit_hook.store import for_reading

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
