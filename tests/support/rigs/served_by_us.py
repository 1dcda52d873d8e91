"""The write side on a SQLite log, behind our server.

``python -m tests.support.rigs.served_by_us PORT FOLDER [REFUSED]``: the log first refuses that many appends.
"""

import asyncio
import sys
from pathlib import Path

import uvloop

from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from runtime.services.composition import WriteSide, compose
from runtime.services.http_server import serve_http
from runtime.services.logging import configure_logging
from schemas.log.position import LogUnavailable, Position
from tests.support.rigs.write_api import KEY, SECRETS


class RefusingLog(SqliteEventLog):
    """A log that is unavailable for some appends."""

    refused = 0

    async def append(self, key: bytes, value: bytes) -> Position:
        if self.refused > 0:
            self.refused -= 1
            raise LogUnavailable("refused for a test")
        return await super().append(key, value)


async def main(port: int, folder: Path, refused: int = 0) -> None:
    """Serve until the process is ended."""
    log = RefusingLog(folder / "log.sqlite")
    log.refused = refused
    await log.start()
    app = compose(TokenVerifier([shared_secret(KEY)]), WriteSide(log, SECRETS))
    await serve_http(app, "127.0.0.1", port, asyncio.Event())


if __name__ == "__main__":
    configure_logging()
    uvloop.run(main(int(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:])))
