"""The write side over the embedded log, without projector and store: `python -m bench.ingest_server FOLDER PORT`."""

import sys

import uvloop

from ingest.log.sqlite.sqlite_log import SqliteEventLog
from runtime.http_server import serve_http
from runtime.http_services import service, stop_on_signals
from runtime.logging import configure_logging
from runtime.secret_making import make_embedded_secrets
from runtime.settings import Settings


async def serve(folder: str, port: int) -> None:
    """Serve until SIGTERM."""
    settings = Settings(data=folder, port=port, dev_tokens=True)
    make_embedded_secrets(settings.secrets_folder)
    log = SqliteEventLog(settings.folder / "log.sqlite", bytes_max=settings.in_flight_bytes_max)
    stopping = stop_on_signals()
    await log.start()
    try:
        await serve_http(service(settings, log, None), settings.host, settings.port, stopping)
    finally:
        await log.stop()


if __name__ == "__main__":
    configure_logging()
    uvloop.run(serve(sys.argv[1], int(sys.argv[2])))
