"""The write side over the embedded log, without projector and store.

`python -m bench.ingest_server FOLDER PORT [with|without]` serves what the product serves or, with an option, only the
ingest routes with or without redaction. The product itself cannot turn redaction off.
"""

import sys
import time
from pathlib import Path

import uvloop

from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from ingest.privacy.policy import KEEP_ALL_BUT_SECRETS, Privacy
from runtime.services.composition import WriteSide, compose
from runtime.services.http_server import serve_http, stop_on_signals
from runtime.services.http_services import service
from runtime.services.logging import configure_logging
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.secrets import id_secrets, token_key
from runtime.settings.settings import Settings

PRIVACY = {"with": KEEP_ALL_BUT_SECRETS, "without": Privacy(may_hold_secrets=lambda _: False)}


async def serve(folder: Path, port: int, redaction: str | None = None) -> None:
    """Create secrets in ``folder``, and serve until SIGTERM."""
    configure_logging()
    settings = Settings(data=str(folder), port=port, dev_tokens=True)
    make_embedded_secrets(settings.secrets_folder)
    log = SqliteEventLog(settings.folder / "log.sqlite", bytes_max=settings.in_flight_bytes_max)
    stopping = stop_on_signals()
    await log.start()
    try:
        if redaction is None:
            app = service(settings, log, None)
        else:
            verifier = TokenVerifier([shared_secret(token_key(settings.secrets_folder))], time.time)
            app = compose(verifier, WriteSide(log, id_secrets(settings.secrets_folder), privacy=PRIVACY[redaction]))
        await serve_http(app, settings.host, settings.port, stopping)
    finally:
        await log.stop()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:4]))
