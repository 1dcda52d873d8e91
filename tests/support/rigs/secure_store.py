"""A store server with TLS: one engine in a separate process, with one port per certificate.

``python -m tests.support.rigs.secure_store FOLDER PASSWORD`` makes the certificates and prints the ports as JSON.
"""

import json
import ssl
import subprocess
import sys
import threading
from pathlib import Path

from devstack.store_server.engine import Engine
from devstack.store_server.server import StoreHttpServer
from devstack.store_server.users import StoreUser, Users
from tests.support import CHECKOUT
from tests.support.rigs.certificates import HERE, Authority, server_context

PORTS = ("tls", "mutual", "expired", "stranger", "misnamed", "plain")
USER = "crewkit"


class SecureStore:
    """A test's server, with its ports and files."""

    def __init__(self, folder: Path, password: str) -> None:
        self.folder, self.password = folder, password
        command = [sys.executable, "-m", "tests.support.rigs.secure_store", str(folder), password]
        env = {"PYTHONPATH": str(CHECKOUT), "PATH": ""}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        assert self._process.stdout
        self.ports: dict[str, int] = json.loads(self._process.stdout.readline())

    def file(self, name: str) -> str:
        """Return a certificate: an authority (``ours``, ``other``), or one that it signed (``ours-crewkit.crt``)."""
        return str(self.folder / name)

    def url(self, port: str, database: str = "crewkit") -> str:
        """Return a `STORE_URL` without a password."""
        secure = "" if port == "plain" else "?secure=true"
        return f"clickhouse://{USER}@127.0.0.1:{self.ports[port]}/{database}{secure}"

    def end(self) -> None:
        """Stop it, by its pid."""
        self._process.kill()
        self._process.wait()


def contexts(folder: Path) -> dict[str, ssl.SSLContext | None]:
    """Return the TLS context of each port, and make the clients' certificates."""
    ours, other = Authority(folder, "ours"), Authority(folder, "other")
    ours.sign(USER), ours.sign(USER, expired=True), other.sign(USER), ours.sign("mallory")
    good = ours.sign("server", *HERE).both
    return {
        "tls": server_context(good),
        "mutual": server_context(good, trusting=ours.file),
        "expired": server_context(ours.sign("server", *HERE, expired=True).both),
        "stranger": server_context(other.sign("server", *HERE).both),
        "misnamed": server_context(ours.sign("misnamed", "db.example.com").both),
        "plain": None,
    }


def _serve(folder: Path, password: str) -> None:
    users = Users([StoreUser(USER, password, readonly=False)])
    engine = Engine(folder / "store", users.profiles)
    ports: dict[str, int] = {}
    for name, context in contexts(folder).items():
        server = StoreHttpServer(("127.0.0.1", 0), engine, users, tls=context)
        ports[name] = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps(ports), flush=True)
    sys.stdin.read()  # until the test has ended


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), sys.argv[2])
