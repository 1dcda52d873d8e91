"""The write side over a SQLite log, behind our server: ``python -m tests.support.rigs.served_by_us PORT FOLDER``."""

import asyncio
import sys
from pathlib import Path

import uvloop

from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from runtime.composition import WriteSide, compose
from runtime.http_server import serve_http
from runtime.logging import configure_logging
from tests.support.rigs.write_api import KEY, SECRETS


async def main(port: int, folder: Path) -> None:
    """Serve until the process is ended."""
    log = SqliteEventLog(folder / "log.sqlite")
    await log.start()
    app = compose(TokenVerifier([shared_secret(KEY)]), WriteSide(log, SECRETS))
    await serve_http(app, "127.0.0.1", port, asyncio.Event())


if __name__ == "__main__":
    configure_logging()
    uvloop.run(main(int(sys.argv[1]), Path(sys.argv[2])))
