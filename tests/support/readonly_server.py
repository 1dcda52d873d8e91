"""ClickHouse over HTTP for a user with `readonly = 1`: every setting that a request brings is refused, code 164.

The answers come from the engine in this process, in which the profile is another; only what it says of settings is
changed to what such a user is told.
"""

import contextlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.httpclient import HttpClient

from schemas.store_codes import CODES

READONLY = 164
_SETTINGS = "(SELECT * REPLACE(1 AS readonly) FROM system.settings)"
_CARRIED = re.compile(r"\bSETTINGS\s+(\w+)\s*=")


@contextlib.contextmanager
def readonly_server(engine: Client) -> Iterator[tuple[int, list[str]]]:
    """Its port, and the settings that clients tried to set."""
    tried: list[str] = []
    turn = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """One statement, with its parameters in the address."""
            given = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
            sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
            settings = [name for name in given if not _is_transport(name)] + _CARRIED.findall(sql)
            if settings:
                tried.extend(settings)
                return self._reply(500, _refusal(settings[0]), {"X-ClickHouse-Exception-Code": str(READONLY)})
            with turn:
                return self._reply(200, _answer(engine, given, sql), {})

        def log_message(self, *_: object) -> None:
            """Nothing."""

        def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield server.server_port, tried
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def _is_transport(name: str) -> bool:
    return name in HttpClient.valid_transport_settings or name.startswith("param_")


def _answer(engine: Client, given: dict[str, str], sql: str) -> bytes:
    for name, value in given.items():
        if name.startswith("param_"):
            quoted = value.replace("\\", "\\\\").replace("'", "\\'")
            engine.command(f"SET {name} = '{quoted}'")
    engine.database = given.get("database", "default")
    asked = sql.replace("FROM system.settings", f"FROM {_SETTINGS}")
    return engine.raw_query(asked if "FORMAT" in asked else f"{asked} FORMAT TabSeparated")


def _refusal(setting: str) -> bytes:
    text = f"Cannot modify '{setting}' setting in readonly mode."
    return f"Code: {READONLY}. DB::Exception: {text} ({CODES[READONLY].name})\n".encode()
