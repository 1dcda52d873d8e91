"""The installation of `deploy/compose.yaml` in containers: tests start, stop and kill them."""

import os
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import httpx

from edge.keys import parse_private_key
from edge.tokens import issue_token
from runtime.services.ports import free_ports
from schemas.permissions import Role
from tests.images.building import OURS, attempt, docker
from tests.support import CHECKOUT
from tests.support.rigs.installation import ORG, Installation

FILES = ("--file", "deploy/compose.yaml", "--file", "tests/images/parts/compose.yaml")
OWN = (*(f"{name}-{n}" for name in ("ingest", "query-api", "projector") for n in (1, 2)), "audit", "keeper")


class Composed(Installation):
    """One Compose project; `end` removes everything that belongs to it, including volumes."""

    def __init__(self, folder: Path) -> None:
        super().__init__("compose", folder)
        self.url = f"https://localhost:{self.port}"
        self.project = f"crewkit-tests-{os.getpid()}"
        self.image = OURS
        self.prometheus = free_ports(1)[0]

    def compose(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a Compose command on this project."""
        named = ("compose", "--project-name", self.project, *FILES)
        return attempt(*named, *arguments, timeout=timeout, **self._env)

    @property
    def _env(self) -> dict[str, str]:
        return {"PORT": str(self.port), "PROMETHEUS_PORT": str(self.prometheus), "IMAGE": self.image}

    def start(self) -> Self:
        """Start all services, and wait until they are healthy."""
        self.up()
        self.fetch_keys()
        return self

    def up(self, *services: str) -> None:
        """Start these services, all by default, and wait until they are healthy."""
        done = self.compose("up", "--detach", "--wait", *services)
        assert done.returncode == 0, f"{done.stderr[-3000:]}\n{self.logs()[-6000:]}"

    def tool(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the service `tools`."""
        return self.compose("run", "--rm", "tools", *arguments)

    def lines(self, script: str, folder: Path) -> None:
        """Run lines from the documentation, which call Compose on its file, on this project in a folder."""
        compose = f"docker compose --project-directory {CHECKOUT / 'deploy'} --project-name {self.project}"
        files = " ".join(f"--file {CHECKOUT / file}" for file in FILES[1::2])
        script = script.replace("docker compose --file deploy/compose.yaml", f"{compose} {files}")
        command, env = ["bash", "-euo", "pipefail", "-c", script], os.environ | self._env
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{self.logs()[-6000:]}"

    def container(self, service: str) -> str:
        """Return the name of a service's container."""
        return f"{self.project}-{service}-1"

    def inspect(self, service: str, template: str) -> str:
        """Return Docker's information about a container, by a Go template."""
        return docker("inspect", "--format", template, self.container(service))

    def wait_healthy(self, *services: str, within_s: float = 120) -> None:
        """Wait until the health checks of these services succeed."""
        deadline = time.monotonic() + within_s
        while any(self.inspect(service, "{{.State.Health.Status}}") != "healthy" for service in services):
            assert time.monotonic() < deadline, self.logs()[-6000:]
            time.sleep(0.5)

    def logs(self) -> str:
        """Return the output of all containers."""
        return self.compose("logs", "--no-color").stdout

    def client(self, role: Role = "admin", org: str = ORG, user: str = "alice", timeout: float = 30) -> httpx.Client:
        """Return an HTTP client that goes through the proxy, with a token."""
        key: Any = self._operator_key if role == "operator" else self._token_key
        token = issue_token(key, user, org, role, 3600, time.time())
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=timeout, trust_env=False, verify=self._trusts)

    def end(self) -> None:
        """Remove containers, networks and volumes."""
        self.compose("--profile", "*", "down", "--volumes", "--timeout", "10")

    def fetch_keys(self) -> None:
        """Read the keys with which `client` signs tokens, and the CA that it trusts."""
        self._token_key = bytes.fromhex(self._read("tools", "/etc/crewkit/operator/token.key").split()[0])
        self._operator_key = parse_private_key(self._read("tools", "/etc/crewkit/operator/operator.key"))
        self._trusts = ssl.create_default_context(cadata=self._read("tools", "/etc/crewkit/proxy/ca.pem"))

    def _read(self, service: str, file: str) -> str:
        done = self.compose("run", "--rm", "--entrypoint", "cat", service, file)
        assert done.returncode == 0, done.stderr
        return done.stdout
