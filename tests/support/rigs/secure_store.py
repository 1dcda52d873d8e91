"""A store server behind TLS proxies, as in production: one port per certificate."""

import contextlib
import select
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

from devstack.store_server.users import StoreUser
from tests.support.rigs.certificates import HERE, Authority, server_context
from tests.support.rigs.served_store import Served

USER = "crewkit"
BY_CERTIFICATE = b"X-ClickHouse-SSL-Certificate-Auth: on\r\n"


class SecureStore:
    """A test's server, with its ports and files. A client's certificate counts as the password of the user it names."""

    def __init__(self, folder: Path, password: str) -> None:
        self.folder, self.password = folder, password
        self._served = Served(folder / "store", users=[StoreUser(USER, password, readonly=False)])
        self._listeners = {name: self._listen(context) for name, context in contexts(folder).items()}
        self.ports = {name: listener.getsockname()[1] for name, listener in self._listeners.items()}
        self.ports["plain"] = self._served.port

    def file(self, name: str) -> str:
        """Return a certificate: an authority (``ours``, ``other``), or one that it signed (``ours-crewkit.crt``)."""
        return str(self.folder / name)

    def url(self, port: str, database: str = "crewkit") -> str:
        """Return a `STORE_URL` without a password."""
        secure = "" if port == "plain" else "?secure=true"
        return f"clickhouse://{USER}@127.0.0.1:{self.ports[port]}/{database}{secure}"

    def end(self) -> None:
        """Stop the server and the proxies."""
        for listener in self._listeners.values():
            listener.close()
        self._served.end()

    def _listen(self, context: ssl.SSLContext) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, args=(listener, context), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                plain, _ = listener.accept()
                threading.Thread(target=self._forward, args=(plain, context), daemon=True).start()

    def _forward(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        with contextlib.suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as client:
            key = f"X-ClickHouse-Key: {self.password}\r\n".encode() if common_name(client) == USER else b""
            with socket.create_connection(("127.0.0.1", self._served.port)) as server:
                while True:
                    ready = [client] if client.pending() else select.select((client, server), (), ())[0]
                    for one in ready:
                        if not (data := one.recv(65_536)):
                            return
                        (server if one is client else client).sendall(data.replace(BY_CERTIFICATE, key))


def common_name(client: ssl.SSLSocket) -> str:
    """Return the name in the client's certificate, which the handshake has verified; empty without one."""
    subject: Any = (client.getpeercert() or {}).get("subject", ())
    return next((value for part in subject for name, value in part if name == "commonName"), "")


def contexts(folder: Path) -> dict[str, ssl.SSLContext]:
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
    }
