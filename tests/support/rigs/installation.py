"""A real installation in separate processes, which tests start, stop and kill."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from edge.tokens import issue_token
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_ports
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.secrets import token_key
from schemas.permissions import Role
from store.fail_points import VARIABLE
from tests.support.rigs.ending import end_process
from tests.support.rigs.forked import PYTHON, Forked, run

ORG = "acme"
READY_S = {"up": 180, "stack": 300, "serve": 180}  # a machine may be busy


class Installation:
    """`up`, `stack` or `serve` on a data folder; only its own pids are ever signalled."""

    def __init__(self, kind: str, data: Path, *options: str) -> None:
        """Set up the installation; ``options`` are added to its command line."""
        self.kind, self.data, self.options = kind, data, options
        self.port = self.health_port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}  # in addition to ours

    def start(self) -> "Installation":
        """Start it and wait until it serves."""
        self.spawn()
        self.wait_ready()
        return self

    def spawn(self) -> None:
        """Start it without waiting."""
        self.data.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, **self.environment}
        with (self.data / f"{self.kind}.out").open("ab") as out:
            self.process = Forked(self.command_line(), stdout=out, stderr=out, env=environment)

    def command_line(self) -> list[str]:
        """Return the command line to run."""
        options = ("--data", str(self.data), "--port", str(self.port), *self.options)
        return [*PYTHON, "cli", self.kind, *options]

    def wait_ready(self) -> None:
        """Wait until requests are answered."""
        deadline = time.monotonic() + READY_S[self.kind]
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                break
            if answers_200("127.0.0.1", self.health_port, "/readyz", timeout_s=2):
                return
            time.sleep(0.05)
        raise AssertionError(f"{self.kind} did not come up:\n{(self.data / f'{self.kind}.out').read_text()[-2000:]}")

    def die_at(self, point: str, nth: int) -> None:
        """Start it and wait until a fail point kills it at the ``nth`` pass; the next start has no fail point."""
        self.environment[VARIABLE] = f"{point}:{nth}:kill"
        self.spawn()
        assert self.process is not None
        assert self.process.wait(timeout=180) == -signal.SIGKILL, point
        del self.environment[VARIABLE]

    def kill(self) -> None:
        """Send SIGKILL to the process itself."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, limit_s: float = 20) -> int:
        """Send SIGTERM and return the exit code; raise TimeoutExpired after ``limit_s``."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=limit_s)

    def end(self) -> None:
        """Stop everything, in any state."""
        if self.process is not None and self.process.poll() is None:
            for pid in self.pids().values():
                self.send_to(pid, signal.SIGCONT)
            end_process(self.process, within_s=25)

    def pids(self) -> dict[str, int]:
        """Return the pids of the supervised processes, by name."""
        return {file.stem: int(file.read_text()) for file in (self.data / "run").glob("*.pid")}

    def send(self, name: str, number: signal.Signals) -> None:
        """Signal one supervised process by its pid file."""
        self.send_to(self.pids()[name], number)

    @staticmethod
    def send_to(pid: int, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def client(self, role: Role = "admin", org: str = ORG, user: str = "alice", timeout: float = 15) -> httpx.Client:
        """Return an HTTP client with a token."""
        make_embedded_secrets(self.data / "secrets")  # a client may exist before the first start
        token = issue_token(token_key(self.data / "secrets"), user, org, role, 3600, time.time())
        headers = {"Authorization": f"Bearer {token}"}
        # Loading certificates, which plain HTTP does not need, would take 18 ms a client.
        return httpx.Client(base_url=self.url, headers=headers, timeout=timeout, trust_env=False, verify=False)  # noqa: S501

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `crewkit-sessions` command on its data folder."""
        return run([*PYTHON, "cli", *arguments, "--data", str(self.data)])


def eventually_ok(client: httpx.Client, method: str, path: str, limit_s: float = 60, **request: Any) -> httpx.Response:
    """Repeat a request after a 503 or no response until it gets a 2xx; any other response fails the test."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            reply = client.request(method, path, **request)
            if reply.is_success:
                return reply
            assert reply.status_code == httpx.codes.SERVICE_UNAVAILABLE, reply.text
        except httpx.HTTPError as error:
            reply = error  # type: ignore[assignment]  # only for the message below
        if time.monotonic() > deadline:
            said = getattr(reply, "text", reply)
            raise AssertionError(f"{method} {path} got no 2xx within {limit_s:.0f} s: {said}")
        time.sleep(0.1)
