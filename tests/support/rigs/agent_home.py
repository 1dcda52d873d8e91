"""A home folder with an agent in it, connected by `crewkit-hook connect` to an installation."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from crewkit_hook import spool

from edge.tokens import issue_token
from runtime.settings.secrets import token_key
from schemas.permissions import Role
from tests.support.clients.sending import wait_for_all
from tests.support.fakes.model_api import Used
from tests.support.rigs.installation import Installation
from tests.support.rigs.run_recorder import RunRecorder
from tests.support.waiting import eventually

PROGRAMS = Path(os.environ.get("AGENTS", "")) / "node_modules" / ".bin"
COMMAND = Path(sys.executable).with_name("crewkit-hook")
USER = "mia"
TTL_S = 3_600
PER_PAGE = 100
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cache_creation_1h_tokens")


class AgentHome:
    """A user's home folder, whose agents write to one org of an installation."""

    def __init__(self, folder: Path, installation: Installation, org: str) -> None:
        self.folder, self._installation, self.org = folder, installation, org
        self.work = folder / "work"
        self.work.mkdir(parents=True)
        self.path = f"/api/v1/{org}"
        self.url = f"{installation.url}{self.path}"
        self.token = issue_token(token_key(installation.data / "secrets"), USER, org, "agent", TTL_S, time.time())
        self._token_file = folder / "given-token"
        self._token_file.write_text(self.token)
        self.address = ("--url", installation.url, "--token-file", str(self._token_file))
        self.local = ("--data", str(installation.data), "--org", org, "--user", USER)
        self._recorder = RunRecorder(folder) if "RECORD" in os.environ else None
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm-256color"}

    def connect(self, client: str) -> subprocess.CompletedProcess[str]:
        """Connect an agent."""
        done = self.command("connect", "--client", client, *self.address)
        assert done.returncode == 0, done.stderr
        if self._recorder is not None:
            self._recorder.hold()
        return done

    def end(self) -> None:
        """End this user's sender, if it is running."""
        own = self.folder / ".crewkit-hook"
        pid = spool.sender(str(own)) if own.is_dir() else 0
        if pid not in (0, os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def record(self, name: str) -> None:
        """Write the recording, if one was requested and contains anything."""
        if self._recorder is not None and self.sessions():
            self._recorder.save(name, self.sessions())

    def printed_settings(self) -> dict[str, Any]:
        """Return the settings that `crewkit-hook connect --print` prints for Claude Code."""
        printed = self.command("connect", "--print", "--client", "claude-code", *self.local)
        assert printed.returncode == 0, printed.stderr
        settings: dict[str, Any] = json.loads(printed.stdout.partition(":\n\n")[2])
        return settings

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `crewkit-hook` command as this user."""
        command = [str(COMMAND), *arguments]
        return subprocess.run(
            command, env=self.environment, cwd=self.work, capture_output=True, text=True, timeout=120, check=False
        )

    def hook(self, payload: dict[str, Any]) -> None:
        """Run the hook of Claude Code as it would, with a payload."""
        settings = json.loads((self.folder / ".claude" / "settings.json").read_text())
        command = ["/bin/sh", "-c", settings["hooks"]["SessionEnd"][-1]["hooks"][-1]["command"]]
        subprocess.run(command, env=self.environment, cwd=self.work, input=json.dumps(payload).encode(), check=True)

    def run(self, program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run an agent once, without a terminal."""
        return subprocess.run(
            [str(PROGRAMS / program), *arguments],
            cwd=self.work,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def settled(self) -> None:
        """Wait until all hooks have arrived and can be read."""
        if self._recorder is not None and self._recorder.release():
            self.command("flush")
        eventually(lambda: self.status()["waiting"] == 0, within_s=60)
        with self.reader() as api:
            wait_for_all(api, self.org)

    def status(self) -> dict[str, Any]:
        """Return the output of `status`."""
        found: dict[str, Any] = json.loads(self.command("status", "--json").stdout)
        return found

    def reader(self, role: Role = "member") -> httpx.Client:
        """Return a client that reads as this user."""
        return self._installation.client(role, self.org, USER)

    def sessions(self) -> list[dict[str, Any]]:
        """Return this user's sessions, the first one first, without the one of the connection test."""
        return [session for session in self.all_sessions() if "connection-test" not in session["external_id"]]

    def all_sessions(self) -> list[dict[str, Any]]:
        """Return this user's sessions, the first one first."""
        found: list[dict[str, Any]] = []
        with self.reader() as api:
            while len(found) % PER_PAGE == 0:
                page: dict[str, str | int] = {
                    "sort": "started_at",
                    "per_page": PER_PAGE,
                    "page": len(found) // PER_PAGE + 1,
                }
                more = api.get(f"{self.path}/sessions", params=page).json()["data"]
                if not more:
                    break
                found += more
        return found

    def sessions_of_hooks(self) -> list[str]:
        """Return the agents' own ids of the sessions whose hooks have arrived."""
        self.settled()
        return [session["external_id"].partition(":")[2] for session in self.sessions()]

    def session(self, client: str, client_session_id: str, **expected: Any) -> dict[str, Any]:
        """Return a session once it has the expected values."""
        self.settled()
        name = f"{client}:{client_session_id}"

        def found() -> dict[str, Any] | None:
            named = [session for session in self.sessions() if session["external_id"] == name]
            is_there = named and all(named[0][field] == value for field, value in expected.items())
            return named[0] if is_there else None

        return eventually(found, within_s=60)

    def imports(self, *paths: Path) -> list[dict[str, Any]]:
        """Import some folders, by default the agents' own; return this user's sessions afterwards."""
        done = self.command("import", *map(str, paths))
        assert done.returncode == 0, done.stderr
        self.settled()
        return self.sessions()

    def events(self, session: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the events of a session."""
        with self.reader() as api:
            path = f"{self.path}/sessions/{session['id']}/events"
            found: list[dict[str, Any]] = api.get(path, params={"per_page": 1_000}).json()["data"]
        return found


def used(sums: dict[str, Any]) -> Used:
    """Return the tokens of an API object that has them."""
    return Used(*(sums[name] for name in TOKENS))


def counted(session: dict[str, Any]) -> dict[str, Any]:
    """Return the counts of a session that do not depend on who reported them."""
    models = [{name: value for name, value in model.items() if name != "cost_source"} for model in session["models"]]
    names = ("prompts", "tool_calls", "tool_errors", "subagents", "compactions")
    return {**{name: session["counts"][name] for name in names}, "models": models, "relation": session["relation"]}
