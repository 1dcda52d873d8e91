"""The write side over the embedded log, without projector and store.

`python -m bench.ingest_server FOLDER PORT [with|without]`: as the product serves it, or alone with or without
redaction. The product has no switch that turns redaction off.
"""

import sys
import time
from pathlib import Path

import uvloop

from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from ingest.app import build_ingest
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from ingest.privacy.policy import KEEP_ALL_BUT_SECRETS, Privacy
from runtime.http_server import serve_http
from runtime.http_services import service, stop_on_signals
from runtime.logging import configure_logging
from runtime.secret_making import make_embedded_secrets
from runtime.secrets import id_secrets, token_key
from runtime.settings import Settings

PRIVACY = {"with": KEEP_ALL_BUT_SECRETS, "without": Privacy(suspect=lambda _: False)}


async def serve(settings: Settings) -> None:
    """Serve what the product serves, until SIGTERM."""
    log = SqliteEventLog(settings.folder / "log.sqlite", bytes_max=settings.in_flight_bytes_max)
    stopping = stop_on_signals()
    await log.start()
    try:
        await serve_http(service(settings, log, None), settings.host, settings.port, stopping)
    finally:
        await log.stop()


async def serve_alone(settings: Settings, privacy: Privacy) -> None:
    """Serve the ingest routes under ``privacy``, until SIGTERM."""
    secrets = settings.secrets_folder
    verifier = TokenVerifier([shared_secret(token_key(secrets))], time.time)
    app = build_ingest(SqliteEventLog(settings.folder / "log.sqlite"), id_secrets(secrets), verifier, privacy=privacy)
    await serve_http(app, settings.host, settings.port, stop_on_signals())


def main(folder: Path, port: int, redaction: str | None = None) -> None:
    """Make secrets in ``folder`` and serve."""
    configure_logging()
    settings = Settings(data=str(folder), port=port, dev_tokens=True)
    make_embedded_secrets(settings.secrets_folder)
    uvloop.run(serve(settings) if redaction is None else serve_alone(settings, PRIVACY[redaction]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:4])
