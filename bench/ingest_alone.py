"""The write side over the embedded log, without projector and store: `python -m bench.ingest_alone FOLDER PORT`."""

import sys

import uvloop

from deploy.http_server import serve_http
from deploy.http_services import service, stop_on_signals
from deploy.settings import Settings
from ingest.app import ingest_lifespan
from ingest.sqlite_log import SqliteEventLog


async def serve(folder: str, port: int) -> None:
    """Serve until SIGTERM."""
    settings = Settings(data=folder, port=port)
    log = SqliteEventLog(settings.folder / "log.sqlite", bytes_max=settings.in_flight_bytes_max)
    app = service(settings, log, None, [ingest_lifespan(log)])
    await serve_http(app, settings.host, settings.port, stop_on_signals())


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], int(sys.argv[2])))
